import dataclasses

import torch

from tqdm_demo.model.pixel_decoder import PixelDecoder, PixelFeatures

B, E, D = 2, 24, 12
SIZES = [(16, 24), (8, 12), (4, 6), (2, 3)]


def pyramid() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(B, E, h, w, generator=generator) for h, w in SIZES]


def test_sizes(config):
    decoder = PixelDecoder(config, E, D).eval()
    features = decoder(pyramid(), torch.randn(B, 5, D))
    assert [tuple(m.shape) for m in features.memories] == [(B, 32, *s) for s in SIZES[1:]]
    assert features.mask_features.shape == (B, 32, 16, 24)


def test_pixels_listen_to_the_text_and_text_positions_tell_slots_apart(config):
    torch.manual_seed(0)
    decoder = PixelDecoder(config, E, D).eval()
    text = torch.randn(B, 5, D)
    before = decoder(pyramid(), text)
    assert _differ(before, decoder(pyramid(), text + 1))
    assert _differ(before, decoder(pyramid(), text.flip(1)))
    with torch.no_grad():
        decoder.text_positions.zero_()
    without = decoder(pyramid(), text), decoder(pyramid(), text.flip(1))
    torch.testing.assert_close(
        without[0].mask_features, without[1].mask_features, atol=1e-5, rtol=1e-4
    )


def test_without_text_to_pixel_attention_no_text_is_needed(config):
    torch.manual_seed(0)
    decoder = PixelDecoder(dataclasses.replace(config, text_to_pixel=False), E, D).eval()
    assert not any("text" in name for name, _ in decoder.named_parameters())
    before, after = decoder(pyramid(), None), decoder(pyramid(), torch.randn(B, 5, D))
    assert torch.equal(before.mask_features, after.mask_features)


def test_every_pyramid_level_reaches_the_mask_features(config):
    torch.manual_seed(0)
    decoder = PixelDecoder(config, E, D).eval()
    levels, text = pyramid(), torch.randn(B, 5, D)
    before = decoder(levels, text)
    for index in range(4):
        changed = [level * 2 if i == index else level for i, level in enumerate(levels)]
        # GroupNorm takes out a common factor: change one channel only.
        changed[index] = levels[index].clone()
        changed[index][:, 0] += torch.randn(SIZES[index])
        assert _differ(before, decoder(changed, text)), f"level {index}"


def _differ(first: PixelFeatures, second: PixelFeatures) -> bool:
    return not torch.allclose(first.mask_features, second.mask_features, atol=1e-4)
