"""Serves the page: ``python app.py [--port P] [--model SOURCE]... [--device auto|cuda|mps|cpu]``.

Opens http://127.0.0.1:7860 with the bundled weights; on a Hugging Face Space on all addresses.
``--help`` lists the options and the variables that stand for them.
"""

from __future__ import annotations

import os
from argparse import Namespace
from functools import partial
from threading import Event, Thread

import torch

from tqdm_demo.console import print_any_text
from tqdm_demo.devices import choose_device, cpu_limit, limit_cache
from tqdm_demo.inference.precision import set_matrix_precision
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.interface import zero_gpu  # imports ZeroGPU's package; nothing used CUDA yet
from tqdm_demo.interface.examples import read_examples
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.options import parse_options
from tqdm_demo.interface.page import build_page, launch_page
from tqdm_demo.interface.prefetch import prefetch_examples


def make_models(options: Namespace) -> ModelManager:
    """The models that the page offers.

    Raises:
        ValueError: an option that this machine cannot follow, or a model that cannot be had.
    """
    sources, most, precision = options.model, options.max_models, options.precision
    if zero_gpu.spaces:
        load = zero_gpu.ZeroGpuLoader(sources, precision, options.window_batch)
        return ModelManager(sources, "cpu", most, load, options.cache_mb, fixed=True)
    load = partial(Predictor.load, window_batch=options.window_batch, precision=precision)
    cache_mb = limit_cache(options.cache_mb, choose_device(options.device))
    return ModelManager(sources, options.device, most, load, cache_mb)


def main() -> None:
    """Loads the models and serves the page until it is interrupted."""
    print_any_text()
    options = parse_options()
    if options.threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(options.threads or cpu_limit())
    set_matrix_precision(options.precision)
    try:
        models = make_models(options)
        models.predictor(models.columns[0])
    except ValueError as error:
        raise SystemExit(f"app.py: {error}") from error
    examples, stop = read_examples(), Event()
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
