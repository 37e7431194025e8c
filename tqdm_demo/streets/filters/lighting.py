"""Cameras and hours: a photograph, dusk, night with lamps, and a thermal camera."""

import numpy as np

from tqdm_demo.streets.filters.view import (
    ROAD,
    SKY,
    VEGETATION,
    View,
    blur,
    luminance,
    mix,
    noise,
    shift,
    smoothstep,
    spread,
    spread_colours,
)

# Grain of the material, by train id: asphalt, stone and leaves have some, sky and glass none.
GRAIN = np.zeros(256, dtype=np.float32)
GRAIN[:19] = (7, 5, 4, 5, 4, 2, 1, 0, 9, 9, 0, 3, 3, 1, 1, 1, 1, 1, 1)

# Warmth by train id, in [0, 1]: people and engines are warm, the sky is cold.
WARMTH = np.full(256, 0.3, dtype=np.float32)
WARMTH[:19] = (
    *(0.36, 0.42, 0.34, 0.30, 0.27, 0.33, 0.52, 0.24, 0.22, 0.28, 0.03),
    *(0.92, 0.88, 0.58, 0.60, 0.62, 0.56, 0.66, 0.46),
)
VEHICLES = (13, 14, 15, 16, 17)
IRON = np.array(
    [(0, 0, 10), (38, 0, 92), (128, 8, 138), (205, 48, 92), (242, 120, 28), (253, 205, 60)]
    + [(255, 252, 225)],
    dtype=np.float32,
)
WHITE_HOT = np.array([(12, 13, 16), (120, 122, 124), (250, 250, 246)], dtype=np.float32)


def photo(view: View, strength: float) -> np.ndarray:
    """Lens, air, film: soft, a little hazy, vignetted, with sensor noise and a colour cast."""
    image = blur(view.image, 0.32 * strength * view.unit)
    image = image * (1 + strength * _material(view))[..., None]
    haze = strength * 0.6 * (1 - np.exp(-np.minimum(view.depth, 150) / 150)) * (1 - view.sky)
    image = mix(image, np.array([0.75, 0.80, 0.86], dtype=np.float32), haze)
    image = mix(image, luminance(image)[..., None], 0.28 * strength)
    side = view.rng.choice((-1.0, 1.0)) * (view.columns - 0.5) * 0.16
    image = image * (1 + strength * side)[..., None]
    curve = image * image * (3 - 2 * np.clip(image, 0, 1))
    image = mix(image, curve, 0.3 * strength)
    warm = view.rng.uniform(-0.06, 0.08) * strength
    gain = 1 + strength * view.rng.uniform(-0.12, 0.1)
    image = image * (np.array([1 + warm, 1.0, 1 - warm], dtype=np.float32) * np.float32(gain))
    radius = (2 * view.columns - 1) ** 2 + (2 * view.rows - 1) ** 2
    image = image * (1 - 0.13 * strength * radius)[..., None]
    sensor = view.rng.standard_normal(image.shape, dtype=np.float32)
    return image + 0.012 * strength * sensor * (1 - 0.75 * view.sky)[..., None]


def dusk(view: View, strength: float) -> np.ndarray:
    """The sun has just gone: an orange horizon below violet, first lamps."""
    side = view.rng.uniform(0.1, 0.9)
    near_sun = np.exp(-(((view.columns - side) / 0.45) ** 2)) * smoothstep(view.rows, 0, 0.5)
    top = np.array([0.30, 0.27, 0.50], dtype=np.float32)
    low = np.array([0.98, 0.62, 0.38], dtype=np.float32)
    evening = mix(top, low, np.clip(smoothstep(view.rows, 0.0, 0.5) * 0.8 + 0.3 * near_sun, 0, 1))
    clouds = np.clip(view.luminance - 0.72, -0.2, 0.2)[..., None]
    sky = evening + clouds * np.array([0.9, 0.5, 0.5], dtype=np.float32)
    shade = np.array([0.60, 0.48, 0.58], dtype=np.float32)
    warm = np.array([1.12, 0.76, 0.52], dtype=np.float32)
    light = spread(view.luminance, view.unit)
    slope = (shift(light, -1, 1) - shift(light, 1, 1)) * view.unit / 2
    facing = np.clip(near_sun * 0.75 + np.sign(side - 0.5) * slope * 0.8, 0, 1)
    scene = view.image * mix(shade, warm, facing)
    scene = mix(scene, low * 0.8, 0.3 * (1 - np.exp(-np.minimum(view.depth, 150) / 90)))
    scene = mix(scene, sky, 0.93 * view.sky)
    scene = mix(view.image, scene, strength)
    return _glow(view, scene, 0.75 * strength)


def night(view: View, strength: float) -> np.ndarray:
    """Blue darkness in which lamps, windows and headlights glow and light what is near them."""
    grey = view.luminance[..., None]
    ambient = np.array([0.36, 0.42, 0.58], dtype=np.float32)
    scene = mix(view.exposed, grey, 0.3) * ambient + np.array([0.012, 0.018, 0.04])
    top = np.array([0.015, 0.025, 0.075], dtype=np.float32)
    low = np.array([0.13, 0.14, 0.22], dtype=np.float32)
    heaven = mix(top, low, smoothstep(view.rows, 0.0, 0.55) + 0 * view.columns)
    scene = mix(scene, heaven + 0.05 * (grey - 0.7), 0.95 * view.sky)
    # Half-covered pixels along a skyline still hold the bright sky of the day: no white rim.
    rim = np.clip(spread(view.sky, 1.5 * view.unit), 0, 1) * (1 - view.sky)
    scene = scene * (1 - 0.7 * rim)[..., None]
    # The headlights of the car that carries the camera.
    beam = np.exp(-(((view.columns - 0.5) / 0.3) ** 2)) * smoothstep(view.rows, 0.5, 0.95)
    lamp = np.array([0.62, 0.56, 0.42], dtype=np.float32)
    reach = beam * (0.35 + 0.65 * view.ground) * np.exp(-np.minimum(view.depth, 90) / 35)
    scene = scene + view.image * lamp * reach[..., None]
    scene = mix(view.image, scene, strength)
    return _glow(view, scene, strength)


def thermal(view: View, strength: float) -> np.ndarray:
    """What a heat camera sees: people and engines bright, the sky dark."""
    heat = blur(np.dstack([_heat(view)] * 3), 0.5 * view.unit)[..., 0]
    palette = WHITE_HOT if view.rng.random() < 0.2 else IRON
    stops = np.linspace(0, 1, len(palette))
    table = np.stack([np.interp(np.linspace(0, 1, 256), stops, palette[:, c]) for c in range(3)], 1)
    picture = (table / 255).astype(np.float32)[np.clip(heat * 255, 0, 255).astype(np.uint8)]
    return mix(view.image, picture, strength)


def _material(view: View) -> np.ndarray:
    """Relative brightness (H, W) of the grain of things, finer with distance, none on the sky."""
    if view.labels is None:
        return np.zeros(view.shape, dtype=np.float32)
    fine, coarse = noise(view, 128), noise(view, 40)
    near = np.exp(-np.minimum(view.depth, 200) / 40)
    leaves = view.labels == VEGETATION
    grain = np.where(leaves, fine * 0.7 + coarse * 0.8, fine * (0.5 + 0.5 * near))
    asphalt = (view.labels == ROAD) * 0.03 * noise(view, 7, stretch=4)
    return 0.007 * GRAIN[view.labels] * grain + asphalt


def _glow(view: View, scene: np.ndarray, strength: float) -> np.ndarray:
    """Add the light of the lamps: their own, a halo, and a pool on what lies around and below."""
    lights = np.clip(view.lights, 0, 1)
    own = view.image / np.maximum(view.image.max(-1, keepdims=True), 0.35)
    warm = np.array([1.0, 0.83, 0.55], dtype=np.float32)
    colour = own * own * warm * lights[..., None]
    halo, pool = spread_colours(colour, 3 * view.unit), spread_colours(colour, 13 * view.unit)
    lit = scene + strength * (view.image * pool * 2.2 + 1.15 * halo + 0.35 * pool)
    core = np.clip(own * np.array([1.1, 1.0, 0.8], dtype=np.float32) + 0.12, 0, 1)
    return mix(lit, core, 0.95 * strength * lights)


def _heat(view: View) -> np.ndarray:
    """Warmth (H, W) in [0, 1], from the classes where known, else from the brightness."""
    light = view.luminance
    detail = light - spread(light, 10 * view.unit)
    lamps = 0.5 * np.clip(view.lights, 0, 1)
    if view.labels is None:
        heat = 0.2 + 0.6 * light * (1 - 0.9 * view.sky) + 0.3 * detail + lamps
        return np.clip(mix(heat, 0.05 + 0.08 * view.rows, view.sky), 0, 1)
    heat = WARMTH[view.labels]
    vehicle = np.isin(view.labels, VEHICLES)
    # Tyres, exhaust and bonnet are dark or low: that is where a driven car is hot.
    heat = heat + vehicle * 0.3 * smoothstep(0.35 - light, -0.1, 0.25)
    heat = heat + 0.1 * (view.labels == VEGETATION) * noise(view, 24) + 0.05 * noise(view, 3)
    heat = heat + 0.28 * detail * (view.labels != SKY) + lamps
    return np.where(view.labels == SKY, 0.02 + 0.1 * view.rows, np.clip(heat, 0.04, 1))
