from threading import Event

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.interface import prefetch as warm
from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.parts import MAX_SIDE


@pytest.fixture
def examples(tmp_path) -> list[Example]:
    found = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        pixels = np.random.default_rng().integers(0, 256, (30, 50, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        found.append(Example(path, None, "", "game", ("road",), "x"))
    return found


def test_an_example_that_was_warmed_is_not_encoded_again(tiny_models, examples, monkeypatch):
    monkeypatch.setattr(warm, "TOO_LONG", float("inf"))  # however busy this machine is
    assert warm.prefetch_examples(tiny_models, examples, Event(), wait=0) == 3
    predictor = tiny_models.predictor(tiny_models.columns[0])
    for example in examples:
        timings = predictor.segment(read_image(example.path, MAX_SIDE)).timings
        assert timings.picture_reused


def test_it_ends_when_it_is_told_and_when_the_model_is_slow(tiny_models, examples, monkeypatch):
    stop = Event()
    stop.set()
    assert warm.prefetch_examples(tiny_models, examples, stop) == 0
    monkeypatch.setattr(warm, "TOO_LONG", -1.0)
    assert warm.prefetch_examples(tiny_models, examples, Event(), wait=0) == 1


def test_an_example_that_is_gone_ends_it_quietly(tiny_models, examples, monkeypatch):
    monkeypatch.setattr(warm, "TOO_LONG", float("inf"))
    examples[1].path.unlink()
    assert warm.prefetch_examples(tiny_models, examples, Event(), wait=0) == 1
