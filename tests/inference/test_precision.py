import numpy as np
import pytest
import torch

from tqdm_demo.inference import precision as module
from tqdm_demo.inference.precision import choose_precision, probe
from tqdm_demo.inference.predictor import Predictor

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def bfloat16(monkeypatch):
    monkeypatch.setattr(module, "computes_bfloat16", lambda device: True)


@pytest.mark.parametrize(("differing", "half"), [(0, True), (5, True), (6, False)])
def test_auto_takes_bfloat16_where_the_labels_stay(bfloat16, differing, half):
    seen = []

    def label(autocast):
        seen.append(autocast)
        return np.arange(1000) < (differing if autocast is not module.nullcontext else 0)

    chosen = choose_precision("auto", CUDA, label)
    assert len(seen) == 2 and (chosen is seen[0]) == half
    assert half or chosen is module.nullcontext


def test_a_cpu_stays_in_float32_unless_it_is_asked(bfloat16):
    assert choose_precision("auto", CPU, None) is module.nullcontext
    assert choose_precision("float32", CUDA, None) is module.nullcontext
    with choose_precision("bfloat16", CPU, None)():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_what_cannot_be_had_is_told(monkeypatch):
    monkeypatch.setattr(module, "computes_bfloat16", lambda device: False)
    assert choose_precision("auto", CUDA, None) is module.nullcontext
    with pytest.raises(ValueError, match="bfloat16: this machine's cpu does not have it"):
        choose_precision("bfloat16", CPU, None)
    with pytest.raises(ValueError, match="'half'; it must be one of auto, float32, bfloat16"):
        choose_precision("half", CPU, None)


@pytest.mark.parametrize("name", ["tiny-tqdm", "tiny-queries", "tiny-clip"])
@pytest.mark.parametrize("mode", ["single", "windows"])
def test_a_model_answers_in_bfloat16_nearly_as_in_float32(bfloat16, tiny_weights, name, mode):
    source = ("zero-shot:" if name == "tiny-clip" else "") + str(tiny_weights / name)
    answers = []
    for precision in ("float32", "bfloat16"):
        predictor = Predictor.load(source, "cpu", precision=precision)
        answers.append(predictor.segment(probe((90, 150)), ["road", "sky", "taxi"], mode))
        maps = predictor.stages(probe((90, 150)), ["road"])
        assert maps.clip is not None or maps.mask is not None
    exact, half = answers
    assert half.scores.dtype == half.similarity.dtype == np.float32
    assert 0 < np.abs(exact.similarity - half.similarity).max() < 0.1
    assert (exact.label_map == half.label_map).mean() > 0.8  # untrained: many close decisions
