"""Serves the page: ``python app.py [--port P] [--model SOURCE]... [--device auto|cuda|mps|cpu]``.

Opens http://127.0.0.1:7860 with the bundled weights; on a Hugging Face Space on all addresses.
``--help`` lists the options and the variables that stand for them.
"""

from __future__ import annotations

from threading import Event, Thread

from tqdm_demo.console import print_any_text
from tqdm_demo.interface import zero_gpu  # imports ZeroGPU's package; nothing used CUDA yet
from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.options import parse_options
from tqdm_demo.interface.page import build_page, launch_page
from tqdm_demo.interface.prefetch import prefetch_examples
from tqdm_demo.interface.startup import prepare_models
from tqdm_demo.interface.turns import trim_when_idle


def main() -> None:
    """Loads the models and serves the page until it is interrupted."""
    print_any_text()
    options = parse_options()
    try:
        models = prepare_models(options)
        models.predictor(models.columns[0])
    except ValueError as error:
        raise SystemExit(f"app.py: {error}") from error
    examples, stop = read_examples(), Event()
    Thread(target=trim_when_idle, args=(models.turns, stop), daemon=True).start()
    if not zero_gpu.spaces:  # there every answer costs a visitor's quota
        Thread(target=prefetch_examples, args=(models, examples, stop), daemon=True).start()
    try:
        launch_page(build_page(models, examples), options.host, options.port)
    except OSError as error:  # gradio's: no port is free
        raise SystemExit(
            f"app.py: port {options.port or 'from 7860 on'} cannot be used; it may be taken by "
            "another program. Choose one with --port"
        ) from error
    finally:
        stop.set()


if __name__ == "__main__":
    main()
