"""Models on ZeroGPU, with a stand-in for the platform's package."""

import os
import threading

import gradio as gr
import numpy as np
import pytest
import torch
from torch import nn

from tests.interface import spaces_stand_in
from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.interface import zero_gpu
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.zero_gpu import ZeroGpuLoader, estimate, in_words, move

NAMES = parse_class_list("road\nsky, air\ntaxi")
PICTURE = np.random.default_rng(3).integers(0, 256, (60, 90, 3), np.uint8)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the stand-in forks")


@pytest.fixture
def spaces(monkeypatch):
    stand_in = spaces_stand_in.Spaces()
    monkeypatch.setattr(spaces_stand_in, "PARENT", os.getpid())
    monkeypatch.setattr(zero_gpu, "spaces", stand_in)

    def to_cuda(system, device):
        assert device.type == "cuda"
        for value in vars(system).values():
            if isinstance(value, nn.Module):
                stand_in.to_cuda(value)

    monkeypatch.setattr(zero_gpu, "move", to_cuda)
    return stand_in


@pytest.fixture
def models(spaces, tiny_weights):
    """A manager with one placed model; from now on the page is launched."""
    source = str(tiny_weights / "tiny-tqdm")
    load = ZeroGpuLoader([source, "streets-tqdm"], "auto", 4)
    spaces.launched = True
    return ModelManager([source, "streets-tqdm"], "cpu", load=load, fixed=True)


def test_a_worker_answers_as_the_cpu_does(spaces, models):
    source = models.columns[0]
    assert spaces.moved == ["Segmenter"] and spaces.decorated == 1
    with models.turns.turn():  # somebody uses a model of the CPU meanwhile
        answer = models.predictor(source).segment(PICTURE, NAMES)
        stages = models.predictor(source).stages(PICTURE, NAMES)
    here = Predictor.load(source, "cpu")
    assert np.array_equal(answer.label_map, here.segment(PICTURE, NAMES).label_map)
    np.testing.assert_allclose(stages.mask, here.stages(PICTURE, NAMES).mask, atol=1e-6)
    assert models.entry(source).kind == "textual"


def test_answers_are_kept_here_because_the_worker_forgets(spaces, models):
    predictor = models.predictor(models.columns[0])
    first = predictor.segment(PICTURE, NAMES)
    assert predictor.segment(PICTURE.copy(), NAMES) is first and len(spaces.durations) == 1
    predictor.segment(PICTURE, ["road"])
    assert len(spaces.durations) == 2


def test_other_threads_may_ask(spaces, models):
    found = []
    predictor = models.predictor(models.columns[0])
    ask = threading.Thread(target=lambda: found.append(predictor.segment(PICTURE, NAMES)))
    ask.start()
    ask.join()
    assert len(found) == 1


def test_the_parent_may_not_use_what_was_placed(models):
    placed = models._load.func._placed[models.columns[0]]
    with pytest.raises(RuntimeError, match="disk-offloaded"):
        placed.segment(PICTURE, NAMES)


def test_bundled_models_use_no_quota_and_others_are_refused(spaces, models):
    assert models.predictor("streets-tqdm").segment(PICTURE, ["road", "sky"]).names
    assert spaces.durations == []
    offered = [entry.source for entry in models.entries]
    assert not [source for source in offered if source.startswith(("open_clip:", "published:"))]
    load = models._load
    with pytest.raises(ValueError, match="fixed list of models"):
        load("open_clip:ViT-B-16/openai", "cpu")


def test_mistakes_and_refusals_are_sentences(spaces, models):
    predictor = models.predictor(models.columns[0])
    with pytest.raises(ValueError, match="too long|at most"):
        predictor.segment(PICTURE, ["a row of very long words that never end " * 3])
    assert spaces.durations == []
    with pytest.raises(ValueError, match="mode is 'none'"):
        predictor.segment(PICTURE, NAMES, "none")
    spaces.refusal = gr.Error("You have exceeded your <b>GPU quota</b> (7s requested vs. 0s left).")
    with pytest.raises(ValueError, match=r"exceeded your GPU quota .7s.*Log in.*bundled model"):
        predictor.segment(PICTURE, ["car"])
    spaces.refusal = None
    assert predictor.segment(PICTURE, ["car"]).names == ("car",), "a refusal is not kept"


def test_what_is_asked_of_the_quota():
    def seconds(height, width):
        return estimate("segment", "a", np.zeros((height, width, 3), np.uint8), NAMES, None)

    assert [seconds(60, 90), seconds(1280, 1280), seconds(9000, 9000)] == [5, 7, 60]
    assert "smaller picture" in in_words("GPU task aborted")
    assert "in a minute" in in_words("No GPU was available after 60s.")


def tensors_in(value, seen=None):
    """All tensors that an object holds, in modules, lists and objects of the package."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, nn.Module):
        yield from (*value.parameters(), *value.buffers())
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part, seen)
    elif type(value).__module__.startswith("tqdm_demo") and hasattr(value, "__dict__"):
        yield from tensors_in(list(vars(value).values()), seen)


@pytest.mark.parametrize("name", ["tiny-tqdm", "tiny-queries", "zero-shot:tiny-clip"])
def test_moving_leaves_nothing_behind(tiny_weights, name):
    source = name.replace("tiny", f"{tiny_weights}/tiny")
    system = Predictor.load(source, "cpu").model
    count = len(list(tensors_in(system)))
    move(system, torch.device("meta"))
    tensors = list(tensors_in(system))
    assert len(tensors) == count > 10
    assert {tensor.device.type for tensor in tensors} == {"meta"}
