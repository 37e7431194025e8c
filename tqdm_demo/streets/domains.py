"""The domains: one street painted in sixteen ways, and the same filters for any photograph.

A domain changes how a picture looks, never what lies where: the labels stay exact. `game` is the
source on which segmenters are trained, the domains of `HELD_OUT` are seen by no training at all.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tqdm_demo.streets.filters.graphic import comic, mosaic, pixel, sketch, woodblock
from tqdm_demo.streets.filters.lighting import dusk, night, photo, thermal
from tqdm_demo.streets.filters.painterly import oil, watercolour
from tqdm_demo.streets.filters.view import View, to_bytes, to_float
from tqdm_demo.streets.filters.weather import fog, rain, sandstorm, snow
from tqdm_demo.streets.painter import Painting, paint_scene
from tqdm_demo.streets.scene.sampling import sample_scene

SOURCE = "game"
HELD_OUT = ("sandstorm", "mosaic")
# The two kinds of looks that a photograph can be given: made by hand, or by weather and camera.
PAINTERLY = ("oil", "watercolour", "sketch", "comic", "print", "pixel", "mosaic")
CONDITIONS = ("fog", "rain", "snow", "night", "dusk", "sandstorm", "thermal")


@dataclass(frozen=True)
class Domain:
    """One way of seeing the street.

    Attributes:
        name: the key in `DOMAINS`.
        title: what a person reads in a list.
        phrase: words that start a caption, such as "an oil painting of".
        apply: filter(View, strength in (0, 1]) -> float32 (H, W, 3) in about [0, 1].
    """

    name: str
    title: str
    phrase: str
    apply: Callable[[View, float], np.ndarray]


def _unchanged(view: View, strength: float) -> np.ndarray:
    return view.image


_TABLE = (
    Domain("game", "Video game", "a video game picture of", _unchanged),
    Domain("photo", "Photograph", "a photo of", photo),
    Domain("dusk", "Dusk", "a picture at dusk of", dusk),
    Domain("night", "Night", "a picture at night of", night),
    Domain("fog", "Fog", "a foggy picture of", fog),
    Domain("rain", "Rain", "a rainy picture of", rain),
    Domain("snow", "Snow", "a snowy picture of", snow),
    Domain("oil", "Oil painting", "an oil painting of", oil),
    Domain("watercolour", "Watercolour", "a watercolour painting of", watercolour),
    Domain("sketch", "Pencil sketch", "a pencil sketch of", sketch),
    Domain("comic", "Comic", "a comic drawing of", comic),
    Domain("pixel", "Pixel art", "pixel art of", pixel),
    Domain("thermal", "Thermal camera", "a thermal image of", thermal),
    Domain("print", "Woodblock print", "a woodblock print of", woodblock),
    Domain("sandstorm", "Sandstorm", "a picture in a sandstorm of", sandstorm),
    Domain("mosaic", "Mosaic", "a mosaic of", mosaic),
)
DOMAINS: dict[str, Domain] = {domain.name: domain for domain in _TABLE}


def apply_domain(
    name: str,
    image: np.ndarray,
    *,
    strength: float = 1.0,
    seed: int = 0,
    depth: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    lights: np.ndarray | None = None,
) -> np.ndarray:
    """Show a picture as another domain would.

    Args:
        name: a key of `DOMAINS`.
        image: uint8 (H, W, 3) RGB, drawn or photographed.
        strength: 0 leaves the picture as it is, 1 is the full effect.
        seed: not negative; the same seed gives the same picture.
        depth: float (H, W) metres, the sky at 1000; guessed if None.
        labels: uint8 (H, W) Cityscapes train ids; sky and ground are guessed if None.
        lights: float (H, W) in [0, 1], where light is emitted; bright spots if None.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        ValueError: for an unknown domain, a strength outside [0, 1], a negative seed, or arrays
            of another shape or type.
    """
    if name not in DOMAINS:
        raise ValueError(f"unknown domain {name!r}: one of {', '.join(DOMAINS)}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength {strength} is outside [0, 1]")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"image is {image.dtype} {image.shape}, not uint8 (H, W, 3)")
    for key, field in (("depth", depth), ("labels", labels), ("lights", lights)):
        if field is not None and field.shape != image.shape[:2]:
            raise ValueError(f"{key} is {field.shape}, the picture {image.shape[:2]}")
    if strength == 0 or name == SOURCE:
        return image.copy()
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    view = View(to_float(image), labels, depth, lights, rng)
    return to_bytes(DOMAINS[name].apply(view, float(strength)))


def paint(seed: int, domain: str = SOURCE, size: tuple[int, int] = (256, 128)) -> Painting:
    """Paint the street of a seed in a domain.

    Args:
        seed: not negative; seeds below 10_000 are for evaluation, training starts at 100_000.
        domain: a key of `DOMAINS`; every domain but `game` varies the materials.
        size: (width, height) in pixels.

    Returns:
        The picture with its labels, depth and lights, all of the undisturbed scene.

    Raises:
        ValueError: for an unknown domain or a negative seed.
    """
    if domain not in DOMAINS:
        raise ValueError(f"unknown domain {domain!r}: one of {', '.join(DOMAINS)}")
    variety = 0.0 if domain == SOURCE else 1.0
    painting = paint_scene(sample_scene(seed), size, variety=variety, seed=seed)
    image = apply_domain(
        domain,
        painting.image,
        seed=seed,
        depth=painting.depth,
        labels=painting.labels,
        lights=painting.lights,
    )
    return replace(painting, image=image)
