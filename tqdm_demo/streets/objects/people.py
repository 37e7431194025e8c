"""People, riders and two-wheelers: flat figures of rounded limbs that stand upright at one
distance."""

import math
import random
from collections.abc import Sequence

from tqdm_demo.streets.canvas import Canvas
from tqdm_demo.streets.scene.palette import Colour, Palette, mix, shade
from tqdm_demo.streets.scene.world import BICYCLE, MOTORCYCLE, PERSON, RIDER, Point, Thing


class Figure:
    """Own axes of a flat figure: forward and up in metres from the point on the ground;
    ``squeeze`` narrows it."""

    def __init__(self, canvas: Canvas, thing: Thing, label: int, squeeze: float = 1.0):
        self.canvas = canvas
        self.scale = canvas.scale / thing.z
        self.foot = canvas.project(thing.x, 0.0, thing.z)
        self.sign = (1 if thing.yaw < 90 else -1) * squeeze
        self.surface = canvas.surface(label, value=thing.z)

    def at(self, forward: float, up: float) -> tuple[float, float]:
        """Pixel of a point in the figure's own axes."""
        return self.foot[0] + forward * self.sign * self.scale, self.foot[1] - up * self.scale

    def limb(
        self, points: Sequence[Point], width: float, colour: Colour, detail: bool = False
    ) -> None:
        """Bars through the points with round joints."""
        surface = None if detail else self.surface
        pixels = [self.at(*p) for p in points]
        thick = max(width * self.scale, 0.8)
        for start, end in zip(pixels, pixels[1:], strict=False):
            self.canvas.line(start, end, thick, colour, surface)
        for pixel in pixels[1:]:
            self.canvas.ellipse(pixel, thick / 2, thick / 2, colour, surface)

    def blob(
        self,
        forward: float,
        up: float,
        radius: float,
        colour: Colour,
        detail: bool = False,
        tall: float = 1.0,
    ) -> None:
        """A filled ellipse."""
        size = radius * self.scale
        self.canvas.ellipse(
            self.at(forward, up), size, size * tall, colour, None if detail else self.surface
        )

    def patch(self, points: Sequence[Point], colour: Colour, detail: bool = False) -> None:
        """A filled polygon."""
        self.canvas.polygon([self.at(*p) for p in points], colour, None if detail else self.surface)


def draw_person(canvas: Canvas, thing: Thing, palette: Palette, sun_side: float) -> None:
    """A walking or standing person, lit from the sun's side."""
    rng = random.Random(thing.shape)
    figure = Figure(canvas, thing, PERSON)
    k = thing.height / 1.78
    cloth, trousers = palette.pick("cloth", thing.shape), palette.pick("trousers", thing.shape)
    skin, hair = palette.pick("skin", thing.shape), palette.pick("hair", thing.shape)
    stride, swing, skirt = rng.uniform(0.05, 0.3), rng.uniform(0.05, 0.25), rng.random() < 0.25
    far, near = shade(trousers, 0.75), trousers
    for sign, colour in ((-1, far), (1, near)):
        knee, foot = sign * stride * 0.6 + 0.04, sign * stride - (0.03 if sign < 0 else 0.0)
        figure.limb([(0, 0.88 * k), (knee * k, 0.48 * k), (foot * k, 0.08 * k)], 0.19 * k, colour)
        figure.limb([(foot * k, 0.05 * k), ((foot + 0.13) * k, 0.045 * k)], 0.1 * k, (46, 40, 40))
    figure.limb(
        [(0, 1.4 * k), (-swing * k, 1.12 * k), (-swing * 0.5 * k, 0.88 * k)],
        0.13 * k,
        shade(cloth, 0.72),
    )
    torso = [(-0.17, 1.47), (0.15, 1.47), (0.22, 1.36), (0.19, 0.84), (-0.19, 0.84), (-0.23, 1.36)]
    if skirt:
        torso[3:5] = [(0.3, 0.58), (-0.3, 0.58)]
    figure.patch([(a * k, b * k) for a, b in torso], cloth)
    lit = sun_side * (1 if thing.yaw < 90 else -1)
    dark = [
        (-lit * 0.23, 1.36),
        (-lit * 0.19, 0.84),
        (-lit * 0.04, 0.84),
        (-lit * 0.08, 1.46),
        (-lit * 0.17, 1.46),
    ]
    figure.patch([(a * k, b * k) for a, b in dark], shade(cloth, 0.78), detail=True)
    figure.limb(
        [(0, 1.4 * k), (swing * k, 1.14 * k), ((swing + 0.1) * k, 0.9 * k)],
        0.12 * k,
        shade(cloth, 0.88),
    )
    figure.blob((swing + 0.11) * k, 0.87 * k, 0.06 * k, skin)
    if rng.random() < 0.4:
        bag = palette.pick("awning", thing.shape)
        figure.patch(
            [
                (-0.2 * k, 1.4 * k),
                (-0.36 * k, 1.34 * k),
                (-0.36 * k, 0.98 * k),
                (-0.2 * k, 0.95 * k),
            ],
            bag,
        )
    figure.limb([(0, 1.44 * k), (0.01 * k, 1.54 * k)], 0.11 * k, shade(skin, 0.85))
    _head(figure, 0.02 * k, 1.65 * k, k, skin, hair)


def _head(figure: Figure, forward: float, up: float, k: float, skin: Colour, hair: Colour) -> None:
    figure.blob(forward, up, 0.125 * k, hair, tall=1.12)
    figure.blob(forward + 0.03 * k, up - 0.03 * k, 0.1 * k, skin, detail=True, tall=1.08)
    figure.patch(
        [
            (forward - 0.11 * k, up + 0.03 * k),
            (forward + 0.12 * k, up + 0.04 * k),
            (forward + 0.05 * k, up + 0.13 * k),
            (forward - 0.07 * k, up + 0.12 * k),
        ],
        hair,
        detail=True,
    )


def draw_two_wheeler(canvas: Canvas, thing: Thing, palette: Palette) -> None:
    """A bicycle or motorcycle; a "cyclist" or "motorcyclist" is the machine and, as a second
    surface, its rider."""
    pedals = thing.kind in ("bicycle", "cyclist")
    squeeze = thing.width / (1.85 if pedals else 2.15)
    machine = Figure(canvas, thing, BICYCLE if pedals else MOTORCYCLE, squeeze)
    (_bicycle if pedals else _motorcycle)(machine, palette, thing.shape)
    if thing.kind in ("cyclist", "motorcyclist"):
        _rider(Figure(canvas, thing, RIDER, squeeze), palette, thing.shape, pedals)


def _wheel(figure: Figure, forward: float, radius: float, tyre: float, filling: Colour) -> None:
    x, y = figure.at(forward, radius)
    rx, ry = abs(radius * figure.sign) * figure.scale, radius * figure.scale
    figure.canvas.ellipse((x, y), rx, ry, (34, 34, 38), figure.surface)
    inner = 1.0 - tyre / radius
    figure.canvas.ellipse((x, y), rx * inner, ry * inner, filling)
    for k in range(6):
        angle = k * math.pi / 6
        dx, dy = rx * inner * math.cos(angle), ry * inner * math.sin(angle)
        figure.canvas.line(
            (x - dx, y - dy),
            (x + dx, y + dy),
            max(0.008 * figure.scale, 0.3),
            mix(filling, (60, 60, 66), 0.55),
        )
    figure.canvas.ellipse((x, y), rx * 0.14, ry * 0.14, (60, 60, 66))


def _bicycle(figure: Figure, palette: Palette, key: int) -> None:
    colour = palette.pick("frame", key)
    for forward in (-0.55, 0.55):
        _wheel(figure, forward, 0.37, 0.06, (150, 152, 156))
    bars = (
        [(-0.55, 0.37), (-0.08, 0.34), (0.38, 0.82), (-0.2, 0.8), (-0.08, 0.34)],
        [(-0.2, 0.8), (-0.55, 0.37)],
        [(0.55, 0.37), (0.36, 0.95)],
    )
    for bar in bars:
        figure.limb(bar, 0.075, colour)
    figure.limb([(-0.22, 0.8), (-0.25, 0.95)], 0.06, (60, 60, 64))
    figure.limb([(-0.38, 0.98), (-0.1, 0.97)], 0.1, (44, 40, 40))
    figure.limb([(0.36, 0.94), (0.28, 1.06), (0.46, 1.08)], 0.07, (50, 50, 56))
    figure.blob(-0.08, 0.34, 0.1, (70, 70, 76))


def _motorcycle(figure: Figure, palette: Palette, key: int) -> None:
    colour = palette.pick("car", key)
    for forward in (-0.68, 0.68):
        _wheel(figure, forward, 0.34, 0.14, (128, 130, 136))
    figure.limb([(0.68, 0.34), (0.42, 0.95)], 0.11, (150, 152, 158))
    figure.limb([(-0.68, 0.34), (-0.2, 0.42)], 0.12, (96, 98, 104))
    figure.patch([(-0.4, 0.3), (0.35, 0.26), (0.42, 0.62), (-0.3, 0.66)], (76, 78, 84))
    figure.blob(0.02, 0.42, 0.19, (124, 126, 132), detail=True)
    figure.patch([(-0.16, 0.66), (0.48, 0.62), (0.5, 0.9), (0.3, 1.0), (0.02, 0.92)], colour)
    figure.patch(
        [(-0.1, 0.8), (0.46, 0.82), (0.3, 0.97), (0.04, 0.9)], shade(colour, 1.35), detail=True
    )
    figure.patch(
        [(-0.98, 0.86), (-0.2, 0.7), (0.04, 0.84), (-0.2, 0.9), (-0.7, 0.98)], (44, 42, 44)
    )
    figure.patch([(-0.98, 0.84), (-0.3, 0.66), (-0.3, 0.55), (-0.7, 0.66)], colour)
    figure.limb([(-0.25, 0.3), (-0.9, 0.36)], 0.12, (166, 168, 174))
    figure.limb([(0.68, 0.72), (0.9, 0.6)], 0.07, colour)
    figure.patch([(0.42, 0.86), (0.62, 0.84), (0.6, 1.06), (0.46, 1.18), (0.4, 1.0)], colour)
    figure.limb([(0.4, 1.05), (0.24, 1.12)], 0.07, (44, 44, 48))
    figure.blob(0.6, 0.9, 0.09, (255, 246, 208), detail=True)


def _rider(figure: Figure, palette: Palette, key: int, pedals: bool) -> None:
    cloth, trousers = palette.pick("cloth", key), palette.pick("trousers", key)
    seat, hand, foot = (
        ((-0.22, 1.0), (0.34, 1.1), (0.0, 0.24))
        if pedals
        else ((-0.25, 0.92), (0.3, 1.14), (0.0, 0.3))
    )
    knee = (0.22, 0.66) if pedals else (0.24, 0.66)
    neck = (seat[0] + (0.28 if pedals else 0.3), seat[1] + 0.52)
    if pedals:
        figure.limb(
            [seat, (knee[0] - 0.1, knee[1] + 0.1), (-0.12, 0.44)], 0.17, shade(trousers, 0.75)
        )
    figure.limb([seat, knee, foot], 0.19, trousers)
    figure.limb([foot, (foot[0] + 0.16, foot[1])], 0.11, (44, 40, 40))
    back = [
        (seat[0] - 0.17, seat[1] - 0.06),
        (seat[0] + 0.19, seat[1] - 0.06),
        (neck[0] + 0.16, neck[1] - 0.12),
        (neck[0] + 0.05, neck[1] + 0.03),
        (neck[0] - 0.16, neck[1] - 0.03),
    ]
    figure.patch(back, cloth)
    figure.patch(
        [back[0], back[4], (neck[0] - 0.04, neck[1]), (seat[0], seat[1])],
        shade(cloth, 0.8),
        detail=True,
    )
    elbow = ((neck[0] + hand[0]) / 2 - 0.02, (neck[1] + hand[1]) / 2 - 0.14)
    figure.limb([(neck[0], neck[1] - 0.1), elbow, hand], 0.13, shade(cloth, 0.9))
    skin = palette.pick("skin", key)
    figure.blob(hand[0], hand[1], 0.06, skin)
    helmet = palette.pick("frame", key + 1)
    figure.blob(neck[0] + 0.08, neck[1] + 0.16, 0.135, helmet if not pedals else skin, tall=1.1)
    if pedals:
        top = neck[1] + 0.19
        figure.patch(
            [
                (neck[0] - 0.08, top - 0.02),
                (neck[0] + 0.25, top),
                (neck[0] + 0.16, top + 0.13),
                (neck[0] + 0.0, top + 0.13),
            ],
            helmet,
        )
    else:
        figure.patch(
            [
                (neck[0] + 0.08, neck[1] + 0.2),
                (neck[0] + 0.22, neck[1] + 0.2),
                (neck[0] + 0.2, neck[1] + 0.09),
                (neck[0] + 0.08, neck[1] + 0.1),
            ],
            (40, 46, 54),
            detail=True,
        )
