"""Buses and trams: a long body with a row of windows and doors."""

from tqdm_demo.streets.objects.solids import (
    GLASS,
    HEAD,
    TAIL,
    Detail,
    Face,
    box,
    extrude,
    rectangle,
    windscreen,
)
from tqdm_demo.streets.scene.palette import Colour, Palette, mix
from tqdm_demo.streets.scene.world import Thing


def coach_faces(thing: Thing, palette: Palette) -> list[Face]:
    """Body of a bus or of a tram; the tram has a tapered nose and a pantograph."""
    half, length, tall = thing.width / 2, thing.length, thing.height
    tram = thing.kind == "tram"
    colour = palette.pick("tram" if tram else "bus", thing.shape)
    accent = mix(colour, (250, 246, 232), 0.8) if tram else (244, 240, 228)
    if tram:
        faces = _tram_body(length, half, tall, colour)
        rear, front = faces[0], faces[6]
        for slope in (faces[1], faces[5]):
            slope.details.extend(windscreen(slope.points))
    else:
        faces = box(length, half, 0.32, tall, 0.0, 1.0, colour)
        rear, front = faces[0], faces[4]
    wall = half - 0.16 if tram else half
    for side, at in zip(faces[-2:], (-wall, wall), strict=True):
        side.details.extend(_window_row(thing, at, accent, tram))
    for end, lamp, light in ((rear, TAIL, 0.5), (front, HEAD, 0.9)):
        end.details.extend(
            _tram_end(end, half - 0.25, accent) if tram else _bus_end(end, thing, lamp)
        )
        end.details.extend(_bumper(end, half - 0.25 if tram else half, lamp, light))
    if tram:
        arm = ((0.0, -0.6), (0.55, 0.4), (0.62, 0.4), (0.08, -0.7))
        faces.append(Face(tuple((0.0, tall + up, along) for up, along in arm), (56, 58, 64)))
    return faces


def _tram_body(length: float, half: float, tall: float, colour: Colour) -> list[Face]:
    """Both noses lean back; seven faces along the outline, then the two sides."""
    outline = (
        (0.0, 0.3, 0.25),
        (0.0, 1.2, 0.2),
        (0.035, tall * 0.86, 0.16),
        (0.06, tall, 0.3),
        (0.94, tall, 0.3),
        (0.965, tall * 0.86, 0.16),
        (1.0, 1.2, 0.2),
        (1.0, 0.3, 0.25),
    )
    return extrude(outline, length, half, colour)


def _bus_end(end: Face, thing: Thing, lamp: Colour) -> list[Detail]:
    """Windscreen or rear window and the lit destination above it."""
    at, half, tall = end.points[0][2] * 1.002, thing.width / 2, thing.height
    top = tall - (0.65 if lamp == HEAD else 0.8)
    frame = rectangle("along", at, (-half * 0.6, tall - 0.62), (half * 0.6, tall - 0.24))
    text = rectangle("along", at, (-half * 0.5, tall - 0.55), (half * 0.5, tall - 0.31))
    glass = windscreen(rectangle("along", at, (-half, 1.15), (half, top)))
    return [*glass, Detail(frame, (36, 36, 40)), Detail(text, (255, 190, 70), 0.5, True)]


def _tram_end(end: Face, width: float, accent: Colour) -> list[Detail]:
    at = end.points[0][2] * 1.002
    return [Detail(rectangle("along", at, (-width, 0.95), (width, 1.15)), accent)]


def _bumper(end: Face, width: float, lamp: Colour, light: float) -> list[Detail]:
    """Dark bumper and a pair of lamps."""
    at = end.points[0][2] * 1.002
    details = [Detail(rectangle("along", at, (-width, 0.34), (width, 0.5)), (60, 60, 66))]
    for sign in (-1, 1):
        low, high = sorted((sign * width * 0.9, sign * width * 0.58))
        details.append(Detail(rectangle("along", at, (low, 0.62), (high, 0.9)), lamp, light, True))
    return details


def _window_row(thing: Thing, at: float, accent: Colour, tram: bool) -> list[Detail]:
    """Stripe, windows and doors along one side."""
    length, tall = thing.length, thing.height
    reach = length * (0.46 if tram else 0.485)
    low, high = (1.35, tall * 0.80) if tram else (1.35, tall - 0.5)
    details = [
        Detail(rectangle("across", at, (-reach, 0.75), (reach, 1.1)), accent),
        Detail(rectangle("across", at, (-reach, low - 0.08), (reach, high + 0.08)), (44, 48, 56)),
    ]
    count = max(4, round(length / 1.6))
    pitch = 2 * reach / count
    for i in range(count):
        start = -reach + i * pitch + 0.08
        door = i % 4 == 1
        bottom = 0.45 if door else low
        details.append(
            Detail(
                rectangle("across", at, (start, bottom), (start + pitch - 0.16, high)),
                (86, 106, 124) if door else GLASS,
            )
        )
        details.append(
            Detail(
                (
                    (at, high, start + pitch * 0.25),
                    (at, high, start + pitch * 0.5),
                    (at, low, start + pitch * 0.3),
                    (at, low, start + pitch * 0.05),
                ),
                (112, 136, 156),
            )
        )
        if door:
            middle = start + pitch / 2 - 0.08
            details.append(
                Detail(
                    rectangle("across", at, (middle - 0.04, 0.45), (middle + 0.04, high)),
                    (50, 52, 58),
                )
            )
    return details
