import numpy as np
import pytest
import torch

from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.walkthrough import walk

IMAGE = np.random.default_rng(4).integers(0, 256, (64, 128, 3), np.uint8)
NAMES = ("road", "car", "taxi")


@pytest.fixture(scope="module")
def textual(tiny_weights):
    return Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu")


def test_the_last_step_is_what_the_model_answers(textual):
    found = walk(textual, IMAGE, NAMES)
    stages = textual.stages(IMAGE, NAMES)
    assert found.names == NAMES and len(found.masks) == len(found.classes) == 4
    assert found.after == pytest.approx(stages.after) and found.before == pytest.approx(
        stages.before
    )
    assert found.plain.diagonal() == pytest.approx(1) and found.contextual.shape == (3, 3)
    assert not np.allclose(found.plain, found.contextual)


def test_a_pixel_s_attention_is_what_the_layer_does(textual):
    found = walk(textual, IMAGE, ("road", "sky", "car", "traffic light", "vegetation"))
    assert found.attention.shape[:2] == (2, 5)
    # All trained names are listed: nothing of the attention goes elsewhere.
    assert found.attention.sum(axis=1) == pytest.approx(1, abs=1e-4)
    layer = textual.model.segmenter.pixel_decoder.layers[0].text_attention
    assert not layer._forward_hooks
    torch.manual_seed(2)
    queries, texts = torch.randn(1, 7, 32), torch.randn(1, 5, 32)
    from tqdm_demo.inference.walkthrough import _weights

    width = 32 // layer.heads
    with torch.inference_mode():
        value = layer.value(texts).unflatten(-1, (layer.heads, width))
        one_head = [
            (layer.query(queries)[..., a * width : (a + 1) * width]
             @ layer.key(texts)[..., a * width : (a + 1) * width].mT * width**-0.5).softmax(-1)
            for a in range(layer.heads)
        ]  # fmt: skip
        attended = torch.cat([w @ value[:, :, a] for a, w in enumerate(one_head)], dim=-1)
        torch.testing.assert_close(layer.output(attended), layer(queries, texts, texts))
        torch.testing.assert_close(torch.stack(one_head).mean(0), _weights(layer, queries, texts))


def test_what_a_model_lacks_is_none_or_said(tiny_weights):
    learned = walk(Predictor.load(str(tiny_weights / "tiny-queries"), "cpu"), IMAGE, NAMES)
    assert (learned.plain, learned.contextual, learned.attention, learned.before) == (None,) * 4
    assert learned.after.shape[0] == 3
    clip = Predictor.load(f"zero-shot:{tiny_weights / 'tiny-clip'}", "cpu")
    with pytest.raises(ValueError, match="none of the three steps"):
        walk(clip, IMAGE, NAMES)
