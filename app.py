"""Serves the page: ``python app.py [--port P] [--model SOURCE]... [--device auto|cuda|mps|cpu]``.

Opens http://127.0.0.1:7860 with the bundled weights; on a Hugging Face Space on all addresses. The
page is there before the first model is loaded. ``--help`` lists the options and the variables that
stand for them.
"""

from __future__ import annotations

from functools import partial
from threading import Event, Thread

import gradio as gr

from tqdm_demo.checkpoints.sources import locate
from tqdm_demo.console import print_any_text
from tqdm_demo.interface import zero_gpu  # imports ZeroGPU's package; nothing used CUDA yet
from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.options import parse_options
from tqdm_demo.interface.page import build_page, launch_page
from tqdm_demo.interface.prefetch import prefetch_examples
from tqdm_demo.interface.startup import prepare_models
from tqdm_demo.interface.turns import trim_when_idle


def main() -> None:
    """Serves the page until it is interrupted, and loads the first model meanwhile."""
    print_any_text()
    options = parse_options()
    examples, stop = read_examples(), Event()
    try:
        models = prepare_models(options)
        locate(models.columns[0])
        load_first = partial(models.predictor, models.columns[0])
        if zero_gpu.spaces:  # there nothing may be loaded after the launch
            load_first()
        Thread(target=trim_when_idle, args=(models.turns, stop), daemon=True).start()
        if not zero_gpu.spaces:  # there every answer costs a visitor's quota
            Thread(target=prefetch_examples, args=(models, examples, stop), daemon=True).start()
        page = build_page(models, examples)
        _launch(page, options.host, options.port)
        load_first()
        page.block_thread()
    except ValueError as error:
        raise SystemExit(f"app.py: {error}") from error
    finally:
        stop.set()


def _launch(page: gr.Blocks, host: str, port: int | None) -> None:
    try:
        launch_page(page, host, port, block=False)
    except OSError as error:  # gradio's: no port is free
        raise SystemExit(
            f"app.py: port {port or 'from 7860 on'} cannot be used; it may be taken by "
            "another program. Choose one with --port"
        ) from error


if __name__ == "__main__":
    main()
