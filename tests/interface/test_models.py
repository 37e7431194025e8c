import threading
import time
import weakref

import pytest

from tqdm_demo.interface.models import (
    MEANINGS,
    TITLES,
    VIEWS,
    ModelShelf,
    describe_effort,
    load_models,
)
from tqdm_demo.predictor import Effort, Predictor
from tqdm_demo.sources import BUNDLED, CURATED


def test_a_missing_model_becomes_a_column_that_says_so(tiny_weights):
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    sources = ["streets-nowhere", clip, clip]
    models = load_models(ModelShelf(sources, "cpu"), sources)
    assert [model.source for model in models] == ["streets-nowhere", clip]
    assert models[0].predictor is None and "'streets-nowhere'" in models[0].problem
    assert models[0].title == "streets-nowhere" and models[0].subtitle == "not available"
    assert models[1].title == "Zero-shot CLIP" and models[1].problem == ""


def test_no_model_at_all_is_an_error():
    with pytest.raises(ValueError, match="(?s)no model could be loaded.*'a'.*'b'"):
        load_models(ModelShelf(["a", "b"], "cpu"), ["a", "b"])


def test_columns_are_named_after_what_they_are(tiny_models):
    assert [m.title for m in tiny_models] == ["tqdm", "Learned queries", "Zero-shot CLIP"]


def test_the_shelf_offers_the_given_the_bundled_and_open_clips_models():
    curated = tuple(model.source for model in CURATED)
    assert tuple(e.source for e in ModelShelf().entries) == (*BUNDLED, *curated)
    assert ModelShelf().columns == BUNDLED
    shelf = ModelShelf(["runs/mine", "streets-queries"])
    assert [e.source for e in shelf.entries][:4] == ["runs/mine", "streets-queries", *BUNDLED[::2]]
    assert shelf.columns == ("runs/mine", "streets-queries", "zero-shot:streets-clip")
    assert [e.title for e in ModelShelf().entries][:3] == [
        "tqdm",
        "learned queries",
        "zero-shot CLIP",
    ]
    assert all(e.about and e.kind for e in ModelShelf().entries)
    with pytest.raises(
        ValueError, match="no model 'elsewhere'; there are runs/mine, streets-queries"
    ):
        shelf.entry("elsewhere")
    with pytest.raises(ValueError, match="max_models is 0"):
        ModelShelf(max_models=0)


@pytest.fixture
def sources(tiny_weights) -> list[str]:
    clip = f"zero-shot:{tiny_weights / 'tiny-clip'}"
    return [str(tiny_weights / "tiny-tqdm"), str(tiny_weights / "tiny-queries"), clip]


class Loads:
    """Loads as Predictor does, and writes down what."""

    def __init__(self) -> None:
        self.sources = []

    def __call__(self, source: str, device: str) -> Predictor:
        self.sources.append(source)
        time.sleep(0.05)  # so that threads meet here
        return Predictor.load(source, device)


def test_models_are_loaded_on_demand_and_the_longest_unused_goes(sources):
    loads = Loads()
    shelf = ModelShelf(sources, "cpu", max_models=2, load=loads)
    tqdm, queries, clip = sources
    assert loads.sources == [] and not shelf.is_loaded(tqdm)
    assert shelf.predictor(tqdm) is shelf.predictor(tqdm)
    shelf.predictor(queries)
    shelf.predictor(tqdm)  # used again, so "queries" is the oldest now
    shelf.predictor(clip)
    assert [shelf.is_loaded(source) for source in sources] == [True, False, True]
    shelf.predictor(queries)
    assert loads.sources == [tqdm, queries, clip, queries]
    assert [shelf.is_loaded(source) for source in sources] == [False, True, True]
    assert shelf.entry(queries).kind == "learned"


def test_a_dropped_model_is_gone_from_memory(sources):
    shelf = ModelShelf(sources, "cpu", max_models=1)
    model = weakref.ref(shelf.predictor(sources[0]).model.segmenter)
    shelf.predictor(sources[1])
    assert model() is None


def test_a_model_that_cannot_be_had_costs_no_other(sources):
    shelf = ModelShelf(["nowhere", *sources], "cpu", max_models=1)
    shelf.predictor(sources[0])
    with pytest.raises(ValueError, match="'nowhere'"):
        shelf.predictor("nowhere")
    assert shelf.is_loaded(sources[0])


def test_visitors_who_meet_load_a_model_once(sources):
    loads = Loads()
    shelf = ModelShelf(sources, "cpu", max_models=1, load=loads)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(shelf.predictor(sources[0]))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads.sources == [sources[0]] and len(found) == 6 and len(set(map(id, found))) == 1


def test_every_view_of_every_kind_is_explained():
    assert set(MEANINGS) == {(view, kind) for view in VIEWS for kind in TITLES}


@pytest.mark.parametrize(
    ("effort", "words"),
    [
        (
            Effort(True, 1, 0.0, 4.2, 95.4),
            "picture features reused, 1 new name encoded in 4 ms, decoded in 95 ms",
        ),
        (
            Effort(True, 0, 0.0, 0.02, 0.3),
            "picture features reused, no new name to encode, decoded in 1 ms",
        ),
        (
            Effort(False, 19, 1234.0, 40.0, 100.0),
            "picture encoded in 1.2 s, 19 new names encoded in 40 ms, decoded in 100 ms",
        ),
    ],
)
def test_effort_in_words(effort, words):
    assert describe_effort(effort) == words
