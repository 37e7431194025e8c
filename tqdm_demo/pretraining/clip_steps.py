"""Optimisers of the CLIP pre-training, its schedule, and its resumable state.

Muon (https://kellerjordan.github.io/posts/muon/) learns the hidden matrices: after 80 steps on
drawn streets the dense zero-shot mIoU on ``game`` was 28.6 with it and 17.2 with AdamW alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open_clip
import torch

from tqdm_demo.atomic_files import replacing
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.pretraining.muon import Muon

TRUNK = "visual.trunk.trunk."  # where the CLIP's parameters of the ImageNet trunk begin


def optimizers(clip: open_clip.CLIP, config: PretrainConfig) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices of both towers' blocks, AdamW for everything else that learns.

    The ImageNet trunk has ``config.trunk_factor`` times AdamW's rate, and no decay.
    """
    hidden, trunk, decayed, plain = [], [], [], []
    for name, parameter in clip.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith(TRUNK):
            trunk.append(parameter)
        elif parameter.ndim == 2 and "blocks." in name:
            hidden.append(parameter)
        else:
            (decayed if parameter.ndim >= 2 else plain).append(parameter)
    groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
    if trunk:
        groups.append({"params": trunk, "weight_decay": 0.0, "factor": config.trunk_factor})
    return [
        Muon(hidden, lr=config.muon_learning_rate, weight_decay=config.weight_decay),
        torch.optim.AdamW(
            groups,
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, 0.98),
        ),
    ]


def rate_factor(step: int, config: PretrainConfig) -> float:
    """Linear warm-up, then a cosine to zero."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return 0.5 * (1 + float(np.cos(np.pi * done)))


def take_step(
    clip: open_clip.CLIP,
    steppers: list[torch.optim.Optimizer],
    loss: torch.Tensor,
    step: int,
    config: PretrainConfig,
) -> None:
    """One optimiser step at this step's learning rate.

    Raises:
        FloatingPointError: the loss is not finite.
    """
    if not torch.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss.item()} at step {step}")
    peaks = (config.muon_learning_rate, config.learning_rate)
    for stepper, peak in zip(steppers, peaks, strict=True):
        stepper.zero_grad(set_to_none=True)
        for group in stepper.param_groups:
            group["lr"] = peak * group.get("factor", 1.0) * rate_factor(step, config)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
    for stepper in steppers:
        stepper.step()


def store(
    clip: open_clip.CLIP,
    steppers: list[torch.optim.Optimizer],
    step: int,
    records: list[dict],
    file: Path,
) -> None:
    """Writes the training's state, so that it can be resumed; whole or not at all."""
    state = {"clip": clip.state_dict(), "steppers": [s.state_dict() for s in steppers]}
    with replacing(file) as partial:
        torch.save({**state, "step": step, "records": records}, partial)


def restore(
    clip: open_clip.CLIP, steppers: list[torch.optim.Optimizer], file: Path
) -> tuple[int, list[dict]]:
    """Puts a stored state back; returns the step to go on with and the records so far.

    Raises:
        ValueError: there is none.
    """
    if not file.exists():
        raise ValueError(f"nothing to resume: there is no {file}")
    state = torch.load(file, map_location=clip.logit_scale.device, weights_only=True)
    clip.load_state_dict(state["clip"])
    for stepper, values in zip(steppers, state["steppers"], strict=True):
        stepper.load_state_dict(values)
    return state["step"], state["records"]
