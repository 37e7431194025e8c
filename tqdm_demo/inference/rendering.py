"""Pictures of results: coloured label maps over the picture, heat maps, differences, label files.

Axes: H W the picture; h w a score or similarity map; K names.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import matplotlib
import numpy as np
from PIL import Image

from tqdm_demo.vocabulary import Colour

# The colour maps that a user can choose from; the first is the default. "turbo" is the readable
# relative of the paper's "jet".
COLOUR_MAPS = ("inferno", "turbo", "viridis", "cividis", "gray")
COLOUR_MAP = COLOUR_MAPS[0]
# Low = orange, high = violet; also told apart by people who see red as green.
_DIVERGING = "PuOr"
_DIFFERENCE = np.float32((255, 64, 129))
# What the heat maps leave out at either end, as a share of all values, so that one odd pixel does
# not take the colours from the rest.
_CLIPPED = 0.005


def overlay(
    image: np.ndarray, label_map: np.ndarray, colours: Sequence[Colour], opacity: float = 0.72
) -> np.ndarray:
    """The label map in its colours over the greyed picture, with thin light borders.

    Args:
        image: uint8 (H, W, 3).
        label_map: uint8 (H, W), index into ``colours``; what is beyond them is black.
        colours: K RGB colours, 0 to 255.
        opacity: of the colours, 0 to 1.

    Returns:
        uint8 (H, W, 3).
    """
    table = np.zeros((256, 3), np.float32)
    table[: len(colours)] = colours
    mixed = table[label_map] * opacity + _grey(image) * (1 - opacity)
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
    colour_map: str = COLOUR_MAP,
) -> np.ndarray:
    """One name's similarity in colours over the greyed picture.

    Args:
        image: uint8 (H, W, 3).
        similarity: float (h, w).
        low: value of the darkest colour; ``high``: of the brightest.
        high: see ``low``.
        opacity: of the colours, 0 to 1.
        colour_map: one of :data:`COLOUR_MAPS`.

    Returns:
        uint8 (H, W, 3).
    """
    level = np.clip((_resized(similarity, image) - low) / max(high - low, 1e-6), 0, 1)
    coloured = matplotlib.colormaps[colour_map](level)[..., :3] * 255
    return np.round(coloured * opacity + _grey(image) * (1 - opacity)).astype(np.uint8)


def margin_map(
    image: np.ndarray, margins: np.ndarray, reach: float, opacity: float = 0.85
) -> np.ndarray:
    """Where pixels prefer their own class (violet) and where another one (orange).

    Args:
        image: uint8 (H, W, 3).
        margins: float (h, w), see ``measures.clarity``; not a number = nothing is coloured there.
        reach: the margin, above 0, that has the strongest colours; 0 has none.
        opacity: of the colours, 0 to 1.

    Returns:
        uint8 (H, W, 3).
    """
    counted = _resized(np.isfinite(margins), image)[..., None].clip(0, 1) * opacity
    level = 0.5 + 0.5 * np.clip(_resized(np.nan_to_num(margins), image) / reach, -1, 1)
    coloured = matplotlib.colormaps[_DIVERGING](level)[..., :3] * 255
    return np.round(coloured * counted + _grey(image) * (1 - counted)).astype(np.uint8)


def difference(image: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The greyed picture with everything in one bright colour where two label maps differ.

    Args:
        image: uint8 (H, W, 3).
        first: uint8 (H, W).
        second: uint8 (H, W).

    Returns:
        uint8 (H, W, 3).
    """
    differ = (first != second)[..., None]
    grey = 40 + _grey(image) * 0.6
    return np.where(differ, _DIFFERENCE * 0.72 + grey * 0.28, grey).round().astype(np.uint8)


def quantised(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A map in eight bits for the browser: uint8 of the same shape, 0 = ``low``, 255 = ``high``."""
    level = np.clip((np.nan_to_num(values) - low) / max(high - low, 1e-6), 0, 1)
    return np.round(level * 255).astype(np.uint8)


def colour_stops(count: int = 9, colour_map: str = COLOUR_MAP) -> tuple[str, ...]:
    """``count`` colours of the heat maps' scale from low to high, as ``#rrggbb``."""
    colours = matplotlib.colormaps[colour_map](np.linspace(0, 1, count))
    return tuple(matplotlib.colors.to_hex(colour) for colour in colours)


def margin_stops(count: int = 9) -> tuple[str, ...]:
    """``count`` colours of the scale of :func:`margin_map`."""
    return colour_stops(count, _DIVERGING)


def shrink(image: np.ndarray, max_side: int) -> np.ndarray:
    """A picture, uint8 (H, W, 3), whose longer side is at most ``max_side`` pixels."""
    height, width = image.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return image
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _resized(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """A map (h, w) at the picture's size, float32 (H, W)."""
    # Cubic resizing of float32 keeps the map smooth where eight bits would show steps.
    size = image.shape[1], image.shape[0]
    smooth = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(smooth.resize(size, Image.Resampling.BICUBIC))


def _grey(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32).mean(axis=2, keepdims=True)
