import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tqdm_demo import segment
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.result_folder import ResultFolder

NAMES = ["car, taxi", "road", "sky: #010203"]


@pytest.fixture
def photos(tmp_path) -> Path:
    """Two pictures of different sizes under one name, one in a folder below, and other files."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "photos"
    for name, size in (("a.jpg", (40, 60)), ("a.png", (30, 70)), ("below/b.PNG", (50, 40))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def run(tiny_weights, tmp_path):
    """Runs the program on tiny-tqdm into ``out``; gives its exit status and results.json."""

    def run(*arguments, names=NAMES, out=tmp_path / "out"):
        model, out = str(tiny_weights / "tiny-tqdm"), Path(out)
        options = ["--model", model, "--out", str(out), "--names", *names, "--device", "cpu"]
        status = None
        try:
            segment.main([*map(str, arguments), *options])
        except SystemExit as end:
            status = end.code
        file = out / "results.json"
        return status, json.loads(file.read_text()) if file.is_file() else None

    return run


def counting(monkeypatch) -> list:
    """The sizes of all pictures that a model is asked for from now on."""
    asked, own = [], Predictor.segment

    def count(self, image, *arguments):
        asked.append(image.shape[:2])
        return own(self, image, *arguments)

    monkeypatch.setattr(Predictor, "segment", count)
    return asked


def test_a_folder_becomes_labels_overlays_masks_and_one_json(photos, run, tmp_path, tiny_weights):
    status, found = run(photos, "--overlay", "--masks", "--mode", "windows")
    assert status is None
    assert [row["name"] for row in found["classes"]] == ["car", "road", "sky"]
    assert found["settings"]["mode"] == "windows" and found["classes"][2]["colour"] == "#010203"
    rows = {Path(row["picture"]).relative_to(photos).as_posix(): row for row in found["pictures"]}
    assert {name: row["labels"] for name, row in rows.items()} == {
        "a.jpg": "a.labels.png", "a.png": "a-2.labels.png", "below/b.PNG": "below/b.labels.png",
    }  # fmt: skip
    predictor = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu")
    for name, row in rows.items():
        expected = predictor.segment(Image.open(photos / name), ["car, taxi", "road", "sky"],
                                     "windows")  # fmt: skip
        labels = np.asarray(Image.open(tmp_path / "out" / row["labels"]))
        np.testing.assert_array_equal(labels, expected.label_map)
        assert (row["height"], row["width"]) == labels.shape
        shares = [row["shares"][name] for name in ("car", "road", "sky")]
        np.testing.assert_allclose(shares, expected.shares, atol=1e-6)
        assert Image.open(tmp_path / "out" / row["overlay"]).size == labels.shape[::-1]
        for mask in (tmp_path / "out" / row["masks"]).iterdir():
            pixels = np.asarray(Image.open(mask))
            np.testing.assert_array_equal(pixels == 255, labels == int(mask.name[:2]))


def test_what_exists_is_skipped(photos, run, tmp_path, monkeypatch):
    assert run(photos)[0] is None
    asked = counting(monkeypatch)
    before = run(photos)
    assert asked == [] and len(before[1]["pictures"]) == 3
    Image.new("RGB", (44, 33)).save(photos / "a.jpg")  # another picture under the same name
    (tmp_path / "out" / "below" / "b.labels.png").unlink()
    Image.new("RGB", (22, 11)).save(photos / "c.png")  # a new one
    status, found = run(photos)
    assert status is None and sorted(asked) == [(11, 22), (33, 44), (50, 40)]
    assert [row["labels"] for row in found["pictures"]][:2] == ["a.labels.png", "a-2.labels.png"]
    asked.clear()
    run(photos, "--masks")
    assert len(asked) == 4


def test_a_run_that_is_stopped_goes_on_where_it_was(photos, run, monkeypatch):
    own, done = ResultFolder.add, []

    def add(self, *arguments):
        if done:
            raise KeyboardInterrupt
        done.append(own(self, *arguments))

    with monkeypatch.context() as stopped:
        stopped.setattr(ResultFolder, "add", add)
        status, found = run(photos)
    assert "the same command goes on" in status and len(found["pictures"]) == 1
    asked = counting(monkeypatch)
    assert run(photos)[0] is None and len(asked) == 2


def test_a_broken_picture_is_a_sentence_and_the_others_go_on(photos, run, capsys):
    (photos / "aa.jpg").write_bytes((photos / "a.jpg").read_bytes()[:200])
    (photos / "b.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(60))
    status, found = run(photos)
    assert status == "segment: 2 of 5 pictures have no result, see results.json"
    errors = {Path(row["picture"]).name: row.get("error") for row in found["pictures"]}
    assert errors["aa.jpg"] == "This image file is damaged or incomplete."
    assert "HEIC" in errors["b.heic"] and sum(e is None for e in errors.values()) == 3
    printed = capsys.readouterr()
    assert f"{photos / 'aa.jpg'}: This image file is damaged" in printed.out + printed.err
    Image.new("RGB", (44, 33)).save(photos / "aa.jpg")
    (photos / "b.heic").unlink()
    status, found = run(photos)
    assert status is None
    assert "error" not in next(r for r in found["pictures"] if r["picture"].endswith("aa.jpg"))


def test_results_beside_the_pictures_are_no_pictures(photos, run):
    arguments = (photos, "--overlay", "--masks")
    run(*arguments, out=photos)
    assert len(run(*arguments, out=photos)[1]["pictures"]) == 3


def test_mistakes_are_sentences(photos, run, tmp_path):
    for places, sentence in (
        (["https://example.org/a.jpg"], "is an address; download the picture first"),
        ([photos / "missing.jpg"], "There is no file or folder"),
        ([photos / "*.tiff"], "There is no picture in"),
    ):
        assert sentence in run(*places)[0]
    assert "“Car” is there twice" in run(photos, names=["car", "Car"])[0]
    assert not (tmp_path / "out").exists()
    run(photos)
    assert "results of another names; choose another --out" in run(photos, names=["car"])[0]
    (tmp_path / "out" / "results.json").write_text("[]")
    assert "is not one of this program" in run(photos)[0]


def test_a_pattern_finds_every_file_once(photos, run):
    shutil.copy(photos / "a.png", photos / "[odd].png")
    found = run(photos / "**" / "*.[pP]*", photos / "a.png", photos / "[odd].png")[1]
    names = [Path(row["picture"]).name for row in found["pictures"]]
    assert sorted(names) == ["[odd].png", "a.png", "b.PNG"]


def test_without_names_the_model_has_its_own(photos, tiny_weights, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("zebra\nsky\n", encoding="utf-8")
    for options, expected in (
        ([], ["road", "sky", "car", "traffic light", "vegetation"]),
        (["--names-file", str(names), "--everything-else"], ["zebra", "sky", "everything else"]),
    ):
        out = tmp_path / f"out{len(options)}"
        model = str(tiny_weights / "tiny-tqdm")
        segment.main([str(photos / "a.png"), "--model", model, "--out", str(out), *options])
        found = json.loads((out / "results.json").read_text())
        assert [row["name"] for row in found["classes"]] == expected
