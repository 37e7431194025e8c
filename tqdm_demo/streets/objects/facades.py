"""Buildings with windows and shops, masonry walls and fences: upright boxes along the street."""

import random

from tqdm_demo.streets.canvas import BRICK, CONSTANT, PLASTER, SIDE, SMOOTH, Canvas
from tqdm_demo.streets.objects.solids import brightness
from tqdm_demo.streets.scene.palette import Colour, Palette, mix, shade
from tqdm_demo.streets.scene.world import BUILDING, FENCE, NEAREST, WALL, Point3, Thing


class _Plane:
    """An upright rectangle of the world: either across the view at one Z or along the road at one
    X."""

    def __init__(self, canvas: Canvas, along: bool, at: float, start: float, end: float):
        self.canvas, self.along, self.at, self.start, self.end = canvas, along, at, start, end

    def quad(
        self,
        low: tuple[float, float],
        high: tuple[float, float],
        colour: Colour,
        surface: int | None = None,
    ) -> None:
        """A rectangle from (metres along the plane, up) to the opposite corner."""
        corners = ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]))
        if self.along:
            points = [(self.at, up, max(self.start + run, NEAREST * 0.6)) for run, up in corners]
        else:
            points = [(self.start + run, up, self.at) for run, up in corners]
        self.canvas.world_polygon(points, colour, surface)

    def seen(self, start: float, end: float) -> bool:
        """Whether any of this stretch (metres along the plane) lies inside the picture."""
        if self.along:
            ends = [
                self.canvas.project(self.at, 0.0, max(self.start + run, NEAREST * 0.6))[0]
                for run in (start, end)
            ]
        else:
            ends = [self.canvas.project(self.start + run, 0.0, self.at)[0] for run in (start, end)]
        return max(ends) > 0 and min(ends) < self.canvas.width

    def pixels(self) -> float:
        """About how many pixels one metre of it takes in the picture."""
        nearest = max(self.start, 4.0) if self.along else self.at
        return self.canvas.scale / nearest

    def surface(self, label: int, material: int, light: float = 0.0) -> int:
        """Register a surface lying in this plane."""
        kind = SIDE if self.along else CONSTANT
        return self.canvas.surface(label, material, kind, self.at, light)


def _faces(canvas: Canvas, thing: Thing, sun: Point3) -> list[tuple[_Plane, float]]:
    """The faces of an axis-aligned box that can be seen, far one first, with their brightness."""
    near, far = max(thing.z - thing.length / 2, NEAREST), thing.z + thing.length / 2
    left, right = thing.x - thing.width / 2, thing.x + thing.width / 2
    faces = [(_Plane(canvas, False, near, left, right), brightness((0, 0, -1), sun))]
    if left > 0:
        faces.append((_Plane(canvas, True, left, near, far), brightness((-1, 0, 0), sun)))
    elif right < 0:
        faces.append((_Plane(canvas, True, right, near, far), brightness((1, 0, 0), sun)))
    return faces


def draw_building(canvas: Canvas, thing: Thing, palette: Palette, sun: Point3) -> None:
    """A house with rows of windows; a "shop" has a glazed ground floor under an awning."""
    rng = random.Random(thing.shape)
    colour, roof = palette.pick("facade", thing.shape), palette.pick("roof", thing.shape)
    material = rng.choice((PLASTER, BRICK, PLASTER))
    style = (
        rng.uniform(1.0, 1.5),
        rng.uniform(1.4, 1.9),
        rng.uniform(2.2, 3.0),
        rng.random() < 0.4,
        rng.random() < 0.3,
    )
    for plane, light in _faces(canvas, thing, sun):
        tone, surface = shade(colour, light), plane.surface(BUILDING, material)
        reach = plane.end - plane.start
        plane.quad((0, 0), (reach, thing.height), tone, surface)
        plane.quad((0, 0), (reach, 0.6), shade(tone, 0.78))
        floors = max(1, int((thing.height - 1.2) / 3.1))
        first = 1 if thing.kind == "shop" else 0
        for floor in range(first, floors):
            _windows(plane, 3.1 * floor + 1.0, thing, tone, light, style, rng)
        if first and plane.along:
            _shop(plane, tone, palette, thing, light, rng)
        elif plane.along:
            _door(plane, reach * rng.uniform(0.3, 0.6), tone, shade(roof, light * 0.8))
        plane.quad(
            (-0.15, thing.height - 0.35),
            (reach + 0.15, thing.height + 0.05),
            shade(tone, 1.2),
            surface,
        )
        plane.quad(
            (-0.15, thing.height - 0.45), (reach + 0.15, thing.height - 0.35), shade(tone, 0.7)
        )
        if style[3]:
            _gable(plane, reach, thing.height, shade(roof, light), surface)


def _gable(plane: _Plane, reach: float, height: float, colour: Colour, surface: int) -> None:
    """The sloped roof as seen from the street."""
    plane.quad((-0.2, height), (reach + 0.2, height + 0.9), colour, surface)
    plane.quad((0.2, height + 0.9), (reach - 0.2, height + 1.5), shade(colour, 1.08), surface)


def _windows(
    plane: _Plane,
    up: float,
    thing: Thing,
    tone: Colour,
    light: float,
    style: tuple[float, float, float, bool, bool],
    rng: random.Random,
) -> None:
    """One row of windows with frames, reflections and sills; some are lit."""
    wide, tall, pitch, balconies, shutters = style
    reach = plane.end - plane.start
    count = max(1, int(reach / pitch))
    offset, fine = (reach - count * pitch) / 2, plane.pixels() > 26
    pane = plane.surface(BUILDING, SMOOTH) if fine else None  # no bricks on the glass
    for i in range(count):
        start = offset + i * pitch + (pitch - wide) / 2
        warm, dim = rng.random() < 0.1, rng.random() < 0.2
        if not plane.seen(start - 0.5, start + wide + 0.5):
            continue
        glass = (
            (246, 214, 140)
            if warm
            else shade(
                mix((84, 110, 136), (150, 184, 208), ((i * 7 + int(up)) % 5) * 0.14),
                0.7 + 0.3 * light,
            )
        )
        if fine:
            plane.quad(
                (start - 0.12, up - 0.12),
                (start + wide + 0.12, up + tall + 0.12),
                shade(tone, 1.35),
            )
        # Some panes are lit though daylight outshines them: only the map of lights shows it.
        glow = plane.surface(BUILDING, SMOOTH, 0.7) if warm or dim else pane
        plane.quad((start, up), (start + wide, up + tall), glass, glow)
        if not fine:
            continue
        plane.quad((start, up + tall * 0.72), (start + wide, up + tall), shade(glass, 0.72))
        plane.quad((start, up), (start + wide * 0.45, up + tall * 0.4), shade(glass, 1.3))
        plane.quad((start + wide * 0.46, up), (start + wide * 0.54, up + tall), shade(tone, 1.35))
        plane.quad((start - 0.18, up - 0.22), (start + wide + 0.18, up - 0.1), shade(tone, 1.5))
        plane.quad((start - 0.12, up - 0.34), (start + wide + 0.12, up - 0.22), shade(tone, 0.72))
        if shutters:
            for edge in (start - 0.5, start + wide + 0.08):
                plane.quad((edge, up), (edge + 0.42, up + tall), mix(tone, (60, 96, 92), 0.7))


def _door(plane: _Plane, at: float, tone: Colour, colour: Colour) -> None:
    plane.quad((at - 0.12, 0.0), (at + 1.22, 2.4), shade(tone, 1.3))
    plane.quad((at, 0.0), (at + 1.1, 2.25), colour)
    plane.quad((at + 0.15, 1.4), (at + 0.95, 2.1), (120, 144, 160))


def _shop(
    plane: _Plane, tone: Colour, palette: Palette, thing: Thing, light: float, rng: random.Random
) -> None:
    """Shop window, sign band and a striped awning over the whole ground floor."""
    reach = plane.end - plane.start
    band = shade(palette.pick("awning", thing.shape + 7), 0.62 + 0.3 * light)
    plane.quad((0.2, 0.1), (reach - 0.2, 3.3), shade(tone, 0.55))
    count = max(1, int(reach / 2.4))
    pitch = (reach - 0.6) / count
    glow = plane.surface(BUILDING, SMOOTH, 0.35)
    for i in range(count):
        start = 0.3 + i * pitch
        plane.quad((start + 0.1, 0.45), (start + pitch - 0.1, 2.5), (150, 176, 182), glow)
        plane.quad(
            (start + 0.1, 0.45),
            (start + pitch - 0.1, 1.0),
            mix((150, 120, 90), palette.pick("cloth", thing.shape + i), 0.4),
        )
        plane.quad((start + 0.3, 1.2), (start + pitch * 0.5, 2.4), (196, 214, 218))
    plane.quad((0.2, 2.75), (reach - 0.2, 3.35), band)
    plane.quad((reach * 0.3, 2.92), (reach * 0.7, 3.2), (246, 238, 216))
    if plane.along:
        _awning(plane, reach, band, palette.pick("awning", thing.shape + 3), light)


def _awning(plane: _Plane, reach: float, band: Colour, colour: Colour, light: float) -> None:
    """Stripes that lean out over the pavement."""
    canvas, out = plane.canvas, (-0.9 if plane.at > 0 else 0.9)
    surface = plane.surface(BUILDING, SMOOTH)
    count = max(4, round(reach / 0.8))
    step = reach / count
    for i in range(count):
        near, far = plane.start + i * step, plane.start + (i + 1) * step
        tone = shade((244, 238, 226) if i % 2 else colour, 0.72 + 0.28 * light)
        canvas.world_polygon(
            [
                (plane.at, 2.85, near),
                (plane.at, 2.85, far),
                (plane.at + out, 2.35, far),
                (plane.at + out, 2.35, near),
            ],
            tone,
            surface,
        )
        canvas.world_polygon(
            [
                (plane.at + out, 2.35, near),
                (plane.at + out, 2.35, far),
                (plane.at + out, 2.12, far),
                (plane.at + out, 2.12, near),
            ],
            shade(tone, 0.85),
            surface,
        )


def draw_skyline(canvas: Canvas, thing: Thing, palette: Palette, sun: Point3) -> None:
    """A far block of flats: one face, rows of window bands."""
    colour = palette.pick("skyline", thing.shape)
    plane = _Plane(canvas, False, thing.z, thing.x - thing.width / 2, thing.x + thing.width / 2)
    tone = shade(colour, brightness((0, 0, -1), sun))
    plane.quad((0, 0), (thing.width, thing.height), tone, plane.surface(BUILDING, SMOOTH))
    lit = (0.0, 0.18) if sun[0] < 0 else (0.82, 1.0)
    plane.quad((thing.width * lit[0], 0), (thing.width * lit[1], thing.height), shade(tone, 1.2))
    for floor in range(1, int(thing.height / 3.0)):
        for i in range(4):
            start = thing.width * (0.08 + 0.23 * i)
            plane.quad(
                (start, floor * 3.0),
                (start + thing.width * 0.13, floor * 3.0 + 1.5),
                shade(tone, 0.78),
            )


def draw_wall(canvas: Canvas, thing: Thing, palette: Palette, sun: Point3) -> None:
    """A masonry wall with pillars and a coping of lighter stone."""
    colour = palette.pick("wall", thing.shape)
    for plane, light in _faces(canvas, thing, sun):
        tone, surface, reach = (
            shade(colour, light),
            plane.surface(WALL, BRICK),
            plane.end - plane.start,
        )
        plane.quad((0, 0), (reach, thing.height), tone, surface)
        plane.quad((0, 0), (reach, 0.25), shade(tone, 0.7))
        if plane.along:
            for i in range(int(reach / 2.6) + 1):
                at = min(i * 2.6, reach - 0.45)
                plane.quad((at, 0), (at + 0.45, thing.height + 0.12), shade(tone, 1.12), surface)
                plane.quad((at + 0.45, 0), (at + 0.55, thing.height), shade(tone, 0.72))
        plane.quad(
            (-0.05, thing.height),
            (reach + 0.05, thing.height + 0.22),
            shade(tone, 1.4),
            plane.surface(WALL, SMOOTH),
        )
        plane.quad((0, thing.height - 0.08), (reach, thing.height), shade(tone, 0.65))


def draw_fence(canvas: Canvas, thing: Thing, palette: Palette, sun: Point3) -> None:
    """A fence of pickets or bars; the whole panel is labelled, between the bars one sees the hedge
    behind it."""
    rng = random.Random(thing.shape)
    colour, gap = palette.pick("fence", thing.shape), palette.pick("terrain", 1)
    spacing = rng.choice((0.42, 0.55))
    bar = spacing * rng.uniform(0.45, 0.6)
    for plane, light in _faces(canvas, thing, sun)[-1:]:
        tone, reach = shade(colour, light), plane.end - plane.start
        surface = plane.surface(FENCE, SMOOTH)
        plane.quad((0, 0), (reach, thing.height * 0.93), shade(gap, 0.55), surface)
        for up in (0.18, 0.74):
            plane.quad((0, thing.height * up), (reach, thing.height * up + 0.16), shade(tone, 0.82))
        for i in range(int(reach / spacing)):
            start = i * spacing
            plane.quad(
                (start, 0.05), (start + bar, thing.height * (1.0 if i % 2 else 0.96)), tone, surface
            )
            if plane.pixels() > 60:
                plane.quad(
                    (start + bar * 0.75, 0.05),
                    (start + bar, thing.height * 0.96),
                    shade(tone, 0.72),
                )
        for i in range(int(reach / 2.4) + 1):
            start = min(i * 2.4, reach - 0.25)
            plane.quad((start, 0), (start + 0.24, thing.height + 0.18), shade(tone, 0.75), surface)
