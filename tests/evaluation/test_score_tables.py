"""Markdown tables of results."""

import pytest

from tqdm_demo.data.selection import FILTER_GROUPS
from tqdm_demo.evaluation.score_tables import format_classes, format_notes, format_table, heading


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def figures(value, **more):
    return {"miou": value, "iou": {"road": value, "sky": 50.0}, "pictures": 3, "classes": 2,
            "mode": "single", **more}  # fmt: skip


def results(*values, **more):
    specs = [f"streets:{d}" for d in ("game", "fog", "mosaic", "sandstorm")] + ["folder:a/x:v"]
    return {spec: figures(value, **more) for spec, value in zip(specs, values, strict=True)}


def test_the_table_averages_unseen_and_held_out_domains():
    table = cells(format_table({"a": results(90.0, 10.0, 20.0, 60.0, 5.0),
                                "bb": results(1.0, 2.0, 3.0, 4.0, 5.0)}))  # fmt: skip
    assert table[0] == ["mIoU %", "game", "fog", "mosaic", "sandstorm", "x v", "unseen", "held-out"]
    assert set("".join(table[1])) == {"-", ":"} and len(table[1]) == 8
    assert table[2] == ["a", "90.0", "10.0", "20.0", "60.0", "5.0", "30.0", "40.0"]
    assert table[3] == ["bb", "1.0", "2.0", "3.0", "4.0", "5.0", "3.0", "3.5"]


def test_without_unseen_domains_there_is_no_mean():
    table = cells(format_table({"a": {"streets:game": figures(3.0)}}))
    assert table[0] == ["mIoU %", "game"] and table[2] == ["a", "3.0"]


def test_sixteen_classes_have_a_column_where_they_are_given():
    found = {"cityscapes:d": figures(60.0, miou_16=62.5), "synthia:d": figures(50.0)}
    table = cells(format_table({"a": found}))
    assert table[0] == ["mIoU %", "cityscapes", "synthia", "cityscapes, 16 classes"]
    assert table[2] == ["a", "60.0", "50.0", "62.5"]


def test_every_class_that_is_labelled_somewhere_has_a_row():
    other = {**figures(10.0), "iou": {"car": 10.0}}
    table = cells(format_classes({"a": {"gta5:d": figures(40.0)}, "b": {"gta5:d": other}}))
    assert table[0] == ["IoU %", "a on gta5", "b on gta5"]
    assert table[2:] == [["road", "40.0", "-"], ["sky", "50.0", "-"], ["car", "-", "10.0"],
                         ["**mean**", "40.0", "10.0"]]  # fmt: skip


def test_notes_tell_mapping_and_omissions():
    found = figures(1.0, mapping="Mapillary v1.2 by the Rein mapping", skipped={"x.jpg": "why"},
                    pixels=90.5)  # fmt: skip
    notes = format_notes({"a": {"mapillary:d:rein": found}})
    assert notes == (
        "- mapillary:d:rein: 3 pictures; mean over 2 labelled classes; read single; "
        "right pixels: 90.5 %; labels: "
        "Mapillary v1.2 by the Rein mapping; 1 pictures left out: x.jpg"
    )
    restricted = format_notes({"a": {"streets:game": figures(1.0, asked="labelled")}})
    assert "the arg-max is over these classes alone" in restricted


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ("streets:fog", "fog"), ("folder:/data/camvid:val", "camvid val"),
        ("folder:/data/x", "x"), ("acdc:/data/acdc:val:night", "acdc val night"),
        (r"folder:C:\data\x:val", "x val"), ('folder:"/a,b/c:d":val', "c:d val"),
        ("folder:/d/camvid:train:include=0001TP*", "camvid train 0001TP*"),
        ("folder:/d/x:every=4:filter=oil", "x every 4 oil"),
    ],
)  # fmt: skip
def test_headings(spec, wanted):
    assert heading(spec) == wanted


def filtered(base, group, values):
    domains = FILTER_GROUPS[group]
    return {f"{base}:filter={d}": figures(v) for d, v in zip(domains, values, strict=False)}


def test_each_kind_of_filter_has_a_mean_where_all_its_domains_are_there():
    found = {"folder:p:val": figures(70.0), **filtered("folder:p:val", "painterly", range(1, 8)),
             **filtered("folder:p:val", "conditions", range(6))}  # fmt: skip
    table = cells(format_table({"a": found}))
    assert table[0][1:3] == ["p val", "p val oil"] and len(table[0]) == 1 + 1 + 7 + 6 + 1
    assert table[0][-1] == "painterly" and table[2][-1] == "4.0"
    found |= filtered("folder:p:val", "conditions", range(7))
    table = cells(format_table({"a": found}))
    assert table[0][-2:] == ["painterly", "conditions"] and table[2][-2:] == ["4.0", "3.0"]


def test_means_of_filters_are_told_apart_by_their_sets():
    found = {**filtered("folder:p:val", "painterly", range(7)),
             **filtered("gta5:g", "painterly", range(2, 9))}  # fmt: skip
    table = cells(format_table({"a": found}))
    assert table[0][-2:] == ["p val painterly", "gta5 painterly"]
    assert table[2][-2:] == ["3.0", "5.0"]


def test_classes_of_other_sets_have_rows_too():
    own = {**figures(10.0), "iou": {"cow": 4.0, "road": 8.0}}
    table = cells(format_classes({"a": {"gta5:d": figures(40.0), "folder:p": own}}))
    assert table[2:5] == [["road", "40.0", "8.0"], ["sky", "50.0", "-"], ["cow", "-", "4.0"]]
