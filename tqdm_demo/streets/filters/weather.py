"""Weather: fog, rain, snow and sandstorm. Distance decides how much air lies before a thing."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tqdm_demo.streets.filters.view import (
    ROAD,
    SIDEWALK,
    TERRAIN,
    VEGETATION,
    View,
    luminance,
    mix,
    noise,
    shift,
    smoothstep,
    spread,
)

CAPPED = (2, 3, 4, 6, 7, 13, 14, 15, 16)  # things that carry a cap of snow on their top edge


def fog(view: View, strength: float) -> np.ndarray:
    """Grey air that swallows the far end of the street; the sky stays lighter than the rest."""
    sight = view.rng.uniform(26, 44) / strength
    air = _air_colour(view, np.array([0.80, 0.82, 0.84], dtype=np.float32), 0.7)
    veil = 1 - np.exp(-np.minimum(view.depth, 150) / sight)
    drift = 1 + 0.12 * noise(view, 3, stretch=3) * (1 - view.sky)
    sky_veil = strength * (0.55 + 0.4 * smoothstep(view.rows, 0.0, 0.5))
    veil = np.where(view.sky > 0.5, sky_veil, np.clip(veil * drift, 0, 0.97))
    return mix(_graded(view, 0.25 * strength, 1.0), air, veil)


def sandstorm(view: View, strength: float) -> np.ndarray:
    """Ochre dust blown across the street, with streaks along the wind."""
    sight = view.rng.uniform(26, 40) / strength
    dust = np.array([0.80, 0.58, 0.32], dtype=np.float32)
    dust = dust * np.float32(view.rng.uniform(0.9, 1.08))
    gusts = noise(view, 5, stretch=5) * 0.6 + noise(view, 16, stretch=7) * 0.4
    veil = 1 - np.exp(-np.minimum(view.depth, 120) / sight)
    veil = np.where(view.sky > 0.5, strength * 0.9, veil)
    veil = np.clip(veil * (1 + 0.3 * gusts) + 0.1 * strength, 0, 0.95)
    tint = mix(np.ones(3, dtype=np.float32), np.array([1.06, 0.84, 0.58]), strength)
    lit = dust * (1.12 - 0.3 * view.rows + 0.08 * gusts)[..., None]
    stormy = mix(view.image * tint.astype(np.float32), lit, veil)
    grains = noise(view, 128, stretch=4) * smoothstep(gusts, -0.2, 0.6)
    return stormy + 0.03 * strength * grains[..., None]


def rain(view: View, strength: float) -> np.ndarray:
    """An overcast street: wet ground that mirrors what stands on it, mist and falling streaks."""
    dull = _graded(view, 0.4 * strength, 1 - 0.15 * strength)
    cloud = np.array([0.60, 0.64, 0.69], dtype=np.float32)
    layers = cloud * (1.02 + 0.12 * noise(view, 5, stretch=3) * (1 - view.rows))[..., None]
    dull = mix(dull, layers, 0.75 * strength * view.sky)
    wet = view.ground * strength
    mirror = _mirror(view, dull)
    sheen = smoothstep(noise(view, 9, stretch=4), -0.5, 0.5)
    dull = mix(dull * (1 - 0.08 * wet)[..., None], mirror, wet * (0.22 + 0.26 * sheen))
    mist = strength * 0.5 * (1 - np.exp(-np.minimum(view.depth, 120) / 90)) * (1 - view.sky)
    dull = mix(dull, cloud * 1.05, mist)
    return mix(dull, np.array([0.88, 0.91, 0.95], dtype=np.float32), _streaks(view, strength))


def snow(view: View, strength: float) -> np.ndarray:
    """Snow on the ground and on top of things, a pale sky, falling flakes."""
    cold = _graded(view, 0.3 * strength, 1.0)
    pale = np.array([0.80, 0.84, 0.89], dtype=np.float32)
    cold = mix(cold, pale + 0.1 * (view.rows - 0.3)[..., None], 0.75 * strength * view.sky)
    haze = strength * 0.45 * (1 - np.exp(-np.minimum(view.depth, 120) / 80)) * (1 - view.sky)
    cold = mix(cold, pale, haze)
    light = luminance(view.image)
    shade = 0.72 + 0.5 * np.clip(light - spread(light, 16 * view.unit), -0.35, 0.2)
    white = np.array([0.97, 0.99, 1.05], dtype=np.float32) * (shade + 0.18)[..., None]
    cold = mix(cold, white, np.clip(_snow_cover(view) * strength, 0, 0.93))
    return mix(cold, np.ones(3, dtype=np.float32), _flakes(view, strength))


def _air_colour(view: View, base: np.ndarray, share: float) -> np.ndarray:
    """The colour of the air: `base` drawn towards the sky of this very picture."""
    weight = view.sky * (view.rows < 0.6)
    total = float(weight.sum())
    if total < 8:
        return base
    sky = np.tensordot(weight, view.image, axes=2).astype(np.float32) / total
    return mix(sky, base, share)


def _graded(view: View, grey: float, gain: float) -> np.ndarray:
    """The picture with less colour and another brightness."""
    return mix(view.image, view.luminance[..., None], grey) * np.float32(gain)


def _mirror(view: View, image: np.ndarray) -> np.ndarray:
    """What wet ground shows: the picture above the horizon, upside down and smeared."""
    height, width = view.shape
    horizon = 0.5
    if view.labels is not None:
        ground = (view.ground > 0.5).any(axis=1)
        horizon = float(np.argmax(ground)) / height if ground.any() else 0.5
    fold = round(horizon * height)
    index = np.clip(2 * fold - np.arange(height), 0, height - 1)
    flipped = Image.fromarray((np.clip(image[index], 0, 1) * 255).astype(np.uint8))
    small = (max(1, round(width / (4 * view.unit))), max(1, round(height / (9 * view.unit))))
    smear = flipped.resize(small, Image.Resampling.HAMMING)
    smear = smear.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smear, dtype=np.float32) / 255


def _streaks(view: View, strength: float) -> np.ndarray:
    """Opacity (H, W) of rain in the air: more drops, not stronger ones, with the strength."""
    height, width = view.shape
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    lean = view.rng.uniform(-0.28, 0.28)
    count = round(150 * strength * max(1.0, width / height))
    starts = view.rng.random((count, 4))
    for across, down, size, tone in starts.tolist():
        length = (0.03 + 0.1 * size * size) * height
        left, top = (across * 1.3 - 0.15) * width, (down * 1.15 - 0.15) * height
        end = (left + lean * length, top + length)
        thick = max(1, round((0.3 + 0.5 * size) * view.unit))
        draw.line((left, top, *end), fill=int(50 + 75 * tone), width=thick)
    soft = canvas.filter(ImageFilter.GaussianBlur(0.3 * view.unit))
    return np.asarray(soft, dtype=np.float32) / 255


def _flakes(view: View, strength: float) -> np.ndarray:
    """Opacity (H, W) of flakes: many small far ones, few large soft near ones."""
    height, width = view.shape
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    count = round(210 * strength * max(1.0, width / height))
    for across, down, size, tone in view.rng.random((count, 4)).tolist():
        radius = (0.35 + 1.35 * size**6) * view.unit
        x, y = across * width, down * height
        fill = int((130 + 110 * tone) * (1 - 0.45 * size**4))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    soft = canvas.filter(ImageFilter.GaussianBlur(0.35 * view.unit))
    return np.asarray(soft, dtype=np.float32) / 255


def _snow_cover(view: View) -> np.ndarray:
    """How much snow lies on each pixel, in [0, 1]."""
    patches = noise(view, 12, stretch=4) * 0.5 + noise(view, 40, stretch=3) * 0.3
    thick = max(1, round(2.2 * view.unit))
    if view.labels is None:
        light = spread(view.luminance, 1.5 * view.unit)
        falling = shift(light, thick, 0) - light  # bright above, dark below: an upper edge
        caps = smoothstep(falling, 0.12, 0.3) * (1 - view.sky)
        return np.maximum(view.ground * (0.7 + 0.25 * patches), 0.8 * caps)
    labels = view.labels
    cover = np.zeros(view.shape, dtype=np.float32)
    cover += (labels == ROAD) * (0.62 + 0.3 * patches)
    cover += (labels == SIDEWALK) * (0.88 + 0.12 * patches)
    cover += (labels == TERRAIN) * (0.92 + 0.1 * patches)
    lit = view.luminance - spread(view.luminance, 6 * view.unit)
    leaves = smoothstep(lit + 0.12 * noise(view, 45), -0.02, 0.16)
    cover += (labels == VEGETATION) * 0.75 * leaves
    # Only what stands free carries a cap: the thing above the edge lies well behind it.
    farther = shift(view.depth, thick, 0) > 1.15 * view.depth + 1
    caps = np.isin(labels, CAPPED) & (shift(labels, thick, 0) != labels) & farther
    cover = np.maximum(cover, 0.9 * spread(caps.astype(np.float32), 0.8 * view.unit))
    return np.clip(cover, 0, 1)
