"""Lit solids: side outlines pushed across a width, boxes, and the flat details on their faces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tqdm_demo.streets.canvas import Canvas
from tqdm_demo.streets.scene.palette import Colour, mix, shade
from tqdm_demo.streets.scene.world import Point3, Thing

GLASS = (70, 92, 112)
HEAD, TAIL = (255, 248, 214), (222, 36, 32)


@dataclass(frozen=True)
class Detail:
    """A flat patch on a face, lit like it unless ``fixed``; with light > 0 it glows."""

    points: tuple[Point3, ...]
    colour: Colour
    light: float = 0.0
    fixed: bool = False


@dataclass
class Face:
    """A flat face in the thing's own axes (across, up, along) with what is painted on it."""

    points: tuple[Point3, ...]
    colour: Colour
    details: list[Detail] = field(default_factory=list)


class Pose:
    """Maps a thing's own axes (across, up, along; metres; origin on the ground) to the world."""

    def __init__(self, thing: Thing):
        self.x, self.z = thing.x, thing.z
        self.cos, self.sin = math.cos(math.radians(thing.yaw)), math.sin(math.radians(thing.yaw))

    def __call__(self, point: Point3) -> Point3:
        """World point (metres) of a point in the own axes."""
        across, up, along = point
        z = self.z - across * self.sin + along * self.cos
        return self.x + across * self.cos + along * self.sin, up, max(z, 0.6)


def draw_solid(canvas: Canvas, pose: Pose, faces: Sequence[Face], label: int, sun: Point3) -> None:
    """Draw the faces that look at the camera, far to near, each as bright as it faces the sun."""
    surface = canvas.surface(label, value=pose.z)
    centre = pose((0.0, 0.8, 0.0))
    visible = []
    for face in faces:
        world = [pose(p) for p in face.points]
        normal = _normal(world)
        middle = [sum(axis) / len(world) for axis in zip(*world, strict=True)]
        if sum(n * (m - c) for n, m, c in zip(normal, middle, centre, strict=True)) < 0:
            normal = [-n for n in normal]
        view = (middle[0], middle[1] - canvas.camera_height, middle[2])
        if sum(n * v for n, v in zip(normal, view, strict=True)) < 0:
            distance = sum(v * v for v in view)
            visible.append((distance, face, world, brightness(normal, sun)))
    for _, face, world, light in sorted(visible, key=lambda item: -item[0]):
        canvas.world_polygon(world, shade(face.colour, light), surface)
        for detail in face.details:
            glow = canvas.surface(label, value=pose.z, light=detail.light) if detail.light else None
            colour = detail.colour if detail.fixed else shade(detail.colour, light)
            canvas.world_polygon([pose(p) for p in detail.points], colour, glow)


def brightness(normal: Sequence[float], sun: Point3) -> float:
    """How bright a face is: sky light from above, sun light where it faces the sun."""
    lit = max(0.0, sum(n * s for n, s in zip(normal, sun, strict=True)))
    return 0.66 + 0.12 * max(0.0, normal[1]) + 0.42 * lit


def _normal(points: Sequence[Point3]) -> list[float]:
    """Unit normal by Newell's sum, which also serves slightly bent outlines."""
    nx = ny = nz = 0.0
    for (ax, ay, az), (bx, by, bz) in zip(points, [*points[1:], points[0]], strict=True):
        nx += (ay - by) * (az + bz)
        ny += (az - bz) * (ax + bx)
        nz += (ax - bx) * (ay + by)
    length = math.sqrt(nx * nx + ny * ny + nz * nz) or 1.0
    return [nx / length, ny / length, nz / length]


def rectangle(
    axis: str, at: float, low: tuple[float, float], high: tuple[float, float]
) -> tuple[Point3, ...]:
    """A rectangle on the plane ``across = at`` or ``along = at``; corners as (horizontal, up)."""
    corners = ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]))
    if axis == "across":
        return tuple((at, up, horizontal) for horizontal, up in corners)
    return tuple((horizontal, up, at) for horizontal, up in corners)


def windscreen(face: Sequence[Point3]) -> list[Detail]:
    """Glass on a face of four corners, with two slanted reflections."""
    a, b, c, d = shrink(face, 0.86)
    glass = mix(GLASS, (190, 215, 235), 0.2)

    def on(first: Point3, second: Point3, share: float) -> Point3:
        return tuple(p + (q - p) * share for p, q in zip(first, second, strict=True))

    streaks = [
        Detail(
            (on(a, b, s), on(a, b, s + w), on(d, c, s + w + 0.16), on(d, c, s + 0.16)),
            mix(glass, (214, 232, 244), 0.35),
        )
        for s, w in ((0.12, 0.17), (0.36, 0.06))
    ]
    return [Detail((a, b, c, d), glass), *streaks]


def extrude(points: Sequence[Point3], length: float, half: float, colour: Colour) -> list[Face]:
    """Faces between consecutive outline points, then the two sides."""
    left = [(-(half - inset), up, (along - 0.5) * length) for along, up, inset in points]
    right = [(-a, up, b) for a, up, b in left]
    faces = [
        Face((left[i], right[i], right[i + 1], left[i + 1]), colour) for i in range(len(points) - 1)
    ]
    return [*faces, Face(tuple(left), colour), Face(tuple(right), colour)]


def shrink(points: Sequence[Point3], share: float) -> tuple[Point3, ...]:
    """The polygon pulled towards its middle."""
    middle = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    return tuple(
        tuple(m + (p - m) * share for p, m in zip(point, middle, strict=True)) for point in points
    )


def box(
    length: float, half: float, low: float, high: float, start: float, end: float, colour: Colour
) -> list[Face]:
    """Rear, top, front and both sides of a box between two shares of the length."""
    outline = (
        (start, low, 0.0),
        (start, high - 0.1, 0.0),
        (start + 0.01, high, 0.1),
        (end - 0.01, high, 0.1),
        (end, high - 0.1, 0.0),
        (end, low, 0.0),
    )
    return extrude(outline, length, half, colour)
