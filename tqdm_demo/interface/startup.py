"""From the options of app.py to the models that its page offers, on this machine or ZeroGPU."""

from __future__ import annotations

import os
from argparse import Namespace
from functools import cache
from typing import TYPE_CHECKING, Any

from tqdm_demo.devices import choose_device, cpu_limit, limit_cache
from tqdm_demo.inference.precision import set_matrix_precision
from tqdm_demo.interface import zero_gpu
from tqdm_demo.interface.model_manager import ModelManager, load_predictor

if TYPE_CHECKING:
    from tqdm_demo.inference.predictor import Predictor


def prepare_models(options: Namespace) -> ModelManager:
    """The models that the page offers.

    How many CPUs and which precision they use is set with the first that is loaded: torch is
    imported then, which takes longer than to show the page.

    Args:
        options: of :func:`.options.parse_options`.

    Raises:
        ValueError: an option that this machine cannot follow, or a model that cannot be had.
    """
    sources, most, precision = options.model, options.max_models, options.precision
    if zero_gpu.spaces:
        _set_up_torch(options)
        load = zero_gpu.ZeroGpuLoader(sources, precision, options.window_batch)
        return ModelManager(sources, "cpu", most, load, options.cache_mb, fixed=True)
    if options.device not in ("auto", "cpu"):
        choose_device(options.device)  # told before the page is shown

    @cache
    def set_up() -> None:
        _set_up_torch(options)
        models.cache.limit_to(limit_cache(options.cache_mb, choose_device(options.device)) * 2**20)

    def load(source: str, device: str, **more: Any) -> Predictor:
        set_up()
        more |= {"window_batch": options.window_batch, "precision": precision}
        more["cuda_graphs"] = options.cuda_graphs == "on"
        return load_predictor(source, device, **more)

    models = ModelManager(sources, options.device, most, load, options.cache_mb)
    return models


def _set_up_torch(options: Namespace) -> None:
    import torch

    if options.threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(options.threads or cpu_limit())
    set_matrix_precision(options.precision)
