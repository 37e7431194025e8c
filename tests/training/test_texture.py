import pytest
import torch

from tqdm_demo.training.texture import gram, texture_generalisation, texture_regularisation

SIZES = ((3, 4, 5), (4, 2, 3), (5, 2, 2), (6, 1, 2))  # C, h, w of the levels


def levels(seed):
    torch.manual_seed(seed)
    return [torch.randn(2, *size) for size in SIZES]


def slow_gram(features):
    result = torch.zeros(2, features.shape[1], features.shape[1])
    for image, row, column in torch.cartesian_prod(*map(torch.arange, result.shape)).tolist():
        result[image, row, column] = (features[image, row] * features[image, column]).mean()
    return result


def test_a_gram_matrix_is_a_mean_over_the_places():
    torch.testing.assert_close(gram(levels(1)[1]), slow_gram(levels(1)[1]))


def test_regularisation_takes_one_norm_over_the_batch():
    own, other = levels(1), levels(2)
    expected = 0
    for weight, a, b in zip((5e-3, 5e-4, 5e-5, 5e-6), own, other, strict=True):
        difference = slow_gram(a) - slow_gram(b)
        expected += weight * difference.pow(2).sum().sqrt() / a.shape[1]
    assert texture_regularisation(own, other).item() == pytest.approx(expected.item(), rel=1e-5)


def test_generalisation_counts_what_the_style_has_added():
    style, stylised, content = levels(1), levels(2), levels(3)
    expected = 0
    for weight, *maps in zip((5e-3, 5e-4), style[:2], stylised[:2], content[:2], strict=True):
        wanted, found, plain = map(slow_gram, maps)
        counted = (found - plain) > 0.1
        assert 0 < counted.float().mean() < 1
        expected += weight * ((wanted - found)[counted]).pow(2).sum().sqrt() / maps[0].shape[1]
    found = texture_generalisation(style, stylised, content).item()
    assert found == pytest.approx(expected.item(), rel=1e-5)


def test_gradients_flow_into_both_grams_and_not_through_the_choice():
    style, stylised, content = ([m.requires_grad_() for m in levels(k)] for k in (1, 2, 3))
    texture_generalisation(style, stylised, content).backward()
    assert style[0].grad.abs().sum() > 0 and stylised[1].grad.abs().sum() > 0
    assert content[0].grad is None
