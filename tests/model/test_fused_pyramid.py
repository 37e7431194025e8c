import pytest
import torch

from tests.conftest import TINY_MODEL
from tqdm_demo.model.fused_pyramid import FusedPyramid
from tqdm_demo.model.image_encoder import Pyramid, TowerOutput
from tqdm_demo.model.pixel_decoder import PixelDecoder


@pytest.mark.parametrize("widths", [(), (5, 20)])
def test_it_equals_the_parts_one_after_another(widths):
    torch.manual_seed(0)
    pyramid, decoder = Pyramid(20, widths).eval(), PixelDecoder(TINY_MODEL, 20, 24).eval()
    for parameter in (*pyramid.parameters(), *decoder.parameters()):
        torch.nn.init.normal_(parameter, std=0.5)
    norm = pyramid.finest[1]
    torch.nn.init.normal_(norm.running_mean)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    blocks = tuple(torch.randn(2, 20, 4, 6) for _ in range(4))
    details = tuple(
        torch.randn(2, width, 4 * scale, 6 * scale)
        for width, scale in zip(widths, (4, 2), strict=False)
    )
    with torch.inference_mode():
        expected = decoder.project(pyramid(blocks, details))
        nothing = torch.zeros(0)
        found = FusedPyramid(pyramid, decoder)(TowerOutput(blocks, nothing, nothing, details))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-5)
