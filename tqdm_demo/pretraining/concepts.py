"""What the captions of the pre-training can name: concepts, each with words for it.

The first 19 concepts are Cityscapes' classes, with its train ids; the others are those of
photographs (MSRC v2). A data set's class is a concept when one of its words is the class's name.

Two classes of different sets may show the same thing (a pavement is "road" in MSRC, "sidewalk" in
Cityscapes). :data:`GROUPS` lists concepts that one set tells apart and another does not: what a
set does not label is no negative for what it labels in the same group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tqdm_demo.streets.captions import SYNONYMS

# Words for a concept's own name, then synonyms and kinds.
_OF_STREETS: tuple[tuple[str, ...], ...] = (
    ("path", "highway", "tarmac", "avenue", "alley", "crossing", "motorway", "carriageway",
     "square"),
    ("walk", "paving", "kerbstone", "promenade"),
    ("home", "church", "castle", "cottage", "palace", "temple", "office block", "old town", "roof",
     "window", "bridge", "hall", "villa", "barn", "hut", "cathedral", "museum", "school", "hotel",
     "mansion", "farmhouse", "monument", "stairs", "door", "balcony"),
    ("retaining wall", "concrete wall", "garden wall"),
    ("hedge fence", "guard rail", "handrail", "gate", "bars"),
    ("column", "pillar", "stake", "telegraph pole", "flagpole", "street light", "lantern"),
    ("traffic lamp", "red light"),
    ("sign", "stop sign", "notice", "plaque", "board", "billboard", "poster"),
    ("leaves", "forest", "wood", "woods", "trees", "oak", "pine", "palm", "branch", "trunk", "ivy",
     "fern", "birch", "willow", "grove", "jungle", "moss"),
    ("field", "pasture", "grassland", "soil", "earth", "hay", "sand", "mud", "beach", "park",
     "garden", "verge"),
    ("clouds", "blue sky", "dawn", "horizon", "night sky", "air", "sunset"),
    ("body", "people", "child", "boy", "girl", "lady", "gentleman", "crowd", "baby", "hand", "arm",
     "soldier", "player", "worker", "passer-by", "leg", "shirt"),
    ("horseman",),
    ("vehicle", "cab", "van", "estate car", "sports car", "convertible", "jeep", "wheel"),
    ("pickup", "wagon", "tanker", "freight truck"),
    ("double-decker", "minibus", "school bus"),
    ("locomotive", "engine", "carriage"),
    ("motor bicycle", "vespa"),
    ("tandem", "mountain bike", "bicycles"),
)  # fmt: skip
_OF_PHOTOGRAPHS: tuple[tuple[str, ...], ...] = (
    ("cow", "cattle", "bull", "calf", "ox", "bison", "buffalo", "heifer", "yak"),
    ("horse", "pony", "foal", "stallion", "mare", "donkey", "zebra", "mule", "steed"),
    ("sheep", "lamb", "ewe", "ram", "flock", "goat"),
    ("mountain", "hill", "cliff", "rock", "peak", "ridge", "volcano", "slope", "mount", "canyon",
     "valley", "glacier", "boulder", "stones"),
    ("aeroplane", "plane", "airplane", "jet", "aircraft", "airliner", "glider", "biplane",
     "seaplane", "fighter"),
    ("water", "sea", "lake", "river", "pond", "ocean", "wave", "waves", "stream", "canal", "pool",
     "waterfall", "bay", "harbour", "fountain", "creek", "lagoon", "puddle", "surf"),
    ("face", "head", "portrait", "hair", "cheek", "forehead", "chin"),
    ("flower", "blossom", "rose", "tulip", "daisy", "petal", "bloom", "sunflower", "poppy",
     "bouquet", "lily", "orchid", "violet", "carnation", "dandelion"),
    ("bird", "duck", "swan", "goose", "gull", "pigeon", "stork", "heron", "sparrow", "owl",
     "eagle", "crow", "parrot", "hen", "flamingo", "penguin", "robin", "pelican", "turkey",
     "ostrich"),
    ("book", "books", "bookshelf", "bookcase", "volume", "paperback", "page", "magazine",
     "library", "dictionary", "notebook"),
    ("chair", "armchair", "seat", "stool", "bench", "sofa", "couch", "furniture", "throne",
     "deckchair", "rocking chair"),
    ("cat", "kitten", "tomcat", "tabby", "kitty", "pussycat", "siamese", "lynx"),
    ("dog", "puppy", "hound", "terrier", "spaniel", "retriever", "collie", "poodle",
     "shepherd dog", "wolf", "pug", "labrador", "beagle", "husky", "fox"),
    ("boat", "ship", "ferry", "yacht", "sailing boat", "rowing boat", "barge", "canoe", "gondola",
     "vessel", "sail", "steamer", "raft", "dinghy", "tugboat", "catamaran"),
)  # fmt: skip

CONCEPTS: tuple[tuple[str, ...], ...] = (
    *((*known, *more) for known, more in zip(SYNONYMS, _OF_STREETS, strict=True)),
    *_OF_PHOTOGRAPHS,
)

GROUPS: tuple[tuple[str, ...], ...] = (
    ("road", "sidewalk", "terrain"),
    ("building", "wall", "fence", "pole", "traffic light"),
    ("traffic sign", "traffic light", "pole"),
    ("vegetation", "terrain", "flower"),
    ("terrain", "mountain"),
    ("person", "rider", "face"),
    ("rider", "bicycle", "motorcycle"),
    ("car", "truck", "bus", "train"),
)
_IDS = {word: k for k in range(len(CONCEPTS) - 1, -1, -1) for word in CONCEPTS[k]}


def concept_ids(names: Iterable[str]) -> tuple[int, ...]:
    """The concept of every class name.

    Raises:
        ValueError: names that no concept has.
    """
    names = list(names)
    unknown = [name for name in names if name.lower() not in _IDS]
    if unknown:
        raise ValueError(f"no caption names {unknown}; the known concepts are in {__name__}")
    return tuple(_IDS[name.lower()] for name in names)


def undecided(labelled: Sequence[int]) -> list[int]:
    """Per concept a bit mask of the concepts that a set may show under it without telling.

    Args:
        labelled: the concepts that the set's labels tell apart.

    Returns:
        One mask for every concept: bit j of entry k is set where j is not labelled and shares a
        group with k.
    """
    masks = [0] * len(CONCEPTS)
    for group in GROUPS:
        members = concept_ids(group)
        untold = sum(1 << j for j in members if j not in labelled)
        for k in members:
            masks[k] |= untold & ~(1 << k)
    return masks
