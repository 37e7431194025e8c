import torch

from tqdm_demo.model.assignment import QueryAssignment
from tqdm_demo.model.mask_decoder import MaskDecoder, masked_attention
from tqdm_demo.model.pixel_decoder import PixelFeatures

B, M, D, C = 2, 5, 12, 32


def features() -> PixelFeatures:
    generator = torch.Generator().manual_seed(1)
    memories = tuple(
        torch.randn(B, C, h, w, generator=generator) for h, w in ((8, 12), (4, 6), (2, 3))
    )
    return PixelFeatures(memories, torch.randn(B, C, 16, 24, generator=generator))


def test_one_prediction_before_the_first_layer_and_one_after_each(config):
    decoder = MaskDecoder(config, D).eval()
    predictions = decoder(features(), torch.randn(B, M, D), QueryAssignment.trained(M))
    assert len(predictions) == 5
    for prediction in predictions:
        assert prediction.class_logits.shape == (B, M, M + 1)
        assert prediction.mask_logits.shape == (B, M, 16, 24)
        assert prediction.mask_embeddings.shape == (B, M, C)
    last = predictions[-1]
    pixel = (last.mask_embeddings[1, 2] * features().mask_features[1, :, 7, 9]).sum()
    torch.testing.assert_close(last.mask_logits[1, 2, 7, 9], pixel, atol=1e-4, rtol=1e-4)


def test_layer_i_looks_at_level_i_mod_three_coarse_first(config):
    torch.manual_seed(0)
    decoder = MaskDecoder(config, D).eval()
    text, seen = torch.randn(B, M, D), features()
    before = decoder(seen, text, QueryAssignment.trained(M))
    for level, first_changed in ((2, 1), (1, 2), (0, 3)):
        memories = list(seen.memories)
        memories[level] = torch.randn_like(memories[level])
        after = decoder(
            PixelFeatures(tuple(memories), seen.mask_features), text, QueryAssignment.trained(M)
        )
        same = [
            torch.equal(x.class_logits, y.class_logits) for x, y in zip(before, after, strict=True)
        ]
        assert same == [True] * first_changed + [False] * (5 - first_changed)


def test_masked_attention_stays_inside_the_mask_and_opens_an_empty_one():
    logits = torch.full((1, 3, 4, 4), -1.0)
    logits[0, 0, :2, 2:] = 5.0
    logits[0, 1] = 0.0
    attention_mask = masked_attention(logits, (2, 2))
    assert attention_mask.shape == (1, 1, 3, 4)
    assert attention_mask[0, 0].tolist() == [
        [False, True, False, False],  # only the top right quarter
        [True] * 4,  # exactly undecided is inside
        [True] * 4,  # nowhere = everywhere
    ]


def test_learned_queries_do_without_text(learned_config):
    torch.manual_seed(0)
    decoder = MaskDecoder(learned_config, D).eval()
    trained = decoder(features(), None, QueryAssignment.trained(M))
    assert not any("projection" in name for name, _ in decoder.named_parameters())
    order = torch.tensor([3, 0, 4, 1, 2])
    shuffled = QueryAssignment(slots=order, primary=order.argsort(), listed=M)
    permuted = decoder(features(), None, shuffled)
    torch.testing.assert_close(
        permuted[-1].mask_logits, trained[-1].mask_logits[:, order], atol=1e-4, rtol=1e-4
    )
