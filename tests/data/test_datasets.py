"""Specifications of data, and folder sets with all that can be wrong in them."""

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.data import datasets
from tqdm_demo.data.datasets import (
    FileSource,
    StreetSource,
    describe,
    parse_data,
    read_folder,
)
from tqdm_demo.streets.domains import DOMAINS


def write(root, name, size=(7, 5), labels=3, label_size=None, mode="L"):
    picture = root / "images" / name
    picture.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 10, 30)).save(picture)
    if labels is not None:
        file = (root / "labels" / name).with_suffix(".png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, label_size or size, labels).save(file)


def test_streets_are_parsed_in_order():
    sources = parse_data("streets:night, streets:game")
    assert sources == (StreetSource("streets:night", "night"), StreetSource("streets:game", "game"))
    assert [s.unseen for s in sources] == [True, False]


def test_all_becomes_every_domain():
    assert [s.spec for s in parse_data("streets:all")] == [f"streets:{name}" for name in DOMAINS]


def test_folders_are_parsed_with_and_without_split(tmp_path):
    write(tmp_path, "val/a.png")
    write(tmp_path, "train/b.jpg")
    whole, split = f"folder:{tmp_path}", f"folder:{tmp_path}:val"
    first, second = parse_data(f"{whole},{split}")
    assert isinstance(first, FileSource)
    assert (first.spec, second.spec) == (whole, split)
    assert [f.name for f in first.files] == ["train/b.jpg", "val/a.png"]
    assert [f.name for f in second.files] == ["a.png"]
    assert (len(first), len(second), len(first.names)) == (2, 1, 19)
    assert len({first.files, second.files, parse_data(split)[0].files}) == 2  # comparable


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "cannot read ''"),
        ("streets:moon", "unknown domain in 'streets:moon'"),
        ("streets", "unknown domain"),
        ("cityscapes", "cannot read 'cityscapes'"),
        ("kitti:/data", "KIND one of gta5, synthia"),
        ("folder:", "cannot read 'folder'"),
        ("folder:/nowhere", "missing: the folder /nowhere"),
        ("streets:fog,streets:all", "streets:fog is named twice"),
    ],
)
def test_bad_specifications_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        parse_data(spec)


def test_folder_pictures_and_labels_belong_together(tmp_path):
    for name, label in (("val/b.jpg", 18), ("val/deep/a.png", 255), ("train/c.jpg", 0)):
        write(tmp_path, name, labels=label)
    found = list(read_folder(tmp_path, "val"))
    assert [np.unique(np.asarray(labels)).tolist() for _, labels in found] == [[18], [255]]
    assert [image.mode for image, _ in found] == ["RGB", "RGB"]
    assert len(list(read_folder(tmp_path))) == 3


def test_palette_labels_are_read_as_indices(tmp_path):
    write(tmp_path, "a.png", labels=None)
    labels = Image.new("P", (7, 5), 11)
    labels.putpalette([9] * 768)
    (tmp_path / "labels").mkdir()
    labels.save(tmp_path / "labels" / "a.png")
    ((_, read),) = read_folder(tmp_path)
    assert np.unique(np.asarray(read)).tolist() == [11]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label_size": (5, 7)}, r"a\.png is 5 x 7 pixels, but its picture .* is 7 x 5"),
        ({"labels": 19}, r"holds \[19\]"),
        ({"labels": (1, 1, 1), "mode": "RGB"}, "mode RGB"),
    ],
)
def test_odd_labels_are_named(tmp_path, arguments, message):
    write(tmp_path, "a.png", **arguments)
    with pytest.raises(ValueError, match=message):
        list(read_folder(tmp_path))


def test_a_picture_without_labels_is_reported_and_refused(tmp_path):
    write(tmp_path, "a.png")
    write(tmp_path, "b.png", labels=None)
    (source,) = parse_data(f"folder:{tmp_path}")
    assert source.unlabelled == ("b.png",)
    assert "missing: labels of 1 pictures: b.png" in describe([source])
    with pytest.raises(ValueError, match=r"b\.png .* has no labels"):
        list(read_folder(tmp_path))


@pytest.mark.parametrize(
    ("kind", "message"), [("images", r"cannot read .*images/a\.png"), ("labels", "labels .*a.png")]
)
def test_a_broken_file_is_named(tmp_path, kind, message):
    write(tmp_path, "a.png", size=(70, 50))
    file = tmp_path / kind / "a.png"
    for content in (b"no picture", file.read_bytes()[:-60]):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            list(read_folder(tmp_path))


def test_the_limit_chooses_by_seed_and_keeps_the_order(tmp_path):
    for n in range(6):
        write(tmp_path, f"{n}.png", labels=n)
    (source,) = parse_data(f"folder:{tmp_path}")

    def chosen(limit, seed):
        return [int(p.labels[0, 0]) for p in source.pictures(limit, seed)]

    assert chosen(None, 0) == chosen(9, 0) == list(range(6))
    picks = {seed: chosen(3, seed) for seed in range(5)}
    assert all(len(pick) == 3 and pick == sorted(pick) for pick in picks.values())
    assert picks[0] == chosen(3, 0)
    assert len(set(map(tuple, picks.values()))) > 1


def test_street_pictures_stay_among_the_evaluation_seeds(tmp_path):
    source = StreetSource("streets:fog", "fog")
    found = list(source.pictures(2, 9_998, (32, 16), tmp_path, workers=0))
    assert [p.image.shape for p in found] == [(16, 32, 3)] * 2
    assert [p.name for p in found] == ["fog-09998", "fog-09999"]
    for limit, seed in ((3, 9_998), (1, -1)):
        with pytest.raises(ValueError, match="outside 0..9999"):
            next(source.pictures(limit, seed, (32, 16), tmp_path, workers=0))


def test_training_and_evaluation_scenes_are_apart():
    assert datasets.EVALUATION_SEEDS <= datasets.TRAIN_SEEDS
