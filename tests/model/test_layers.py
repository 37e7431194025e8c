import math

import pytest
import torch
from torch import nn

from tqdm_demo.model.constants import hold_constants
from tqdm_demo.model.layers import (
    Attention,
    FeedForward,
    pixel_centres,
    sine_positions,
    to_map,
    to_tokens,
)


def test_attention_equals_torchs_layer_in_values_and_in_its_start():
    torch.manual_seed(0)
    ours, torchs = Attention(12, 3), nn.MultiheadAttention(12, 3, batch_first=True)
    limit = torchs.in_proj_weight.abs().max()
    assert 0.9 < ours.key.weight.abs().max() / limit < 1.1
    assert not ours.value.bias.any() and not ours.output.bias.any()
    projections = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        torchs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        nn.init.normal_(torchs.in_proj_bias)
        for projection, bias in zip(projections, torchs.in_proj_bias.chunk(3), strict=True):
            projection.bias.copy_(bias)
        torchs.out_proj.load_state_dict(ours.output.state_dict())
    queries, keys, values = torch.randn(2, 4, 12), torch.randn(2, 7, 12), torch.randn(2, 7, 12)
    attention_mask = torch.rand(4, 7) < 0.6
    attention_mask[:, 2] = True
    expected = torchs(queries, keys, values, attn_mask=~attention_mask)[0]
    torch.testing.assert_close(ours(queries, keys, values, attention_mask), expected)
    assert not torch.allclose(ours(queries, keys, values), expected)


def test_attention_names_a_width_that_does_not_split():
    with pytest.raises(ValueError, match="width 10 .* 3 heads"):
        Attention(10, 3)
    assert Attention(9, 3, bias=False).query.bias is None


def test_feed_forward_is_two_linear_layers_around_a_relu():
    torch.manual_seed(0)
    layer = FeedForward(6, 10)
    values = torch.randn(3, 6)
    hidden = (values @ layer[0].weight.T + layer[0].bias).clamp(min=0)
    torch.testing.assert_close(layer(values), hidden @ layer[2].weight.T + layer[2].bias)


def test_sine_positions_follow_the_formula():
    rows, columns, width = 3, 5, 16
    codes = sine_positions((rows, columns), width, torch.zeros(1))
    assert codes.shape == (rows * columns, width)
    for row, column, channel in ((0, 0, 0), (2, 1, 3), (1, 4, 8), (2, 3, 13), (0, 4, 15)):
        place, length = (row, rows) if channel < width // 2 else (column, columns)
        within = channel % (width // 2)
        angle = 2 * math.pi * (place + 1) / (length + 1e-6)
        angle /= 10_000 ** (2 * (within // 2) / (width // 2))
        expected = math.cos(angle) if within % 2 else math.sin(angle)
        assert codes[row * columns + column, channel].item() == pytest.approx(expected, abs=1e-5)


def test_tokens_and_maps_are_inverse():
    level = torch.randn(2, 4, 3, 5)
    tokens = to_tokens(level)
    assert tokens.shape == (2, 15, 4)
    assert torch.equal(tokens[1, 7], level[1, :, 1, 2])
    assert torch.equal(to_map(tokens, (3, 5)), level)


def test_positions_of_bfloat16_maps_are_computed_in_float32():
    """In bfloat16 itself, places beyond 256 fall together."""
    like = torch.zeros((), dtype=torch.bfloat16)
    exact = sine_positions((3, 300), 8, torch.zeros(()))
    found = sine_positions((3, 300), 8, like)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), exact, atol=2**-8, rtol=0)
    assert len(pixel_centres((3, 300), like).unique(dim=0)) == 900


def test_a_feed_forward_layer_takes_the_tokens_in_parts_without_gradients():
    torch.manual_seed(0)
    layer, tokens = FeedForward(12, 20), torch.randn(2, 700, 12)
    rows = []
    layer[0].register_forward_hook(lambda module, inputs, output: rows.append(len(output)))
    expected = layer(tokens)
    with torch.no_grad():
        found = layer(tokens)
    assert rows == [2, 1024, 376]
    torch.testing.assert_close(found, expected)


def test_positions_are_made_once_and_held_by_who_needs_them_longer():
    like, made = torch.zeros(()), []
    held = {}
    with torch.inference_mode(), hold_constants(held):
        first = sine_positions((4, 5), 8, like)
        made += [sine_positions((4, side), 8, like) for side in range(6, 40)]  # drops the first
        assert sine_positions((4, 5), 8, like) is first and len(held) == 35
    weight = torch.ones(8, requires_grad=True)
    (sine_positions((4, 39), 8, like) * weight).sum().backward()  # of a training
    again = sine_positions((4, 5), 8, like)
    assert again is sine_positions((4, 5), 8, like) and again is not first
    assert torch.equal(again, first) and not torch.equal(made[0][:20], first)
