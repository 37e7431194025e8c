"""AdamW with the published parameter groups, and the learning rate of every step.

It is a pure function of the step, so a resumed training needs no schedule state.
Source: the published configs (``paramwise_cfg``, ``lr_config``); method as in mmcv 1.5.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from tqdm_demo.config import TrainConfig

WARMUP_RATIO = 1e-6
# Of a parameter's name: the factor on the learning rate, and whether it decays.
Rule = Callable[[str, TrainConfig], tuple[float, bool]]
_TOWER, _PYRAMID = "image_encoder.tower.", "image_encoder.pyramid."
_EMBEDDINGS = (
    "mask_decoder.level_embeddings",
    "mask_decoder.query_positions",
    "mask_decoder.learned_queries",
)


def tqdm_rule(name: str, config: TrainConfig) -> tuple[float, bool]:
    """The published rule of tqdm.

    - image tower: ``learning_rate * backbone_factor``, pyramid: ``* pyramid_factor``, with decay
      everywhere;
    - parameters with "norm" in their name elsewhere: no decay; without ``embedding_decay`` (the
      recipe for Cityscapes) neither have the mask decoder's level and query embeddings;
    - all others, the prompt among them: ``learning_rate`` and ``weight_decay``.

    NOTE(upstream): the published rule stops at the first key found in a name, so that the
    backbone's norms do decay; and it knows norms by name alone, so that those inside Sequential
    decay too. The frozen text tower had factor 0 there; here it is left out, which is the same.
    """
    return _learning_rate_factor(name, config), _decays(name, config)


def make_optimizer(
    model: nn.Module, config: TrainConfig, rule: Rule = tqdm_rule
) -> torch.optim.AdamW:
    """AdamW over all parameters that are not frozen.

    Args:
        model: to be trained.
        config: how.
        rule: of learning rates and weight decay, by name.

    Raises:
        ValueError: the model has nothing to train.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(rule(name, config), []).append(parameter)
    if not groups:
        raise ValueError("every parameter of the model is frozen: there is nothing to train")
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "base_learning_rate": config.learning_rate * factor,
                "weight_decay": config.weight_decay if decays else 0.0,
            }
            for (factor, decays), parameters in groups.items()
        ],
        lr=config.learning_rate,
    )


def _learning_rate_factor(name: str, config: TrainConfig) -> float:
    if name.startswith(_TOWER):
        return config.backbone_factor
    return config.pyramid_factor if name.startswith(_PYRAMID) else 1.0


def _decays(name: str, config: TrainConfig) -> bool:
    if name.startswith((_TOWER, _PYRAMID)):
        return True
    return "norm" not in name and (config.embedding_decay or not name.startswith(_EMBEDDINGS))


def set_learning_rates(optimizer: torch.optim.Optimizer, step: int, config: TrainConfig) -> None:
    """Gives every group of :func:`make_optimizer` its learning rate for ``step`` (from 0 on)."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(step, group["base_learning_rate"], config)


def learning_rate_at(step: int, base: float, config: TrainConfig) -> float:
    """Polynomial decay from ``base`` to ``minimum_learning_rate``, times a linear warm-up."""
    left = (1 - step / config.steps) ** config.power
    learning_rate = (base - config.minimum_learning_rate) * left + config.minimum_learning_rate
    if step < config.warmup_steps:
        learning_rate *= 1 - (1 - step / config.warmup_steps) * (1 - WARMUP_RATIO)
    return learning_rate
