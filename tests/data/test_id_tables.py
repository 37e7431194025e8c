"""Id tables against names that are spelled out here."""

import json

import pytest

from tqdm_demo.data.id_tables import (
    CITYSCAPES_IDS,
    MAPILLARY_NAMES,
    SYNTHIA_CLASSES,
    SYNTHIA_IDS,
    TRAIN_IDS,
    mapillary_table,
)
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


def by_name(table, names):
    """Class name -> the raw names that became it."""
    found = {}
    for raw, train_id in table.train_ids.items():
        found.setdefault(CITYSCAPES_NAMES[train_id], set()).add(names[raw])
    return found


def test_cityscapes_ids():
    assert CITYSCAPES_IDS.train_ids == {
        7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12,
        26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
    }  # fmt: skip


def test_synthia_ids():
    names = (
        "void", "sky", "building", "road", "sidewalk", "fence", "vegetation", "pole", "car",
        "traffic sign", "person", "bicycle", "motorcycle", "parking slot", "road work",
        "traffic light", "terrain", "rider", "truck", "bus", "train", "wall", "lane marking",
    )  # fmt: skip
    assert by_name(SYNTHIA_IDS, names) == {name: {name} for name in CITYSCAPES_NAMES}
    assert [CITYSCAPES_NAMES[k] for k in range(19) if k not in SYNTHIA_CLASSES] == [
        "terrain", "truck", "train",
    ]  # fmt: skip


def test_lookups_ignore_what_has_no_train_id():
    lookup = CITYSCAPES_IDS.lookup()
    assert (lookup[7], lookup[33], lookup[0], lookup[34], lookup[255]) == (0, 18, 255, 255, 255)
    assert TRAIN_IDS.lookup()[:19].tolist() == list(range(19))


def test_the_hrda_mapping_of_mapillary(tmp_path):
    table = mapillary_table(tmp_path, "v1.2", "hrda")
    plain = {
        "wall": "Wall", "fence": "Fence", "traffic light": "Traffic Light",
        "vegetation": "Vegetation", "terrain": "Terrain", "sky": "Sky", "person": "Person",
        "car": "Car", "truck": "Truck", "bus": "Bus", "train": "On Rails",
        "motorcycle": "Motorcycle", "bicycle": "Bicycle", "building": "Building",
        "traffic sign": "Traffic Sign (Front)",
    }  # fmt: skip
    assert by_name(table, MAPILLARY_NAMES) == {
        "road": {"Road", "Lane Marking - General", "Manhole"},
        "sidewalk": {"Sidewalk", "Curb"},
        "pole": {"Pole", "Utility Pole"},
        "rider": {"Bicyclist", "Motorcyclist", "Other Rider"},
        **{name: {raw} for name, raw in plain.items()},
    }
    assert (table.highest, table.name) == (65, "Mapillary v1.2 by the HRDA mapping")


def test_the_rein_mapping_of_mapillary(tmp_path):
    table = mapillary_table(tmp_path, "v1.2", "rein")
    found = by_name(table, MAPILLARY_NAMES)
    assert found["road"] == {
        "Road", "Lane Marking - General", "Lane Marking - Crosswalk", "Crosswalk - Plain",
        "Parking", "Bike Lane", "Service Lane",
    }  # fmt: skip
    assert found["sidewalk"] == {"Sidewalk", "Curb", "Curb Cut", "Pedestrian Area"}
    assert found["pole"] == {"Pole", "Utility Pole", "Street Light"}
    assert found["traffic sign"] == {
        "Traffic Sign (Front)", "Traffic Sign (Back)", "Traffic Sign Frame",
    }  # fmt: skip
    assert found["rider"] == {"Bicyclist", "Motorcyclist", "Other Rider"}
    assert found["train"] == {"On Rails"}
    assert table.name == "Mapillary v1.2 by the Rein mapping"
    assert len(found) == 19


V2 = [
    ("construction--flat--road", "Road", "road", "road"),
    ("marking--continuous--dashed", "Lane Marking - Dashed Line", "road", "road"),
    ("marking--discrete--crosswalk-zebra", "Lane Marking - Crosswalk", None, "road"),
    ("marking-only--discrete--text", "Lane Marking (only) - Text", "road", "road"),
    ("object--manhole", "Manhole", "road", None),
    ("construction--flat--road-shoulder", "Road Shoulder", None, None),
    ("construction--barrier--curb", "Curb", "sidewalk", "sidewalk"),
    ("human--person--person-group", "Person Group", "person", None),
    ("human--rider--bicyclist", "Bicyclist", "rider", "rider"),
    ("object--traffic-light--general-upright", "Traffic Light - General (Upright)",
     "traffic light", None),
    ("object--traffic-sign--direction-front", "Traffic Sign - Direction (Front)",
     "traffic sign", "traffic sign"),
    ("object--traffic-sign--direction-back", "Traffic Sign - Direction (Back)",
     None, "traffic sign"),
    ("object--support--pole-group", "Pole Group", "pole", "pole"),
    ("object--vehicle--vehicle-group", "Vehicle Group", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("mapping", "column"), [("hrda", 2), ("rein", 3)])
def test_names_decide_in_version_two(tmp_path, mapping, column):
    labels = [{"name": row[0], "readable": row[1]} for row in V2]
    (tmp_path / "config_v2.0.json").write_text(json.dumps({"labels": labels}))
    table = mapillary_table(tmp_path, "v2.0", mapping)
    wanted = {n: CITYSCAPES_NAMES.index(row[column]) for n, row in enumerate(V2) if row[column]}
    assert table.train_ids == wanted
    assert table.highest == len(V2) - 1 and "v2.0" in table.name


@pytest.mark.parametrize("content", [None, "[1, 2", '{"labels": [{"id": 3}]}', "[]"])
def test_version_two_needs_its_names(tmp_path, content):
    if content is not None:
        (tmp_path / "config_v2.0.json").write_text(content)
    with pytest.raises(ValueError, match=r"told by .*config_v2\.0\.json"):
        mapillary_table(tmp_path, "v2.0", "hrda")
