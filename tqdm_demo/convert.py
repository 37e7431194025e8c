"""Converts a published checkpoint to a folder that this project serves.

    python -m tqdm_demo.convert CHECKPOINT.pth OUT_FOLDER [--dtype float32|float16]
    python -m tqdm_demo.convert REIN_OR_SOMA.pth OUT_FOLDER --backbone dinov2_vitl14_pretrain.pth

CHECKPOINT.pth is one of the three files of github.com/ByeongHyunPak/tqdm, or TLDR's
(github.com/ssssshwan/TLDR, ResNet-50); Rein's (github.com/w1oves/Rein) and SoMA's
(github.com/ysj9909/SoMA), both with DINOv2 ViT-L, need DINOv2's own file too. Which model it is
shows in its tensors. OUT_FOLDER gets config.json, model.safetensors and a model
card, all of them or nothing. Of the checkpoint nothing but tensors and plain values is read: a file
that asks for anything else, which could be a program, is refused. The tensors are mapped and
written one by one, so that the memory needed stays below 1.6 times the file (CLIP ViT-B/16), and
it takes seconds for ViT-B/16 and under a minute for EVA02-CLIP-L.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm_demo.checkpoints.published.conversion import DTYPES, convert
from tqdm_demo.console import print_any_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program; the arguments are those of the command line."""
    print_any_text()
    options = _parse(arguments)
    try:
        convert(options.checkpoint, options.folder, DTYPES[options.dtype], options.backbone)
    except (ValueError, OSError) as error:
        raise SystemExit(f"convert: {error}") from error


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT.pth")
    parser.add_argument("folder", type=Path, metavar="OUT_FOLDER")
    parser.add_argument("--dtype", choices=tuple(DTYPES), default="float32")
    parser.add_argument(
        "--backbone", type=Path, metavar="FILE.pth", help="DINOv2's own file, for Rein and SoMA"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
