"""Paint on canvas and on paper: oil and watercolour."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tqdm_demo.streets.filters.view import (
    View,
    blur,
    contrast,
    kuwahara,
    luminance,
    mix,
    noise,
    shift,
    smoothstep,
    spread,
    to_bytes,
    to_float,
)


def oil(view: View, strength: float) -> np.ndarray:
    """Strokes of thick paint along the shapes, broad first and fine where there is detail."""
    unit = view.unit * (0.3 + 0.7 * strength)
    base = kuwahara(view.exposed, max(1, round(1.8 * unit)))
    base = _richer(base, 0.25 * strength)
    direction = _directions(view)
    detail = spread(np.abs(view.luminance - luminance(base)) + 0.3 * view.edges, 1.5 * view.unit)
    canvas = Image.fromarray(to_bytes(base))
    relief = Image.new("L", canvas.size, 128)
    count = round(320 * strength)
    _strokes(view, canvas, relief, base, direction, count, 7.5 * unit, 2.7 * unit, 1 - detail * 5)
    _strokes(view, canvas, relief, base, direction, count, 3.6 * unit, 1.4 * unit, None)
    soft = ImageFilter.GaussianBlur(0.3 * view.unit)
    painted, relief = to_float(np.asarray(canvas.filter(soft))), relief.filter(soft)
    bristles = _bristles(view, direction, 1.1 * unit) * (1 - 0.4 * view.sky)
    painted = painted * (1 + 0.16 * bristles)[..., None]
    # Fine shapes come last, with a small brush: signs, faces and poles stay readable.
    painted = mix(painted, base, 0.8 * smoothstep(view.edges, 0.25, 0.7))
    height = to_float(np.asarray(relief)) + 0.5 * bristles
    step = max(1, round(0.5 * view.unit))
    light = shift(shift(height, -step, 0), -step, 1) - shift(shift(height, step, 0), step, 1)
    light = light * (1 - 0.6 * view.sky)
    return mix(view.image, painted + 0.16 * light[..., None], min(1.0, 1.6 * strength))


def watercolour(view: View, strength: float) -> np.ndarray:
    """Washes on rough paper: flat tints that pool at their borders and run into each other."""
    wobble = 0.6 * view.unit * strength
    image = _displaced(view, view.exposed, wobble)
    flat = kuwahara(image, max(1, round(1.4 * view.unit * strength)))
    flat = blur(flat, 0.35 * view.unit * strength)
    flat = _richer(flat, 0.2 * strength)
    washes = 1 - (1 - flat) * (1 - 0.24 * strength)
    tone = luminance(flat)
    rim = contrast(flat, max(1, round(1.2 * view.unit)))
    pooled = 1 - 0.3 * strength * smoothstep(rim, 0.05, 0.3)
    blooms = 1 + strength * (0.1 * noise(view, 5) + 0.05 * noise(view, 14))
    grain = 1 + strength * 0.07 * noise(view, 110) * (1 - tone)
    pigment = np.clip(1 - washes, 0, 1) * (blooms * grain)[..., None]
    paper = np.array([0.985, 0.972, 0.94], dtype=np.float32)
    paper = mix(np.ones(3, dtype=np.float32), paper, strength)
    painted = (1 - pigment) * paper * pooled[..., None]
    # The sheet shows at its uneven margin.
    margin = np.minimum(np.minimum(view.rows, 1 - view.rows) * 1.0, 0.5)
    margin = np.minimum(margin, np.minimum(view.columns, 1 - view.columns) * 2.0)
    bare = 1 - smoothstep(margin + 0.012 * noise(view, 12), 0.004, 0.022)
    return mix(painted, paper * 0.99, strength * bare)


def _richer(image: np.ndarray, amount: float) -> np.ndarray:
    """The same picture with more colour."""
    return np.clip(mix(luminance(image)[..., None], image, 1 + amount), 0, 1)


def _directions(view: View) -> np.ndarray:
    """Angle (H, W) in radians along the shapes; slowly turning where nothing has a shape."""
    light = spread(view.luminance, view.unit)
    down = shift(light, -1, 0) - shift(light, 1, 0)
    right = shift(light, -1, 1) - shift(light, 1, 1)
    idle = 1e-4 / max(1.0, view.unit)
    angle_x = spread(right * right - down * down, 4 * view.unit) + idle * (noise(view, 3) - 0.6)
    angle_y = spread(2 * right * down, 4 * view.unit) + idle * noise(view, 3)
    return (0.5 * np.arctan2(angle_y, angle_x) + np.pi / 2).astype(np.float32)


def _bristles(view: View, direction: np.ndarray, step: float) -> np.ndarray:
    """Traces (H, W) of the brush in about [-0.5, 0.5]: noise drawn out along the strokes."""
    height, width = view.shape
    fine = np.ascontiguousarray(noise(view, 100)).ravel()
    rows = np.arange(height, dtype=np.float32)[:, None] + np.zeros((1, width), np.float32)
    columns = np.arange(width, dtype=np.float32)[None, :] + np.zeros((height, 1), np.float32)
    down, right = np.sin(direction) * np.float32(step), np.cos(direction) * np.float32(step)
    total = np.zeros(view.shape, dtype=np.float32)
    for along in (-3, -2, -1, 0, 1, 2, 3):
        row = np.clip(rows + along * down, 0, height - 1).astype(np.int32)
        column = np.clip(columns + along * right, 0, width - 1).astype(np.int32)
        total += fine.take(row * width + column)
    return total * np.float32(1 / 7)


def _strokes(
    view: View,
    canvas: Image.Image,
    relief: Image.Image,
    base: np.ndarray,
    direction: np.ndarray,
    count: int,
    length: float,
    width: float,
    keep: np.ndarray | None,
) -> None:
    """Draw `count` strokes of the colour below them; `keep` (H, W) is the chance of each."""
    height, wide = view.shape
    count = round(count * max(1.0, wide / height) / 2)
    chance = view.rng.random((count, 6), dtype=np.float32)
    rows = np.minimum((chance[:, 0] * height).astype(int), height - 1)
    columns = np.minimum((chance[:, 1] * wide).astype(int), wide - 1)
    if keep is not None:
        chosen = keep[rows, columns] > chance[:, 5]
        rows, columns, chance = rows[chosen], columns[chosen], chance[chosen]
    angles = direction[rows, columns] + 0.35 * (chance[:, 2] - 0.5)
    reach = length * (0.6 + 0.8 * chance[:, 3])
    across, down = np.cos(angles) * reach / 2, np.sin(angles) * reach / 2
    ends = np.stack([columns - across, rows - down, columns + across, rows + down], axis=1)
    colours = base[rows, columns] * (1 + 0.18 * (chance[:, 4:5] - 0.5))
    colours = to_bytes(colours).tolist()
    tones = (80 + 100 * chance[:, 4]).astype(int).tolist()
    brush, thick = ImageDraw.Draw(canvas), max(1, round(width))
    knife = ImageDraw.Draw(relief)
    for line, colour, tone in zip(ends.tolist(), colours, tones, strict=True):
        brush.line(line, fill=tuple(colour), width=thick)
        knife.line(line, fill=tone, width=thick)


def _displaced(view: View, image: np.ndarray, amount: float) -> np.ndarray:
    """The picture with every pixel fetched from up to `amount` pixels away."""
    height, width = view.shape
    rows = np.arange(height)[:, None] + amount * noise(view, 26)
    columns = np.arange(width)[None, :] + amount * noise(view, 26)
    rows = np.clip(np.rint(rows), 0, height - 1).astype(np.int32)
    columns = np.clip(np.rint(columns), 0, width - 1).astype(np.int32)
    return image[rows, columns]
