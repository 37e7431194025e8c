"""The index of classes: what is counted, kept, and counted again."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.data import sample_index
from tqdm_demo.data.datasets import parse_data
from tqdm_demo.data.sample_index import open_index


def write(root, name, labels, size=(3, 2)):
    for kind in ("images", "labels"):
        (root / kind).mkdir(exist_ok=True, parents=True)
    Image.new("RGB", size).save(root / "images" / f"{name}.png")
    Image.fromarray(np.array(labels, np.uint8)).save(root / "labels" / f"{name}.png")


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "set", "a", [[0, 0, 255], [0, 5, 5]])
    write(tmp_path / "set", "b", [[18, 18, 18], [18, 18, 18]])
    return tmp_path / "set"


@pytest.fixture
def counted(monkeypatch):
    """Names of the pictures that were counted."""
    names, count = [], sample_index._count
    monkeypatch.setattr(
        sample_index, "_count", lambda file: (names.append(file.name), count(file))[1]
    )
    return names


def index_of(folder, workers=0):
    path = folder.parent / "work" / "class-index.json"
    return open_index(parse_data(f"folder:{folder}"), path, 19, workers)


def test_pixels_are_counted_by_class(folder):
    index = index_of(folder)
    assert [file.name for file in index.files] == ["a.png", "b.png"]
    assert index.counts.shape == (2, 19) and index.counts.sum() == 11
    assert (index.counts[0, 0], index.counts[0, 5], index.counts[1, 18]) == (3, 2, 6)
    assert index.broken == {}


def test_several_processes_count_the_same(folder):
    first = index_of(folder)
    (folder.parent / "work" / "class-index.json").unlink()
    np.testing.assert_array_equal(first.counts, index_of(folder, workers=2).counts)


def test_it_is_kept(folder, counted):
    first = index_of(folder)
    second = index_of(folder)
    assert counted == ["a.png", "b.png"]
    np.testing.assert_array_equal(first.counts, second.counts)
    assert first.files == second.files


def _change_time(folder):
    os.utime(folder / "labels" / "a.png", ns=(1, 1))


def _add(folder):
    write(folder, "c", [[1, 1, 1], [1, 1, 1]])


def _remove(folder):
    (folder / "images" / "a.png").unlink()


def _relabel(folder):
    write(folder, "a", [[7, 7, 7], [7, 7, 7]])


def _damage_index(folder):
    file = folder.parent / "work" / "class-index.json"
    file.write_text(file.read_text()[:-20])


@pytest.mark.parametrize("change", [_change_time, _add, _remove, _relabel, _damage_index])
def test_it_is_counted_again_when_something_changed(folder, counted, change):
    index_of(folder)
    change(folder)
    del counted[:]
    index = index_of(folder)
    names = sorted(path.name for path in (folder / "images").iterdir())
    assert counted == names == [file.name for file in index.files]
    saved = json.loads((folder.parent / "work" / "class-index.json").read_text())
    assert len(saved["pictures"]) == len(names)
    assert not list(folder.parent.rglob("*partial*"))


def test_broken_pictures_are_left_out_and_named(folder):
    write(folder, "c", [[1, 1, 1], [1, 1, 1]], size=(4, 2))
    write(folder, "d", [[19, 1, 1], [1, 1, 1]])
    write(folder, "e", [[1, 1, 1], [1, 1, 1]])
    (folder / "labels" / "e.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken and short of everything")
    write(folder, "f", [[1, 1, 1], [1, 1, 1]])
    (folder / "images" / "f.png").write_bytes(b"no picture")
    for _ in range(2):  # also from the kept index
        index = index_of(folder)
        assert [file.name for file in index.files] == ["a.png", "b.png"]
        assert len(index.counts) == 2
        assert sorted(index.broken) == ["c.png", "d.png", "e.png", "f.png"]
        assert "is 3 x 2 pixels, but its picture" in index.broken["c.png"]
        assert "holds [19]" in index.broken["d.png"]


def test_nothing_usable_is_refused(tmp_path):
    write(tmp_path / "set", "a", [[77, 0, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match=r"none of 1 pictures can be used: .*holds \[77\]"):
        index_of(tmp_path / "set")
