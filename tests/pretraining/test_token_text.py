"""The token-text loss."""

import numpy as np
import pytest
import torch

from tqdm_demo.pretraining.concepts import CONCEPTS, concept_ids
from tqdm_demo.pretraining.token_text import RARE, concept_captions, token_loss

M, R, D = len(CONCEPTS), 2, 40
EVERY = tuple(range(M))
SCALE = torch.tensor(30.0)


def captions():
    """Orthogonal concepts, both captions of each alike."""
    return torch.eye(M, D).repeat_interleave(R, 0)


def test_there_are_captions_of_every_concept_in_order():
    texts = concept_captions(R, np.random.default_rng(0))
    assert len(texts) == M * R
    for place, text in enumerate(texts):
        assert any(word in text for word in CONCEPTS[place // R])


def test_the_loss_is_the_cross_entropy_with_rare_concepts_weighing_more():
    labels = torch.full((2, 16, 24), 255, dtype=torch.uint8)
    labels[0, :8, :] = 3  # three tokens
    labels[1, 8:, 16:] = 20  # one token
    dense = torch.zeros(2, D, 2, 3)
    dense[0, 3, 0], dense[1, 5, 1, 2] = 1.0, 1.0  # right, and wrong
    loss = token_loss(dense, labels, [EVERY, EVERY], captions(), SCALE)
    right = -torch.log_softmax(30 * captions()[:, 3], 0)[6]
    wrong = right + 30
    weights = 3 / (0.75 + RARE), 1 / (0.25 + RARE)
    expected = (weights[0] * right + weights[1] * wrong) / sum(weights)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_mixed_and_unlabelled_tokens_do_not_count():
    labels = torch.full((1, 8, 16), 255, dtype=torch.uint8)
    labels[0, :4, :8] = 2  # half a token
    dense = torch.randn(1, D, 1, 2, requires_grad=True)
    loss = token_loss(dense, labels, [EVERY], captions(), SCALE)
    loss.backward()
    assert loss == 0 and not dense.grad.any()


def test_what_the_set_cannot_tell_is_no_negative():
    road, sidewalk = concept_ids(["road", "sidewalk"])
    labels = torch.full((1, 8, 8), road, dtype=torch.uint8)
    dense = torch.zeros(1, D, 1, 1)
    dense[0, sidewalk] = 1.0
    told = token_loss(dense, labels, [EVERY], captions(), SCALE)
    untold = token_loss(dense, labels, [tuple(set(EVERY) - {sidewalk})], captions(), SCALE)
    assert told > 30 and untold < 10
