"""What the CLIP pre-training looks at: drawn streets in all domains but the held-out two, frames.

Axes: N pictures; H W pixels.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from tqdm_demo.data.datasets import StreetPool, read_folder
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.streets.captions import PHOTO_PHRASE
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT, SOURCE, apply_domain

PICTURE = (256, 128)  # width, height of a drawn picture
PHOTO = (256, 192)


def seen_domains() -> list[str]:
    """The domains that the CLIP sees: every one but the held-out two."""
    return [name for name in DOMAINS if name not in HELD_OUT]


def drawn_pictures(domains: list[str], count: int, first_seed: int, cache: Path) -> Pictures:
    """``count`` drawn pictures of each domain, every one another scene, painted once and kept."""
    wanted = [
        (first_seed + n, domain)
        for n, domain in enumerate(d for d in domains for _ in range(count))
    ]
    pool = StreetPool.open_pictures(wanted, PICTURE, cache)
    return Pictures(pool.images, pool.labels, [(d, DOMAINS[d].phrase) for _, d in wanted])


def photo_pictures(
    folder: Path, split: str, seed: int, filtered: int = 3, limit: int | None = None
) -> Pictures:
    """Real frames at PHOTO size, each as it is and ``filtered`` times through a random domain.

    Raises:
        ValueError: no frames, or a frame without labels.
    """
    rng = np.random.default_rng(seed)
    styles = [name for name in seen_domains() if name != SOURCE]
    images, labels, domains = [], [], []
    frames = itertools.islice(read_folder(folder, split), limit)
    for frame, frame_labels in tqdm(frames, desc=f"{split} frames", unit="frame"):
        image = np.asarray(frame.resize(PHOTO, Image.Resampling.BICUBIC))
        ids = np.asarray(frame_labels.resize(PHOTO, Image.Resampling.NEAREST))
        images.append(image)
        domains.append(("real photo", PHOTO_PHRASE))
        for name in rng.choice(styles, filtered, replace=False):
            strength, filter_seed = rng.uniform(0.4, 1.0), int(rng.integers(1 << 30))
            images.append(
                apply_domain(name, image, strength=strength, seed=filter_seed, labels=ids)
            )
            domains.append((str(name), DOMAINS[name].phrase))
        labels += [ids] * (1 + filtered)
    return Pictures(np.stack(images), np.stack(labels), domains)


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
