"""Trains the bundled CLIP: regions of drawn streets (and photos) against captions.

    python -m tqdm_demo.pretrain --out weights/streets-clip [--photos DIR] [--resume]

The pictures are drawn once into a cache below ``--cache`` (all domains but the held-out two), then
every step contrasts boxes of patch tokens with captions made from the label maps: weak dense
supervision on every domain that it sees. ``--photos DIR`` adds real frames (``DIR/images/train``,
``DIR/labels/train``), as they are and with the domains' filters. While training it prints the
dense zero-shot mIoU per domain. ``--init FOLDER`` goes on from an earlier CLIP, with fresh
optimisers; another ``--seed`` and lower rates suit it. Two CPU cores (AMD EPYC, bfloat16) take
1.1 s a step of 16 views, the whole about 40 minutes and 3.5 GB of memory; the cache takes 130 kB a
picture. Out comes a CLIP folder (config.json, model.safetensors in float16). A stopped run goes on
with ``--resume``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from tqdm import tqdm

from tqdm_demo.checkpoints.folder import load_clip, resolve_source, save_clip
from tqdm_demo.config import CLIP_MEAN, CLIP_STD
from tqdm_demo.console import print_any_text
from tqdm_demo.data.street_pool import CACHE_DIR
from tqdm_demo.inference.predictor import choose_device
from tqdm_demo.pretraining.clip_pictures import (
    PICTURE,
    drawn_pictures,
    photo_pictures,
    picture_shares,
    seen_domains,
)
from tqdm_demo.pretraining.clip_steps import optimizers, restore, store, take_step
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.pretraining.region_text import (
    caption_regions,
    multi_positive_loss,
    pool_regions,
    sample_regions,
)
from tqdm_demo.pretraining.validation import encode_captions, normalised, zero_shot_miou
from tqdm_demo.pretraining.views import Pictures, Views, draw_views, join_views
from tqdm_demo.streets.captions import known_words
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT, SOURCE
from tqdm_demo.systems.zero_shot import dense_embeddings
from tqdm_demo.training.options import add_options, with_options
from tqdm_demo.training.precision import mixed_precision
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
CHECKED_SCENES = 12  # per domain, for the figures while training


def draw_batch(
    streets: Pictures,
    shares: np.ndarray,
    photos: Pictures | None,
    config: PretrainConfig,
    rng: np.random.Generator,
) -> Views:
    """One step's views, all of one size: drawn streets (by ``shares``) and real frames, if any."""
    size = VIEW_SIZES[rng.integers(len(VIEW_SIZES))]
    from_photos = round(config.batch_size * config.photo_share) if photos else 0
    parts = [draw_views(streets, config.batch_size - from_photos, size, config.zoom, rng, shares)]
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
    with mixed_precision(device, config.bfloat16):
        dense = dense_embeddings(clip.visual, normalised(views.images.to(device)))
    return multi_positive_loss(
        pool_regions(dense.float(), regions.boxes),
        encode_captions(clip, tokens),
        fits.to(device),
        clip.logit_scale.exp().clamp(max=100),
    )


@dataclass(frozen=True)
class Run:
    """Where a training reads and writes: CLIP folder, cache, frames, an earlier CLIP to start from;
    and whether it goes on where it stopped."""

    out: Path
    cache: Path
    photos: Path | None
    init: str | None
    resume: bool


def train(config: PretrainConfig, run: Run, device: torch.device) -> None:
    """Trains, measures, saves its state every now and then and the CLIP folder at the end."""
    torch.manual_seed(config.seed)
    streets = drawn_pictures(seen_domains(), config.scenes, TRAIN_SEEDS, run.cache)
    frames = photo_pictures(run.photos, "train", config.seed) if run.photos else None
    checks = {d: drawn_pictures([d], CHECKED_SCENES, VALIDATION_SEEDS, run.cache) for d in DOMAINS}
    if run.photos:
        checks["photos"] = photo_pictures(run.photos, "val", config.seed, filtered=0, limit=25)
    clip = start_clip(run.init).to(device)
    steppers = optimizers(clip, config)
    state_file = run.cache / f"pretrain-{run.out.name}.pt"
    step, records = restore(clip, steppers, state_file) if run.resume else (0, [])
    tokenizer = open_clip.SimpleTokenizer(context_length=clip.context_length)
    shares = shares_after(records, streets, config)
    bar = tqdm(total=config.steps, initial=step, desc="pretrain", unit="step")
    while step < config.steps:
        rng = np.random.default_rng([config.seed, step])
        views = draw_batch(streets, shares, frames, config, rng)
        loss = contrast(clip, tokenizer, views, config, rng)
        take_step(clip, steppers, loss, step, config)
        step += 1
        bar.update()
        bar.set_postfix(loss=f"{loss.item():.3f}")
        if step % config.evaluate_every == 0 or step == config.steps:
            miou = {n: zero_shot_miou(clip, p, CITYSCAPES_NAMES) for n, p in checks.items()}
            record = {"step": step, "loss": loss.item(), "seconds": bar.format_dict["elapsed"]}
            records.append({**record, "zero_shot_miou": summary(miou)})
            shares = shares_after(records, streets, config)
            tqdm.write(json.dumps(records[-1]))
        if step % config.save_every == 0 or step == config.steps:
            store(clip, steppers, step, records, state_file)
    publish(clip, config, run, records)


def start_clip(init: str | None) -> open_clip.CLIP:
    """A CLIP to train: new, or the one of a bundled name or folder.

    Raises:
        ValueError: that is no CLIP, or one of another architecture.
    """
    if init is None:
        return open_clip.CLIP(**CLIP_CONFIG)
    clip, config = load_clip(resolve_source(init))
    if config["clip"] != CLIP_CONFIG:
        raise ValueError(f"{init} is a CLIP of another architecture; --init takes one like this")
    return clip.train().requires_grad_(True)


def shares_after(records: list[dict], streets: Pictures, config: PretrainConfig) -> np.ndarray:
    """Probability of each drawn picture from now on, by the last figures of its domain."""
    miou = records[-1]["zero_shot_miou"] if records else {}
    seen = {domain: miou[domain] for domain in seen_domains() if domain in miou}
    return picture_shares(streets, seen, config.softness)


def summary(miou: dict[str, float]) -> dict[str, float]:
    """The figures of every set, and the means over unseen and over held-out domains."""
    unseen = [v for n, v in miou.items() if n in DOMAINS and n != SOURCE]
    held_out = [miou[n] for n in HELD_OUT]
    means = {"unseen": float(np.mean(unseen)), "held_out": float(np.mean(held_out))}
    return {name: round(value, 2) for name, value in {**miou, **means}.items()}


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
            "init": run.init and Path(run.init).name,
            "config": dataclasses.asdict(config),
        },
        "results": {"while_training": records},
    }
    save_clip(clip, run.out, config_json)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    print_any_text()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("weights/streets-clip"), metavar="DIR",
        help="the CLIP folder (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, default=CACHE_DIR, metavar="DIR",
        help="of painted pictures and the state (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--photos", type=Path, metavar="DIR",
        help="real frames: a folder with images/ and labels/ (default: none)",
    )  # fmt: skip
    parser.add_argument(
        "--init", metavar="CLIP", help="start from this one: a bundled name or a folder"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the state in --cache")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu (default: auto)")
    add_options(parser, "training", PretrainConfig())
    options = parser.parse_args(arguments)
    run = Run(options.out, options.cache, options.photos, options.init, options.resume)
    try:
        config = with_options(PretrainConfig(), options)
    except ValueError as error:
        raise SystemExit(f"pretrain: {error}") from error
    print(json.dumps(dataclasses.asdict(config), indent=1))
    train(config, run, choose_device(options.device))


if __name__ == "__main__":
    main()
