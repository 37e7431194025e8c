"""The pictures of one pre-training: drawn streets and photographs, with the odds of each.

Axes: N pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tqdm_demo.data.datasets import FileSource, parse_data
from tqdm_demo.data.street_pool import StreetPool
from tqdm_demo.evaluation.recorded import without_paths
from tqdm_demo.pretraining.clip_pictures import (
    PICTURE,
    drawn_pictures,
    photo_shares,
    picture_shares,
    seen_domains,
)
from tqdm_demo.pretraining.concepts import concept_ids
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.pretraining.photo_pool import Filters, photo_pictures
from tqdm_demo.pretraining.validation import Check
from tqdm_demo.pretraining.views import Pictures, Views, draw_views, join_views
from tqdm_demo.streets.domains import DOMAINS, SOURCE
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

TRAIN_SEEDS = 100_000
VALIDATION_SEEDS = 5_000
CHECKED_SCENES = 6  # per domain, for the figures while training
PHOTO_SIDE = 416  # pixels of a photograph's longer side, or fewer where it has fewer
STYLES = tuple(name for name in seen_domains() if name != SOURCE)


@dataclass(frozen=True)
class Pools:
    """What views are drawn from.

    Attributes:
        streets: drawn pictures of all domains.
        photos: photographs, one Pictures for every folder and shape.
        photo_shares: per Pictures of ``photos`` the weight of each picture, not normalised.
    """

    streets: Pictures
    photos: tuple[Pictures, ...]
    photo_shares: tuple[np.ndarray, ...]

    def draw(
        self,
        size: tuple[int, int],
        street_shares: np.ndarray,
        area: int,
        config: PretrainConfig,
        rng: np.random.Generator,
    ) -> Views:
        """One step's views, all of ``size`` (height, width) pixels.

        Args:
            size: of the views.
            street_shares: float (N,), probability of each drawn picture.
            area: pixels of the model's input, which ``config.zoom`` is relative to.
            config: batch size, share of the photographs, zoom.
            rng: source of chance.
        """
        totals = np.array([len(p.images) for p in self.photos], float)
        odds = [1 - config.photo_share, *(config.photo_share * totals / totals.sum())]
        counts = rng.multinomial(config.batch_size, odds if len(totals) else [1.0])
        parts = []
        for count, pictures, shares in zip(
            counts, (self.streets, *self.photos), (street_shares, *self.photo_shares), strict=True
        ):
            if count:
                height, width = pictures.labels.shape[1:]
                usual = np.sqrt(area / (height * width))
                zoom = (usual * config.zoom[0], usual * config.zoom[1])
                odds = shares / shares.sum()
                parts.append(draw_views(pictures, count, size, zoom, rng, odds))
        return join_views(parts)

    def street_shares(self, miou: dict[str, float], softness: float) -> np.ndarray:
        """Probability of each drawn picture, by the last figures of its domain."""
        seen = {domain: miou[domain] for domain in seen_domains() if domain in miou}
        return picture_shares(self.streets, seen, softness)


def open_pools(spec: str, config: PretrainConfig, cache: Path, workers: int = 2) -> Pools:
    """The training pictures.

    Args:
        spec: data specification of the photographs; "" = none.
        config: how many of each.
        cache: folder of painted and filtered pictures.
        workers: processes that paint and filter; 0 = this one.

    Raises:
        ValueError: photographs that are not there, or a class without a concept.
    """
    photos: list[Pictures] = []
    for source in _photographs(spec, "train"):
        # Drawn streets show Cityscapes' classes in every domain: fewer copies of real ones do.
        own = source.names != CITYSCAPES_NAMES
        filters = Filters(STYLES, config.filtered if own else config.filtered // 3, side=PHOTO_SIDE)
        photos += photo_pictures(source, filters, cache, workers)
    streets = drawn_pictures(seen_domains(), config.scenes, TRAIN_SEEDS, cache, workers)
    shares = tuple(photo_shares(pictures, config.plain) for pictures in photos)
    return Pools(streets, tuple(photos), shares)


def open_checks(spec: str, cache: Path, workers: int = 2) -> dict[str, Check]:
    """What is measured while training: every domain, and the photographs of a specification.

    Raises:
        ValueError: as :func:`open_pools`.
    """
    checks = {}
    for source in _photographs(spec, "val"):
        names = dict(zip(concept_ids(source.names), source.names, strict=True))
        pictures = photo_pictures(source, Filters((), 0, side=PHOTO_SIDE), cache, workers)
        checks[without_paths(source.spec)] = Check(pictures, names)
    cityscapes = dict(enumerate(CITYSCAPES_NAMES))
    drawn = StreetPool.open(DOMAINS, CHECKED_SCENES, VALIDATION_SEEDS, PICTURE, cache, workers)
    for number, (name, domain) in enumerate(DOMAINS.items()):
        own = drawn.domains == number
        looks = [(name, domain.phrase)] * CHECKED_SCENES
        checks[name] = Check([Pictures(drawn.images[own], drawn.labels[own], looks)], cityscapes)
    return checks


def _photographs(spec: str, split: str) -> tuple[FileSource, ...]:
    """The sets of a specification, all of them on disk."""
    sources = parse_data(spec, split) if spec else ()
    drawn = [source.spec for source in sources if not isinstance(source, FileSource)]
    if drawn:
        raise ValueError(
            f"{', '.join(drawn)} is drawn, not photographed; streets come by themselves"
        )
    return sources
