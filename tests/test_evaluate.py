"""The evaluation program on a predictor that is told what to say."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tqdm_demo import evaluate
from tqdm_demo.evaluate import ONE_WORD_SYNONYMS, format_table, main, measure
from tqdm_demo.training.datasets import LabelledPicture
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


class Oracle:
    """Reads the label from the red channel and answers in terms of the names it is asked for."""

    def __init__(self, words=CITYSCAPES_NAMES):
        self.words, self.asked = list(words), []

    def segment(self, image, names):
        self.asked.append(list(names))
        ids = [self.words.index(name) for name in names]
        lookup = np.zeros(256, np.uint8)
        lookup[ids] = np.arange(len(ids))
        return SimpleNamespace(label_map=lookup[image[..., 0]])


def picture(labels, said=None):
    labels = np.array(labels, np.uint8)
    red = labels if said is None else np.array(said, np.uint8)
    return LabelledPicture(np.repeat(red[..., None], 3, -1), labels)


def test_a_perfect_model_has_all():
    oracle = Oracle()
    found = measure(oracle, [picture([[2, 13, 255]]), picture([[13, 18, 2]])])
    assert found == {
        "miou": 100.0,
        "iou": {"building": 100.0, "car": 100.0, "bicycle": 100.0},
        "pictures": 2,
    }


def test_only_classes_that_occur_are_asked_for():
    oracle = Oracle()
    measure(oracle, [picture([[18, 2]]), picture([[13, 255]])])
    assert oracle.asked == [["building", "car", "bicycle"]] * 2


def test_errors_are_counted_per_class():
    found = measure(Oracle(), [picture([[0, 0, 0, 10]], said=[[0, 0, 10, 10]])])
    assert found["iou"] == {"road": pytest.approx(200 / 3, abs=0.01), "sky": 50.0}
    assert found["miou"] == pytest.approx((200 / 3 + 50) / 2, abs=0.01)


def test_other_names_are_asked_in_place_and_reported_under_the_classes():
    oracle = Oracle(ONE_WORD_SYNONYMS)
    found = measure(oracle, [picture([[0, 13]])], ONE_WORD_SYNONYMS)
    assert oracle.asked == [["street", "automobile"]]
    assert found["iou"] == {"road": 100.0, "car": 100.0}


def test_synonyms_are_nineteen_single_words_and_no_class_name():
    assert len(set(ONE_WORD_SYNONYMS)) == 19
    assert not any(" " in word for word in ONE_WORD_SYNONYMS)
    assert not set(ONE_WORD_SYNONYMS) & set(CITYSCAPES_NAMES)


def test_no_labels():
    with pytest.raises(ValueError, match="no labelled pixel"):
        measure(Oracle(), [picture([[255, 255]])])


def test_the_table_averages_unseen_and_held_out_domains():
    def scores(*values):
        specs = [f"streets:{d}" for d in ("game", "fog", "mosaic", "sandstorm")] + ["folder:a/x:v"]
        return {spec: {"miou": value} for spec, value in zip(specs, values, strict=True)}

    results = {"a": scores(90.0, 10.0, 20.0, 60.0, 5.0), "bb": scores(1.0, 2.0, 3.0, 4.0, 5.0)}
    lines = [line.split() for line in format_table(results).splitlines()]
    assert lines[0][2:] == ["game", "fog", "mosaic", "sandstorm", "x", "unseen", "held-out"]
    assert lines[1] == ["a", "90.0", "10.0", "20.0", "60.0", "5.0", "30.0", "40.0"]
    assert lines[2] == ["bb", "1.0", "2.0", "3.0", "4.0", "5.0", "3.0", "3.5"]


def test_without_unseen_domains_there_is_no_mean():
    table = format_table({"a": {"streets:game": {"miou": 3.0}}})
    assert table.splitlines()[1].split() == ["a", "3.0", "-", "-"]


@pytest.fixture
def folder(tmp_path):
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    Image.new("RGB", (9, 5), (13, 13, 13)).save(tmp_path / "images" / "a.png")
    Image.new("L", (9, 5), 13).save(tmp_path / "labels" / "a.png")
    return tmp_path


@pytest.fixture
def oracle(monkeypatch):
    oracle = Oracle()
    monkeypatch.setattr(evaluate, "locate", lambda name: name)
    monkeypatch.setattr(evaluate, "_load", lambda model, device: oracle)
    return oracle


def test_the_json_file(folder, oracle, tmp_path, capsys):
    file = tmp_path / "deep" / "found.json"
    main(["m", "zero-shot:n", "--data", f"folder:{folder}", "--workers", "0", "--limit", "3",
          "--json", str(file)])  # fmt: skip
    found = json.loads(file.read_text())
    wanted = {"miou": 100.0, "iou": {"car": 100.0}, "pictures": 1}
    assert found["results"] == {m: {f"folder:{folder}": wanted} for m in ("m", "zero-shot:n")}
    assert found["config"]["limit"] == 3 and found["config"]["models"] == ["m", "zero-shot:n"]
    assert "100.0" in capsys.readouterr().out


def test_names_from_a_file(folder, oracle, tmp_path):
    file = tmp_path / "names.txt"
    oracle.words = [f"n{k}" for k in range(19)]
    file.write_text("\n".join(oracle.words))
    main(["m", "--data", f"folder:{folder}", "--workers", "0", "--names-file", str(file)])
    assert oracle.asked == [["n13"]]
    file.write_text("car\n")
    with pytest.raises(ValueError, match="has 1 names; it takes 19"):
        main(["m", "--data", f"folder:{folder}", "--workers", "0", "--names-file", str(file)])


def test_an_unknown_model_is_named_before_anything_is_painted(monkeypatch):
    monkeypatch.setattr(evaluate, "_pictures", None)
    with pytest.raises(ValueError, match="no-such-model"):
        main(["zero-shot:no-such-model", "--data", "streets:fog"])
