"""The pool of drawn pictures: content, cache key, resumption. A fake painter keeps it fast."""

from types import SimpleNamespace

import numpy as np
import pytest

from tqdm_demo.data import street_pool
from tqdm_demo.data.street_pool import StreetPool

SIZE = (10, 6)  # width, height


@pytest.fixture
def painted(monkeypatch):
    """Replaces the painter; the list of everything it painted."""
    calls = []

    def paint(seed, domain, size):
        calls.append((seed, domain))
        width, height = size
        value = seed % 100 + (100 if domain == "night" else 0)
        return SimpleNamespace(
            image=np.full((height, width, 3), value, np.uint8),
            labels=np.full((height, width), seed % 19, np.uint8),
        )

    monkeypatch.setattr(street_pool, "paint", paint)
    return calls


def test_open_gives_every_scene_in_every_domain(painted, tmp_path):
    pool = StreetPool.open(["night", "game"], 3, 40, SIZE, tmp_path, workers=0)
    assert len(pool) == 6
    assert pool.images.shape == (6, 6, 10, 3)
    assert pool.labels.shape == (6, 6, 10)
    assert [pool.domain_names[d] for d in pool.domains] == ["night"] * 3 + ["game"] * 3
    assert pool.seeds.tolist() == [40, 41, 42] * 2
    assert pool.images[:, 5, 9, 2].tolist() == [140, 141, 142, 40, 41, 42]
    assert pool.labels[:, 5, 9].tolist() == [s % 19 for s in pool.seeds]


def test_a_second_opening_paints_nothing(painted, tmp_path):
    first = StreetPool.open(["game"], 2, 0, SIZE, tmp_path, workers=0)
    painted.clear()
    second = StreetPool.open(["game"], 2, 0, SIZE, tmp_path, workers=0)
    assert not painted
    np.testing.assert_array_equal(first.images, second.images)
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    "other",
    [
        (["game"], 2, 1, SIZE),
        (["game"], 3, 0, SIZE),
        (["fog"], 2, 0, SIZE),
        (["game"], 2, 0, (6, 10)),
    ],
)
def test_anything_else_is_another_pool(painted, tmp_path, other):
    StreetPool.open(["game"], 2, 0, SIZE, tmp_path, workers=0)
    painted.clear()
    StreetPool.open(*other, tmp_path, workers=0)
    assert len(painted) == other[1]


def test_an_altered_painter_paints_anew(painted, tmp_path, monkeypatch):
    package = tmp_path / "package"
    package.mkdir()
    (package / "objects").mkdir()
    (package / "painter.py").write_text("old")
    (package / "objects" / "cars.py").write_text("old")
    (package / "captions.py").write_text("old")
    monkeypatch.setattr(street_pool.streets, "__path__", [str(package)])
    StreetPool.open(["game"], 2, 0, SIZE, tmp_path, workers=0)
    (package / "captions.py").write_text("new")
    StreetPool.open(["game"], 2, 0, SIZE, tmp_path, workers=0)
    assert len(painted) == 2
    for count, painter in ((4, "painter.py"), (6, "objects/cars.py")):
        (package / painter).write_text("new")
        StreetPool.open(["game"], 2, 0, SIZE, tmp_path, workers=0)
        assert len(painted) == count


def test_an_interrupted_pool_goes_on(painted, tmp_path, monkeypatch):
    monkeypatch.setattr(street_pool, "CHUNK", 2)
    paint = street_pool.paint

    def interrupted(seed, domain, size):
        if seed == 3:
            raise KeyboardInterrupt
        return paint(seed, domain, size)

    monkeypatch.setattr(street_pool, "paint", interrupted)
    with pytest.raises(KeyboardInterrupt):
        StreetPool.open(["game"], 5, 0, SIZE, tmp_path, workers=0)
    painted.clear()
    monkeypatch.setattr(street_pool, "paint", paint)
    pool = StreetPool.open(["game"], 5, 0, SIZE, tmp_path, workers=0)
    assert [seed for seed, _ in painted] == [2, 3, 4]
    assert pool.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_a_pool_is_read_only(painted, tmp_path):
    pool = StreetPool.open(["game"], 1, 0, SIZE, tmp_path, workers=0)
    with pytest.raises(ValueError, match="read-only"):
        pool.images[0] = 1


@pytest.mark.parametrize(
    ("pictures", "size", "message"),
    [
        ([], SIZE, "at least one"),
        ([(0, "game"), (1, "moon")], SIZE, "moon"),
        ([(-1, "game")], SIZE, "negative"),
        ([(0, "game")], (0, 6), "size"),
    ],
)
def test_bad_requests_are_named(tmp_path, pictures, size, message):
    with pytest.raises(ValueError, match=message):
        StreetPool.open_pictures(pictures, size, tmp_path, workers=0)


def test_processes_paint_the_same_as_one(tmp_path):
    pictures = [(7, "game"), (8, "comic")]
    alone = StreetPool.open_pictures(pictures, (32, 16), tmp_path / "a", workers=0)
    together = StreetPool.open_pictures(pictures, (32, 16), tmp_path / "b", workers=2)
    np.testing.assert_array_equal(alone.images, together.images)
    np.testing.assert_array_equal(alone.labels, together.labels)
    assert len(np.unique(alone.labels)) > 1
