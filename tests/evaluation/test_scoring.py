"""Measuring a predictor that says what it is told to, on pictures and on data sets."""

from types import SimpleNamespace

import numpy as np
import pytest

from tqdm_demo.data.datasets import LabelledPicture, parse_data
from tqdm_demo.data.readers import Choice, Reader, check_complete, open_readers
from tqdm_demo.evaluation.protocol import EvaluationProtocol
from tqdm_demo.evaluation.scoring import EvaluationTask, measure
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


class Oracle:
    """Reads the label from the red channel and answers in terms of the names it is asked for."""

    default_mode = "single"

    def __init__(self, words=CITYSCAPES_NAMES):
        self.words, self.asked, self.how = list(words), [], []

    def segment(self, image, names, **how):
        self.asked.append(list(names))
        self.how.append(how)
        ids = [self.words.index(name) for name in names]
        lookup = np.zeros(256, np.uint8)
        lookup[ids] = np.arange(len(ids))
        return SimpleNamespace(label_map=lookup[image[..., 0]])


def reader(labels, said=None, name="a"):
    labels = np.array(labels, np.uint8)
    red = labels if said is None else np.array(said, np.uint8)
    return Reader(name, lambda: LabelledPicture(np.repeat(red[..., None], 3, -1), labels, name))


def broken():
    raise ValueError("cannot read b.png")


def test_a_perfect_model_has_all():
    found = measure(Oracle(), [reader([[2, 13, 255]]), reader([[13, 18, 2]])])
    assert found.result == {
        "miou": 100.0,
        "iou": {"building": 100.0, "car": 100.0, "bicycle": 100.0},
        "classes": 3,
        "pixels": 100.0,
        "pictures": 2,
        "mode": "single",
        "asked": "labelled",
    }


def test_only_classes_that_occur_are_asked_for():
    oracle = Oracle()
    measure(oracle, [reader([[18, 2]]), reader([[13, 255]])])
    assert oracle.asked == [["building", "car", "bicycle"]] * 2


def test_all_are_asked_for_where_that_is_wanted():
    oracle = Oracle()
    found = measure(oracle, [reader([[0, 0]], said=[[0, 5]])], EvaluationTask(ask_all=True))
    assert oracle.asked == [list(CITYSCAPES_NAMES)]
    assert found.result["iou"] == {"road": 50.0} and "asked" not in found.result


def test_errors_are_counted_per_class():
    found = measure(Oracle(), [reader([[0, 0, 0, 10]], said=[[0, 0, 10, 10]])]).result
    assert found["iou"] == {"road": pytest.approx(200 / 3, abs=0.01), "sky": 50.0}
    assert found["pixels"] == 75.0
    assert found["miou"] == pytest.approx((200 / 3 + 50) / 2, abs=0.01)


def test_other_names_are_asked_in_place_and_reported_under_the_classes():
    words = tuple(f"word {k}" for k in range(19))
    oracle = Oracle(words)
    found = measure(oracle, [reader([[0, 13]])], EvaluationTask(words))
    assert oracle.asked == [["word 0", "word 13"]]
    assert found.result["iou"] == {"road": 100.0, "car": 100.0}


@pytest.mark.parametrize("ask_all", [True, False])
def test_no_labels(ask_all):
    with pytest.raises(ValueError, match="no labelled pixel"):
        measure(Oracle(), [reader([[255, 255]])], EvaluationTask(ask_all=ask_all))


def test_broken_pictures_are_refused_or_skipped_and_listed():
    readers = [reader([[2, 13]]), Reader("b.png", broken), reader([[13, 2]])]
    with pytest.raises(ValueError, match=r"cannot read b\.png"):
        measure(Oracle(), readers)
    found = measure(Oracle(), readers, EvaluationTask(skip_broken=True)).result
    assert found["pictures"] == 2 and found["skipped"] == {"b.png": "cannot read b.png"}


def test_rows_for_the_sheet_are_spread_over_the_set():
    readers = [reader([[2, 13]], name=str(n)) for n in range(9)]
    found = measure(Oracle(), readers, EvaluationTask(sheet=3), caption="model on set")
    assert [row.caption for row in found.rows] == [f"model on set  {n}" for n in (0, 4, 8)]
    assert measure(Oracle(), readers).rows == []
    assert len(measure(Oracle(), readers[:2], EvaluationTask(sheet=5)).rows) == 2


def tiny_set(trees, root, kind):
    if kind == "cityscapes":
        trees.photo(root / "leftImg8bit/val/x/x_leftImg8bit.png")
        trees.grey(root / "gtFine/val/x/x_gtFine_labelIds.png", trees.constant(7))
    else:
        trees.photo(root / "validation/images/x.jpg")
        trees.palette(root / "validation/labels/x.png", trees.constant(13))
    (source,) = parse_data(f"{kind}:{root}")
    return source


@pytest.mark.parametrize("kind", ["cityscapes", "mapillary"])
def test_published_sets_are_tested_as_published(trees, tmp_path, kind):
    source = tiny_set(trees, tmp_path, kind)
    readers = open_readers(source, Choice(None, 0, (256, 128), tmp_path))
    oracle = Oracle()
    oracle.segment = lambda image, names, **how: (
        oracle.asked.append(names), oracle.how.append(how),
        SimpleNamespace(label_map=np.zeros(image.shape[:2], np.uint8)),
    )[-1]  # fmt: skip
    found = measure(oracle, readers, source=source).result
    assert len(oracle.asked[0]) == 19
    # 11 x 7 fits into 2048 x 1024 at 1609 x 1024.
    assert oracle.how == [{"mode": "windows", "resized": (1024, 1609), "label_all": True}]
    assert found["miou"] == 100 and found["mode"] == "windows"
    wanted = {"cityscapes": "Cityscapes ids", "mapillary": "Mapillary v1.2 by the HRDA mapping"}
    assert found["mapping"] == wanted[kind]
    measure(oracle, readers, EvaluationTask(protocol=EvaluationProtocol("single")), source)
    assert oracle.how[1] == {"mode": "single", "resized": None, "label_all": True}


@pytest.mark.parametrize(("missing", "given"), [((), True), ((9, 14, 16), False), ((3,), False)])
def test_sixteen_classes(trees, tmp_path, missing, given):
    source = tiny_set(trees, tmp_path, "cityscapes")
    ids = np.array([[k for k in range(19) if k not in missing]])
    said = np.where(ids == 9, 0, ids)  # terrain is missed; road suffers
    task = EvaluationTask(protocol=EvaluationProtocol("single"))
    found = measure(Oracle(), [reader(ids, said)], task, source).result
    assert found["classes"] == 19 - len(missing)
    if given:
        assert found["miou_16"] == pytest.approx((15 + 0.5) / 16 * 100, abs=0.01)
        assert found["miou"] == pytest.approx((17 + 0.5) / 19 * 100, abs=0.01)
    else:
        assert "miou_16" not in found


def test_unlabelled_pictures_make_a_set_incomplete(trees, tmp_path):
    source = tiny_set(trees, tmp_path, "mapillary")
    check_complete([source])
    trees.photo(tmp_path / "validation/images/y.jpg")
    with pytest.raises(ValueError, match=r"(?s)y\.jpg.*scores would be those of a part"):
        check_complete(parse_data(f"mapillary:{tmp_path}"))


def test_a_set_with_own_classes_is_asked_by_its_own_names(trees, tmp_path):
    (tmp_path / "classes.txt").write_text("cow\nroad\ngrass\n")
    for n, label in enumerate((0, 2, 1)):
        trees.photo(tmp_path / f"images/{n}.png")
        trees.grey(tmp_path / f"labels/{n}.png", trees.constant(label))
    (source,) = parse_data(f"folder:{tmp_path}")
    oracle, pictures = Oracle(source.names), [reader([[0, 0, 2, 255]], said=[[0, 2, 2, 1]])]
    found = measure(oracle, pictures, source=source).result
    assert oracle.asked == [["cow", "grass"]]
    assert found["iou"] == {"cow": 50.0, "grass": 50.0} and found["classes"] == 2
    words = ("bull", "street", "lawn")
    found = measure(Oracle(words), pictures, EvaluationTask(words, ask_all=True), source).result
    assert found["iou"] == {"cow": 50.0, "grass": 50.0}
    with pytest.raises(ValueError, match="19 names are asked for, but folder:.* has 3 classes"):
        measure(oracle, pictures, EvaluationTask(CITYSCAPES_NAMES), source)
