"""What every picture filter works on: a View of the picture, and small image operations.

Axes: H W pixels. Pictures inside the filters are float32 (H, W, 3) RGB in [0, 1]; maps are
float32 (H, W). Lengths scale with `View.unit` (pixels of the picture per 1/128 of its height),
so that a small and a large picture of one scene look alike.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageFilter

SKY_DEPTH = 1000.0
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
ROAD, SIDEWALK, VEGETATION, TERRAIN, SKY = 0, 1, 8, 9, 10


@dataclass(frozen=True)
class View:
    """A picture with what is known, or guessed, about it.

    Attributes:
        image: float32 (H, W, 3) RGB in [0, 1].
        labels: uint8 (H, W) Cityscapes train ids, or None for a photograph.
        known_depth: float32 (H, W) metres, or None.
        known_lights: float32 (H, W) in [0, 1], or None.
        rng: the only source of chance in a filter.
    """

    image: np.ndarray
    labels: np.ndarray | None
    known_depth: np.ndarray | None
    known_lights: np.ndarray | None
    rng: np.random.Generator

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.image.shape[:2]

    @property
    def unit(self) -> float:
        """Pixels per 1/128 of the height."""
        return self.shape[0] / 128

    @cached_property
    def luminance(self) -> np.ndarray:
        """float32 (H, W) in [0, 1]."""
        return luminance(self.image)

    @cached_property
    def rows(self) -> np.ndarray:
        """float32 (H, 1): 0 at the top, 1 at the bottom."""
        return np.linspace(0, 1, self.shape[0], dtype=np.float32)[:, None]

    @cached_property
    def columns(self) -> np.ndarray:
        """float32 (1, W): 0 at the left, 1 at the right."""
        return np.linspace(0, 1, self.shape[1], dtype=np.float32)[None, :]

    @cached_property
    def sky(self) -> np.ndarray:
        """float32 (H, W): 1 where the sky is, from the labels, the depth or a guess."""
        if self.labels is not None:
            return (self.labels == SKY).astype(np.float32)
        if self.known_depth is not None:
            return (self.known_depth >= 0.9 * SKY_DEPTH).astype(np.float32)
        return self._guess_sky()

    def _guess_sky(self) -> np.ndarray:
        light = self.luminance
        blue = self.image[..., 2] - self.image[..., 0]
        pale = smoothstep(light + 0.5 * blue, 0.5, 0.72) * smoothstep(blue, -0.12, 0.0)
        rough = np.abs(light - luminance(blur(self.image, 1.5 * self.unit)))
        score = pale * (1 - smoothstep(rough, 0.03, 0.09)) * (1 - smoothstep(self.rows, 0.5, 0.65))
        # Sky hangs from the upper edge: whatever lies below something solid is not sky. Columns
        # are judged together with their neighbours, so that a wire leaves no stripe below it.
        height, width = self.shape
        small = max(1, round(width / (6 * self.unit))), max(1, round(height / (3 * self.unit)))
        coarse = Image.fromarray(score).resize(small, Image.Resampling.BOX)
        hanging = np.minimum.accumulate(smoothstep(np.asarray(coarse), 0.1, 0.6), axis=0)
        smooth = Image.fromarray(hanging).resize((width, height), Image.Resampling.BILINEAR)
        return smoothstep(np.asarray(smooth), 0.05, 0.5) * smoothstep(pale, 0.0, 0.5)

    @cached_property
    def exposed(self) -> np.ndarray:
        """float32 (H, W, 3): the picture, lightened where it is a dark one as a whole."""
        mean = float(self.luminance.mean())
        gamma = np.log(0.46) / np.log(np.clip(mean, 0.05, 0.95))
        if gamma > 0.9:
            return self.image
        return self.image ** np.float32(max(gamma, 0.5))

    @cached_property
    def ground(self) -> np.ndarray:
        """float32 (H, W): 1 on road, sidewalk and terrain."""
        if self.labels is not None:
            return np.isin(self.labels, (ROAD, SIDEWALK, TERRAIN)).astype(np.float32)
        reach = 0.62 + 0.16 * np.abs(2 * self.columns - 1)
        colourful = self.image.max(-1) - self.image.min(-1)
        return smoothstep(self.rows - reach, -0.05, 0.1) * (1 - smoothstep(colourful, 0.2, 0.4))

    @cached_property
    def depth(self) -> np.ndarray:
        """float32 (H, W) metres; a guess for a street seen along its axis where unknown."""
        if self.known_depth is not None:
            return self.known_depth
        ground = 1.5 / np.maximum(self.rows - 0.48, 0.015)
        walls = 12 + 50 * np.exp(-(((self.columns - 0.5) / 0.2) ** 2))
        depth = np.minimum(ground, walls).astype(np.float32)
        return np.where(self.sky > 0.5, np.float32(SKY_DEPTH), depth)

    @cached_property
    def lights(self) -> np.ndarray:
        """float32 (H, W) in [0, 1]: emitted light; bright small spots where unknown."""
        if self.known_lights is not None:
            return self.known_lights
        peak = self.image.max(-1)
        lift = self.luminance - spread(self.luminance, 7 * self.unit)
        return (
            smoothstep(peak, 0.8, 0.97)
            * smoothstep(lift, 0.18, 0.4)
            * smoothstep(0.4 - spread(self.sky, 4 * self.unit), 0.0, 0.3)
        )

    @cached_property
    def edges(self) -> np.ndarray:
        """float32 (H, W) in [0, 1]: outlines of things, about a unit wide."""
        smooth = blur(self.image, 0.45 * self.unit)
        strength = contrast(smooth, max(1, round(1.2 * self.unit)))
        found = smoothstep(strength, 0.1, 0.34)
        if self.labels is not None:
            found = np.maximum(found, 0.85 * self.borders)
        return found

    @cached_property
    def borders(self) -> np.ndarray:
        """float32 (H, W): 1 where the label changes; zero without labels."""
        border = np.zeros(self.shape, dtype=np.float32)
        if self.labels is not None:
            step = max(1, round(0.5 * self.unit))
            for axis in (0, 1):
                border[self.labels != shift(self.labels, step, axis)] = 1
        return border


def to_float(image: np.ndarray) -> np.ndarray:
    """uint8 in [0, 255] to float32 in [0, 1]."""
    return image.astype(np.float32) * np.float32(1 / 255)


def to_bytes(image: np.ndarray) -> np.ndarray:
    """float32 in [0, 1], clipped, to uint8."""
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def luminance(image: np.ndarray) -> np.ndarray:
    """(..., 3) RGB to (...)."""
    return image @ LUMINANCE


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    scaled = np.clip((values - low) / (high - low), 0, 1)
    return (scaled * scaled * (3 - 2 * scaled)).astype(np.float32, copy=False)


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """(1 - share) * first + share * second; a map (H, W) is spread over colours."""
    if isinstance(share, np.ndarray) and share.ndim == 2 and first.ndim != 2:
        share = share[..., None]
    return first + (second - first) * share


def blur(image: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur of an RGB picture, radius in pixels (8 bit inside)."""
    picture = Image.fromarray(to_bytes(image))
    return to_float(np.asarray(picture.filter(ImageFilter.GaussianBlur(radius))))


def spread(field: np.ndarray, radius: float) -> np.ndarray:
    """Smooth a float map (H, W) over about `radius` pixels by shrinking and growing it."""
    picture = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(_shrink_and_grow(picture, radius))


def spread_colours(image: np.ndarray, radius: float) -> np.ndarray:
    """The same for an RGB picture in [0, 1] (8 bit inside)."""
    return to_float(np.asarray(_shrink_and_grow(Image.fromarray(to_bytes(image)), radius)))


def _shrink_and_grow(picture: Image.Image, radius: float) -> Image.Image:
    factor = max(1.0, radius)
    small = (max(1, round(picture.width / factor)), max(1, round(picture.height / factor)))
    shrunk = picture.resize(small, Image.Resampling.HAMMING)
    return shrunk.resize(picture.size, Image.Resampling.BICUBIC)


def shift(values: np.ndarray, step: int, axis: int) -> np.ndarray:
    """Move content by `step` pixels along an axis; the border row or column repeats."""
    length = values.shape[axis]
    index = np.clip(np.arange(length) - step, 0, length - 1)
    return np.take(values, index, axis=axis)


def contrast(image: np.ndarray, span: int) -> np.ndarray:
    """(H, W): largest change of a colour over `span` pixels, down or to the right."""
    change = np.zeros(image.shape[:2], dtype=np.float32)
    before = span // 2
    for axis in (0, 1):
        apart = np.abs(shift(image, before, axis) - shift(image, before - span, axis))
        for channel in range(3):
            np.maximum(change, apart[..., channel], out=change)
    return change


def noise(view: View, cells: float, stretch: float = 1.0) -> np.ndarray:
    """Smooth noise (H, W) in about [-1, 1].

    Args:
        view: gives size and chance.
        cells: blobs along the height; finer than the pixels becomes one a pixel.
        stretch: how many times wider than high a blob is.
    """
    height, width = view.shape
    rows = int(np.clip(round(cells), 2, max(2, height)))
    columns = int(np.clip(round(cells * width / height / stretch), 2, max(2, width)))
    field = view.rng.random((rows, columns), dtype=np.float32) * 2 - 1
    picture = Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def kuwahara(image: np.ndarray, radius: int) -> np.ndarray:
    """Flatten an RGB picture into patches with crisp borders.

    Of the four windows of side radius + 1 that touch a pixel, the mean of the most even one
    (Kuwahara et al. 1976).
    """
    side = radius + 1
    light = luminance(image)
    planes = [image[..., 0], image[..., 1], image[..., 2], light, light * light]
    means = [_window_means(plane, radius, side) for plane in planes]
    height, width = light.shape
    best = [mean[:height, :width].copy() for mean in means[:3]]
    variance = means[4] - means[3] ** 2
    least = variance[:height, :width].copy()
    for top, left in ((0, radius), (radius, 0), (radius, radius)):
        part = slice(top, top + height), slice(left, left + width)
        better = variance[part] < least
        np.minimum(least, variance[part], out=least)
        for colour, mean in zip(best, means, strict=False):
            np.copyto(colour, mean[part], where=better)
    return np.stack(best, axis=-1)


def _window_means(plane: np.ndarray, radius: int, side: int) -> np.ndarray:
    """Mean of every side x side window of a map padded by `radius`: (H + radius, W + radius)."""
    padded = np.pad(plane, radius, mode="edge")
    for axis in (0, 1):
        length = padded.shape[axis] - radius
        total = np.take(padded, range(length), axis)
        for step in range(1, side):
            window = slice(step, step + length)
            total = total + (padded[window] if axis == 0 else padded[:, window])
        padded = total
    return padded * np.float32(1 / side**2)
