"""Pictures of results: coloured label maps over the picture, heat maps, label files.

Axes: H W the picture; h w a score or similarity map; K names.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import matplotlib
import numpy as np
from PIL import Image

from tqdm_demo.vocabulary import Colour

COLOUR_MAP = "inferno"
# What the heat maps leave out at either end, as a share of all values, so that one odd pixel does
# not take the colours from the rest.
_CLIPPED = 0.005


def overlay(
    image: np.ndarray, label_map: np.ndarray, colours: Sequence[Colour], opacity: float = 0.72
) -> np.ndarray:
    """The label map in its colours over the greyed picture, with thin light borders.

    Args:
        image: uint8 (H, W, 3).
        label_map: uint8 (H, W), index into ``colours``.
        colours: K RGB colours, 0 to 255.
        opacity: of the colours, 0 to 1.

    Returns:
        uint8 (H, W, 3).
    """
    table = np.asarray(colours, np.float32)
    grey = image.astype(np.float32).mean(axis=2, keepdims=True)
    mixed = table[label_map] * opacity + grey * (1 - opacity)
    mixed[borders(label_map)] = mixed[borders(label_map)] * 0.35 + 255 * 0.65
    return np.round(mixed).astype(np.uint8)


def borders(label_map: np.ndarray) -> np.ndarray:
    """Where a pixel's label differs from the one right of it or below it: bool (H, W)."""
    edge = np.zeros(label_map.shape, bool)
    edge[:, :-1] |= label_map[:, :-1] != label_map[:, 1:]
    edge[:-1] |= label_map[:-1] != label_map[1:]
    return edge


def label_png(label_map: np.ndarray, colours: Sequence[Colour]) -> bytes:
    """A PNG file whose pixel values are the labels and whose palette shows them in colour.

    Args:
        label_map: uint8 (H, W), index into ``colours``.
        colours: K RGB colours, 0 to 255.
    """
    image = Image.fromarray(label_map)
    image.putpalette([channel for colour in colours for channel in colour])
    file = BytesIO()
    image.save(file, "PNG", compress_level=4)
    return file.getvalue()


def similarity_range(similarity: np.ndarray) -> tuple[float, float]:
    """The ends of the colour scale, common to all names of a picture.

    One scale for all keeps a class that is not there dark; a scale of its own would make its
    noise glow.

    Args:
        similarity: (K, h, w).
    """
    low, high = np.quantile(similarity, [_CLIPPED, 1 - _CLIPPED])
    return float(low), float(high)


def heat_map(
    image: np.ndarray,
    similarity: np.ndarray,
    low: float,
    high: float,
    opacity: float = 0.78,
) -> np.ndarray:
    """One name's similarity in colours over the greyed picture.

    Args:
        image: uint8 (H, W, 3).
        similarity: float (h, w).
        low: value of the darkest colour; ``high``: of the brightest.
        high: see ``low``.
        opacity: of the colours, 0 to 1.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = image.shape[:2]
    # Cubic resizing of float32 keeps the map smooth where eight bits would show steps.
    smooth = Image.fromarray(np.asarray(similarity, np.float32)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    level = np.clip((np.asarray(smooth) - low) / max(high - low, 1e-6), 0, 1)
    coloured = matplotlib.colormaps[COLOUR_MAP](level)[..., :3] * 255
    grey = image.astype(np.float32).mean(axis=2, keepdims=True)
    return np.round(coloured * opacity + grey * (1 - opacity)).astype(np.uint8)


def colour_stops(count: int = 9) -> tuple[str, ...]:
    """``count`` colours of the heat maps' scale from low to high, as ``#rrggbb``."""
    colours = matplotlib.colormaps[COLOUR_MAP](np.linspace(0, 1, count))
    return tuple(matplotlib.colors.to_hex(colour) for colour in colours)
