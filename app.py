"""Serves the page: ``python app.py [--port P] [--model NAME] [--device auto|cuda|mps|cpu]``.

Opens http://127.0.0.1:7860 with the bundled weights; on a Hugging Face Space on all addresses.
"""

from __future__ import annotations

import argparse
import os

from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.models import load_models
from tqdm_demo.interface.page import build_page, launch_page

COMPARED_WITH = ("streets-queries", "zero-shot:streets-clip")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Segments pictures by class names.")
    parser.add_argument("--port", type=int, default=7860, help="to listen on (default: 7860)")
    parser.add_argument(
        "--model",
        default="streets-tqdm",
        help="bundled name or folder of the model in the first column (default: streets-tqdm)",
    )
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto")
    return parser.parse_args(arguments)


def main() -> None:
    """Loads the models and serves the page until it is interrupted."""
    arguments = parse_arguments()
    try:
        models = load_models((arguments.model, *COMPARED_WITH), arguments.device)
    except ValueError as error:
        raise SystemExit(f"app.py: {error}") from error
    host = "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1"
    launch_page(build_page(models, read_examples()), host, arguments.port)


if __name__ == "__main__":
    main()
