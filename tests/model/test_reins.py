import pytest
import torch

from tqdm_demo.model.reins import Reins

BLOCKS, TOKENS, RANK, WIDTH, QUERY_WIDTH = 3, 5, 2, 12, 7


@pytest.fixture
def reins():
    torch.manual_seed(1)
    module = Reins(BLOCKS, TOKENS, RANK, WIDTH, QUERY_WIDTH).eval()
    torch.nn.init.constant_(module.scale, 0.5)
    return module


def test_features_follow_the_formulas(reins):
    features = torch.randn(2, 4, WIDTH)
    tokens = reins.tokens_a[1] @ reins.tokens_b[1]
    expected = torch.empty_like(features)
    for image in range(2):
        for place in range(4):
            feature = features[image, place]
            weights = torch.softmax(
                torch.stack([feature @ token for token in tokens]) / WIDTH**0.5, dim=0
            )
            delta = sum(weights[k] * reins.token_to_feature(tokens[k]) for k in range(1, TOKENS))
            expected[image, place] = feature + 0.5 * reins.delta(delta + feature)
    torch.testing.assert_close(reins(features, 1), expected)


def test_every_block_has_its_own_tokens(reins):
    features = torch.randn(1, 4, WIDTH)
    assert not torch.allclose(reins(features, 0), reins(features, 2))


def test_the_first_token_gives_nothing(reins):
    features = torch.randn(1, 4, WIDTH)
    with torch.no_grad():
        reins.tokens_a[0, 1:] = 0  # the other tokens are zero, and so is what they give
        reins.token_to_feature.bias.zero_()
    expected = features + 0.5 * reins.delta(features)
    torch.testing.assert_close(reins(features, 0), expected)


def test_queries_interleave_maximum_mean_and_last_block(reins):
    found = reins.transform(reins.tokens())
    joined = torch.empty(TOKENS, 3 * QUERY_WIDTH)
    for channel in range(QUERY_WIDTH):
        joined[:, 3 * channel] = found[..., channel].max(dim=0).values
        joined[:, 3 * channel + 1] = found[..., channel].mean(dim=0)
        joined[:, 3 * channel + 2] = found[-1, :, channel]
    torch.testing.assert_close(reins.queries(), reins.merge(joined))


def test_an_untrained_rein_hardly_moves_the_features():
    features = torch.randn(1, 6, 64)
    module = Reins(1, 4, 2, 64, 8)
    change = (module(features, 0) - features).abs().max()
    assert 0 < change < 0.01 * features.abs().max()
