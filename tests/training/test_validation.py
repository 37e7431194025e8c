"""What a training reads: found beforehand, and shared among processes."""

import gc
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.file_source import FileSource, LabelledPicture
from tqdm_demo.training import validation
from tqdm_demo.training.validation import find_data, read_pictures


@pytest.fixture
def folder(tmp_path):
    """A folder set with two splits; the first pixel of a picture is its number."""
    for split, numbers in (("train", range(3)), ("val", range(10, 15))):
        for kind in ("images", "labels"):
            (tmp_path / kind / split).mkdir(parents=True)
        for number in numbers:
            image = np.full((6, 9, 3), number, np.uint8)
            Image.fromarray(image).save(tmp_path / "images" / split / f"{number}.png")
            Image.fromarray(image[..., 0]).save(tmp_path / "labels" / split / f"{number}.png")
    return tmp_path


def numbers(pictures):
    return [int(picture.image[0, 0, 0]) for picture in pictures]


def read(found, count=None, **more):
    sources, expected = next(iter(found.checks.values()))
    return numbers(read_pictures(sources, count or expected, (8, 8), None, 0, **more))


def test_the_source_chooses_by_its_own_validation_part(folder):
    config = TrainConfig(source=f"cityscapes:{folder}")
    with pytest.raises(ValueError, match="Cityscapes"):
        find_data(config)
    found = find_data(replace(config, source=f"folder:{folder}:train"))
    assert len(found.train[0]) == 3 and list(found.checks) == [f"folder:{folder}:val"]
    assert read(found) == [10, 11, 12, 13, 14]
    assert "also trained on" not in found.report
    named = replace(config, source=f"folder:{folder}:train", validation="streets:game")
    assert list(find_data(named).checks) == ["streets:game"]
    shutil.rmtree(folder / "images" / "val")
    found = find_data(replace(config, source=f"folder:{folder}:train"))
    assert read(found) == [0, 1, 2] and "no validation part" in found.report


def test_pictures_that_are_trained_on_are_told(folder):
    found = find_data(TrainConfig(source=f"folder:{folder}:val", watch="streets:fog"))
    assert "also trained on" in found.report
    assert list(found.checks) == [f"folder:{folder}:val", "streets:fog"]


def test_figures_of_mapillary_are_named_with_their_mapping(trees, tmp_path):
    for split in ("training", "validation"):
        trees.photo(tmp_path / split / "images" / "x.jpg")
        trees.palette(tmp_path / split / "labels" / "x.png", trees.constant(13))
    spec = f"mapillary:{tmp_path}"
    found = find_data(TrainConfig(source=spec, watch=f"{spec}:val:rein,streets:fog"))
    assert list(found.checks) == [
        f"{spec} (Mapillary v1.2 by the HRDA mapping)",
        f"{spec}:val:rein (Mapillary v1.2 by the Rein mapping)",
        "streets:fog",
    ]


def test_processes_share_the_pictures_unless_the_model_is_spread(folder, monkeypatch):
    found = find_data(TrainConfig(source=f"folder:{folder}:val"))
    monkeypatch.setattr(validation, "process_count", lambda: 2)
    parts = []
    for rank in (0, 1):
        monkeypatch.setattr(validation, "rank", lambda rank=rank: rank)
        parts.append(read(found))
        assert read(found, shared=False) == [10, 11, 12, 13, 14]
    assert parts == [[10, 12, 14], [11, 13]]
    assert len(read(found, count=3, shared=False)) == 3


def test_pictures_on_disk_are_read_when_they_are_asked_for(folder, monkeypatch):
    """Once to check them all; after that nothing of them stays."""
    alive, read = weakref.WeakSet(), FileSource.read

    def watched(source, index, cache):
        assert len(alive) <= 1, "the one before may still have a name"
        picture = read(source, index, cache)
        alive.add(picture)
        return picture

    monkeypatch.setattr(LabelledPicture, "__hash__", object.__hash__)
    monkeypatch.setattr(FileSource, "read", watched)
    ((sources, count),) = find_data(TrainConfig(source=f"folder:{folder}:val")).checks.values()
    pictures = read_pictures(sources, count, (8, 8), None, 0)
    gc.collect()
    assert len(pictures) == 5 and len(alive) == 0
    assert numbers(pictures) == [10, 11, 12, 13, 14]
    assert pictures.shown.nonzero()[0].tolist() == [10, 11, 12, 13, 14]


def test_a_choice_of_training_pictures_leaves_all_for_validation(folder):
    found = find_data(TrainConfig(source=f"folder:{folder}:train:include=1*:filter=oil"))
    assert len(found.train[0]) == 1
    assert list(found.checks) == [f"folder:{folder}:val:filter=oil"]
    ((source,), _) = next(iter(found.checks.values()))
    assert len(source) == 5 and source.files[0].domain == "oil"


def test_own_classes_are_those_of_the_training_and_others_are_refused(folder, trees, tmp_path):
    own = tmp_path / "own"
    trees.photo(own / "images/0.png")
    trees.grey(own / "labels/0.png", trees.constant(1))
    (own / "classes.txt").write_text("cow\ngrass\n")
    assert find_data(TrainConfig(source=f"folder:{own}")).class_names == ("cow", "grass")
    with pytest.raises(ValueError, match=r"has other classes \(19: road, .*\(2: cow, grass"):
        find_data(TrainConfig(source=f"folder:{own}", watch=f"folder:{folder}:val"))
    with pytest.raises(ValueError, match="evaluate takes any"):
        find_data(TrainConfig(source=f"folder:{folder}:val,folder:{own}"))


def test_validation_pictures_that_cannot_be_read_are_left_out(folder, capsys):
    Image.new("1", (20000, 10000)).save(folder / "images/val/11.png")
    found = find_data(TrainConfig(source=f"folder:{folder}:train"))
    assert read(found) == [10, 12, 13, 14]
    assert "11.png: This picture is too large" in capsys.readouterr().out
    for number in range(10, 15):
        (folder / f"images/val/{number}.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"none of 5 validation pictures can be used: .*10\.png"):
        read(found)
