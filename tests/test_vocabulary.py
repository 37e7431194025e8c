import pytest

from tqdm_demo import vocabulary as v
from tqdm_demo.checkpoints.folder_files import read_config, resolve_source
from tqdm_demo.streets.captions import SYNONYMS

READ = frozenset(read_config(resolve_source("mini-clip"))["words"])


def test_the_lists_are_what_the_data_sets_say():
    assert len(v.CITYSCAPES_NAMES) == len(set(v.CITYSCAPES_COLOURS)) == 19
    assert v.CITYSCAPES_NAMES[13] == "car"
    assert v.CITYSCAPES_COLOURS[1] == (244, 35, 232)
    ids = [v.CITYSCAPES_NAMES.index(name) for name in v.CAMVID_NAMES]
    assert ids == [0, 1, 2, 4, 5, 7, 8, 10, 11, 12, 13]
    assert tuple(words[1] for words in SYNONYMS) == v.SYNONYM_NAMES


@pytest.mark.parametrize("names", v.PRESETS.values(), ids=v.PRESETS.keys())
def test_every_preset_is_accepted_as_it_stands(names):
    assert tuple(map(", ".join, v.split_names(names))) == names
    assert not v.unknown_words(" ".join(names), READ)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("  road \t", ("road",)),
        ("traffic   light\r", ("traffic light",)),
        ("car ,taxi,  cab", ("car", "taxi", "cab")),
        ("Stra\u00dfe", ("Stra\u00dfe",)),
        ("\u6a39", ("\u6a39",)),
        ("zero\u200bwidth", ("zero width",)),
    ],
)
def test_names_are_split_and_tidied(written, names):
    assert v.split_names([written, "sky"]) == (names, ("sky",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("road\n ", "Entry 2 has an empty name"),
        ("road\ncar\nRoad", "“Road” is there twice (entries 1 and 3)"),
        ("car, taxi\ntaxi", "“taxi” is there twice"),
        ("road\ncar,,taxi", "Entry 2 has an empty name"),
        ("road\n" + "x" * 61, "61 characters, 60 at most"),
        ("road\n???", "“???” has no letter"),
        ("\n".join(f"name {i}" for i in range(65)), "65 names are too many"),
        ("\n".join(f"a{i}, b{i}" for i in range(33)), "66 names are too many"),
    ],
)
def test_mistakes_are_explained(text, words):
    with pytest.raises(ValueError) as caught:
        v.split_names(text.split("\n"))
    assert words in str(caught.value)


def test_every_mistake_is_named_at_once():
    with pytest.raises(ValueError) as caught:
        v.split_names(["car", "car", "!!"])
    assert "twice" in str(caught.value) and "no letter" in str(caught.value)


def test_limits_are_inclusive():
    assert len(v.split_names([f"name {i}" for i in range(64)])) == 64
    assert v.split_names(["x" * 60]) == (("x" * 60,),)


def test_a_text_is_no_list_and_a_list_is_not_empty():
    with pytest.raises(ValueError, match="must be a list"):
        v.split_names("road")
    with pytest.raises(ValueError, match="list is empty"):
        v.split_names([])


def test_unknown_words():
    known = frozenset({"traffic", "light", "car"})
    assert v.unknown_words("Traffic light", known) == ()
    assert v.unknown_words("flying car, zebra-car", known) == ("flying", "zebra")
    assert v.unknown_words("zebra", frozenset()) == ()


def test_colours_stay_with_their_names():
    first = v.colours_for(["zebra", "car", "tower"])
    second = v.colours_for(["car", "zebra"])
    assert first[1] == second[0] == (0, 0, 142)
    assert first[0] == second[1]
    assert v.colours_for(["CAR"]) == ((0, 0, 142),)


def test_colours_of_a_full_list_are_distinct():
    names = [*v.CITYSCAPES_NAMES, *(f"thing {i}" for i in range(45))]
    colours = v.colours_for(names)
    assert len(set(colours)) == 64
    fresh = v.colours_for([f"thing {i}" for i in range(12)])
    apart = [v._distance(a, b) for i, a in enumerate(fresh) for b in fresh[:i]]
    assert min(apart) >= v._DISTINCT
