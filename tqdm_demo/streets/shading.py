"""Light on the finished drawing, pixel by pixel: texture of the materials, shadows, haze.

Axes: H W pixels of the picture. Everything here is looked up from the surface map, nothing touches
the sky.
"""

from dataclasses import dataclass

import numpy as np
from PIL import ImageFilter

from tqdm_demo.streets.canvas import (
    ASPHALT,
    BRICK,
    GRASS,
    GROUND,
    LEAVES,
    PAVING,
    PLASTER,
    SIDE,
    Canvas,
)
from tqdm_demo.streets.scene.palette import Palette
from tqdm_demo.streets.scene.world import SKY


@dataclass(frozen=True)
class Layers:
    """Per-pixel maps (H, W): labels uint8, material uint8, depth float32 (metres), lights float32
    and whether the pixel lies on the ground plane (bool)."""

    labels: np.ndarray
    material: np.ndarray
    depth: np.ndarray
    lights: np.ndarray
    ground: np.ndarray


def resolve(canvas: Canvas) -> Layers:
    """Look up what every pixel shows."""
    numbers, surfaces = canvas.surface_numbers(), canvas.surfaces
    plane = np.array([s.plane for s in surfaces], np.uint8)[numbers]
    value = np.array([s.value for s in surfaces], np.float32)[numbers]
    x = (np.arange(canvas.width, dtype=np.float32) + 0.5 - canvas.vanish_x)[None, :]
    y = (np.arange(canvas.height, dtype=np.float32) + 0.5 - canvas.horizon_y)[:, None]
    ground = plane == GROUND
    floor = canvas.scale * canvas.camera_height / np.maximum(y, 0.25)
    away = np.where(np.abs(x) < 0.5, 0.5, x)
    side = np.clip(canvas.scale * value / away, 1.0, 400.0)
    depth = np.where(ground, np.minimum(floor, 900.0), np.where(plane == SIDE, side, value)).astype(
        np.float32
    )
    labels = np.array([s.label for s in surfaces], np.uint8)[numbers]
    material = np.array([s.material for s in surfaces], np.uint8)[numbers]
    lights = np.array([s.light for s in surfaces], np.float32)[numbers]
    return Layers(labels, material, depth, lights, ground)


def shade_picture(canvas: Canvas, layers: Layers, palette: Palette) -> np.ndarray:
    """The finished picture, uint8 (H, W, 3)."""
    picture = np.asarray(canvas.picture.reduce(canvas.factor), np.float32)
    gain = _texture(canvas, layers)
    blur = max(0.6, canvas.width / 500)
    shadow = np.asarray(canvas.shadow_map.filter(ImageFilter.GaussianBlur(blur)), np.float32) / 255
    shadow *= layers.ground
    gain *= 1.0 - 0.52 * shadow
    solid = layers.labels != SKY
    light = np.where(solid[..., None], np.array(palette.light, np.float32), np.float32(1.0))
    picture = picture * gain[..., None] * light
    picture[..., 2] += 10.0 * shadow
    haze = np.where(solid, 0.55 * (1.0 - np.exp(-layers.depth / 170.0)), 0.0).astype(np.float32)[
        ..., None
    ]
    picture += (np.array(palette.horizon, np.float32) - picture) * haze
    return np.clip(picture, 0, 255).astype(np.uint8)


def _texture(canvas: Canvas, layers: Layers) -> np.ndarray:
    """Brightness factor (H, W) of the materials, in world coordinates, fading where it is finer
    than a pixel."""
    height, width = layers.depth.shape
    gain = np.ones((height, width), np.float32)
    rows, columns = np.nonzero(layers.material)
    if rows.size == 0:
        return gain
    material, depth = layers.material[rows, columns], layers.depth[rows, columns]
    metre = depth / canvas.scale
    x = (columns + 0.5 - canvas.vanish_x) * metre
    y = canvas.camera_height - (rows + 0.5 - canvas.horizon_y) * metre
    ground = layers.ground[rows, columns]
    # Walls along the road run in Z, walls across the view in X; their sum serves both without
    # telling them apart.
    u = np.where(ground, x, x + depth)
    v = np.where(ground, depth, y)
    pixel = np.where(ground, metre * np.maximum(1.0, depth / canvas.camera_height / 6), metre)
    factor = np.ones(rows.size, np.float32)
    for kind, paint in _PAINTS.items():
        chosen = np.nonzero(material == kind)[0]
        if chosen.size:
            factor[chosen] = paint(u[chosen], v[chosen], pixel[chosen])
    gain[rows, columns] = factor
    return gain


def _hash(i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Pseudo-random numbers in [-1, 1] for integer cells."""
    h = i.astype(np.int64).astype(np.uint32) * np.uint32(374761393) + j.astype(np.int64).astype(
        np.uint32
    ) * np.uint32(668265263)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    return ((h >> np.uint32(9)) & np.uint32(0xFFFF)).astype(np.float32) / 32767.5 - 1.0


def _noise(u: np.ndarray, v: np.ndarray, size: float, pixel: np.ndarray) -> np.ndarray:
    """Smooth noise in [-1, 1] with cells of ``size`` metres, faded out where a cell is below about
    two pixels."""
    u, v = u / size, v / size
    i, j = np.floor(u), np.floor(v)
    a, b = u - i, v - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    low = _hash(i, j) * (1 - a) + _hash(i + 1, j) * a
    high = _hash(i, j + 1) * (1 - a) + _hash(i + 1, j + 1) * a
    return (low * (1 - b) + high * b) * np.clip(size / pixel - 1.0, 0.0, 1.0)


def _asphalt(u: np.ndarray, v: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    return 1.0 + 0.05 * _noise(u, v, 0.09, pixel) + 0.045 * _noise(u, v * 0.3, 0.8, pixel)


def _paving(u: np.ndarray, v: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    fade = np.clip(0.12 / pixel - 0.5, 0.0, 1.0)
    joint = (np.mod(u, 0.6) < 0.05) | (np.mod(v, 0.6) < 0.07)
    slab = _hash(np.floor(u / 0.6), np.floor(v / 0.6))
    return 1.0 + fade * (0.05 * slab - 0.14 * joint) + 0.03 * _noise(u, v, 1.4, pixel)


def _grass(u: np.ndarray, v: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    return (
        1.0
        + 0.13 * _noise(u, v * 0.5, 0.14, pixel)
        + 0.10 * _noise(u, v, 0.7, pixel)
        + 0.06 * _noise(u, v, 3.0, pixel)
    )


def _plaster(u: np.ndarray, v: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    return 1.0 + 0.03 * _noise(u, v, 0.5, pixel) - 0.12 * np.exp(-np.maximum(v, 0.0) / 0.8)


def _brick(u: np.ndarray, v: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    row = np.floor(v / 0.2)
    along = u + 0.22 * np.mod(row, 2)
    joint = (np.mod(v, 0.2) < 0.035) | (np.mod(along, 0.44) < 0.04)
    fade = np.clip(0.1 / pixel - 0.4, 0.0, 1.0)
    return (
        1.0
        + fade * (0.09 * _hash(np.floor(along / 0.44), row) + 0.14 * joint)
        - 0.12 * np.exp(-np.maximum(v, 0.0) / 0.8)
    )


def _leaves(u: np.ndarray, v: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    return 1.0 + 0.16 * _noise(u, v, 0.16, pixel) + 0.10 * _noise(u, v, 0.45, pixel)


_PAINTS = {
    ASPHALT: _asphalt,
    PAVING: _paving,
    GRASS: _grass,
    PLASTER: _plaster,
    BRICK: _brick,
    LEAVES: _leaves,
}
