"""The canvas of the drawn streets: one projection, a picture, and a map that knows which surface
covers each pixel.

Every surface (a road, a facade, a car) is registered once and gets a number. Outlines are drawn
twice by the same call: into the picture (supersampled) and into the surface map (one number a
pixel, no antialiasing). Labels, depth, material and emitted light are then looked up per pixel, so
that they are exact by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from tqdm_demo.streets.scene.palette import Colour
from tqdm_demo.streets.scene.world import Camera, Point

SMOOTH, ASPHALT, PAVING, GRASS, PLASTER, BRICK, LEAVES = range(7)  # materials
CONSTANT, GROUND, SIDE = range(
    3
)  # how depth varies over a surface: not, ground plane, plane X = value


@dataclass(frozen=True)
class Surface:
    """What a number in the surface map means; ``value`` is Z for CONSTANT and X for SIDE planes
    (metres)."""

    label: int
    material: int
    plane: int
    value: float
    light: float


class Canvas:
    """Picture, surface map and shadow map of one painting.

    Args:
        camera: the projection.
        size: (width, height) in pixels.
        supersampling: the picture is drawn this many times larger in each direction.
    """

    def __init__(self, camera: Camera, size: tuple[int, int], supersampling: int = 2):
        self.width, self.height = size
        self.factor = supersampling
        self.camera_height = camera.height
        self.scale = camera.focal * self.width  # pixels per metre at a distance of one metre
        self.vanish_x = camera.vanish * self.width
        self.horizon_y = camera.horizon * self.height
        self.surfaces: list[Surface] = []
        self.picture = Image.new("RGB", (self.width * supersampling, self.height * supersampling))
        self.surface_map = Image.new("I", size, 0)
        self.shadow_map = Image.new("L", size, 0)
        self._draw = ImageDraw.Draw(self.picture)
        self._draw_surface = ImageDraw.Draw(self.surface_map)
        self._draw_shadow = ImageDraw.Draw(self.shadow_map)

    def surface(
        self,
        label: int,
        material: int = SMOOTH,
        plane: int = CONSTANT,
        value: float = 1.0,
        light: float = 0.0,
    ) -> int:
        """Register a surface and return its number."""
        self.surfaces.append(Surface(label, material, plane, value, light))
        return len(self.surfaces) - 1

    def paste_background(self, background: Image.Image) -> None:
        """Fill the picture (any size, stretched) before anything is drawn."""
        self.picture.paste(background.resize(self.picture.size, Image.Resampling.BILINEAR))

    def project(self, x: float, y: float, z: float) -> Point:
        """World point (metres) to pixels."""
        scale = self.scale / z
        return self.vanish_x + x * scale, self.horizon_y - (y - self.camera_height) * scale

    def polygon(self, points: Sequence[Point], colour: Colour, surface: int | None = None) -> None:
        """Fill a polygon given in pixels; without a surface it is a detail that changes the
        picture only."""
        k = self.factor
        self._draw.polygon([(x * k - 0.5, y * k - 0.5) for x, y in points], fill=colour)
        if surface is not None:
            self._draw_surface.polygon([(x - 0.5, y - 0.5) for x, y in points], fill=surface)

    def world_polygon(
        self,
        points: Sequence[tuple[float, float, float]],
        colour: Colour,
        surface: int | None = None,
    ) -> None:
        """Fill a polygon given in metres."""
        self.polygon([self.project(*point) for point in points], colour, surface)

    def ellipse(
        self,
        centre: Point,
        radius_x: float,
        radius_y: float,
        colour: Colour,
        surface: int | None = None,
    ) -> None:
        """Fill an ellipse given in pixels."""
        (x, y), k = centre, self.factor
        box = (
            (x - radius_x) * k - 0.5,
            (y - radius_y) * k - 0.5,
            (x + radius_x) * k - 0.5,
            (y + radius_y) * k - 0.5,
        )
        self._draw.ellipse(box, fill=colour)
        if surface is not None:
            box = (x - radius_x - 0.5, y - radius_y - 0.5, x + radius_x - 0.5, y + radius_y - 0.5)
            self._draw_surface.ellipse(box, fill=surface)

    def veil(
        self, centre: Point, radius: float, colour: Colour, opacity: float, surface: int
    ) -> None:
        """A circle given in pixels through which one sees what is behind it."""
        (x, y), k = centre, self.factor
        side = max(1, round(2 * radius * k))
        corner = round((x - radius) * k), round((y - radius) * k)
        mask = Image.new("L", (side, side), 0)
        ImageDraw.Draw(mask).ellipse((0, 0, side - 1, side - 1), fill=round(255 * opacity))
        self.picture.paste(colour, (*corner, corner[0] + side, corner[1] + side), mask)
        box = (x - radius - 0.5, y - radius - 0.5, x + radius - 0.5, y + radius - 0.5)
        self._draw_surface.ellipse(box, fill=surface)

    def line(
        self, start: Point, end: Point, width: float, colour: Colour, surface: int | None = None
    ) -> None:
        """A straight bar of the given width in pixels."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = max((dx * dx + dy * dy) ** 0.5, 1e-6)
        nx, ny = -dy / length * width / 2, dx / length * width / 2
        self.polygon(
            [
                (start[0] + nx, start[1] + ny),
                (end[0] + nx, end[1] + ny),
                (end[0] - nx, end[1] - ny),
                (start[0] - nx, start[1] - ny),
            ],
            colour,
            surface,
        )

    def shadow(self, points: Sequence[tuple[float, float]], strength: int = 255) -> None:
        """Darken the ground inside a polygon of (X, Z) points in metres."""
        pixels = [self.project(x, 0.0, max(z, 1.0)) for x, z in points]
        self._draw_shadow.polygon(pixels, fill=strength)

    def surface_numbers(self) -> np.ndarray:
        """Surface number per pixel, int32 (H, W)."""
        return np.asarray(self.surface_map, np.int32)
