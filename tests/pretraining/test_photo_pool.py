"""Photographs with labels, and their filtered copies on disk."""

import numpy as np
from PIL import Image

from tqdm_demo.data.datasets import parse_data
from tqdm_demo.pretraining.concepts import concept_ids
from tqdm_demo.pretraining.photo_pool import Filters, photo_pictures, reduced
from tqdm_demo.streets.domains import DOMAINS

FILTERS = Filters(("oil", "fog", "night"), copies=2, side=48)


def make_folder(root, names=("tree", "cow", "sky"), sizes=((64, 40), (40, 64), (64, 40))):
    """Three photographs: class 1 above class 2, the left column not labelled."""
    for kind in ("images", "labels"):
        (root / kind / "train").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for n, (width, height) in enumerate(sizes):
        image = rng.integers(0, 255, (height, width, 3), np.uint8)
        ids = np.ones((height, width), np.uint8)
        ids[height // 2 :], ids[:, 0] = 2, 255
        Image.fromarray(image).save(root / "images" / "train" / f"p{n}.png")
        Image.fromarray(ids).save(root / "labels" / "train" / f"p{n}.png")
    if names:
        (root / "classes.txt").write_text("\n".join(names) + "\n")
    return root


def open_set(root, options=""):
    """The photographs of a folder."""
    return parse_data(f"folder:{root}:train{options}")[0]


def test_photographs_come_plain_and_filtered_by_shape(tmp_path):
    folder = open_set(make_folder(tmp_path / "set"))
    assert folder.names == ("tree", "cow", "sky")
    wide, tall = photo_pictures(folder, FILTERS, tmp_path / "cache", workers=0)
    assert wide.images.shape == (6, 30, 48, 3) and tall.images.shape == (3, 48, 30, 3)
    cow, sky = concept_ids(["cow", "sky"])
    for ids in wide.labels:
        assert (ids[0, 1:] == cow).all() and (ids[-1, 1:] == sky).all() and ids[0, 0] == 255
    names = [name for name, _ in wide.domains]
    assert names[0] == names[3] == "real photo"
    assert set(names[1:3]) <= set(FILTERS.styles) and len(set(names[1:3])) == 2
    assert wide.domains[1][1] == DOMAINS[names[1]].phrase
    assert wide.labelled == tuple(sorted(concept_ids(folder.names)))
    assert not np.array_equal(wide.images[0], wide.images[1])


def test_what_is_on_disk_is_taken_again(tmp_path, monkeypatch):
    folder = open_set(make_folder(tmp_path / "set"))
    first = photo_pictures(folder, FILTERS, tmp_path / "cache", workers=0)
    monkeypatch.setattr("tqdm_demo.pretraining.photo_pool.apply_domain", None)
    again = photo_pictures(folder, FILTERS, tmp_path / "cache", workers=0)
    assert all(np.array_equal(a.images, b.images) for a, b in zip(first, again, strict=True))


def test_pictures_are_never_enlarged(tmp_path):
    source = open_set(make_folder(tmp_path))
    image, ids = reduced(source.read(0), (7, 9, 30), 500)
    assert image.shape == (40, 64, 3) and set(np.unique(ids).tolist()) == {9, 30, 255}


def test_without_a_list_the_labels_are_cityscapes_ids(tmp_path):
    (wide, _) = photo_pictures(
        open_set(make_folder(tmp_path / "set", names=())), FILTERS, tmp_path / "cache", workers=0
    )
    assert set(np.unique(wide.labels).tolist()) == {1, 2, 255}
    assert wide.labelled == tuple(range(19))


def test_a_set_that_is_filtered_already_has_the_filters_name(tmp_path):
    source = open_set(make_folder(tmp_path / "set"), ":filter=mosaic")
    wide, _ = photo_pictures(source, Filters((), 0, side=48), tmp_path / "cache", workers=0)
    assert [name for name, _ in wide.domains] == ["mosaic"] * 2


def test_there_are_no_more_copies_than_styles(tmp_path):
    source = open_set(make_folder(tmp_path / "set"))
    wide, tall = photo_pictures(source, Filters(("fog",), 13, side=48), tmp_path / "c", workers=0)
    assert len(wide.images) == len(wide.labels) == len(wide.domains) == 4
    assert len(tall.images) == 2


def test_strengths_are_full_or_above_the_weakest(tmp_path, monkeypatch):
    found = []

    def record(name, image, *, strength, seed):
        found.append(strength)
        return image

    monkeypatch.setattr("tqdm_demo.pretraining.photo_pool.apply_domain", record)
    folder = open_set(make_folder(tmp_path / "set"))
    photo_pictures(folder, FILTERS, tmp_path / "cache", workers=0)
    assert len(found) == 6 and 1.0 in found and all(0.4 <= s <= 1 for s in found)
    assert any(s < 1 for s in found)
