"""Figures in a model's folder: short names, means of domains, and nothing else lost."""

import pytest

from tqdm_demo.evaluation.recorded import add_figures, add_table, without_paths

FOUND = {
    "streets:game": {"miou": 70.0, "pictures": 3, "iou": {}},
    "streets:fog": {"miou": 50.0, "pictures": 3, "iou": {}},
    "streets:mosaic": {"miou": 41.0, "pictures": 3, "iou": {}},
    "folder:/home/somebody/camvid:val": {"miou": 39.5, "pictures": 7, "iou": {}},
    "cityscapes:/data/cs:val": {"miou": 20.0, "pictures": 9, "iou": {}},
}


def test_figures_have_short_names_and_means():
    sections = {"model": {"width": 5}, "results": {"validation": {"x": 1}}}
    measured = add_figures(sections, FOUND)["results"]["measured"]
    assert measured == {
        "streets:game": {"miou": 70.0, "pictures": 3},
        "streets:fog": {"miou": 50.0, "pictures": 3},
        "streets:mosaic": {"miou": 41.0, "pictures": 3},
        "folder:camvid:val": {"miou": 39.5, "pictures": 7},
        "cityscapes:val": {"miou": 20.0, "pictures": 9},
        "unseen": {"miou": 45.5, "pictures": 6},
        "held-out": {"miou": 41.0, "pictures": 3},
    }
    assert "somebody" not in str(measured)
    assert sections["results"] == {"validation": {"x": 1}}, "what was given stays as it was"


def test_other_sections_and_earlier_figures_stay():
    first = add_figures({"model": {"width": 5}}, {"folder:a": {"miou": 1.0, "pictures": 2}})
    second = add_figures(first, {"streets:game": {"miou": 3.0, "pictures": 4}})
    assert second["model"] == {"width": 5}
    assert set(second["results"]["measured"]) == {"folder:a", "streets:game"}


def test_the_card_ends_with_one_table():
    sections = add_figures({}, FOUND)
    card = add_table("# name\n\nText.\n", sections)
    assert card.startswith("# name\n\nText.\n\n## Measured\n")
    assert "| folder:camvid:val | 39.5 | 7 |" in card
    again = add_figures(sections, {"streets:game": {"miou": 71.0, "pictures": 3}})
    assert add_table(card, again).count("## Measured") == 1
    assert "| streets:game | 71.0 | 3 |" in add_table(card, again)


def test_figures_of_mapillary_are_named_with_their_mapping():
    by_spec = {
        f"mapillary:/data/m{option}": {"miou": miou, "pictures": 2, "mapping": f"the {name} one"}
        for option, name, miou in (("", "HRDA", 1.0), (":val:rein", "Rein", 3.0))
    }
    assert list(add_figures({}, by_spec)["results"]["measured"]) == [
        "mapillary (the HRDA one)",
        "mapillary:val:rein (the Rein one)",
    ]


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ("streets:game", "streets:game"),
        ("folder:/home/somebody/camvid:val", "folder:camvid:val"),
        ("folder:camvid", "folder:camvid"),
        ("gta5:/data/GTA 5", "gta5"),
        ("cityscapes:cs:val, acdc:/data/acdc:val:fog", "cityscapes:val,acdc:val:fog"),
        ("mapillary:/data/mv:val (HRDA)", "mapillary:val (HRDA)"),
        ("mapillary:/data/mv (HRDA)", "mapillary (HRDA)"),
        ("folder:/home/somebody/p:val:filter=oil", "folder:p:val:filter=oil"),
        (r'folder:"C:\home,somebody\p":val', "folder:p:val"),
        ('folder:"/home/some,body/a:b":val', 'folder:"a:b":val'),
        ("gta5", "gta5"),
        ("", ""),
    ],
)
def test_no_folder_of_this_machine_is_named(specs, told):
    assert without_paths(specs) == told
