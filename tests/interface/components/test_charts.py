import re
import xml.etree.ElementTree as ET

from tqdm_demo.interface.components import charts as f

EVIL = '<script>"x"</script>'


def test_a_chart_has_a_line_and_marks_for_every_model():
    lines = [
        f.Line("tqdm", ((0, 100), (0.5, 80), (1, 60))),
        f.Line(EVIL, ((0, 100), (1, 0))),
    ]
    text = f.line_chart(lines, "Strength", "Agreement")
    svg = ET.fromstring(re.search(r"<svg.*</svg>", text, re.S)[0])
    polylines = svg.findall(".//polyline")
    assert len(polylines) == 2 and len(svg.findall(".//circle")) == 5
    places = [tuple(map(float, p.split(","))) for p in polylines[0].attrib["points"].split()]
    # Further right with the strength, further down with the loss, by the same steps.
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == x2 - x1 > 0 and y1 - y0 == y2 - y1 > 0
    assert "80 % at 0.5" in svg.attrib["aria-label"]
    assert "<script" not in text


def test_shares_are_sorted_and_absent_classes_named():
    text = f.share_table(
        ["tqdm", EVIL],
        ["road", "zebra", "sky"],
        [(1, 2, 3), (4, 5, 6), (7, 8, 9)],
        [[0.2, 0.0, 0.7], None],
    )
    assert text.index("sky") < text.index("road") < text.index("zebra")
    assert "70.0 %" in text and "…" in text and "Found by none: zebra." in text
    assert 'style="width:100.0%"' in text and "rgb(7, 8, 9)" in text
    assert "<script" not in text


def test_tables_progress_and_bars():
    table = f.figure_table(("a", "b"), [("x", EVIL)])
    assert '<th scope="row">x</th>' in table and "<script" not in table
    assert f.figure_table(("a",), []) == ""
    assert 'value="2" max="5"' in f.progress(2, 5, "Fog …") and "2 of 5 done" in f.progress(
        2, 5, ""
    )
    assert "below" in f.bar(-0.5) and "width:50.0%" in f.bar(-0.5) and "100.0%" in f.bar(7)
    assert f.percent(0.1234) == "12.3 %" and f.percent(None) == "–"


def test_the_change_of_a_share_is_told_in_points():
    text = f.share_table(
        ["a", "b"], ["road", "sky", "car"], [(1, 2, 3)] * 3,
        [[0.5, 0.2, 0.1], [0.25, 0.3, 0.0997]], True,
    )  # fmt: skip
    assert "−25.0 points" in text and "+10.0 points" in text and "Change" in text
    assert ">0.0 points" in text, "what rounds to nothing has no sign"
