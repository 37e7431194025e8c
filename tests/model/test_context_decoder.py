import torch

from tqdm_demo.model.context_decoder import ContextDecoder
from tqdm_demo.model.image_encoder import ImageFeatures

B, Q, D = 2, 4, 10


def image(seed: int) -> ImageFeatures:
    generator = torch.Generator().manual_seed(seed)
    dense = torch.randn(B, D, 3, 5, generator=generator)
    return ImageFeatures((), dense, torch.randn(B, D, generator=generator))


def decoder() -> ContextDecoder:
    torch.manual_seed(0)
    module = ContextDecoder(D, width=12, heads=3, layers=2).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module


def test_it_adds_to_the_text_what_the_image_says():
    module, text = decoder(), torch.randn(B, Q, D)
    first, second = module(text, image(1), None), module(text, image(2), None)
    assert first.shape == (B, Q, D) and not torch.allclose(first, second)
    with torch.no_grad():
        module.gamma.zero_()
    assert torch.equal(module(text, image(1), None), text)


def test_the_summary_and_every_patch_are_looked_at():
    module, text, seen = decoder(), torch.randn(B, Q, D), image(1)
    before = module(text, seen, None)
    patch = seen.dense.clone()
    patch[:, 0, 2, 4] += 3  # one channel: a layer norm takes out what all of them share
    global_embedding = seen.global_embedding.clone()
    global_embedding[:, 0] += 3
    for changed in (
        ImageFeatures((), patch, seen.global_embedding),
        ImageFeatures((), seen.dense, global_embedding),
    ):
        assert not torch.allclose(module(text, changed, None), before)


def test_nobody_sees_a_query_that_is_not_allowed():
    module, text, seen = decoder(), torch.randn(B, Q, D), image(1)
    attention_mask = torch.ones(Q, Q, dtype=torch.bool)
    attention_mask[:-1, -1] = False
    everyone = module(text, seen, attention_mask)
    torch.testing.assert_close(everyone[:, :-1], module(text[:, :-1], seen, None))
    assert not torch.allclose(module(text, seen, None)[:, :-1], everyone[:, :-1])


def test_it_starts_as_published():
    torch.manual_seed(0)
    module = ContextDecoder(200, width=160, heads=2, layers=1)
    assert 0.8 < module.gamma.std() < 0.96  # a normal distribution cut off at 2
    assert module.gamma.abs().max() <= 2
    linears = [m for m in module.modules() if isinstance(m, torch.nn.Linear)]
    assert all(abs(m.weight.std() - 0.02) < 0.001 for m in linears)
    assert not any(m.bias.any() for m in linears if m.bias is not None)
