"""Recording networks: when, and that nothing in them waits for the CPU or takes tensors from it."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tqdm_demo.checkpoints.folder import load_segmenter
from tqdm_demo.checkpoints.sources import locate
from tqdm_demo.inference.precision import probe
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.presets import PRESETS
from tqdm_demo.systems.cuda_graphs import GraphRunner, use_cuda_graphs
from tqdm_demo.systems.trained import TrainedModel


class Recorder:
    """Keeps inputs and outputs of a recording in one place each, as a CUDA graph does."""

    def __init__(self):
        self.recorded, self.replayed = 0, 0

    def __call__(self, function, tensors):
        self.recorded += 1
        inputs = [tensor.clone() for tensor in tensors]

        def replay(*tensors):
            self.replayed += 1
            for mine, given in zip(inputs, tensors, strict=True):
                mine.copy_(given)
            return function(*inputs)

        return replay


@pytest.mark.parametrize("name", ["tiny-tqdm", "tiny-queries", "zero-shot:tiny-clip"])
def test_what_comes_again_is_replayed_and_answers_are_the_same(tiny_weights, name):
    prefix, _, folder = name.rpartition(":")
    source = f"{prefix}:{tiny_weights / folder}" if prefix else str(tiny_weights / folder)
    plain, graphs = (Predictor.load(source, "cpu") for _ in range(2))
    recorder = Recorder()
    graphs.model.run = GraphRunner(recorder)
    for number, names in enumerate((["road", "sky"], ["road", "taxi"], ["boat", "sky"])):
        picture = probe((60, 90))[number:].copy()
        found, expected = (p.segment(picture, names, "single") for p in (graphs, plain))
        assert (found.label_map == expected.label_map).all()
        assert abs(found.scores - expected.scores).max() < 1e-5
        assert (recorder.recorded > 0) == (number > 0)


def test_every_kind_of_input_has_a_recording_and_the_oldest_go():
    recorder = Recorder()
    run = GraphRunner(recorder, most=2)

    def double(values):
        return (2 * values,)

    def ask(length, key="double"):
        (found,) = run(key, double, (torch.arange(length),))
        assert found.tolist() == list(range(0, 2 * length, 2))
        return recorder.recorded, recorder.replayed

    assert [ask(3), ask(3), ask(3)] == [(0, 0), (1, 1), (1, 2)]
    assert ask(4) == (1, 2)
    assert ask(3, "other") == (1, 2)  # the key belongs to it; the first recording goes
    assert [ask(3), ask(3)] == [(1, 2), (2, 3)]


def test_what_cannot_be_recorded_runs_as_it_is_and_so_does_the_rest(caplog):
    def refuse(function, tensors):
        asked.append(tensors)
        raise RuntimeError("operation not permitted when stream is capturing")

    asked, run = [], GraphRunner(refuse)
    for key in ("n", "other"):
        for number in range(3):
            assert run(key, lambda values: (values + 1,), (torch.tensor(number),)) == (number + 1,)
    assert len(asked) == 1  # a device that refused once may be in no state to record anything
    assert len(caplog.records) == 1 and "not permitted" in caplog.text


def test_a_cpu_has_no_graphs(tiny_weights):
    model = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu", cuda_graphs=True).model
    assert not isinstance(model.run, GraphRunner)
    use_cuda_graphs(object(), torch.device("cuda"))  # a system that cannot


class Strangers(TorchDispatchMode):
    """Operations that a recording must not have."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        name = str(operation)
        if any(tensor.is_cpu for tensor in tensors) or "lift_fresh" in name or "scalar" in name:
            self.found.add(name)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("preset", [None, "clip-vit-b-gta5", "eva02-l-gta5"])
@torch.inference_mode()
def test_no_network_waits_for_the_cpu_or_takes_tensors_from_it(preset):
    meta = torch.device("meta")  # shapes alone, and as a GPU it is not the CPU
    if preset is None:  # the bundled one
        segmenter = load_segmenter(locate("streets-tqdm"))
    else:
        with meta:
            segmenter = Segmenter(PRESETS[preset].model)
    model = TrainedModel(segmenter.to(meta).eval())

    def run_all():
        features = model._encode_pixels(torch.empty(1, 3, *model.input_size, device=meta))
        slots, primary = (torch.empty(n, dtype=torch.int64, device=meta) for n in (20, 19))
        queries = torch.empty(20, features[0].shape[1], device=meta)
        model._decode_names(True, 19, slots, primary, queries, *features)
        model.segmenter.text_encoder.encode(torch.empty(2, 4, dtype=torch.int64, device=meta))

    run_all()  # makes the constants
    with Strangers() as strangers:
        run_all()
    assert not strangers.found
