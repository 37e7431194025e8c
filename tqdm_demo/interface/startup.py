"""From the options of app.py to the models that its page offers, on this machine or ZeroGPU."""

from __future__ import annotations

import os
from argparse import Namespace
from functools import partial

import torch

from tqdm_demo.devices import choose_device, cpu_limit, limit_cache
from tqdm_demo.inference.precision import set_matrix_precision
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.interface import zero_gpu
from tqdm_demo.interface.model_manager import ModelManager


def prepare_models(options: Namespace) -> ModelManager:
    """The models that the page offers; how many CPUs and which precision they use is set.

    Args:
        options: of :func:`.options.parse_options`.

    Raises:
        ValueError: an option that this machine cannot follow, or a model that cannot be had.
    """
    if options.threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(options.threads or cpu_limit())
    set_matrix_precision(options.precision)
    sources, most, precision = options.model, options.max_models, options.precision
    if zero_gpu.spaces:
        load = zero_gpu.ZeroGpuLoader(sources, precision, options.window_batch)
        return ModelManager(sources, "cpu", most, load, options.cache_mb, fixed=True)
    load = partial(Predictor.load, window_batch=options.window_batch, precision=precision)
    cache_mb = limit_cache(options.cache_mb, choose_device(options.device))
    return ModelManager(sources, options.device, most, load, cache_mb)
