"""Matching and losses against loops over masks, on sizes that all differ."""

import dataclasses

import torch
import torch.nn.functional as F

from tqdm_demo.model.mask_decoder import MaskPrediction
from tqdm_demo.training.losses import Targets
from tqdm_demo.training.rein_losses import match, matched_losses

QUERIES, CLASSES = 5, 3


def labels():
    found = torch.full((2, 8, 12), 255)
    found[0, :4], found[0, 4:, :6] = 2, 0
    found[1, 2:] = 1
    return found


def prediction(seed):
    torch.manual_seed(seed)
    return MaskPrediction(
        torch.randn(2, QUERIES, CLASSES + 1), torch.randn(2, QUERIES, 4, 6), torch.zeros(2, 5, 1)
    )


def perfect():
    """Query 3 of the first image is class 2, query 1 is class 0; of the second 4 is class 1."""
    found = prediction(0)
    logits = torch.full((2, QUERIES, 8, 12), -9.0)
    classes = torch.zeros(2, QUERIES, CLASSES + 1)
    classes[..., -1] = 9
    for image, query, label in ((0, 3, 2), (0, 1, 0), (1, 4, 1)):
        logits[image, query][labels()[image] == label] = 9
        classes[image, query] = F.one_hot(torch.tensor(label), CLASSES + 1) * 9.0
    return dataclasses.replace(found, class_logits=classes, mask_logits=logits)


def masks():
    wanted = labels()
    return torch.stack([wanted[0] == 0, wanted[0] == 2, wanted[1] == 1]), torch.tensor([0, 2, 1])


def test_every_mask_finds_its_query():
    torch.manual_seed(1)
    found = match(perfect(), *masks(), [2, 1], torch.rand(2, 200, 2))
    assert found.tolist() == [1, 3, 4]


def test_a_perfect_prediction_costs_little():
    targets = dataclasses.replace(Targets.whole(labels()), seeds=[3, 4])
    random = matched_losses([prediction(1), prediction(2)], targets, 60)
    best = matched_losses([perfect()], targets, 60)
    assert [len(term) for term in random] == [2, 2, 2]
    assert best[0][0] < 0.01 < random[0].min()
    assert best[2][0] < 0.5 * random[2].min()


def test_the_class_loss_is_that_of_the_matching():
    # Of these numbers any points give the same matching.
    predicted, targets = prediction(8), Targets.whole(labels())
    targets = dataclasses.replace(targets, seeds=[3, 4])
    found = matched_losses([predicted], targets, 3000)[0][0]
    best = []
    wanted, wanted_class = masks()
    torch.manual_seed(5)
    query = match(predicted, wanted, wanted_class, [2, 1], torch.rand(2, 3000, 2))
    aim = torch.full((2, QUERIES), CLASSES)
    aim[torch.tensor([0, 0, 1]), query] = wanted_class
    for image in range(2):
        for number in range(QUERIES):
            chance = predicted.class_logits[image, number].softmax(0)[aim[image, number]]
            best.append((0.1 if aim[image, number] == CLASSES else 1.0, -chance.log()))
    expected = 2 * sum(w * c for w, c in best) / sum(w for w, _ in best)
    torch.testing.assert_close(found, expected)


def test_the_same_seeds_draw_the_same_points():
    targets = dataclasses.replace(Targets.whole(labels()), seeds=[3, 4])
    first, second = (matched_losses([prediction(3)], targets, 20) for _ in range(2))
    assert all(map(torch.equal, first, second))


def test_a_batch_without_any_mask_has_no_mask_loss():
    empty = torch.full((2, 8, 12), 255)
    targets = dataclasses.replace(Targets.whole(empty), seeds=[3, 4])
    classes, mask, dice = matched_losses([prediction(4)], targets, 20)
    assert classes > 0 and mask == dice == 0
