"""Graphic arts: pencil sketch, comic, woodblock print, pixel art and mosaic."""

from functools import cache

import numpy as np
from PIL import Image

from tqdm_demo.streets.filters.view import (
    View,
    blur,
    kuwahara,
    luminance,
    mix,
    noise,
    smoothstep,
    spread,
    to_bytes,
    to_float,
)

# Inks of the print: pale paper tones to dark ones, each (R, G, B).
INKS = np.array(
    [(240, 228, 200), (222, 190, 130), (158, 190, 196), (116, 152, 88), (200, 80, 56)]
    + [(66, 110, 152), (146, 124, 100), (94, 98, 104), (48, 100, 58), (38, 40, 52)]
    + [(192, 186, 172), (62, 64, 72), (164, 158, 62), (226, 158, 58), (214, 150, 146)]
    + [(134, 50, 46), (150, 146, 138), (120, 122, 126)],
    dtype=np.float32,
)
BAYER = np.array([(0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5)], dtype=np.float32)


def sketch(view: View, strength: float) -> np.ndarray:
    """Pencil on paper: outlines, and hatching that grows denser with the shade."""
    tone = luminance(kuwahara(view.exposed, max(1, round(view.unit))))
    tone = np.clip(tone * 1.08 + 0.3 * (tone - spread(tone, 12 * view.unit)), 0, 1)
    # The road stays light, as in most drawings: the hatching is for what stands on it.
    tone = np.maximum(tone + 0.14 * view.ground, 0.9 * view.sky)
    grit = noise(view, 128)
    wobble, broken = 0.9 * view.unit * noise(view, 9), 0.3 * noise(view, 22)
    lean = view.rng.uniform(-0.15, 0.15)
    stripes = [_stripes(view, lean + a, 2.7 * view.unit**0.85, wobble) for a in (0.1, 0.85, -0.75)]
    turn = np.ones(view.shape, dtype=np.uint8)
    if view.labels is not None:
        turn = np.where(view.ground > 0.5, 0, 1 + view.labels % 2)
    patches = 0.1 * noise(view, 7)
    drawn = np.zeros(view.shape, dtype=np.float32)
    for layer, limit in enumerate((0.66, 0.4, 0.22)):
        # Level lines on the ground, slanting ones on things: neighbours stand apart.
        waves = np.choose((turn + layer) % 3, stripes)
        press = smoothstep(limit - tone + patches, -0.1, 0.22)
        line = smoothstep(waves + broken + 0.15 * grit, 0.5 - 0.6 * press, 1.05)
        drawn = np.maximum(drawn, line * press * 0.5)
    smudge = 0.32 * np.clip(0.85 - tone, 0, 1)
    lines = 0.95 * smoothstep(view.edges, 0.25, 1.0) * (0.82 + 0.18 * grit)
    pencil = np.maximum(drawn, lines) + smudge
    paper = np.array([0.965, 0.955, 0.925], dtype=np.float32) * (1 + 0.012 * grit)[..., None]
    lead = np.array([0.17, 0.17, 0.19], dtype=np.float32)
    drawing = mix(paper, lead, np.clip(pencil, 0, 1))
    return mix(view.image, drawing, strength)


def comic(view: View, strength: float) -> np.ndarray:
    """Flat bright colours in few steps, halftone dots in the shade, ink outlines."""
    flat = kuwahara(view.exposed, max(1, round(1.3 * view.unit)))
    flat = np.clip(mix(luminance(flat)[..., None], flat, 1 + 0.75 * strength), 0, 1)
    tone = luminance(flat)
    levels = 4
    stepped = (np.floor(tone * levels) + 0.55) / levels
    # Asphalt lies between two steps more often than not: there the shading may be gradual.
    stepped = mix(stepped, tone, 0.75 * view.ground)
    flat = np.clip(flat * (stepped / np.maximum(tone, 0.05))[..., None] * 1.08, 0, 1)
    dots = _dots(view, 3.2 * view.unit, view.rng.uniform(0.6, 0.95))
    part = np.clip(stepped + 0.2 - tone, 0.05, 0.42)
    shade = smoothstep(part - dots, -0.08, 0.08) * smoothstep(0.8 - tone, 0, 0.2) * (1 - view.sky)
    coloured = flat * (1 - 0.24 * shade)[..., None]
    ink = smoothstep(view.edges, 0.35, 0.75)
    coloured = mix(coloured, np.array([0.05, 0.04, 0.08], dtype=np.float32), 0.92 * ink)
    return mix(view.image, coloured, strength)


def woodblock(view: View, strength: float) -> np.ndarray:
    """A block print: few inks, black key lines, shade cut with the gouge."""
    flat = kuwahara(view.exposed, max(1, round(1.6 * view.unit)))
    coarse = (to_bytes(flat) >> 3).astype(np.int32)
    printed = _ink_cube()[(coarse[..., 0] * 32 + coarse[..., 1]) * 32 + coarse[..., 2]]
    printed = mix(printed, flat, 0.55 * view.ground)
    tone = luminance(flat)
    stripes = _stripes(view, view.rng.uniform(-0.35, 0.35), 3.6 * view.unit, noise(view, 12))
    gouged = smoothstep(stripes, -0.2, 0.2) * smoothstep(0.26 - tone, -0.06, 0.1)
    key = np.maximum(smoothstep(view.edges, 0.3, 0.6), gouged * 0.85)
    # Bokashi: the blue of the sky is wiped away towards the horizon.
    blue, paper = INKS[5] / 255, INKS[0] / 255
    wiped = mix(blue, paper, smoothstep(view.rows, 0.0, 0.42) + 0 * view.columns)
    printed = mix(printed, wiped, view.sky)
    grain = 1 + 0.05 * noise(view, 60, stretch=9) * (1 - 0.6 * view.sky)
    printed = mix(printed * grain[..., None], INKS[9] / 340, key)
    return mix(view.image, printed, strength)


def pixel(view: View, strength: float) -> np.ndarray:
    """Large square pixels in a small palette, with an ordered dither."""
    height, width = view.shape
    block = 1 + (2.3 * view.unit - 1) * strength
    small = (max(1, round(width / block)), max(1, round(height / block)))
    vivid = np.clip(mix(view.luminance[..., None], view.image, 1 + 0.3 * strength), 0, 1)
    crisp = vivid + 0.5 * strength * (vivid - blur(vivid, block))
    shrunk = Image.fromarray(to_bytes(crisp)).resize(small, Image.Resampling.BOX)
    tiny = to_float(np.asarray(shrunk))
    dither = np.tile(BAYER, (small[1] // 4 + 1, small[0] // 4 + 1))[: small[1], : small[0]]
    tiny = tiny + ((dither - 7.5) / 16 * 0.06 * strength)[..., None]
    colours = round(256 - 208 * strength)
    palette = Image.fromarray(to_bytes(tiny)).quantize(colours, method=Image.Quantize.MEDIANCUT)
    large = palette.convert("RGB").resize((width, height), Image.Resampling.NEAREST)
    return to_float(np.asarray(large))


def mosaic(view: View, strength: float) -> np.ndarray:
    """Small uneven stones, each of one colour, set in pale grout and lit from the upper left."""
    height, width = view.shape
    size = max(2.0, 3.3 * view.unit * (0.4 + 0.6 * strength))
    rows, columns = round(height / size) + 3, round(width / size) + 3
    jitter = view.rng.uniform(-0.27, 0.27, (rows, columns, 2)).astype(np.float32)
    y = ((np.arange(height, dtype=np.float32) + 0.5) / size)[:, None] + 1
    x = ((np.arange(width, dtype=np.float32) + 0.5) / size)[None, :] + 1
    first = np.full((height, width), 9, dtype=np.float32)
    second, stone = first.copy(), np.zeros((height, width), dtype=np.int32)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            row, column = y.astype(np.int32) + down, x.astype(np.int32) + right
            offset = jitter[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
            apart_y = np.abs(row + 0.5 + offset[..., 0] - y)
            apart_x = np.abs(column + 0.5 + offset[..., 1] - x)
            far = np.maximum(apart_y, apart_x) + 0.25 * np.minimum(apart_y, apart_x)
            nearer = far < first
            second = np.where(nearer, first, np.minimum(second, far))
            stone = np.where(nearer, row * columns + column, stone)
            first = np.where(nearer, far, first)
    seam = smoothstep(second - first, 0.03, 0.03 + 0.16)
    flat = _stone_colours(view, stone, rows * columns)
    tilt = view.rng.uniform(-1, 1, rows * columns).astype(np.float32)
    flat = flat * (1 + 0.11 * strength * tilt)[:, None]
    image = flat[stone]
    centre_y = np.take(np.repeat(np.arange(rows), columns), stone) + 0.5
    centre_x = np.take(np.tile(np.arange(columns), rows), stone) + 0.5
    slope = np.clip((centre_y - y) + (centre_x - x), -0.8, 0.8)
    image = image * (1 + 0.1 * strength * slope)[..., None].astype(np.float32)
    grout = np.array([0.66, 0.63, 0.58], dtype=np.float32) * 0.8
    image = mix(image, grout, 0.55 * (1 - seam))
    return mix(view.image, image, min(1.0, 1.5 * strength))


def _stone_colours(view: View, stone: np.ndarray, count: int) -> np.ndarray:
    """Mean colour (count, 3) of the pixels of each stone, a little more vivid."""
    flat = stone.ravel()
    total = np.maximum(np.bincount(flat, minlength=count), 1)
    means = np.stack(
        [np.bincount(flat, view.exposed[..., c].ravel(), count) / total for c in range(3)], 1
    ).astype(np.float32)
    return np.clip(mix(luminance(means)[:, None], means, 1.25), 0, 1)


@cache
def _ink_cube() -> np.ndarray:
    """The printed colour (32768, 3) of each of 32 x 32 x 32 colours.

    The nearest ink, hue before brightness; two that are about as near run into each other, so
    that an even surface between them is not torn into blotches.
    """
    weights = np.array([[0.8, 0.8, 0.8], [1.6, -1.6, 0.0], [0.8, 0.8, -1.6]], dtype=np.float32).T
    grid = (np.arange(32, dtype=np.float32) + 0.5) / 32
    colours = np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1).reshape(-1, 3)
    inks = INKS / 255
    wanted, offered = colours @ weights, inks @ weights
    closeness = 2 * wanted @ offered.T - (offered**2).sum(1)
    share = np.exp(140 * (closeness - closeness.max(1, keepdims=True)))
    return (share / share.sum(1, keepdims=True)) @ inks


def _stripes(view: View, angle: float, period: float, wobble: np.ndarray) -> np.ndarray:
    """Waves (H, W) in [-1, 1] along a direction, bent by `wobble` pixels."""
    rows = np.arange(view.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(view.shape[1], dtype=np.float32)[None, :]
    along = columns * np.float32(np.sin(angle)) + rows * np.float32(np.cos(angle)) + wobble
    return np.sin(along * np.float32(2 * np.pi / period))


def _dots(view: View, period: float, angle: float) -> np.ndarray:
    """Halftone screen (H, W): 0 in the middle of a dot, 1 between the dots."""
    straight = np.zeros(view.shape, dtype=np.float32)
    first = _stripes(view, angle, period, straight)
    second = _stripes(view, angle + np.pi / 2, period, straight)
    return 0.5 - 0.25 * (first + second)
