"""The evaluation program on a predictor that is told what to say, and with two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tqdm_demo import evaluate
from tqdm_demo.evaluate import ONE_WORD_SYNONYMS, main
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


def test_synonyms_are_nineteen_single_words_and_no_class_name():
    assert len(set(ONE_WORD_SYNONYMS)) == 19
    assert not any(" " in word for word in ONE_WORD_SYNONYMS)
    assert not set(ONE_WORD_SYNONYMS) & set(CITYSCAPES_NAMES)


@pytest.fixture
def folder(tmp_path):
    for kind in ("images", "labels"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    Image.new("RGB", (9, 5), (13, 13, 13)).save(tmp_path / "set" / "images" / "a.png")
    Image.new("L", (9, 5), 13).save(tmp_path / "set" / "labels" / "a.png")
    return tmp_path / "set"


@pytest.fixture
def oracle(monkeypatch):
    oracle = Oracle()
    monkeypatch.setattr(evaluate, "locate", Path)
    monkeypatch.setattr(evaluate, "_load", lambda model, device: oracle)
    return oracle


def test_the_files(folder, oracle, tmp_path, capsys):
    files = {kind: tmp_path / "deep" / f"found.{kind}" for kind in ("json", "markdown", "jpg")}
    main(["m", "zero-shot:n", "--data", f"folder:{folder}", "--workers", "0", "--limit", "3",
          "--json", str(files["json"]), "--markdown", str(files["markdown"]), "--contact-sheet",
          str(files["jpg"])])  # fmt: skip
    found = json.loads(files["json"].read_text())
    wanted = {"miou": 100.0, "iou": {"car": 100.0}, "classes": 1, "pictures": 1, "mode": "single",
              "pixels": 100.0,
              "asked": "labelled"}  # fmt: skip
    assert found["results"] == {m: {f"folder:{folder}": wanted} for m in ("m", "zero-shot:n")}
    assert found["config"]["limit"] == 3 and found["config"]["models"] == ["m", "zero-shot:n"]
    printed = capsys.readouterr().out
    assert "1 pictures with labels" in printed and "100.0 |" in printed
    report = files["markdown"].read_text()
    assert "| car " in report and "| m  " in report
    assert len(list((tmp_path / "deep").iterdir())) == 3
    with Image.open(files["jpg"]) as sheet:
        assert sheet.height > 2 * 5 / 9 * 320


def test_figures_are_recorded_in_the_models_own_folder(folder, oracle, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"model": {"width": 5}}')
    command = [str(model), "--data", f"folder:{folder}", "--workers", "0", "--record"]
    main(command)
    written = json.loads((model / "config.json").read_text())
    assert written["model"] == {"width": 5}
    assert written["results"]["measured"] == {"folder:set": {"miou": 100.0, "pictures": 1}}
    assert "| folder:set | 100.0 | 1 |" in (model / "README.md").read_text()
    assert sorted(path.name for path in model.iterdir()) == ["README.md", "config.json"]
    with pytest.raises(SystemExit, match="has none"):
        main([str(tmp_path / "nothing"), *command[1:]])


@pytest.mark.parametrize(
    "option",
    [
        ("--mode", "windows"),
        ("--scales", "1,2"),
        ("--flip",),
        ("--ask", "all"),
        ("--size", "128", "64"),
        ("--synonyms",),
        ("--names-file", "names.txt"),
    ],
)
def test_only_comparable_figures_are_recorded(option, folder, oracle, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--data", f"folder:{folder}", "--record", *option])
    assert f"leave out {option[0]}" in capsys.readouterr().err
    assert not oracle.asked


def test_names_from_a_file(folder, oracle, tmp_path):
    file = tmp_path / "names.txt"
    oracle.words = [f"n{k}" for k in range(19)]
    file.write_text("\n".join(oracle.words))
    main(["m", "--data", f"folder:{folder}", "--workers", "0", "--names-file", str(file)])
    assert oracle.asked == [["n13"]]
    file.write_text("car\n")
    with pytest.raises(SystemExit, match="evaluate: 1 names are asked for, but .* has 19 classes"):
        main(["m", "--data", f"folder:{folder}", "--workers", "0", "--names-file", str(file)])


def test_own_classes_through_filters(folder, oracle, tmp_path, capsys):
    own = tmp_path / "a, b: c"
    folder.rename(own)
    (own / "classes.txt").write_text("\n".join(f"thing {k}" for k in range(14)))
    oracle.words = [f"thing {k}" for k in range(14)]
    oracle.segment = lambda image, names, **how: SimpleNamespace(
        label_map=np.zeros(image.shape[:2], np.uint8)
    )
    main(["m", "--data", f'folder:"{own}":filter=all', "--workers", "0", "--cache",
          str(tmp_path / "pools"), "--contact-sheet", str(tmp_path / "sheet.png")])  # fmt: skip
    head = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| mIoU"))
    assert "| a, b: c |" in head and "| a, b: c oil |" in head
    assert head.endswith("| painterly | conditions |")
    assert len(list((tmp_path / "pools" / "filtered").iterdir())) == 14


def test_options_of_reading_arrive(folder, oracle):
    main(["m", "--data", f"folder:{folder}", "--workers", "0", "--mode", "windows", "--ask", "all"])
    assert oracle.how == [{"mode": "windows", "resized": None, "label_all": True}]
    assert oracle.asked == [list(CITYSCAPES_NAMES)]


def test_broken_and_unlabelled_pictures(folder, oracle, tmp_path):
    Image.new("RGB", (9, 5)).save(folder / "images" / "b.png")
    data, file = f"folder:{folder}", tmp_path / "x.json"
    with pytest.raises(SystemExit, match=r"b\.png\nscores would be"):
        main(["m", "--data", data, "--workers", "0"])
    (folder / "labels" / "b.png").write_bytes(b"")
    with pytest.raises(SystemExit, match=r"evaluate: cannot read the labels .*b\.png"):
        main(["m", "--data", data, "--workers", "0"])
    main(["m", "--data", data, "--workers", "0", "--skip-broken", "--json", str(file)])
    found = json.loads(file.read_text())["results"]["m"][data]
    assert found["pictures"] == 1 and list(found["skipped"]) == ["b.png"]
    (folder / "labels" / "b.png").unlink()
    main(["m", "--data", data, "--workers", "0", "--skip-broken", "--json", str(file)])
    found = json.loads(file.read_text())["results"]["m"][data]
    assert found["pictures"] == 1 and found["skipped"] == {"b.png": "there are no labels"}


def test_a_picture_of_200_megapixels_is_skipped_too(folder, oracle, tmp_path):
    for kind in ("images", "labels"):
        Image.new("1", (20000, 10000)).save(folder / kind / "b.png")
    data, file = f"folder:{folder}", tmp_path / "x.json"
    main(["m", "--data", data, "--workers", "0", "--skip-broken", "--json", str(file)])
    found = json.loads(file.read_text())["results"]["m"][data]
    assert found["pictures"] == 1 and "b.png: This picture is too" in found["skipped"]["b.png"]


def test_an_unknown_model_is_named_before_anything_is_painted(monkeypatch):
    monkeypatch.setattr(evaluate, "open_readers", None)
    with pytest.raises(SystemExit, match="evaluate: .*no-such-model"):
        main(["zero-shot:no-such-model", "--data", "streets:fog"])


def test_there_is_no_end_of_streets(oracle):
    with pytest.raises(SystemExit, match="no end"):
        main(["m", "--data", "streets:fog", "--limit", "0"])


@pytest.mark.process
def test_two_processes_find_what_one_finds(tiny_weights, tmp_path):
    """Five pictures of different sizes, shared by the ranks of a torchrun."""
    rng = np.random.default_rng(0)
    for n in range(5):
        labels = rng.choice([0, 10, 13, 255], (3, 5)).repeat(11 + n, 0).repeat(13, 1)
        image = np.stack([labels % 250, labels * 3 % 250, labels * 7 % 250], axis=-1)
        for kind, array in (("images", image), ("labels", labels)):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(tmp_path / kind / f"{n}.png")
    common = [str(tiny_weights / "tiny-tqdm"), "--data", f"folder:{tmp_path}", "--device", "cpu",
              "--threads", "1", "--workers", "0"]  # fmt: skip
    main([*common, "--json", str(tmp_path / "one.json"), "--contact-sheet",
          str(tmp_path / "one.png")])  # fmt: skip
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
               "2", "-m", "tqdm_demo.evaluate", *common, "--json", str(tmp_path / "two.json"),
               "--contact-sheet", str(tmp_path / "two.png")]  # fmt: skip
    root = Path(evaluate.__file__).resolve().parents[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=root, env=environment, check=True, timeout=300)
    one, two = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "two"))
    assert one["results"] == two["results"]
    (found,) = next(iter(one["results"].values())).values()
    assert found["pictures"] == 5 and 0 < found["miou"] < 100
    with Image.open(tmp_path / "one.png") as first, Image.open(tmp_path / "two.png") as second:
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
