"""How a published checkpoint becomes tensors of this project: a plan of every tensor, then values.

The tables of names are in ``key_map.py`` and in the files of the systems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.checkpoints.published import key_map
from tqdm_demo.checkpoints.published.key_map import Rule
from tqdm_demo.checkpoints.skip_init import skip_init

Shape = tuple[int, ...]
SHOWN = 8  # names that an error message lists at most
# DINOv2's published weights: side of a patch in pixels, and of the grid of positions.
DINO_PATCH, DINO_GRID = 14, 37


@dataclass(frozen=True)
class PublishedModel:
    """One published architecture.

    Attributes:
        title: for people.
        system: kind of network, as ``config.json`` names it.
        marker: a published tensor that no other architecture has.
        rules: its key map.
        config: our configuration, but for the class names.
        build: our network of a configuration.
        dropped: templates of published tensors that are not needed, each with the reason.
        source: where its authors publish it.
    """

    title: str
    system: str
    marker: str
    rules: tuple[Rule, ...]
    config: Any
    build: Callable[[Any], nn.Module]
    dropped: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True)
class Plan:
    """What becomes of every tensor of a checkpoint.

    Attributes:
        model: which of the published architectures it is.
        config: of the converted model.
        steps: (published name, rule, our names), in the order of the checkpoint.
        dropped: published name -> why it is left out.
        shapes: our name -> shape.
        integers: those of our names that hold integers.
    """

    model: PublishedModel
    config: Any
    steps: tuple[tuple[str, Rule, tuple[str, ...]], ...]
    dropped: dict[str, str]
    shapes: dict[str, Shape]
    integers: frozenset[str]


def make_plan(model: PublishedModel, config: Any, shapes: Mapping[str, Shape]) -> Plan:
    """Plans the conversion of a checkpoint whose architecture is known.

    Args:
        model: the architecture.
        config: ``model.config`` with what the checkpoint itself says.
        shapes: published name -> shape.

    Raises:
        ValueError: tensors that are missing, unknown or of another shape, by published names.
    """
    with torch.device("meta"), skip_init():
        expected = model.build(config).state_dict()
    steps, dropped, problems = [], {}, []
    for name, shape in shapes.items():
        if (reason := key_map.why_dropped(name, model.dropped)) is not None:
            dropped[name] = reason
            continue
        found = key_map.to_ours(name, model.rules)
        if found is None or not set(found[1]) <= set(expected):
            problems.append(f"unknown: {name}")
            continue
        wanted = published_shape(found[0], tuple(expected[found[1][0]].shape))
        if tuple(shape) != wanted:
            problems.append(f"shape of {name}: {tuple(shape)} instead of {wanted}")
        steps.append((name, *found))
    reached = {ours for _, _, names in steps for ours in names}
    missing = {key_map.to_published(name, model.rules) for name in set(expected) - reached}
    problems += [f"missing: {name}" for name in sorted(missing)]
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise ValueError(
            f"this is no whole checkpoint of {model.title}:\n  "
            + "\n  ".join(problems[:SHOWN] + more)
        )
    return Plan(
        model,
        config,
        tuple(steps),
        dropped,
        shapes={name: tuple(tensor.shape) for name, tensor in expected.items()},
        integers=frozenset(n for n, t in expected.items() if not t.is_floating_point()),
    )


def published_shape(rule: Rule, ours: Shape) -> Shape:
    """The published shape of a tensor that becomes one (or three) of shape ``ours``."""
    if rule.fold == key_map.FIRST:
        return (1, *ours)
    if rule.fold == key_map.SPLIT:
        return (len(key_map.PROJECTIONS) * ours[0], *ours[1:])
    if rule.fold == key_map.DINO_KERNEL:
        return (*ours[:2], DINO_PATCH, DINO_PATCH)
    if rule.fold == key_map.DINO_POSITIONS:
        return (ours[0], 1 + DINO_GRID**2, ours[2])
    return ours


def converted_tensors(plan: Plan, published: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Our tensors one by one: (name, values), in the published dtype.

    Args:
        plan: of :func:`make_plan`.
        published: by published name; each is asked for once.
    """
    for name, rule, ours in plan.steps:
        values = published[name]
        if rule.fold == key_map.DOUBLED:
            values = 2 * values
        elif rule.fold == key_map.FIRST:
            values = values[0]
        elif rule.fold == key_map.DINO_KERNEL:
            values = _bicubic(values, plan.shapes[ours[0]][2:])
        elif rule.fold == key_map.DINO_POSITIONS:
            values = _resize_positions(values, plan.shapes[ours[0]][1])
        parts = values.chunk(len(ours)) if rule.fold == key_map.SPLIT else (values,)
        yield from zip(ours, parts, strict=True)


def _bicubic(maps: Tensor, size: Shape) -> Tensor:
    """Resizes (B, C, h, w) as the published converter does: by size, and no value is rescaled.

    (timm's own resampling of patch kernels rescales them, which gives other features.)
    """
    resized = F.interpolate(maps.float(), tuple(size), mode="bicubic", align_corners=False)
    return resized.to(maps.dtype)


def _resize_positions(table: Tensor, count: int) -> Tensor:
    """Resizes the grid of a table (1, 1 + h * w, E) to ``count`` rows, the class row's included."""
    side = round((count - 1) ** 0.5)
    grid = table[:, 1:].transpose(1, 2).unflatten(2, (DINO_GRID, DINO_GRID))
    resized = _bicubic(grid, (side, side)).flatten(2).transpose(1, 2)
    return torch.cat((table[:, :1], resized), dim=1)
