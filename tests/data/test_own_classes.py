"""Folder sets with a classes.txt of their own."""

import numpy as np
import pytest

from tqdm_demo.data.datasets import describe, parse_data
from tqdm_demo.data.own_classes import CLASSES_FILE, read_class_names
from tqdm_demo.data.sample_index import open_index
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

NAMES = ("cow", "grass", "water")


@pytest.fixture
def farm(trees, tmp_path):
    """Three classes; the pictures of the split "val" show 2, 1 and nothing."""
    (tmp_path / CLASSES_FILE).write_text("\n".join(NAMES) + "\n\n", encoding="utf-8-sig")
    for n, label in enumerate((2, 1, 255)):
        trees.photo(tmp_path / f"images/val/{n}.jpg")
        trees.palette(tmp_path / f"labels/val/{n}.png", trees.constant(label))
    return tmp_path


def test_labels_are_indices_into_the_names(farm):
    (source,) = parse_data(f"folder:{farm}:val")
    assert source.names == NAMES
    assert [np.unique(p.labels).tolist() for p in source.pictures(None, 0)] == [[2], [1], [255]]
    assert "classes: 3 of classes.txt" in describe([source])


def test_an_index_behind_the_last_name_is_refused(trees, farm):
    trees.palette(farm / "labels/val/0.png", trees.constant(3))
    (source,) = parse_data(f"folder:{farm}:val")
    with pytest.raises(ValueError, match=r"val/0\.png holds \[3\]; indices into 3 names .* 0\.\.2"):
        source.read(0)


def test_without_the_file_a_folder_has_the_names_of_cityscapes(trees, tmp_path):
    trees.photo(tmp_path / "images/0.jpg")
    trees.palette(tmp_path / "labels/0.png", trees.constant(18))
    (source,) = parse_data(f"folder:{tmp_path}")
    assert source.names == CITYSCAPES_NAMES and source.read(0).labels[0, 0] == 18


def test_the_index_counts_own_classes_and_again_when_their_number_changes(farm):
    path = farm / "index.json"
    index = open_index(parse_data(f"folder:{farm}:val"), path, 3, workers=0)
    assert index.counts.tolist() == [[0, 0, 77], [0, 77, 0], [0, 0, 0]]
    (farm / CLASSES_FILE).write_text("cow\ngrass\n")
    index = open_index(parse_data(f"folder:{farm}:val"), path, 2, workers=0)
    assert list(index.broken) == ["0.jpg"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cow\n\ngrass\n", "line of label 1 is empty"),
        (b"cow, bull\n", "line of label 0 has a comma"),
        (b"cow\nCow\n", "there twice"),
        (b"", "line of label 0 is empty|at least one"),
        (b"\xff\xfe\xfa", "cannot read the class names"),
    ],
)
def test_odd_files_are_named(tmp_path, content, message):
    (tmp_path / CLASSES_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_class_names(tmp_path)
    assert CLASSES_FILE in str(error.value)
