"""Trains the bundled CLIP: regions of drawn streets (and photos) against captions.

    python -m tqdm_demo.pretrain --out weights/streets-clip [--photos DIR] [--resume]

The pictures are drawn once into a cache below ``--cache`` (all domains but the held-out two), then
every step contrasts boxes of patch tokens with captions made from the label maps: weak dense
supervision on every domain that it sees. ``--photos DIR`` adds real frames (``DIR/images/train``,
``DIR/labels/train``), as they are and with the domains' filters. While training it prints the
dense zero-shot mIoU per domain. Two CPU cores do about one step of 16 views a second; memory stays
under 3 GB, the cache takes about 130 kB a picture. Out comes a CLIP folder (config.json,
model.safetensors in float16). A run that was stopped goes on with ``--resume``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from tqdm import tqdm

from tqdm_demo.checkpoint import save_clip
from tqdm_demo.config import CLIP_MEAN, CLIP_STD
from tqdm_demo.streets.captions import known_words
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT, SOURCE
from tqdm_demo.training.clip_pictures import (
    PICTURE,
    drawn_pictures,
    photo_pictures,
    seen_domains,
)
from tqdm_demo.training.region_text import (
    caption_regions,
    multi_positive_loss,
    pool_regions,
    sample_regions,
)
from tqdm_demo.training.views import Pictures, Views, draw_views, join_views
from tqdm_demo.training.zero_shot import dense_embeddings, normalised, zero_shot_miou
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

CLIP_CONFIG = {
    "embed_dim": 128,
    "vision_cfg": {
        "timm_model_name": "streets_vit",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": [128, 256],
    },
    "text_cfg": {
        "context_length": 24,
        "vocab_size": 49408,
        "width": 96,
        "heads": 4,
        "layers": 3,
    },
}
PATCH = 8
VIEW_SIZES = ((96, 192), (128, 160), (112, 176), (128, 256))  # height, width; one a step
TRAIN_SEEDS = 100_000
VALIDATION_SEEDS = 5_000


@dataclass(frozen=True)
class PretrainConfig:
    """One pre-training.

    Attributes:
        steps, batch_size: optimiser steps; views per step.
        photo_share: share of the views that come from real frames, where there are any.
        scenes: drawn pictures per domain.
        regions: boxes of tokens per view.
        learning_rate, matrix_rate: AdamW (vectors, embeddings) and Muon (hidden matrices).
        weight_decay, warmup_steps: of both; the rates fall to zero along a cosine.
        zoom: range of view pixels per picture pixel.
        evaluate_every, save_every: in steps.
        bfloat16: 1 = the image tower computes in bfloat16 (autocast), 0 = in float32.
        seed: of everything random.
    """

    steps: int = 3000
    batch_size: int = 16
    photo_share: float = 0.2
    scenes: int = 1400
    regions: int = 40
    learning_rate: float = 1.5e-3
    matrix_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup_steps: int = 100
    zoom: tuple[float, float] = (0.7, 1.5)
    evaluate_every: int = 500
    save_every: int = 250
    bfloat16: int = 1
    seed: int = 0


def encode_captions(clip: open_clip.CLIP, tokens: torch.Tensor) -> torch.Tensor:
    """open_clip's ``encode_text`` on the first columns of the context only: (U, T) -> (U, D).

    Padding comes after the end token and the attention is causal, so cutting it changes nothing
    but the time (a caption has some 8 tokens, the context 24).
    """
    length = int(tokens.argmax(1).max()) + 1
    tokens = tokens[:, :length]
    hidden = clip.token_embedding(tokens) + clip.positional_embedding[:length]
    hidden = clip.transformer(hidden, attn_mask=clip.attn_mask[:length, :length])
    hidden = clip.ln_final(hidden)
    return hidden[torch.arange(len(tokens)), tokens.argmax(1)] @ clip.text_projection


def optimizers(clip: open_clip.CLIP, config: PretrainConfig) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices of both towers' blocks, AdamW for everything else."""
    hidden = [p for n, p in clip.named_parameters() if p.ndim == 2 and ("blocks." in n)]
    chosen = {id(p) for p in hidden}
    others = [p for p in clip.parameters() if id(p) not in chosen]
    decayed = [p for p in others if p.ndim >= 2]
    plain = [p for p in others if p.ndim < 2]
    return [
        torch.optim.Muon(
            hidden,
            lr=config.matrix_rate,
            weight_decay=config.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(
            [{"params": decayed}, {"params": plain, "weight_decay": 0.0}],
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


def draw_batch(
    streets: Pictures, photos: Pictures | None, config: PretrainConfig, rng: np.random.Generator
) -> Views:
    """One step's views, all of one size: drawn streets and, where there are any, real frames."""
    size = VIEW_SIZES[rng.integers(len(VIEW_SIZES))]
    from_photos = round(config.batch_size * config.photo_share) if photos else 0
    parts = [draw_views(streets, config.batch_size - from_photos, size, config.zoom, rng)]
    if from_photos:
        parts.append(draw_views(photos, from_photos, size, config.zoom, rng))
    return join_views(parts)


def contrast(
    clip: open_clip.CLIP,
    tokenizer: open_clip.SimpleTokenizer,
    views: Views,
    config: PretrainConfig,
    rng: np.random.Generator,
) -> torch.Tensor:
    """The loss of one batch."""
    device = clip.logit_scale.device
    regions = sample_regions(views.labels, views.images, PATCH, config.regions, rng)
    captions, fits = caption_regions(regions, views.domains, rng)
    tokens = tokenizer([caption.text for caption in captions]).to(device)
    # On a CPU without bfloat16 instructions this is slower than float32, but still right.
    with torch.autocast(device.type, torch.bfloat16, enabled=bool(config.bfloat16)):
        dense = dense_embeddings(clip, normalised(views.images.to(device)), PATCH)
    return multi_positive_loss(
        pool_regions(dense.float(), regions.boxes),
        encode_captions(clip, tokens),
        fits.to(device),
        clip.logit_scale.exp().clamp(max=100),
    )


@dataclass(frozen=True)
class Run:
    """Where a training reads and writes: CLIP folder, cache, frames; and whether it goes on."""

    out: Path
    cache: Path
    photos: Path | None
    resume: bool


def train(config: PretrainConfig, run: Run, device: torch.device) -> None:
    """Trains, measures, saves its state every now and then and the CLIP folder at the end."""
    torch.manual_seed(config.seed)
    streets = drawn_pictures(seen_domains(), config.scenes, TRAIN_SEEDS, run.cache)
    frames = photo_pictures(run.photos, "train", config.seed) if run.photos else None
    checks = {d: drawn_pictures([d], 12, VALIDATION_SEEDS, run.cache) for d in DOMAINS}
    if run.photos:
        checks["photos"] = photo_pictures(run.photos, "val", config.seed, filtered=0, limit=25)
    clip = open_clip.CLIP(**CLIP_CONFIG).to(device)
    steppers = optimizers(clip, config)
    state_file = run.cache / f"pretrain-{run.out.name}.pt"
    step, records = restore(clip, steppers, state_file) if run.resume else (0, [])
    tokenizer = open_clip.SimpleTokenizer(context_length=clip.context_length)
    bar = tqdm(total=config.steps, initial=step, desc="pretrain", unit="step")
    while step < config.steps:
        rng = np.random.default_rng([config.seed, step])
        views = draw_batch(streets, frames, config, rng)
        loss = contrast(clip, tokenizer, views, config, rng)
        take_step(clip, steppers, loss, step, config)
        step += 1
        bar.update()
        bar.set_postfix(loss=f"{loss.item():.3f}")
        if step % config.evaluate_every == 0 or step == config.steps:
            miou = {n: zero_shot_miou(clip, p, CITYSCAPES_NAMES, PATCH) for n, p in checks.items()}
            record = {"step": step, "loss": loss.item(), "seconds": bar.format_dict["elapsed"]}
            records.append({**record, "zero_shot_miou": summary(miou)})
            tqdm.write(json.dumps(records[-1]))
        if step % config.save_every == 0 or step == config.steps:
            store(clip, steppers, step, records, state_file)
    publish(clip, config, run, records)


def summary(miou: dict[str, float]) -> dict[str, float]:
    """The figures of every set, and the means over unseen and over held-out domains."""
    unseen = [v for n, v in miou.items() if n in DOMAINS and n != SOURCE]
    held_out = [miou[n] for n in HELD_OUT]
    means = {"unseen": float(np.mean(unseen)), "held_out": float(np.mean(held_out))}
    return {name: round(value, 2) for name, value in {**miou, **means}.items()}


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
    peaks = (config.matrix_rate, config.learning_rate)
    for stepper, peak in zip(steppers, peaks, strict=True):
        stepper.zero_grad(set_to_none=True)
        for group in stepper.param_groups:
            group["lr"] = peak * rate_factor(step, config)
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
    """Writes the training's state, so that it can be resumed; atomically."""
    state = {"clip": clip.state_dict(), "steppers": [s.state_dict() for s in steppers]}
    partial = file.with_suffix(".partial")
    torch.save({**state, "step": step, "records": records}, partial)
    os.replace(partial, file)


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


def publish(clip: open_clip.CLIP, config: PretrainConfig, run: Run, records: list[dict]) -> None:
    """Writes the CLIP folder."""
    config_json = {
        "clip": CLIP_CONFIG,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "input_size": (PICTURE[1], PICTURE[0]),
        "words": known_words([DOMAINS[d].phrase for d in seen_domains()]),
        "provenance": {
            "program": "python -m tqdm_demo.pretrain",
            "domains": seen_domains(),
            "photos": run.photos is not None,
            "config": dataclasses.asdict(config),
        },
        "results": {"while_training": records},
    }
    save_clip(clip, run.out, config_json)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("weights/streets-clip"))
    parser.add_argument("--cache", type=Path, default=Path("runs/pools"))
    parser.add_argument("--photos", type=Path, help="folder with images/ and labels/")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device", default="cpu")
    for field in dataclasses.fields(PretrainConfig):
        if not isinstance(field.default, tuple):
            flag = f"--{field.name.replace('_', '-')}"
            parser.add_argument(flag, type=type(field.default), default=field.default)
    arguments = vars(parser.parse_args())
    device = torch.device(arguments.pop("device"))
    run = Run(*(arguments.pop(name) for name in ("out", "cache", "photos", "resume")))
    config = PretrainConfig(**arguments)
    print(json.dumps(dataclasses.asdict(config), indent=1))
    train(config, run, device)


if __name__ == "__main__":
    main()
