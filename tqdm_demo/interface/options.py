"""The options of app.py: from the command line, and from the environment where there is none.

A Space passes no arguments, and a container is easier to set up by variables. What the command
line says comes first.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tqdm_demo.checkpoints.published.store import CACHE_OPTION
from tqdm_demo.inference.precision import PRECISIONS
from tqdm_demo.interface.model_manager import CACHE_MB
from tqdm_demo.interface.page import LIMITS

MODELS_VARIABLE = "TQDM_MODELS"
# Option -> the variables that stand for it; the first one that is set counts.
VARIABLES = {
    "--host": ("TQDM_HOST", "GRADIO_SERVER_NAME"),
    "--port": ("TQDM_PORT", "GRADIO_SERVER_PORT"),
    "--max-models": ("TQDM_MAX_MODELS",),
    "--window-batch": ("TQDM_WINDOW_BATCH",),
    "--cache-mb": ("TQDM_CACHE_MB",),
    "--device": ("TQDM_DEVICE",),
    "--precision": ("TQDM_PRECISION",),
    "--cuda-graphs": ("TQDM_CUDA_GRAPHS",),
    "--threads": ("TQDM_THREADS",),
}
_SETTINGS = (
    f"Every option can be set by a variable instead: {MODELS_VARIABLE} (separated by commas), "
    "TQDM_CACHE_DIR, " + ", ".join(" or ".join(names) for names in VARIABLES.values()) + "; "
    "GRADIO_ROOT_PATH where a proxy serves the page below a path. "
)


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the environment, then the command line (None = the program's own).

    ``host`` is always set: a Space listens on all addresses, another machine on its own alone.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    # As if it stood on the command line, before what stands there: a mistake is told alike.
    options = _parser().parse_args([*_from_environment(), *arguments])
    sources = os.environ.get(MODELS_VARIABLE, "").split(",")
    options.model = options.model or [source.strip() for source in sources if source.strip()]
    if options.host is None:
        options.host = "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1"
    return options


def _from_environment() -> list[str]:
    given = []
    for option, variables in VARIABLES.items():
        values = [os.environ[name] for name in variables if os.environ.get(name)]
        given += [f"{option}={value}" for value in values[:1]]
    return given


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Segments pictures by class names.",
        epilog=f"{_SETTINGS}Limits: {LIMITS}",
    )
    parser.add_argument("--host", help="address to listen on (default: this machine alone)")
    parser.add_argument(
        "--port", type=int, help="to listen on (default: the first free one from 7860 on)"
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="SOURCE",
        help="put this model first: a bundled name, a folder, user/name on the Hugging Face Hub, "
        "published:NAME, zero-shot:FOLDER or open_clip:ARCH/PRETRAINED; may be repeated "
        "(default: the bundled models)",
    )
    parser.add_argument(
        "--max-models", type=int, default=4, metavar="N", help="kept in memory (default: 4)"
    )
    parser.add_argument(
        "--window-batch", type=int, default=4, metavar="N", help="windows at once (default: 4)"
    )
    parser.add_argument(
        "--cache-mb",
        type=int,
        default=CACHE_MB,
        metavar="N",
        help="megabytes for all that is kept of pictures, names and answers, for all models and "
        f"users together (default: {CACHE_MB}); a ViT-B model keeps 24 of every window of 512 "
        "pixels, an answer in windows takes 2 to 4 a name; on a GPU at most 25 %% of its memory",
    )
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="auto",
        help="auto: bfloat16 on a GPU that has it, where the labels of a test picture stay the "
        "same but for 0.5 %% (default); float32 also switches TF32 off",
    )
    parser.add_argument(
        "--cuda-graphs",
        choices=("off", "on"),
        default="off",
        help="on: record the kernels of every size of input that comes again: on an H100 14 ms "
        "instead of 44 for a ViT-B's picture of 512 x 512, and memory for each size; never tried "
        "with several users at once (default: off)",
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of the CPU (default: what the machine allows)"
    )
    parser.add_argument("--cache-dir", **CACHE_OPTION)
    return parser
