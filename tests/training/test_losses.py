"""The losses against their definitions; their published values are in model/test_reference.py."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.config import TrainConfig
from tqdm_demo.model.mask_decoder import MaskPrediction
from tqdm_demo.training.losses import (
    Losses,
    Targets,
    count_targets,
    mask_losses,
    pixel_text_loss,
    textual_loss,
    training_losses,
)
from tqdm_demo.training.points import PointSource, uncertain_places

B, M, H, W = 2, 3, 8, 12


def labels() -> torch.Tensor:
    """Image 0: classes 0 and 2 and an ignored corner; image 1: class 1 alone."""
    maps = torch.zeros(B, H, W, dtype=torch.int64)
    maps[0, :, 5:] = 2
    maps[0, :3, 9:] = 255
    maps[1] = 1
    return maps


def predictions(count: int = 4, seed: int = 0) -> list[MaskPrediction]:
    generator = torch.Generator().manual_seed(seed)
    return [
        MaskPrediction(
            class_logits=torch.randn(B, M, M + 1, generator=generator, requires_grad=True),
            mask_logits=torch.randn(B, M, H // 2, W // 2, generator=generator, requires_grad=True),
            mask_embeddings=torch.empty(0),
        )
        for _ in range(count)
    ]


def test_the_class_loss_by_hand():
    given = predictions()
    loss, _, _ = mask_losses(given, Targets.whole(labels()), points=8)
    targets = [[0, 3, 2], [3, 1, 3]]  # a class that is not there is "no object", 3
    for index, prediction in enumerate(given):
        chances = prediction.class_logits.log_softmax(-1)
        total = weight = 0.0
        for image in range(B):
            for query, target in enumerate(targets[image]):
                share = 0.1 if target == M else 1.0
                total -= share * chances[image, query, target].item()
                weight += share
        assert loss[index].item() == pytest.approx(2 * total / weight, rel=1e-5)


def test_mask_and_dice_by_hand(monkeypatch):
    """Masks without a pattern, and points away from the border: every point is the same."""
    monkeypatch.setattr(torch, "rand", lambda *shape, device: torch.full(shape, 0.4))
    full = torch.full((1, H, W), 1)
    for logit in (-1.5, 0.7):
        given = MaskPrediction(
            torch.zeros(1, M, M + 1), torch.full((1, M, 4, 6), logit), torch.empty(0)
        )
        _, mask, dice = mask_losses([given], Targets.whole(full), points=20)
        chance = 1 / (1 + math.exp(-logit))
        assert mask.item() == pytest.approx(-5 * math.log(chance), rel=1e-5)
        expected = 5 * (1 - (2 * 20 * chance + 1) / (20 * chance + 20 + 1))
        assert dice.item() == pytest.approx(expected, rel=1e-5)


def test_mask_losses_have_the_expected_value_of_all_points():
    """The average of many draws against an average over a dense grid, point by point."""
    torch.manual_seed(0)
    given, maps = predictions(2, seed=5), labels()
    with torch.no_grad():
        drawn = torch.stack(
            [mask_losses(given, Targets.whole(maps), points=4000)[1] for _ in range(8)]
        ).mean(0)
        uniform = [_on_a_grid(p, maps) for p in given]
    for ours, (everywhere, uncertain) in zip(drawn, uniform, strict=True):
        # A quarter of the points lie anywhere, three quarters are the most uncertain.
        expected = 5 * (0.25 * everywhere + 0.75 * uncertain)
        assert ours.item() == pytest.approx(expected, rel=0.02)


def _on_a_grid(prediction: MaskPrediction, maps: torch.Tensor) -> tuple[float, float]:
    """Mean cross-entropy over all places, and over the most uncertain of them."""
    steps = (torch.arange(150) + 0.5) / 150
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    grid = (2 * torch.stack((x, y), dim=-1) - 1)[None]
    everywhere, uncertain = [], []
    for image, query in ((0, 0), (0, 2), (1, 1)):
        target = (maps[image] == query).float()[None, None]
        wanted = F.grid_sample(target, grid, align_corners=False).flatten()
        logits = prediction.mask_logits[image, query][None, None]
        logits = F.grid_sample(logits, grid, align_corners=False).flatten()
        entropy = F.softplus(logits) - wanted * logits
        everywhere.append(entropy.mean())
        # 0.75 of P out of 3 P candidates is the most uncertain quarter.
        order = logits.abs().argsort()[: len(logits) // 4]
        uncertain.append(entropy[order].mean())
    return torch.stack(everywhere).mean().item(), torch.stack(uncertain).mean().item()


def test_prediction_and_label_are_compared_at_the_same_points():
    """Two images cut in different directions: points of another mask would meet other labels."""
    torch.manual_seed(0)
    maps = torch.zeros(2, 40, 60, dtype=torch.int64)
    maps[0, :, 13:] = 1
    maps[1, 9:] = 1
    right = torch.stack([maps == 0, maps == 1], dim=1) * 24.0 - 12
    given = MaskPrediction(torch.zeros(2, 2, 3), right, torch.empty(0))
    rough = MaskPrediction(torch.zeros(2, 2, 3), right / 100, torch.empty(0))
    _, masks, dice = mask_losses([rough, given, rough], Targets.whole(maps), points=300)
    # On an edge both fall from one side to the other within a pixel; elsewhere they agree.
    assert masks[1] < 2 and dice[1] < 0.5


def test_points_are_drawn_near_the_edge_of_the_mask():
    torch.manual_seed(0)
    ramp = torch.linspace(-9, 9, 60).expand(2, 3, 30, 60)  # undecided in the middle column
    places = uncertain_places(ramp, 400, PointSource([1, 2], ramp.device, None))
    assert places.shape == (2, 3, 400, 2)
    assert places.min() >= 0 and places.max() <= 1
    distance = (places[..., 0] - 0.5).abs()
    # A few lie on the picture's border, where the values fade to zero.
    assert (distance[..., :300] < 0.2).float().mean() > 0.95
    assert (distance[..., 300:] > 0.3).float().mean() > 0.2
    assert not torch.equal(places[0], places[1])


def test_ignored_pixels_lie_outside_of_every_mask():
    torch.manual_seed(0)
    sure = torch.full((1, 1, 4, 4), 6.0)
    given = [MaskPrediction(torch.zeros(1, 1, 2), sure, torch.empty(0))]
    half = torch.zeros(1, 8, 8, dtype=torch.int64)
    _, complete, _ = mask_losses(given, Targets.whole(half), points=500)
    half[:, :4] = 255
    _, partly, _ = mask_losses(given, Targets.whole(half), points=500)
    assert partly > complete + 5


def test_a_crop_that_is_ignored_as_a_whole_has_no_mask_loss():
    given = predictions(2)
    nothing = torch.full((B, H, W), 255)
    classes, masks, dice = mask_losses(given, Targets.whole(nothing), points=8)
    assert masks.tolist() == [0, 0] and dice.tolist() == [0, 0]
    (classes.sum() + masks.sum() + dice.sum()).backward()
    assert given[0].mask_logits.grad is not None and not given[0].mask_logits.grad.any()
    expected = F.cross_entropy(given[0].class_logits.flatten(0, 1), torch.full((B * M,), M))
    assert classes[0].item() == pytest.approx(2 * expected.item())


def test_the_textual_loss_by_hand():
    torch.manual_seed(0)
    queries, reference = torch.randn(B, M, 7), F.normalize(torch.randn(M, 7), dim=-1)
    total = 0.0
    for image in range(B):
        for name in range(M):
            cosines = [
                F.cosine_similarity(queries[image, name], reference[k], dim=0).item()
                for k in range(M)
            ]
            total -= math.log(math.exp(cosines[name]) / sum(map(math.exp, cosines)))
    assert textual_loss(queries, reference).item() == pytest.approx(total / (B * M), rel=1e-5)


def test_the_pixel_text_loss_counts_ignored_pixels_in_its_mean():
    score_map = torch.zeros(B, M, 4, 6)
    ignored = (labels() == 255).float().mean().item()
    loss = pixel_text_loss(score_map, Targets.whole(labels())).item()
    assert loss == pytest.approx((1 - ignored) * math.log(M), rel=1e-5)
    sharp = torch.zeros(1, M, H, W)
    sharp[:, 1] = 0.14  # twice the temperature
    expected = math.log(1 + 2 * math.exp(-2))
    assert pixel_text_loss(sharp, Targets.whole(labels()[1:])).item() == pytest.approx(
        expected, rel=1e-4
    )


def test_all_terms_their_weights_and_their_sum():
    torch.manual_seed(0)
    decoding = SimpleNamespace(
        predictions=predictions(),
        text_queries=torch.randn(B, M, 7),
        score_map=torch.randn(B, M, 4, 6).tanh(),
    )
    reference = F.normalize(torch.randn(M, 7), dim=-1)
    global_embedding, frozen = torch.randn(B, 7), torch.randn(B, 7)

    def losses(**weights: float) -> Losses:
        config = TrainConfig(points_per_mask=8, **weights)
        return training_losses(
            decoding, Targets.whole(labels()), global_embedding, frozen, reference, config
        )

    plain = losses()
    assert plain.visual.item() == pytest.approx(((global_embedding - frozen) ** 2).mean().item())
    weighted = losses(weight_textual=2.0, weight_visual=30.0, weight_pixel_text=0.5)
    assert weighted.textual.item() == pytest.approx(2 * plain.textual.item())
    assert weighted.visual.item() == pytest.approx(30 * plain.visual.item())
    assert weighted.pixel_text.item() == pytest.approx(0.5 * plain.pixel_text.item())
    terms = weighted.terms()
    assert list(terms) == ["classes", "masks", "dice", "textual", "visual", "pixel_text"]
    assert terms["masks"].item() == pytest.approx(weighted.masks.sum().item())
    assert all(term.shape == () for term in terms.values())


def test_learned_queries_have_only_the_losses_that_need_no_text():
    decoding = SimpleNamespace(predictions=predictions(), text_queries=None, score_map=None)
    global_embedding = torch.randn(B, 7)
    losses = training_losses(
        decoding,
        Targets.whole(labels()),
        global_embedding,
        global_embedding + 1,
        None,
        TrainConfig(points_per_mask=8),
    )
    assert losses.textual is None and losses.pixel_text is None
    assert list(losses.terms()) == ["classes", "masks", "dice", "visual"]
    assert losses.visual.item() == pytest.approx(1)
    assert sum(losses.terms().values()).isfinite()


def test_targets_are_counted():
    assert count_targets(labels()).tolist() == [3, 2 * H * W - 9]
    assert count_targets(torch.full((B, H, W), 255)).tolist() == [0, 0]


@pytest.mark.parametrize("skip_ignored", [False, True])
def test_the_parts_of_a_step_add_up_to_the_whole(skip_ignored):
    """Two parts whose numbers of masks, objects and ignored pixels differ; the points as well."""
    given, maps, seeds = predictions(2, seed=3), labels(), [11, 12]
    score_map = torch.randn(B, M, 4, 6, generator=torch.Generator().manual_seed(1))

    def losses(images: slice, counts: torch.Tensor) -> torch.Tensor:
        targets = Targets(maps[images], *counts, seeds[images])
        parts = [
            MaskPrediction(p.class_logits[images], p.mask_logits[images], torch.empty(0))
            for p in given
        ]
        found = torch.cat(mask_losses(parts, targets, 40, skip_ignored))
        return torch.cat((found, pixel_text_loss(score_map[images], targets, skip_ignored)[None]))

    whole = losses(slice(0, 2), count_targets(maps))
    mean = torch.stack([count_targets(maps[:1]), count_targets(maps[1:])]).mean(0)
    parts = [losses(slice(0, 1), mean), losses(slice(1, 2), mean)]
    torch.testing.assert_close(torch.stack(parts).mean(0), whole)


def test_seeded_points_are_the_same_again():
    first, again, other = (
        mask_losses(predictions(), Targets(labels(), *count_targets(labels()), seeds), 40)[1]
        for seeds in ([1, 2], [1, 2], [3, 2])
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_ignored_pixels_can_be_left_out():
    torch.manual_seed(0)
    sure = [MaskPrediction(torch.zeros(1, 1, 2), torch.full((1, 1, 4, 4), 6.0), torch.empty(0))]
    half = torch.zeros(1, 8, 8, dtype=torch.int64)
    _, complete, _ = mask_losses(sure, Targets.whole(half), 500)
    half[:, :4] = 255
    _, mask, dice = mask_losses(sure, Targets.whole(half), 500, skip_ignored=True)
    _, published, published_dice = mask_losses(sure, Targets.whole(half), 500)
    assert mask < complete + 1 and published > complete + 5
    assert dice < published_dice - 0.5
    loss = pixel_text_loss(torch.zeros(B, M, 4, 6), Targets.whole(labels()), skip_ignored=True)
    assert loss.item() == pytest.approx(math.log(M), rel=1e-5)
    nothing = Targets.whole(torch.full((B, H, W), 255))
    assert pixel_text_loss(torch.zeros(B, M, 4, 6), nothing, skip_ignored=True).item() == 0
