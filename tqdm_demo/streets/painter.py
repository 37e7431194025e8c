"""Paint a scene: the picture and, by the very same strokes, its labels, depth and emitted light.

Drawing runs from far to near on a ``Canvas``; ``shading`` then adds texture, shadows and haze.
Geometry and labels depend on the scene alone; colours depend on the palette (variety and seed).
"""

from dataclasses import dataclass

import numpy as np

from tqdm_demo.streets import shading
from tqdm_demo.streets.canvas import Canvas
from tqdm_demo.streets.objects import facades, furniture, ground, people, plants, vehicles
from tqdm_demo.streets.scene.palette import Palette
from tqdm_demo.streets.scene.world import STREET, VEHICLES, Scene, Thing

_LARGEST = 4096


@dataclass(frozen=True)
class Painting:
    """A painted street.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        labels: uint8 (H, W), Cityscapes train ids 0..18.
        depth: float32 (H, W), metres; the sky is 1000.
        lights: float32 (H, W) in [0, 1], how strongly the pixel emits light (lamps, lit windows,
            vehicle lights).
    """

    image: np.ndarray
    labels: np.ndarray
    depth: np.ndarray
    lights: np.ndarray


def paint_scene(
    scene: Scene, size: tuple[int, int] = (256, 128), variety: float = 0.0, seed: int = 0
) -> Painting:
    """Paint a scene.

    Args:
        scene: what to paint.
        size: (width, height) in pixels; 2:1 shows the scene as it was composed.
        variety: 0 = narrow palette of the source world, 1 = wide palettes; same geometry and
            labels. seed: of the colours.

    Raises:
        ValueError: if a side is below 16 or above 4096 pixels, or variety is outside [0, 1].
    """
    if min(size) < 16 or max(size) > _LARGEST:
        raise ValueError(f"size must lie between 16 and {_LARGEST} pixels a side, got {size}")
    if not 0.0 <= variety <= 1.0:
        raise ValueError(f"variety must lie in [0, 1], got {variety}")
    palette = Palette(variety, f"{scene.seed}/{seed}")
    canvas = Canvas(scene.camera, size)
    ground.draw_sky(canvas, scene, palette)
    ground.draw_ground(canvas, scene, palette)
    for thing in scene.things:
        if thing.z < 60.0:
            ground.cast_shadow(canvas, thing, scene.sun)
    for thing in scene.things:
        if _in_view(canvas, thing):
            _draw(canvas, thing, palette, scene.sun)
    layers = shading.resolve(canvas)
    image = shading.shade_picture(canvas, layers, palette)
    return Painting(image, layers.labels, layers.depth, layers.lights)


def _in_view(canvas: Canvas, thing: Thing) -> bool:
    """False where the thing lies wholly to the left or right of the picture."""
    reach = max(thing.width, thing.length if thing.yaw else 0.0) / 2 + 1.7
    deep = max(thing.width, thing.length) / 2
    ends = [
        canvas.project(thing.x + side * reach, 0.0, max(thing.z + way * deep, 0.7))[0]
        for side in (-1, 1)
        for way in (-1, 1)
    ]
    return max(ends) > 0 and min(ends) < canvas.width


def _draw(canvas: Canvas, thing: Thing, palette: Palette, sun: tuple[float, float, float]) -> None:
    """Hand a thing to whoever draws its kind."""
    if thing.kind in VEHICLES:
        vehicles.draw_vehicle(canvas, thing, palette, sun)
    elif thing.kind in _DRAWERS:
        _DRAWERS[thing.kind](canvas, thing, palette, sun)
    elif thing.kind == "person":
        people.draw_person(canvas, thing, palette, sun[0])
    else:
        assert thing.layer == STREET, thing.kind
        people.draw_two_wheeler(canvas, thing, palette)


_DRAWERS = {
    "building": facades.draw_building,
    "shop": facades.draw_building,
    "skyline": facades.draw_skyline,
    "wall": facades.draw_wall,
    "fence": facades.draw_fence,
    "tree": plants.draw_tree,
    "bush": plants.draw_bush,
    "lamp": furniture.draw_post,
    "traffic light": furniture.draw_post,
    "traffic sign": furniture.draw_post,
}
