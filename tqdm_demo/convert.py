"""Converts a published checkpoint to a folder that this project serves.

    python -m tqdm_demo.convert CHECKPOINT.pth OUT_FOLDER [--dtype float32|float16]
    python -m tqdm_demo.convert --download NAME OUT_FOLDER [--dtype ...] [--keep]
    python -m tqdm_demo.convert REIN_OR_SOMA.pth OUT_FOLDER --backbone dinov2_vitl14_pretrain.pth

CHECKPOINT.pth is one of the three files of github.com/ByeongHyunPak/tqdm, or TLDR's
(github.com/ssssshwan/TLDR, ResNet-50); Rein's (github.com/w1oves/Rein) and SoMA's
(github.com/ysj9909/SoMA), both with DINOv2 ViT-L, need DINOv2's own file too. Which model it is
shows in its tensors. With --download the file is fetched first (to --cache-dir, where it is removed
after the conversion unless --keep is given; what broke off goes on at the next try); that was
tested with a stand-in for Google Drive, never with Drive itself. OUT_FOLDER gets config.json,
model.safetensors and a model card, all of them or nothing. Of the checkpoint nothing but tensors
and plain values is read: a file that asks for anything else, which could be a program, is refused.
The tensors are mapped and written one by one, so that the memory needed stays below 1.6 times the
file (CLIP ViT-B/16), and it takes seconds for ViT-B/16 and under a minute for EVA02-CLIP-L.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from tqdm_demo.checkpoints.published.catalogue import DTYPES, WEIGHTS_BY_NAME
from tqdm_demo.checkpoints.published.conversion import convert
from tqdm_demo.checkpoints.published.store import CACHE_OPTION, fetch_weights
from tqdm_demo.console import print_any_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program; the arguments are those of the command line."""
    print_any_text()
    options = _parse(arguments)
    try:
        if options.download is not None:
            fetch_weights(options.download, options.dtype, options.folder, options.keep or None)
        else:
            dtype = getattr(torch, options.dtype)
            convert(options.checkpoint, options.folder, dtype, options.backbone)
    except (ValueError, OSError) as error:
        raise SystemExit(f"convert: {error}") from error


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="CHECKPOINT.pth and OUT_FOLDER"
    )
    parser.add_argument(
        "--download", metavar="NAME", help=f"instead of a file: {', '.join(WEIGHTS_BY_NAME)}"
    )
    parser.add_argument("--keep", action="store_true", help="keep the file that was downloaded")
    parser.add_argument("--cache-dir", **CACHE_OPTION)
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument(
        "--backbone", type=Path, metavar="FILE.pth", help="DINOv2's own file, for Rein and SoMA"
    )
    options = parser.parse_args(arguments)
    *checkpoint, options.folder = options.paths
    options.checkpoint = checkpoint[0] if checkpoint else None
    if len(checkpoint) != (options.download is None):
        parser.error("give either CHECKPOINT.pth OUT_FOLDER or --download NAME OUT_FOLDER")
    return options


if __name__ == "__main__":
    main()
