import torch

from tqdm_demo.training.style_transfer import StyleTransfer, whiten_and_colour


def test_features_get_the_mean_and_the_covariance_of_the_style():
    torch.manual_seed(1)
    content = torch.randn(4, 60, dtype=torch.double)
    style = torch.randn(4, 4, dtype=torch.double) @ torch.randn(4, 90, dtype=torch.double) + 3
    found = whiten_and_colour(content, style)
    torch.testing.assert_close(found.mean(1), style.mean(1))
    torch.testing.assert_close(torch.cov(found), torch.cov(style))


def test_a_picture_in_its_own_style_stays():
    torch.manual_seed(2)
    pictures = torch.randn(2, 3, 12, 20)
    transfer = StyleTransfer(torch.randn(30, 3, 3, 3))
    torch.testing.assert_close(transfer(pictures, pictures), pictures, atol=1e-4, rtol=0)


def test_a_picture_takes_the_colours_of_its_own_style():
    torch.manual_seed(3)
    content = torch.randn(2, 3, 16, 24)
    shift = torch.tensor([2.0, -1.0, 0.5]).view(1, 3, 1, 1)
    style = torch.cat((content[:1] + shift, 0.5 * content[1:]))
    found = StyleTransfer(torch.randn(30, 3, 3, 3))(content, style)
    torch.testing.assert_close(found[:1], content[:1] + shift, atol=1e-3, rtol=0)
    assert abs(found[1].std() / content[1].std() - 0.5) < 0.02
