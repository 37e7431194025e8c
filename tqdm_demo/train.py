"""Trains a segmenter on drawn streets of one domain, from a pre-trained CLIP.

    python -m tqdm_demo.train --preset streets-tqdm [--seed S --steps N --clip FOLDER --out FOLDER]
    python -m tqdm_demo.train --preset streets-queries --resume

``streets-tqdm`` is the published method, ``streets-queries`` the same model with learned queries
and no text in its decoders; both have the same budget and schedule. Every value of a preset has an
option of its name. The pictures are painted once and kept below ``--cache``; the state, the best
weights so far and ``metrics.jsonl`` lie in ``--work``. At the end the weights that did best on
validation pictures *of the source* go to ``--out`` (config.json, model.safetensors in float16,
README.md). A training that was stopped goes on with ``--resume`` and the same options.
A step takes 1.7 s on one CPU core (AMD EPYC, bfloat16) and 2 GB; 1500 should take 45 minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from tqdm_demo.checkpoint import WEIGHTS, load_clip, resolve_source, save_segmenter
from tqdm_demo.config import ModelConfig, TrainConfig, to_json
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.predictor import choose_device
from tqdm_demo.training.crops import open_crops
from tqdm_demo.training.datasets import (
    VALIDATION_SEEDS,
    FileSource,
    LabelledPicture,
    StreetSource,
    parse_data,
)
from tqdm_demo.training.loop import Task, Training
from tqdm_demo.training.model_card import write_card
from tqdm_demo.training.objective import Objective
from tqdm_demo.training.options import add_options, with_options
from tqdm_demo.training.street_pool import CACHE_DIR
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

_TEXTUAL = ModelConfig(
    class_names=CITYSCAPES_NAMES,
    prompt_length=4,
    text_positions=24,
    pyramid_blocks=(1, 2, 3, 5),
    width=128,
    heads=4,
    points=4,
    feed_forward=512,
    pixel_layers=3,
    mask_layers=6,
    context_width=128,
    context_heads=4,
    context_layers=2,
    drop_path=0.0,
    size_multiple=16,
)
_LEARNED = dataclasses.replace(
    _TEXTUAL, queries="learned", text_to_pixel=False, context_decoder=False, prompt_length=0
)
PRESETS = {"streets-tqdm": _TEXTUAL, "streets-queries": _LEARNED}
# Tried on the tiny CLIP, one seed, 100 steps: training its tower at 0.1 or not at all gave the same
# mIoU on the source (37.6 and 37.5) and on three unseen domains to within 0.7; frozen is faster.
TRAINING = TrainConfig(
    steps=1500,
    crop=128,
    learning_rate=8e-4,
    backbone_factor=0.0,
    pyramid_factor=1.0,
    warmup_steps=50,
    weight_pixel_text=3.0,
    points_per_mask=784,
    evaluate_every=250,
    save_every=100,
    validation_scenes=40,
    bfloat16=True,
)
# What the CLIP decides, and what makes a preset what it is.
_FIXED = (
    *("clip", "class_names", "queries", "image_mean", "image_std", "input_size"),
    *("text_tower", "image_tower"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    training = with_options(TRAINING, options)
    clip_folder = resolve_source(str(options.clip))
    out = options.out or WEIGHTS / options.preset
    clip, about = load_clip(clip_folder)
    shared = _shared_clip(clip_folder, out)
    model = with_options(PRESETS[options.preset], options)
    model = dataclasses.replace(
        model,
        clip=about["clip"],
        image_mean=tuple(about["image_mean"]),
        image_std=tuple(about["image_std"]),
        input_size=tuple(about["input_size"]),
        text_tower=shared,
        image_tower=shared if training.backbone_factor == 0 else None,
    )
    print(json.dumps({"model": to_json(model), "training": to_json(training)}, indent=1))
    torch.manual_seed(training.seed)
    segmenter = Segmenter.from_clip(model, clip).to(choose_device(options.device))
    work = options.work or Path("runs") / "training" / out.name
    task = make_task(segmenter, training, work, options.cache, options.workers)
    progress = Training(task, training, work, options.resume).run()
    save_segmenter(
        segmenter,
        out,
        training=to_json(training),
        provenance={"clip": clip_folder.name, "preset": options.preset, "step": progress.best_step},
        results={"validation": {training.source: {"miou": round(100 * progress.best_miou, 2)}}},
    )
    write_card(out, model, training, clip_folder.name, progress)
    print(f"{out}: validation mIoU {100 * progress.best_miou:.2f} % (step {progress.best_step})")


def make_task(
    segmenter: Segmenter, config: TrainConfig, work: Path, cache: Path, workers: int
) -> Task:
    """Pictures, objective and evaluation of one training.

    Raises:
        ValueError: a source that is not drawn streets.
    """
    model = segmenter.config
    size = (model.input_size[1], model.input_size[0])
    sources = parse_data(config.source, split="train")
    if not all(isinstance(source, StreetSource) for source in sources):
        raise ValueError(f"source is {config.source!r}; trainings take streets:DOMAIN only")
    crops = open_crops(
        sources,
        config,
        len(model.class_names),
        model.image_mean,
        model.image_std,
        next(segmenter.parameters()).device,
        work,
        cache,
        size,
        workers,
    )
    checks = {config.source: []}
    for source in sources:
        checks[config.source] += _pictures(source, config.validation_scenes, size, cache, workers)
    for source in parse_data(config.watch) if config.watch else ():
        found = _pictures(source, config.watch_scenes, size, cache, workers)
        checks.setdefault(source.spec, found)
    objective = Objective(segmenter, config)
    return Task(
        model=segmenter,
        draw=lambda rng: crops.draw(int(rng.integers(2**31))),
        losses=objective.losses,
        evaluate=lambda: {name: objective.measure(p).miou() for name, p in checks.items()},
    )


def _pictures(
    source: StreetSource | FileSource,
    count: int,
    size: tuple[int, int],
    cache: Path,
    workers: int,
) -> list[LabelledPicture]:
    if isinstance(source, FileSource):
        return list(source.pictures(count, seed=0))
    return list(source.pictures(count, VALIDATION_SEEDS, size, cache, workers))


def _shared_clip(clip_folder: Path, out: Path) -> str | None:
    """The CLIP's name, if a checkpoint in ``out`` will find this very CLIP's towers by it."""
    sibling = out.resolve().parent / clip_folder.name
    found = sibling if sibling.exists() else WEIGHTS / clip_folder.name
    return clip_folder.name if found.resolve() == clip_folder.resolve() else None


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, required=True)
    parser.add_argument("--clip", default="streets-clip", help="bundled name or folder")
    parser.add_argument("--out", type=Path, help="default: weights/PRESET")
    parser.add_argument("--work", type=Path, help="default: runs/training/NAME of --out")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--threads", type=int, help="of the CPU; default: torch's choice")
    parser.add_argument("--workers", type=int, default=2, help="painting processes")
    parser.add_argument("--cache", type=Path, default=CACHE_DIR, help="of painted pictures")
    add_options(parser.add_argument_group("training"), TrainConfig)
    add_options(parser.add_argument_group("model"), ModelConfig, skip=_FIXED)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
