"""Batches: the same sample from every process and after every stop, from memory and from files."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tqdm_demo.config import TrainConfig
from tqdm_demo.data import crops as crops_module
from tqdm_demo.data import street_pool
from tqdm_demo.data.crops import FileCrops, PooledCrops, open_crops
from tqdm_demo.data.datasets import parse_data

CONFIG = TrainConfig(steps=50, batch_size=3, crop=16, seed=4)
MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path):
    """Five pictures of different sizes; the red channel tells the picture, the label its class."""
    rng = np.random.default_rng(0)
    for n in range(5):
        labels = rng.integers(0, 4, (3, 5)).repeat(8 + n, 0).repeat(9, 1).astype(np.uint8)
        image = np.stack([np.full_like(labels, 40 * n), labels * 50, labels * 20], axis=-1)
        for kind, array in (("images", image), ("labels", labels)):
            (tmp_path / "set" / kind).mkdir(exist_ok=True, parents=True)
            Image.fromarray(array).save(tmp_path / "set" / kind / f"{n}.png")
    return tmp_path / "set"


def from_files(folder, config=CONFIG, workers=0):
    sources = parse_data(f"folder:{folder}")
    return open_crops(sources, config, 19, MEAN, STD, CPU, folder.parent / "work", workers=workers)


def from_memory(config=CONFIG):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (5, 6, 10)).repeat(4, 1).repeat(4, 2).astype(np.uint8)
    images = rng.integers(0, 256, (*labels.shape, 3), dtype=np.uint8)
    return PooledCrops(images, labels, 19, config, crops_module.Colours(MEAN, STD), CPU)


@pytest.fixture(params=["files", "threads", "memory"])
def make(request, folder):
    made = []

    def make(config=CONFIG):
        kinds = {"files": 0, "threads": 2}
        if request.param in kinds:
            made.append(from_files(folder, config, kinds[request.param]))
        else:
            made.append(from_memory(config))
        return made[-1]

    yield make
    for crops in made:
        crops.close()


def equal(first, second):
    return torch.equal(first.pixels, second.pixels) and torch.equal(first.labels, second.labels)


def test_batches_have_the_promised_form(make):
    batch = make().draw(0)
    assert batch.pixels.shape == (3, 3, 16, 16) and batch.pixels.dtype == torch.float32
    assert batch.labels.shape == (3, 16, 16) and batch.labels.dtype == torch.int64
    assert set(batch.labels.unique().tolist()) <= {0, 1, 2, 3, 255}


def test_a_batch_depends_on_seed_step_and_part_alone(make):
    crops, other = make(), make()
    in_order = [crops.draw(step) for step in range(4)]
    for step in (3, 0, 2):  # a resumed training begins anywhere
        assert equal(in_order[step], other.draw(step))
    assert not equal(in_order[0], in_order[1])
    assert not equal(in_order[2], other.draw(2, part=1))
    assert not equal(in_order[2], make(replace(CONFIG, seed=5)).draw(2))


def test_parts_make_up_the_larger_batch(make):
    whole = make(replace(CONFIG, batch_size=6)).draw(7)
    crops = make()
    parts = [crops.draw(7, part) for part in (0, 1)]
    assert torch.equal(whole.labels, torch.cat([part.labels for part in parts]))
    pixels = torch.cat([part.pixels for part in parts])
    torch.testing.assert_close(whole.pixels, pixels, atol=1e-5, rtol=0)


def test_threads_read_what_is_read_without_them(folder):
    plain, ahead = from_files(folder), from_files(folder, workers=3)
    assert all(equal(plain.draw(step), ahead.draw(step)) for step in range(3))
    ahead.close()


def test_normalised_and_padded_with_zeros_after_normalising(folder):
    config = replace(CONFIG, crop=64, resize_range=(1.0, 1.0), photometric=False)
    batch = from_files(folder, config).draw(1)
    for pixels, labels in zip(batch.pixels, batch.labels, strict=True):
        shown = labels < 255
        assert 0.2 < shown.float().mean() < 0.45 and (pixels[:, ~shown] == 0).all()
        green = 255 * (pixels[1, shown] * STD[1] + MEAN[1])
        torch.testing.assert_close(green, labels[shown] * 50.0, atol=0.01, rtol=0)


def test_a_rank_that_waits_finds_the_index_of_the_other(folder, monkeypatch):
    from_files(folder)
    monkeypatch.setattr("tqdm_demo.data.sample_index._count_all", None)
    assert isinstance(from_files(folder), FileCrops)


def test_a_picture_that_breaks_is_replaced_counted_and_named(folder, capsys):
    whole = [from_files(folder).draw(step) for step in range(6)]
    size = (folder / "images" / "2.png").stat().st_size
    content = (folder / "images" / "2.png").read_bytes()
    crops = from_files(folder)
    (folder / "images" / "2.png").write_bytes(content[: size // 2])
    found = [crops.draw(step) for step in range(6)]
    assert list(crops.broken) == ["2.png"]
    assert "cannot read" in crops.broken["2.png"]
    assert capsys.readouterr().out.count("left out, 1 so far") == 1
    same = [equal(a, b) for a, b in zip(whole, found, strict=True)]
    assert any(same) and not all(same)  # other samples are as they were
    again = from_files(folder)
    assert all(equal(a, again.draw(step)) for step, a in enumerate(found))


def test_all_pictures_broken(folder):
    crops = from_files(folder)
    for file in (folder / "images").iterdir():
        file.write_bytes(b"x")
    with pytest.raises(OSError, match="20 pictures in a row"):
        crops.draw(0)


def test_drawn_and_real_are_not_mixed(folder, tmp_path):
    sources = parse_data(f"streets:game,folder:{folder}")
    with pytest.raises(ValueError, match="cannot be mixed"):
        open_crops(sources, CONFIG, 19, MEAN, STD, CPU, tmp_path)


def test_streets_are_painted_from_the_training_seeds(tmp_path, monkeypatch):
    seeds = []
    paint = street_pool.paint
    monkeypatch.setattr(
        street_pool, "paint", lambda seed, *more: (seeds.append(seed), paint(seed, *more))[1]
    )
    config = replace(CONFIG, scenes=2)
    found = open_crops(parse_data("streets:game"), config, 19, MEAN, STD, CPU, tmp_path,
                       cache=tmp_path, size=(64, 32), workers=0)  # fmt: skip
    assert isinstance(found, PooledCrops) and seeds == [100_000, 100_001]
    assert found.draw(0).pixels.shape == (3, 3, 16, 16)
