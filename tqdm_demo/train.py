"""Trains a segmenter from a pre-trained CLIP: on driving sets as published, or on drawn streets.

    python -m tqdm_demo.train --preset streets-tqdm [--seed S --steps N --clip CLIP --out FOLDER]
    python -m tqdm_demo.train --source gta5 --data-root GTA5 [--watch cityscapes:DIR]
    python -m tqdm_demo.train --preset photos-tqdm --data-root PHOTOS       (or photos-rein, -tldr)
    torchrun --nproc-per-node 2 -m tqdm_demo.train --preset eva02-l-gta5 --data-root GTA5
    python -m tqdm_demo.train --preset streets-queries --resume

``tqdm_demo.presets`` tells what the presets are; without one it is ``clip-vit-b-gta5``. Every value
of a preset has an option of its name; ``--source`` takes what ``tqdm_demo.data.datasets`` reads (a
folder with a ``classes.txt`` has its own classes: the model learns these), and ``--data-root`` is
the folder of sets that name none (``gta5``, ``folder::train``). The folder is checked first, before
any model is built. With torchrun a step has a batch from every process (NCCL on GPUs, gloo on
CPUs). Drawn pictures are painted once and kept below ``--cache``; the state, the best weights so
far, ``metrics.jsonl`` and ``curves.png`` lie in ``--work``. At the end the weights that did best on
validation pictures *of the source* go to ``--out`` (config.json, model.safetensors in float16,
README.md). A training that was stopped or killed goes on with ``--resume`` and the same options. A
step of ``streets-tqdm`` takes 1.05 s on one CPU core (AMD EPYC, bfloat16) and 1.5 GB.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import open_clip
import torch
from safetensors.torch import load_file
from torch import nn
from torch.distributed._composable.checkpoint_activation import checkpoint

from tqdm_demo.checkpoints.folder import load_clip, save_segmenter
from tqdm_demo.checkpoints.folder_files import WEIGHTS, find_clip, resolve_source
from tqdm_demo.checkpoints.open_clip_models import load_open_clip
from tqdm_demo.checkpoints.rival_folder import save_rival
from tqdm_demo.checkpoints.trained_card import TrainingOutcome, write_card
from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.config_json import to_json
from tqdm_demo.console import print_any_text
from tqdm_demo.data.crops import open_crops
from tqdm_demo.data.datasets import FileSource
from tqdm_demo.data.specs import split_specs
from tqdm_demo.devices import choose_device
from tqdm_demo.evaluation.recorded import without_paths
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.presets import PRESETS
from tqdm_demo.rival_config import RivalConfig
from tqdm_demo.training.command_line import FIXED, parse, training_of
from tqdm_demo.training.distributed import gradient_sync, join, leave, rank, wrap_model
from tqdm_demo.training.loop import Progress, Task, Training
from tqdm_demo.training.objective import Objective
from tqdm_demo.training.optimizer import tqdm_rule
from tqdm_demo.training.options import with_options
from tqdm_demo.training.rival_start import (
    RULES,
    build_rival,
    make_objective,
    rival_blocks,
    rival_on_clip,
)
from tqdm_demo.training.validation import SPECS, TrainingData, find_data, read_pictures

OPEN_CLIP = "open_clip:"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Raises:
        SystemExit: the training cannot begin or go on; a message says why.
    """
    print_any_text()
    options = parse(arguments, __doc__)
    if options.threads:
        torch.set_num_threads(options.threads)
    options.clip = options.clip or PRESETS[options.preset].clip
    options.out = options.out or WEIGHTS / options.preset
    options.work = options.work or Path("runs") / "training" / options.out.name
    try:
        training = training_of(options)
        device = join(choose_device(options.device))
        data = find_data(training)
        clip, model = _start(options, training)
        model = dataclasses.replace(model, class_names=data.class_names)
        if rank() == 0:
            print(data.report)
            print(json.dumps({"model": to_json(model), "training": to_json(training)}, indent=1))
        segmenter = build(model, clip, training).to(device)
        task = make_task(segmenter, clip, training, data, options)
        run = Training(task, training, options.work, options.resume)
    except ValueError as error:
        raise SystemExit(f"train: {error}") from error
    try:
        progress = run.run()
        if rank() == 0:
            _finish(segmenter, training, progress, data, options)
    except (FloatingPointError, OSError) as error:
        raise SystemExit(
            f"train: {error}. What was saved last in {options.work} is whole; --resume goes on "
            "from there"
        ) from error
    finally:
        leave()


def build(model: ModelConfig | RivalConfig, clip: nn.Module, training: TrainConfig) -> nn.Module:
    """The network at the start of a training: tqdm's, its baseline's, or a rival's.

    NOTE(upstream): the published code adds CLIP's class embedding to the class token twice, also
    when it trains. Kept, unless ``fix_upstream_quirks``.
    """
    if not isinstance(model, ModelConfig):
        return build_rival(model, clip, training)
    torch.manual_seed(training.seed)
    segmenter = Segmenter.from_clip(model, clip)
    if segmenter.image_encoder.is_native and not training.fix_upstream_quirks:
        with torch.no_grad():
            segmenter.image_encoder.tower.class_embedding *= 2
    return segmenter


def make_task(
    segmenter: nn.Module,
    clip: nn.Module,
    config: TrainConfig,
    data: TrainingData,
    options: argparse.Namespace,
) -> Task:
    """Pictures, objective and evaluation of one training; ``options`` has places and workers.

    Raises:
        ValueError: pictures that cannot be used.
    """
    model, device = segmenter.config, next(segmenter.parameters()).device
    size, places = config.painted, (options.cache, options.workers)
    colours = (model.image_mean, model.image_std)
    crops = open_crops(
        data.train, config, len(model.class_names), *colours, device, options.work,
        cache=options.cache, size=size, workers=options.workers,
    )  # fmt: skip
    checks = {
        spec: read_pictures(sources, count, size, *places, shared=not config.shard)
        for spec, (sources, count) in data.checks.items()
    }
    if isinstance(model, ModelConfig):
        objective, rule = Objective(segmenter, config), tqdm_rule
    else:
        objective = make_objective(segmenter, clip, config, options.cache, options.workers)
        rule = RULES[PRESETS[options.preset].system]
    wrapped = wrap_model(segmenter, prepare_blocks(segmenter, config), config.shard)

    def evaluate() -> dict[str, float]:
        # Outside of a gradient DDP does nothing, and FSDP gathers what the functions need. Compiled
        # parts run uncompiled: pictures have other sizes than crops, and compiling takes minutes.
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            return {
                spec: wrapped(objective.measure, pictures).miou()
                for spec, pictures in checks.items()
            }

    return Task(
        model=segmenter,
        draw=crops.draw,
        losses=lambda batch, targets: wrapped(objective.losses, batch, targets),
        evaluate=evaluate,
        gradient_sync=lambda sync: gradient_sync(wrapped, sync),
        rule=rule,
    )


def prepare_blocks(segmenter: nn.Module, config: TrainConfig) -> list[nn.Module]:
    """The repeated blocks of a model, made to recompute their activations if ``config`` says so.

    With ``config.compile`` the model's parts are compiled when they first run.
    """
    parts = list(segmenter.children())
    if isinstance(segmenter, Segmenter):
        parts = [segmenter.image_encoder, segmenter.pixel_decoder, segmenter.mask_decoder]
        encoder, *decoders = parts
        blocks = [*encoder.tower_blocks, *(layer for part in decoders for layer in part.layers)]
    else:
        blocks = rival_blocks(segmenter)
    for block in blocks if config.checkpointing else ():
        checkpoint(block)
    for part in parts if config.compile else ():
        part.compile()
    return blocks


def load_start(name: str, model: ModelConfig | RivalConfig) -> tuple[nn.Module, dict]:
    """The CLIP that a training starts from, and what its folder says of it.

    Args:
        name: a bundled CLIP, a CLIP folder of this project, a folder with open_clip's
            ``open_clip_model.safetensors``, or "open_clip:MODEL/WEIGHTS".
        model: of the preset.

    Raises:
        ValueError: there is no such CLIP, or it cannot be had; a sentence says what to do.
    """
    if name.startswith(OPEN_CLIP):
        return load_open_clip(name.removeprefix(OPEN_CLIP))[0], {}
    file = Path(name) / "open_clip_model.safetensors"
    if not file.is_file():
        return load_clip(resolve_source(name))
    if getattr(model, "clip_weights", None) is None:
        raise ValueError(f"{name} is open_clip's; this preset starts from a CLIP of its own kind")
    clip = open_clip.create_model(model.clip_weights.split("/")[0], pretrained=str(file))
    if model.fixed_size:
        side = model.clip["vision_cfg"]["image_size"]
        clip.visual.set_input_size((side, side))
    return clip, {}


def _start(
    options: argparse.Namespace, training: TrainConfig
) -> tuple[nn.Module, ModelConfig | RivalConfig]:
    """The CLIP and the architecture on top of it."""
    model = PRESETS[options.preset].model
    clip, about = load_start(options.clip, model)
    model = with_options(model, options, skip=FIXED)
    shared = _shared_clip(resolve_source(options.clip), options.out) if about else None
    if not isinstance(model, ModelConfig):
        return clip, rival_on_clip(model, about, shared)
    if not about:
        return clip, model
    model = dataclasses.replace(
        model,
        clip=about["clip"],
        image_mean=tuple(about["image_mean"]),
        image_std=tuple(about["image_std"]),
        input_size=tuple(about["input_size"]),
        fixed_size=False,
        window_stride=None,
        clip_weights=None,
        text_tower=shared,
        image_tower=shared if training.backbone_factor == 0 else None,
    )
    return clip, model


def _finish(
    segmenter: nn.Module,
    training: TrainConfig,
    progress: Progress,
    data: TrainingData,
    options: argparse.Namespace,
) -> None:
    """Writes the checkpoint, with what was read and what its mIoU is of, and its card."""
    if training.shard:  # this process holds a part only
        segmenter = type(segmenter)(segmenter.config)
        segmenter.load_state_dict(load_file(options.work / "best.safetensors"))
    clip = Path(options.clip).name
    miou = 100 * progress.best_miou
    provenance = {"clip": clip, "preset": options.preset, "step": progress.best_step}
    labels = dict.fromkeys(s.mapping for s in data.train if isinstance(s, FileSource))
    if labels:
        provenance["labels"] = " and ".join(labels)
    validation = without_paths(next(iter(data.checks)))
    specs = {key: without_paths(getattr(training, key)) for key in SPECS}
    training = dataclasses.replace(training, **specs)
    sections = {
        "training": to_json(training),
        "provenance": provenance,
        "results": {"validation": {validation: {"miou": round(miou, 2)}}},
    }
    system = PRESETS[options.preset].system
    if isinstance(segmenter, Segmenter):
        save_segmenter(segmenter, options.out, **sections)
    else:
        save_rival(segmenter, options.out, system, sections)
    sets = ", ".join(dict.fromkeys(spec.set_name for spec in split_specs(training.source)))
    outcome = TrainingOutcome(clip, sets, progress.best_miou, progress.best_step)
    write_card(options.out, segmenter.config, training, outcome, system)
    print(f"{options.out}: validation mIoU {miou:.2f} % (step {progress.best_step})")


def _shared_clip(clip_folder: Path, out: Path) -> str | None:
    """The CLIP's name, if a checkpoint in ``out`` will find this very CLIP's towers by it."""
    found = find_clip(clip_folder.name, out)
    return clip_folder.name if found.resolve() == clip_folder.resolve() else None


if __name__ == "__main__":
    main()
