"""What each step of the pre-training reads, drawn ahead by other processes.

Axes: B views; H W pixels; N regions; U captions; T text tokens.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import open_clip
import torch
from torch.utils.data import DataLoader, Dataset

from tqdm_demo.model.lite0_vit import DENSE_PATCH
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.pretraining.pools import Pools
from tqdm_demo.pretraining.region_text import caption_regions, sample_regions
from tqdm_demo.pretraining.token_text import concept_captions
from tqdm_demo.pretraining.views import Views

VIEW_SIZES = ((192, 224), (224, 192), (192, 256), (224, 224))  # height, width; one a step


@dataclass(frozen=True)
class Batch:
    """One step's input, on the CPU.

    Attributes:
        views: B pictures with labels.
        boxes: int64 (N, 5), see ``Regions``.
        fits: bool (N, U), which of the regions' captions fit; ``unknown``: nobody can say.
        tokens: int64, the U regions' captions and those of every concept (.., T).
    """

    views: Views
    boxes: np.ndarray
    fits: torch.Tensor
    unknown: torch.Tensor
    tokens: torch.Tensor


@dataclass(frozen=True)
class Batches(Dataset):
    """The batch of every step: the same one for the same step, whichever process draws it.

    Attributes:
        pools: the pictures.
        shares: float, probability of each drawn picture.
        area: pixels of the model's input.
        tokenizer: of the CLIP.
        config: of the training.
    """

    pools: Pools
    shares: np.ndarray
    area: int
    tokenizer: open_clip.SimpleTokenizer
    config: PretrainConfig

    def __getitem__(self, step: int) -> Batch:
        config, rng = self.config, np.random.default_rng([self.config.seed, step])
        size = VIEW_SIZES[rng.integers(len(VIEW_SIZES))]
        views = self.pools.draw(size, self.shares, self.area, config, rng)
        regions = sample_regions(views.labels, views.images, DENSE_PATCH, config.regions, rng)
        captions, fits, unknown = caption_regions(regions, views.domains, views.labelled, rng)
        texts = [caption.text for caption in captions]
        tokens = self.tokenizer([*texts, *concept_captions(config.captions, rng)])
        return Batch(views, regions.boxes, fits, unknown, tokens)

    def draw(self, steps: range, workers: int) -> Iterator[Batch]:
        """The batches of ``steps`` in order, by ``workers`` processes; 0 = this one.

        The processes are forked, since others would copy all pictures (so only on Linux). That is
        no danger here: they compute on one thread and touch no GPU.
        """
        workers = workers if sys.platform == "linux" else 0
        return iter(
            DataLoader(
                self,
                batch_size=None,
                sampler=steps,
                num_workers=workers,
                collate_fn=_same,
                multiprocessing_context="fork" if workers else None,
            )
        )


def _same(batch: Batch) -> Batch:
    return batch
