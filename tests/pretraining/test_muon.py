"""Muon in float32."""

import pytest
import torch
from torch import nn

from tqdm_demo.pretraining.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(6, 15), (15, 6)])
def test_the_update_is_nearly_orthogonal_and_keeps_the_directions(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonal(matrix)
    assert found.shape == shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6 and values.max() < 1.25
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert (u.T @ found @ v.T).diagonal().min() > 0.6


def test_a_step_is_torchs_own_up_to_its_precision():
    generator = torch.Generator().manual_seed(1)
    start, gradients = torch.randn(8, 12, generator=generator), torch.randn(3, 8, 12)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    settings = {"lr": 0.02, "weight_decay": 0.1}
    steppers = (
        Muon([ours], **settings),
        torch.optim.Muon([theirs], adjust_lr_fn="match_rms_adamw", **settings),
    )
    for gradient in gradients:
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        for stepper in steppers:
            stepper.step()
    moved = (theirs - start).norm()
    assert (ours - theirs).norm() < 0.03 * moved


def test_vectors_are_refused():
    with pytest.raises(AssertionError, match="matrices alone"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)
