"""What stands at the kerb: poles with lamps, traffic lights and signs."""

import math
import random

from tqdm_demo.streets.canvas import Canvas
from tqdm_demo.streets.scene.palette import Colour, Palette, mix, shade
from tqdm_demo.streets.scene.world import (
    POLE,
    TRAFFIC_LIGHT,
    TRAFFIC_SIGN,
    Point,
    Point3,
    Thing,
)


def draw_post(canvas: Canvas, thing: Thing, palette: Palette, sun: Point3) -> None:
    """A pole, at least three pixels of a 256-pixel picture thick, carrying a lamp, a traffic light
    or a sign."""
    rng = random.Random(thing.shape)
    scale = canvas.scale / thing.z
    foot = canvas.project(thing.x, 0.0, thing.z)
    thick = max(0.17 * scale, 3.0 / 256 * canvas.width)
    surface, colour = canvas.surface(POLE, value=thing.z), palette.pick("pole", 3)
    top = foot[1] - thing.height * scale
    _pipe(canvas, (foot[0], foot[1]), (foot[0], top), thick, colour, sun, surface)
    canvas.polygon(
        [
            (foot[0] - thick, foot[1]),
            (foot[0] + thick, foot[1]),
            (foot[0] + thick * 0.8, foot[1] - 0.5 * scale),
            (foot[0] - thick * 0.8, foot[1] - 0.5 * scale),
        ],
        shade(colour, 0.85),
        surface,
    )
    if thing.kind == "lamp":
        _lamp(canvas, thing, (foot[0], top), scale, thick, colour, surface)
    elif thing.kind == "traffic light":
        _traffic_light(canvas, thing, (foot[0], top), scale, rng)
    else:
        _sign(canvas, thing, (foot[0], top), scale, rng)


def _pipe(
    canvas: Canvas,
    start: Point,
    end: Point,
    thick: float,
    colour: Colour,
    sun: Point3,
    surface: int,
) -> None:
    canvas.line(start, end, thick, shade(colour, 0.82), surface)
    offset = math.copysign(thick * 0.2, sun[0])
    canvas.line(
        (start[0] + offset, start[1]), (end[0] + offset, end[1]), thick * 0.4, shade(colour, 1.3)
    )


def _lamp(
    canvas: Canvas,
    thing: Thing,
    top: Point,
    scale: float,
    thick: float,
    colour: Colour,
    surface: int,
) -> None:
    """An arm that reaches over the road with a lamp head."""
    arm = (-1 if thing.x > 0 else 1) * 1.5 * scale
    canvas.line(
        (top[0], top[1] + thick / 2),
        (top[0] + arm, top[1] - 0.1 * scale),
        thick * 0.85,
        shade(colour, 0.9),
        surface,
    )
    head = (top[0] + arm, top[1])
    canvas.ellipse(head, 0.55 * scale, 0.2 * scale, shade(colour, 0.75), surface)
    glow = canvas.surface(POLE, value=thing.z, light=1.0)
    canvas.ellipse(
        (head[0], head[1] + 0.12 * scale), 0.4 * scale, 0.11 * scale, (255, 240, 196), glow
    )


def _traffic_light(
    canvas: Canvas, thing: Thing, top: Point, scale: float, rng: random.Random
) -> None:
    """A dark box with a light rim and three round lamps, one of them on."""
    wide, tall, number = 0.29 * scale, 1.35 * scale, rng.randrange(3)
    surface = canvas.surface(TRAFFIC_LIGHT, value=thing.z)
    x, y = top[0], top[1] - 0.2 * scale
    _rounded(canvas, x, y, wide + 0.06 * scale, tall + 0.06 * scale, (226, 196, 70), surface)
    _rounded(canvas, x, y, wide, tall, (32, 36, 36), None)
    for i, (on, off) in enumerate(
        (
            ((255, 60, 48), (92, 30, 28)),
            ((255, 196, 40), (94, 74, 26)),
            ((60, 232, 120), (24, 78, 46)),
        )
    ):
        centre = (x, y + (i + 0.5) * tall / 3)
        glow = canvas.surface(TRAFFIC_LIGHT, value=thing.z, light=1.0) if i == number else None
        canvas.ellipse(centre, wide * 0.66, wide * 0.66, on if i == number else off, glow)
        if i == number:
            canvas.ellipse(
                (centre[0] - wide * 0.18, centre[1] - wide * 0.2),
                wide * 0.22,
                wide * 0.22,
                mix(on, (255, 255, 255), 0.6),
            )


def _rounded(
    canvas: Canvas,
    x: float,
    y: float,
    half: float,
    tall: float,
    colour: Colour,
    surface: int | None,
) -> None:
    cut = half * 0.35
    canvas.polygon(
        [
            (x - half + cut, y),
            (x + half - cut, y),
            (x + half, y + cut),
            (x + half, y + tall - cut),
            (x + half - cut, y + tall),
            (x - half + cut, y + tall),
            (x - half, y + tall - cut),
            (x - half, y + cut),
        ],
        colour,
        surface,
    )


def _sign(canvas: Canvas, thing: Thing, top: Point, scale: float, rng: random.Random) -> None:
    """One of six plates: stop, priority, give way, no entry, blue arrow, direction board."""
    surface = canvas.surface(TRAFFIC_SIGN, value=thing.z)
    kind, size = rng.randrange(6), 0.55 * scale
    x, y = top[0], top[1] + 0.25 * scale
    red, white, blue, yellow = (206, 34, 40), (246, 246, 242), (34, 92, 190), (250, 206, 50)

    def shape(
        corners: int, turn: float, share: float, colour: Colour, own: int | None = None
    ) -> None:
        canvas.polygon(
            [
                (
                    x + size * share * math.cos(turn + k * 2 * math.pi / corners),
                    y + size * share * math.sin(turn + k * 2 * math.pi / corners),
                )
                for k in range(corners)
            ],
            colour,
            own,
        )

    if kind == 0:
        shape(8, math.pi / 8, 1.05, white, surface)
        shape(8, math.pi / 8, 0.93, red)
        canvas.polygon(_bar(x, y, size * 0.62, size * 0.16), white)
    elif kind == 1:
        shape(4, 0.0, 1.15, white, surface)
        shape(4, 0.0, 0.85, yellow)
    elif kind == 2:
        shape(3, math.pi / 2, 1.2, red, surface)
        shape(3, math.pi / 2, 0.68, white)
    elif kind == 3:
        shape(18, 0.0, 1.0, red, surface)
        canvas.polygon(_bar(x, y, size * 0.68, size * 0.18), white)
    elif kind == 4:
        shape(18, 0.0, 1.0, white, surface)
        shape(18, 0.0, 0.88, blue)
        canvas.polygon(_bar(x, y + size * 0.2, size * 0.12, size * 0.4), white)
        canvas.polygon(
            [
                (x - size * 0.4, y - size * 0.1),
                (x + size * 0.4, y - size * 0.1),
                (x, y - size * 0.6),
            ],
            white,
        )
    else:
        canvas.polygon(_bar(x, y, size * 1.5, size * 0.8), white, surface)
        canvas.polygon(_bar(x, y, size * 1.4, size * 0.7), blue)
        canvas.polygon(_bar(x - size * 0.2, y - size * 0.25, size * 0.9, size * 0.12), white)
        canvas.polygon(_bar(x - size * 0.4, y + size * 0.25, size * 0.7, size * 0.12), white)


def _bar(x: float, y: float, half_x: float, half_y: float) -> list[Point]:
    return [
        (x - half_x, y - half_y),
        (x + half_x, y - half_y),
        (x + half_x, y + half_y),
        (x - half_x, y + half_y),
    ]
