"""From the raw ids of label files to the 19 train ids of Cityscapes.

Source: the label definitions of Cityscapes (GTA5 and ACDC use the same ids) and SYNTHIA; for
Mapillary Vistas two mappings are in use, whose figures cannot be compared: that of HRDA (also TLDR,
VLTSeg and tqdm) and that of Rein.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tqdm_demo.vocabulary import CITYSCAPES_NAMES, IGNORED

MAPILLARY_MAPPINGS = ("hrda", "rein")
# The classes that SYNTHIA labels: results on it are compared as the mean over these 16.
SYNTHIA_CLASSES = tuple(k for k in range(len(CITYSCAPES_NAMES)) if k not in (9, 14, 16))


@dataclass(frozen=True)
class IdTable:
    """How raw ids become train ids.

    Attributes:
        name: what it is called in reports and results.
        train_ids: raw id -> train id; other known ids are ignored.
        highest: the highest raw id that the set defines. Files with higher ones (but 255) are not
            of this set, or not in this form.
        first_channel: files have several channels, of which the first (R) holds the ids; other
            files have one.
    """

    name: str
    train_ids: Mapping[int, int] = field(hash=False)  # a dict, which cannot be hashed
    highest: int
    first_channel: bool = False

    def lookup(self) -> np.ndarray:
        """uint8 (256,): the train id of every raw id, 255 = ignored."""
        table = np.full(256, IGNORED, np.uint8)
        for raw, train_id in self.train_ids.items():
            table[raw] = train_id
        return table


TRAIN_IDS = IdTable("train ids", {k: k for k in range(len(CITYSCAPES_NAMES))}, 18)
CONVERTED_IDS = replace(TRAIN_IDS, name="train ids, converted by an unknown mapping")
CITYSCAPES_IDS = IdTable(
    "Cityscapes ids",
    dict(zip((7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33), range(19), strict=True)),
    34,
)
SYNTHIA_IDS = IdTable(
    "SYNTHIA ids",
    {3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 16: 9, 1: 10, 10: 11, 17: 12, 8: 13,
     18: 14, 19: 15, 20: 16, 12: 17, 11: 18},
    22,
    first_channel=True,
)  # fmt: skip

_MAPILLARY_HRDA = {
    13: 0, 24: 0, 41: 0, 2: 1, 15: 1, 17: 2, 6: 3, 3: 4, 45: 5, 47: 5, 48: 6, 50: 7, 30: 8, 29: 9,
    27: 10, 19: 11, 20: 12, 21: 12, 22: 12, 55: 13, 61: 14, 54: 15, 58: 16, 57: 17, 52: 18,
}  # fmt: skip
# The names of Mapillary Vistas v1.2 in the order of its ids.
MAPILLARY_NAMES = (
    "Bird", "Ground Animal", "Curb", "Fence", "Guard Sidebar", "Barrier", "Wall", "Bike Lane",
    "Crosswalk - Plain", "Curb Cut", "Parking", "Pedestrian Area", "Sidebar Track", "Road",
    "Service Lane", "Sidewalk", "Bridge", "Building", "Tunnel", "Person", "Bicyclist",
    "Motorcyclist", "Other Rider", "Lane Marking - Crosswalk", "Lane Marking - General",
    "Mountain", "Sand", "Sky", "Snow", "Terrain", "Vegetation", "Water", "Banner", "Bench",
    "Bike Rack", "Billboard", "Catch Basin", "CCTV Camera", "Fire Hydrant", "Junction Box",
    "Mailbox", "Manhole", "Phone Booth", "Pothole", "Street Light", "Pole",
    "Traffic Sign Frame", "Utility Pole", "Traffic Light", "Traffic Sign (Back)",
    "Traffic Sign (Front)", "Trash Can", "Bicycle", "Boat", "Bus", "Car", "Caravan",
    "Motorcycle", "On Rails", "Other Vehicle", "Trailer", "Truck", "Wheeled Slow", "Car Mount",
    "Ego Vehicle", "Unlabeled",
)  # fmt: skip
# What a part of a name stands for in Rein's mapping; the first part that is found counts.
_REIN_PARTS = (
    (("trafficsign", "front", "back"), "traffic sign"),
    (("onrail",), "train"),
    (("cyclist", "rider"), "rider"),
    (("pole", "streetlight"), "pole"),
    (("curb", "pedestrianarea"), "sidewalk"),
    (("crosswalkplain", "parking", "bikelane", "servicelane", "lanemarking"), "road"),
)
# HRDA's classes under the names of v2.0: its "marking--general", "person", "traffic-light" and
# "traffic-sign--front" are split there.
_HRDA_V2_STEMS = {
    "construction--flat--road": "road",
    "object--manhole": "road",
    "construction--barrier--curb": "sidewalk",
    "construction--flat--sidewalk": "sidewalk",
    "construction--structure--building": "building",
    "construction--barrier--wall": "wall",
    "construction--barrier--fence": "fence",
    "object--support--pole": "pole",
    "object--support--pole-group": "pole",
    "object--support--utility-pole": "pole",
    "object--traffic-sign--front": "traffic sign",
    "object--traffic-sign--direction-front": "traffic sign",
    "object--traffic-sign--temporary-front": "traffic sign",
    "object--traffic-sign--information-parking": "traffic sign",
    "nature--vegetation": "vegetation",
    "nature--terrain": "terrain",
    "nature--sky": "sky",
    "object--vehicle--car": "car",
    "object--vehicle--truck": "truck",
    "object--vehicle--bus": "bus",
    "object--vehicle--on-rails": "train",
    "object--vehicle--motorcycle": "motorcycle",
    "object--vehicle--bicycle": "bicycle",
}
_HRDA_V2_FAMILIES = {
    "object--traffic-light": "traffic light",
    "human--person": "person",
    "human--rider": "rider",
    "marking": "road",
    "marking-only": "road",
}


def own_table(names: Sequence[str]) -> IdTable:
    """The table of a set with class names of its own: ids are indices into them."""
    ids = {k: k for k in range(len(names))}
    return IdTable(f"indices into {len(names)} names of its own", ids, len(names) - 1)


def mapillary_table(root: Path, version: str, mapping: str) -> IdTable:
    """The table of one version of Mapillary Vistas under one mapping.

    NOTE: method and numbers are published for v1.2. How its classes are split in v2.0 follows from
    the names in ``config_v2.0.json``; no published result checks it.

    Args:
        root: folder of the set, with the ``config_*.json`` of the download; v1.2 does without.
        version: "v1.2" or "v2.0".
        mapping: one of :data:`MAPILLARY_MAPPINGS`.

    Raises:
        ValueError: v2.0 without its file of names, or a file that cannot be it.
    """
    file = Path(root) / f"config_{version}.json"
    name = f"Mapillary {version} by the {mapping.upper() if mapping == 'hrda' else 'Rein'} mapping"
    if version == "v1.2" and mapping == "hrda":
        return IdTable(name, _MAPILLARY_HRDA, len(MAPILLARY_NAMES) - 1)
    if version == "v1.2" and not file.exists():
        return IdTable(name, _rein(MAPILLARY_NAMES), len(MAPILLARY_NAMES) - 1)
    try:
        labels = json.loads(file.read_text(encoding="utf-8"))["labels"]
        readable = [label["readable"] for label in labels]
        machine = [label["name"] for label in labels]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"the ids of Mapillary {version} are told by {file}, which comes with the download; "
            f"it cannot be read: {error!r}"
        ) from error
    table = _rein(readable) if mapping == "rein" else _hrda_v2(machine)
    return IdTable(name, table, len(labels) - 1)


def _rein(names: Sequence[str]) -> dict[int, int]:
    """Raw id -> train id by readable names: a class's own name first, then parts of it."""
    plain = {name.replace(" ", ""): k for k, name in enumerate(CITYSCAPES_NAMES)}
    found = {}
    for raw, name in enumerate(names):
        name = name.lower().replace(" ", "").replace("-", "")
        if name in plain:
            found[raw] = plain[name]
            continue
        for parts, meant in _REIN_PARTS:
            if any(part in name for part in parts):
                found[raw] = CITYSCAPES_NAMES.index(meant)
                break
    return found


def _hrda_v2(names: Sequence[str]) -> dict[int, int]:
    """Raw id -> train id by the machine names of v2.0."""
    found = {}
    for raw, name in enumerate(names):
        meant = _HRDA_V2_STEMS.get(name)
        if meant is None and not name.endswith("crosswalk-zebra"):
            families = (f for f in _HRDA_V2_FAMILIES if name.startswith(f"{f}--"))
            meant = _HRDA_V2_FAMILIES.get(next(families, ""))
        if meant is not None:
            found[raw] = CITYSCAPES_NAMES.index(meant)
    return found
