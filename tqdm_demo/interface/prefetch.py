"""Reads the example pictures before anybody asks, so that a click on one is answered at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event

from tqdm_demo.interface.examples import Example
from tqdm_demo.interface.model_manager import ModelManager
from tqdm_demo.interface.parts import MAX_SIDE

# A model that takes longer than this for one picture would keep the machine from its users.
TOO_LONG = 2.0  # seconds


def prefetch_examples(
    models: ModelManager, examples: Sequence[Example], stop: Event, wait: float = 5.0
) -> int:
    """Lets the page's first model encode the examples; its cache keeps the features.

    Meant for a thread of its own. Visitors come first: it begins late, rests as long as it works,
    and gives up on a model that is slow.

    Args:
        models: the models.
        examples: the pictures.
        stop: ends it early.
        wait: seconds before it begins.

    Returns:
        How many pictures were read.
    """
    rest = wait
    for count, example in enumerate(examples):
        if stop.wait(rest):
            return count
        try:
            predictor = models.predictor(models.columns[0])
            start = time.perf_counter()
            predictor.segment(models.pictures.read(example.path, MAX_SIDE))
        except ValueError:  # whoever chooses it reads why
            return count
        del predictor  # a reference would keep it when the manager evicts it
        rest = time.perf_counter() - start
        if rest > TOO_LONG:
            return count + 1
    return len(examples)
