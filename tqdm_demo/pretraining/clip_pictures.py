"""What the CLIP pre-training looks at: drawn streets in all domains but the held-out two.

:mod:`tqdm_demo.pretraining.photo_pool` has the photographs.

Axes: N pictures; H W pixels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tqdm_demo.data.datasets import StreetPool
from tqdm_demo.pretraining.photo_pool import PHOTO
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT

PICTURE = (256, 128)  # width, height of a drawn picture


def seen_domains() -> list[str]:
    """The domains that the CLIP sees: every one but the held-out two."""
    return [name for name in DOMAINS if name not in HELD_OUT]


def drawn_pictures(
    domains: list[str], count: int, first_seed: int, cache: Path, workers: int = 2
) -> Pictures:
    """``count`` drawn pictures of each domain, every one another scene, painted once and kept."""
    wanted = [
        (first_seed + n, domain)
        for n, domain in enumerate(d for d in domains for _ in range(count))
    ]
    pool = StreetPool.open_pictures(wanted, PICTURE, cache, workers)
    return Pictures(pool.images, pool.labels, [(d, DOMAINS[d].phrase) for _, d in wanted])


def picture_shares(pictures: Pictures, miou: dict[str, float], softness: float) -> np.ndarray:
    """Probability of drawing each picture, float (N,): domains that lag behind come up more often.

    Args:
        pictures: of several domains.
        miou: per domain its zero-shot mIoU in percent so far; a missing one counts as the best.
        softness: percent of mIoU for which a domain is drawn e times as often.
    """
    best = max(miou.values(), default=0.0)
    lag = np.array([best - miou.get(domain, best) for domain, _ in pictures.domains])
    weights = np.exp(lag / softness)
    return weights / weights.sum()


def photo_shares(photos: Pictures, plain: float) -> np.ndarray:
    """Unnormalised weight of each photograph and copy, float (N,).

    Photographs that show rare classes come up more often, and one as it is comes up ``plain``
    times as often as each of its copies.
    """
    shown = np.stack([np.bincount(np.unique(ids), minlength=256)[:255] for ids in photos.labels])
    frequency = shown.mean(0).clip(min=1e-6)
    weights = (shown / np.sqrt(frequency)).sum(1) / shown.sum(1).clip(min=1)
    return weights * np.array([plain if name == PHOTO else 1.0 for name, _ in photos.domains])
