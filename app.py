"""Serves the page: ``python app.py [--port P] [--model SOURCE]... [--device auto|cuda|mps|cpu]``.

Opens http://127.0.0.1:7860 with the bundled weights; on a Hugging Face Space on all addresses.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from threading import Event, Thread

from tqdm_demo.console import print_any_text
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.model_manager import CACHE_MB, ModelManager
from tqdm_demo.interface.page import LIMITS, build_page, launch_page
from tqdm_demo.interface.prefetch import prefetch_examples


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description="Segments pictures by class names.", epilog=f"Limits: {LIMITS}"
    )
    parser.add_argument(
        "--port", type=int, help="to listen on (default: the first free one from 7860 on)"
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="SOURCE",
        help="put this model first: a bundled name, a folder, user/name on the Hugging Face Hub, "
        "zero-shot:FOLDER or open_clip:ARCH/PRETRAINED; may be repeated "
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
        "pixels, an answer in windows takes 2 to 4 a name",
    )
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto")
    return parser.parse_args(arguments)


def main() -> None:
    """Loads the models and serves the page until it is interrupted."""
    print_any_text()
    arguments = parse_arguments()
    try:
        load = partial(Predictor.load, window_batch=arguments.window_batch)
        models = ModelManager(
            arguments.model, arguments.device, arguments.max_models, load, arguments.cache_mb
        )
        models.predictor(models.columns[0])
    except ValueError as error:
        raise SystemExit(f"app.py: {error}") from error
    examples, stop = read_examples(), Event()
    Thread(target=prefetch_examples, args=(models, examples, stop), daemon=True).start()
    host = "0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1"
    try:
        launch_page(build_page(models, examples), host, arguments.port)
    except OSError as error:  # gradio's: no port is free
        raise SystemExit(
            f"app.py: port {arguments.port or 'from 7860 on'} cannot be used; it may be taken by "
            "another program. Choose one with --port"
        ) from error
    finally:
        stop.set()


if __name__ == "__main__":
    main()
