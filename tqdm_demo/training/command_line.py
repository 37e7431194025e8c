"""The command line of ``tqdm_demo.train``: presets, places, and an option for every setting."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm_demo.config import TrainConfig
from tqdm_demo.data.street_pool import CACHE_DIR
from tqdm_demo.presets import PRESETS
from tqdm_demo.training.options import add_options, with_options
from tqdm_demo.training.validation import with_data_root

# What the CLIP decides, and what makes a preset what it is.
FIXED = (
    *("clip", "class_names", "queries", "image_mean", "image_std", "input_size"),
    *("text_tower", "image_tower", "fixed_size", "clip_weights", "window_stride"),
    # of the rivals
    *("vit", "vit_options", "patch_size", "backbone", "output_stride", "levels", "keeps_size"),
)


def parse(arguments: Sequence[str] | None, description: str) -> argparse.Namespace:
    """Reads the command line; what was not given of a configuration is not in the namespace.

    ``--help`` shows the values of the preset that is chosen on the same command line.
    """
    choice = argparse.ArgumentParser(add_help=False)
    choice.add_argument(
        "--preset",
        choices=PRESETS,
        default="clip-vit-b-gta5",
        help="training to start from; the defaults below are its values (default: %(default)s)",
    )
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[choice],
    )
    preset = choice.parse_known_args(arguments)[0].preset
    _add_places(parser, preset)
    add_options(parser, f"training {preset}: ", PRESETS[preset].training)
    add_options(parser, f"model of {preset}", PRESETS[preset].model, skip=FIXED)
    return parser.parse_args(arguments)


def _add_places(parser: argparse.ArgumentParser, preset: str) -> None:
    """Options that are no part of a training: where its files are, and what it runs on."""
    parser.add_argument(
        "--data-root", type=Path, metavar="DIR", help="folder of sets that name none"
    )
    parser.add_argument(
        "--clip",
        metavar="CLIP",
        help=f"start: name, folder or open_clip:MODEL/WEIGHTS (default: {PRESETS[preset].clip})",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=f"the trained model (default: weights/{preset})"
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR",
        help="state, records and curves (default: runs/training/NAME of --out)",
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on from the state in --work")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu (default: auto)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of the CPU (default: torch's choice)"
    )
    parser.add_argument(
        "--workers", type=int, default=2, metavar="N",
        help="painting and reading processes (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--cache", type=Path, default=CACHE_DIR, metavar="DIR",
        help="of painted and filtered pictures (default: %(default)s)",
    )  # fmt: skip


def training_of(options: argparse.Namespace) -> TrainConfig:
    """The preset's training with the options of the command line.

    Raises:
        ValueError: a value out of its range, or a data set without its folder.
    """
    training = with_options(PRESETS[options.preset].training, options)
    return with_data_root(training, options.data_root)
