import shutil
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

from tqdm_demo.checkpoints.sources import BUNDLED, CURATED, PUBLISHED_SOURCES
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.interface.model_manager import ModelManager


def test_the_manager_offers_the_given_the_bundled_and_open_clips_models():
    curated = tuple(model.source for model in CURATED)
    assert tuple(e.source for e in ModelManager().entries) == (
        *BUNDLED,
        *PUBLISHED_SOURCES,
        *curated,
    )
    assert ModelManager().columns == BUNDLED[:3]
    models = ModelManager(["runs/mine", "streets-queries"])
    assert [e.source for e in models.entries][:4] == [
        "runs/mine",
        "streets-queries",
        *BUNDLED[:3:2],
    ]
    assert models.columns == ("runs/mine", "streets-queries", "zero-shot:mini-clip")
    assert [e.title for e in ModelManager().entries][:5] == [
        *("tqdm", "learned queries", "zero-shot CLIP"),
        *("tqdm, photographs", "learned queries, photographs"),
    ]
    assert all(e.about and e.kind for e in ModelManager().entries)
    with pytest.raises(
        ValueError, match="no model 'elsewhere'; there are runs/mine, streets-queries"
    ):
        models.entry("elsewhere")
    with pytest.raises(ValueError, match="max_models is 0"):
        ModelManager(max_models=0)
    with pytest.raises(ValueError, match="cache_mb is 0; it must be at least 1"):
        ModelManager(cache_mb=0)


@pytest.fixture
def sources(tiny_weights) -> list[str]:
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    return [str(tiny_weights / "tiny-tqdm"), str(tiny_weights / "tiny-queries"), clip]


class Loads:
    """Loads as Predictor does, and writes down what."""

    def __init__(self) -> None:
        self.sources = []

    def __call__(self, source: str, device: str, **shared: Any) -> Predictor:
        self.sources.append(source)
        time.sleep(0.05)  # so that threads meet here
        return Predictor.load(source, device, **shared)


def test_models_are_loaded_on_demand_and_the_longest_unused_goes(sources):
    loads = Loads()
    models = ModelManager(sources, "cpu", max_models=2, load=loads)
    tqdm, queries, clip = sources
    assert loads.sources == [] and not models.is_loaded(tqdm)
    assert models.predictor(tqdm) is models.predictor(tqdm)
    models.predictor(queries)
    models.predictor(tqdm)  # used again, so "queries" is the oldest now
    models.predictor(clip)
    assert [models.is_loaded(source) for source in sources] == [True, False, True]
    models.predictor(queries)
    assert loads.sources == [tqdm, queries, clip, queries]
    assert [models.is_loaded(source) for source in sources] == [False, True, True]
    assert models.entry(queries).kind == "learned"


def test_a_dropped_model_is_gone_from_memory(sources):
    models = ModelManager(sources, "cpu", max_models=1)
    model = weakref.ref(models.predictor(sources[0]).model.segmenter)
    models.predictor(sources[1])
    assert model() is None


def test_a_model_that_cannot_be_had_costs_no_other(sources):
    models = ModelManager(["nowhere", *sources], "cpu", max_models=1)
    models.predictor(sources[0])
    with pytest.raises(ValueError, match="'nowhere'"):
        models.predictor("nowhere")
    assert models.is_loaded(sources[0])


def test_a_damaged_model_costs_no_other(sources, tmp_path):
    shutil.copytree(sources[0], tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"damaged")
    models = ModelManager([*sources, str(tmp_path / "damaged")], "cpu", max_models=1)
    good = models.predictor(sources[0])
    with pytest.raises(ValueError, match="cannot read"):
        models.predictor(str(tmp_path / "damaged"))
    assert models.loaded(sources[0]) is good


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory: 9 bytes")])
def test_where_memory_takes_no_more_the_oldest_goes_first(sources, error):
    def load(source: str, device: str, **shared: Any) -> Predictor:
        if kept() is not None:
            raise error
        return Predictor.load(source, device, **shared)

    kept = lambda: None  # noqa: E731
    models = ModelManager(sources, "cpu", max_models=1, load=load)
    kept = weakref.ref(models.predictor(sources[0]).model.segmenter)
    assert models.predictor(sources[1]) is models.loaded(sources[1])
    assert kept() is None


def test_what_is_loaded_is_had_without_waiting_for_what_is_not(sources):
    loads = Loads()
    models = ModelManager(sources, "cpu", max_models=2, load=loads)
    assert models.loaded(sources[0]) is None and loads.sources == []
    models.predictor(sources[0])
    models.predictor(sources[1])
    assert models.loaded(sources[0]) is models.predictor(sources[0])
    models.predictor(sources[2])  # used again, so the second was the oldest
    assert models.loaded(sources[1]) is None


def test_all_models_share_one_bounded_cache(sources):
    models = ModelManager(sources, "cpu", cache_mb=2)
    for value in range(4):
        for source in sources:
            models.predictor(source).segment(np.full((9, 13, 3), value, np.uint8), ["sky"])
            assert 0 < models.cache.weight <= 2 * 2**20
    found = models.predictor(source).segment(np.full((9, 13, 3), value, np.uint8), ["sky"])
    assert found.timings.picture_reused, "the last one is there"


def test_what_a_model_has_kept_goes_with_it(sources):
    models = ModelManager(sources, "cpu", max_models=1)
    models.predictor(sources[0]).segment(np.zeros((9, 13, 3), np.uint8), ["sky"])
    models.cache.put("another", np.zeros(10))
    models.predictor(sources[1])
    assert models.cache.weight == 80


def test_users_who_meet_load_a_model_once(sources):
    loads = Loads()
    models = ModelManager(sources, "cpu", max_models=1, load=loads)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(models.predictor(sources[0])))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads.sources == [sources[0]] and len(found) == 6 and len(set(map(id, found))) == 1
