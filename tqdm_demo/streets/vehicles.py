"""Cars, vans, trucks, buses and trams: outlines in side view, pushed across the width, with windows, wheels, lights."""

import math

from tqdm_demo.streets.canvas import Canvas
from tqdm_demo.streets.palette import Palette, mix, shade
from tqdm_demo.streets.scene import BUS, CAR, TRAIN, TRUCK, Thing
from tqdm_demo.streets.solids import Detail, Face, Pose, draw_solid, rectangle

_GLASS = (70, 92, 112)
_TYRE, _RIM = (30, 30, 34), (176, 178, 182)
_HEAD, _TAIL = (255, 248, 214), (222, 36, 32)
# Outlines: (along as a share of the length from rear to front, up in metres, inset of the side in metres).
_CAR = ((0.0, 0.32, 0.06), (0.0, 0.62, 0.0), (0.015, 0.9, 0.05), (0.10, 0.98, 0.1), (0.24, 1.40, 0.26),
        (0.32, 1.5, 0.30), (0.50, 1.5, 0.30), (0.57, 1.44, 0.27), (0.72, 1.0, 0.1), (0.93, 0.84, 0.08),
        (0.985, 0.72, 0.04), (1.0, 0.55, 0.03), (1.0, 0.32, 0.06))
_HATCH = ((0.0, 0.32, 0.06), (0.0, 0.66, 0.0), (0.01, 0.98, 0.06), (0.07, 1.36, 0.22), (0.14, 1.52, 0.28),
          (0.48, 1.54, 0.29), (0.56, 1.46, 0.26), (0.73, 1.02, 0.1), (0.93, 0.86, 0.08), (0.985, 0.74, 0.04),
          (1.0, 0.55, 0.03), (1.0, 0.32, 0.06))
_VAN = ((0.0, 0.34, 0.05), (0.0, 1.0, 0.0), (0.01, 1.75, 0.12), (0.05, 1.95, 0.2), (0.6, 1.98, 0.2),
        (0.68, 1.88, 0.18), (0.84, 1.2, 0.05), (0.97, 1.0, 0.05), (1.0, 0.7, 0.02), (1.0, 0.34, 0.05))


def draw_vehicle(canvas: Canvas, thing: Thing, palette: Palette, sun: tuple[float, float, float]) -> None:
    """Draw a vehicle of any kind of ``scene.VEHICLES``, its shadow excepted."""
    if thing.kind in ("car", "taxi", "van"):
        faces, label, wheels, radius = _car_faces(thing, palette), CAR, (0.18, 0.81), 0.34
    elif thing.kind == "truck":
        faces, label, wheels, radius = _truck_faces(thing, palette), TRUCK, (0.14, 0.28, 0.86), 0.5
    elif thing.kind == "bus":
        faces, label, wheels, radius = _coach_faces(thing, palette), BUS, (0.2, 0.8), 0.5
    else:
        faces, label, wheels, radius = _coach_faces(thing, palette), TRAIN, (0.14, 0.24, 0.76, 0.86), 0.36
    pose = Pose(thing)
    _draw_wheels(canvas, thing, pose, wheels, radius, label, under=True)
    draw_solid(canvas, pose, faces, label, sun)
    _draw_wheels(canvas, thing, pose, wheels, radius, label, under=False)


def _car_faces(thing: Thing, palette: Palette) -> list[Face]:
    """Body of a car, taxi or van."""
    colour = (238, 190, 40) if thing.kind == "taxi" else palette.pick("car", thing.shape)
    outline = _VAN if thing.kind == "van" else (_CAR, _HATCH)[thing.shape % 2]
    stretch, half = thing.height / outline[len(outline) // 2][1], thing.width / 2
    points = [(along, up * stretch, inset) for along, up, inset in outline]
    faces = _extrude(points, thing.length, half, colour)
    steep = [i for i, face in enumerate(faces[:-2]) if _is_glass(points, i)]
    for i in steep:
        faces[i] = Face(faces[i].points, colour, _windscreen(faces[i].points))
    belt = 0.66 * thing.height
    for side in faces[-2:]:
        side.details.extend(_car_side(side, thing, belt, colour))
    rear, front = -thing.length / 2 - 0.01, thing.length / 2 + 0.01
    low, high = 0.66 * stretch, 0.86 * stretch
    glow = (0.76, 0.95) if thing.kind == "van" else (0.55, 0.73)
    for sign in (-1, 1):
        lamp = (sign * half * 0.92, sign * half * 0.55)
        faces[1].details.append(Detail(rectangle("along", rear, (min(lamp), low), (max(lamp), high)), _TAIL, 0.5, True))
        faces[-4].details.append(Detail(rectangle("along", front, (min(lamp), glow[0] * stretch), (max(lamp), glow[1] * stretch)),
                                        _HEAD, 0.8, True))
    plate = rectangle("along", rear, (-0.26, 0.5 * stretch), (0.26, 0.62 * stretch))
    faces[0].details.append(Detail(plate, (236, 234, 220)))
    faces[0].details.append(Detail(rectangle("along", rear, (-half, 0.3), (half, 0.46 * stretch)), (52, 54, 60)))
    faces[-3].details.append(Detail(rectangle("along", front, (-half, 0.3), (half, 0.42 * stretch)), (52, 54, 60)))
    grille = rectangle("along", front, (-half * 0.48, (glow[0] - 0.05) * stretch), (half * 0.48, (glow[1] - 0.03) * stretch))
    faces[-4].details.append(Detail(grille, (46, 48, 54)))
    if thing.kind == "taxi":
        faces.append(Face(((-0.3, thing.height, 0.0), (0.3, thing.height, 0.0), (0.3, thing.height + 0.2, 0.0),
                           (-0.3, thing.height + 0.2, 0.0)), (250, 246, 226)))
    return faces


def _windscreen(face) -> list[Detail]:
    """Glass on a face of four corners, with two slanted reflections."""
    a, b, c, d = _shrink(face, 0.86)
    glass = mix(_GLASS, (190, 215, 235), 0.2)

    def on(first, second, share: float):
        return tuple(p + (q - p) * share for p, q in zip(first, second, strict=True))

    streaks = [Detail((on(a, b, s), on(a, b, s + w), on(d, c, s + w + 0.16), on(d, c, s + 0.16)),
                      mix(glass, (214, 232, 244), 0.35)) for s, w in ((0.12, 0.17), (0.36, 0.06))]
    return [Detail((a, b, c, d), glass), *streaks]


def _is_glass(points, i: int) -> bool:
    """Edge i of the outline is a windscreen: above the belt and steep."""
    (a0, u0, _), (a1, u1, _) = points[i], points[i + 1]
    top = max(p[1] for p in points)
    return min(u0, u1) > 0.5 * top and abs(u1 - u0) > 0.18 * top and max(u0, u1) > 0.85 * top


def _car_side(side: Face, thing: Thing, belt: float, colour) -> list[Detail]:
    """Side windows, door line and sill of one side."""
    at, length = side.points[0][0], thing.length
    sign = 1 if at > 0 else -1
    top = [p for p in side.points if p[1] > belt]
    inner = sign * (abs(top[0][0]) - 0.02)
    glass = _shrink(tuple((sign * (abs(p[0]) + 0.01), p[1], p[2]) for p in top), 0.86)
    pillar_z = (min(p[2] for p in top) + max(p[2] for p in top)) / 2
    high = max(p[1] for p in top)
    pillar = rectangle("across", inner, (pillar_z - 0.05, belt), (pillar_z + 0.05, high - 0.02))
    sill = rectangle("across", at, (-length * 0.48, 0.3), (length * 0.48, 0.42))
    line = rectangle("across", at, (-length * 0.46, belt * 0.8), (length * 0.46, belt * 0.84))
    return [Detail(sill, shade(colour, 0.55)), Detail(line, shade(colour, 1.25)), Detail(glass, _GLASS),
            Detail(pillar, colour)]


def _extrude(points, length: float, half: float, colour) -> list[Face]:
    """Faces between consecutive outline points, then the two sides."""
    left = [(-(half - inset), up, (along - 0.5) * length) for along, up, inset in points]
    right = [(-a, up, b) for a, up, b in left]
    faces = [Face((left[i], right[i], right[i + 1], left[i + 1]), colour) for i in range(len(points) - 1)]
    return [*faces, Face(tuple(left), colour), Face(tuple(right), colour)]


def _shrink(points, share: float):
    """The polygon pulled towards its middle."""
    middle = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    return tuple(tuple(m + (p - m) * share for p, m in zip(point, middle, strict=True)) for point in points)


def _box(length: float, half: float, low: float, high: float, start: float, end: float, colour) -> list[Face]:
    """Rear, top, front and both sides of a box between two shares of the length."""
    outline = ((start, low, 0.0), (start, high - 0.1, 0.0), (start + 0.01, high, 0.1), (end - 0.01, high, 0.1),
               (end, high - 0.1, 0.0), (end, low, 0.0))
    return _extrude(outline, length, half, colour)


def _truck_faces(thing: Thing, palette: Palette) -> list[Face]:
    """Cargo box behind a lower, coloured cab."""
    half, length, tall = thing.width / 2, thing.length, thing.height
    cargo = palette.pick("truck", thing.shape)
    cab = palette.pick("car", thing.shape + 1)
    body = _box(length, half, 0.95, tall, 0.0, 0.70, cargo)
    front = _box(length, half * 0.94, 0.5, tall * 0.76, 0.735, 1.0, cab)
    rear_z, nose = -length / 2 - 0.01, length / 2 + 0.01
    body[0].details += [
        Detail(rectangle("along", rear_z, (-0.03, 1.0), (0.03, tall - 0.15)), shade(cargo, 0.6)),
        Detail(rectangle("along", rear_z, (-half, 0.9), (half, 1.12)), (60, 60, 66)),
        Detail(rectangle("along", rear_z, (-half * 0.95, 0.92), (-half * 0.7, 1.1)), _TAIL, 0.5, True),
        Detail(rectangle("along", rear_z, (half * 0.7, 0.92), (half * 0.95, 1.1)), _TAIL, 0.5, True)]
    for side in body[-2:]:
        at = side.points[0][0]
        side.details += [
            Detail(rectangle("across", at, (-length * 0.44, tall * 0.5), (length * 0.14, tall * 0.74)),
                   mix(cargo, cab, 0.75)),
            Detail(rectangle("across", at, (-length * 0.5, 0.95), (length * 0.2, 1.1)), (64, 64, 70))]
    for side in front[-2:]:
        at = side.points[0][0]
        side.details.append(Detail(rectangle("across", at, (length * 0.31, tall * 0.45), (length * 0.45, tall * 0.68)), _GLASS))
    front[4].details += [
        *_windscreen(rectangle("along", nose, (-half * 0.95, tall * 0.42), (half * 0.95, tall * 0.71))),
        Detail(rectangle("along", nose, (-half * 0.5, 0.85), (half * 0.5, 1.35)), (54, 56, 62)),
        Detail(rectangle("along", nose, (-half * 0.9, 0.62), (-half * 0.6, 0.88)), _HEAD, 0.8, True),
        Detail(rectangle("along", nose, (half * 0.6, 0.62), (half * 0.9, 0.88)), _HEAD, 0.8, True)]
    chassis = _box(length, half * 0.8, 0.5, 0.96, 0.02, 0.78, (58, 58, 64))
    return [*chassis, *body, *front]


def _coach_faces(thing: Thing, palette: Palette) -> list[Face]:
    """Bus or tram: a long body with a row of windows; the tram has a tapered nose and a stripe of the second colour."""
    half, length, tall = thing.width / 2, thing.length, thing.height
    tram = thing.kind == "tram"
    colour = palette.pick("tram" if tram else "bus", thing.shape)
    if tram:
        outline = ((0.0, 0.3, 0.25), (0.0, 1.2, 0.2), (0.035, tall * 0.86, 0.16), (0.06, tall, 0.3),
                   (0.94, tall, 0.3), (0.965, tall * 0.86, 0.16), (1.0, 1.2, 0.2), (1.0, 0.3, 0.25))
        faces = _extrude(outline, length, half, colour)
        ends, glass_ends = (faces[0], faces[6]), (faces[1], faces[5])
    else:
        faces = _box(length, half, 0.32, tall, 0.0, 1.0, colour)
        ends = (faces[0], faces[4])
        glass_ends = ()
    accent = (244, 240, 228) if not tram else mix(colour, (250, 246, 232), 0.8)
    for side in faces[-2:]:
        side.details.extend(_window_row(thing, (1 if side.points[0][0] > 0 else -1) * (half if not tram else half - 0.16),
                                        accent, tram))
    for end in glass_ends:
        end.details.extend(_windscreen(end.points))
    for end, lamp, light in zip(ends, (_TAIL, _HEAD), (0.5, 0.9), strict=True):
        at = end.points[0][2] * 1.002
        if not tram:
            top = tall - 0.75 if lamp == _HEAD else tall - 0.9
            end.details += [*_windscreen(rectangle("along", at, (-half, 1.15), (half, top + 0.1))),
                            Detail(rectangle("along", at, (-half * 0.6, tall - 0.62), (half * 0.6, tall - 0.24)), (36, 36, 40)),
                            Detail(rectangle("along", at, (-half * 0.5, tall - 0.55), (half * 0.5, tall - 0.31)), (255, 190, 70), 0.5, True)]
        width = half - 0.25 if tram else half
        if tram:
            end.details.append(Detail(rectangle("along", at, (-width, 0.95), (width, 1.15)), accent))
        end.details.append(Detail(rectangle("along", at, (-width, 0.34), (width, 0.5)), (60, 60, 66)))
        for sign in (-1, 1):
            across = sorted((sign * width * 0.9, sign * width * 0.58))
            end.details.append(Detail(rectangle("along", at, (across[0], 0.62), (across[1], 0.9)), lamp, light, True))
    if tram:
        pantograph = tuple((0.0, tall + up, along) for up, along in ((0.0, -0.6), (0.55, 0.4), (0.62, 0.4), (0.08, -0.7)))
        faces.append(Face(pantograph, (56, 58, 64)))
    return faces


def _window_row(thing: Thing, at: float, accent, tram: bool) -> list[Detail]:
    """Stripe, windows and doors along one side."""
    length, tall = thing.length, thing.height
    reach = length * (0.46 if tram else 0.485)
    low, high = (1.35, tall * 0.80) if tram else (1.35, tall - 0.5)
    details = [Detail(rectangle("across", at, (-reach, 0.75), (reach, 1.1)), accent),
               Detail(rectangle("across", at, (-reach, low - 0.08), (reach, high + 0.08)), (44, 48, 56))]
    count = max(4, round(length / 1.6))
    pitch = 2 * reach / count
    for i in range(count):
        start = -reach + i * pitch + 0.08
        door = i % 4 == 1
        bottom = 0.45 if door else low
        details.append(Detail(rectangle("across", at, (start, bottom), (start + pitch - 0.16, high)),
                              (86, 106, 124) if door else _GLASS))
        details.append(Detail(((at, high, start + pitch * 0.25), (at, high, start + pitch * 0.5),
                               (at, low, start + pitch * 0.3), (at, low, start + pitch * 0.05)), (112, 136, 156)))
        if door:
            middle = start + pitch / 2 - 0.08
            details.append(Detail(rectangle("across", at, (middle - 0.04, 0.45), (middle + 0.04, high)), (50, 52, 58)))
    return details


def _draw_wheels(canvas: Canvas, thing: Thing, pose: Pose, wheels, radius: float, label: int, under: bool) -> None:
    """Before the body (``under``) the treads that show under it, after it the wheels of the side in view."""
    surface = canvas.surface(label, value=thing.z)
    looking = -(pose.x * pose.cos - pose.z * pose.sin)
    if not under and abs(looking) < thing.width / 2:
        return
    side = math.copysign(thing.width / 2 - 0.04, looking)
    if thing.kind == "tram":
        side *= 0.88
    for share in wheels:
        middle = (share - 0.5) * thing.length
        if under:
            for outer in (-side, side):
                inner = outer - math.copysign(0.26, outer)
                tread = rectangle("along", middle, (outer, 0.0), (inner, radius * 2))
                canvas.world_polygon([pose(p) for p in tread], _TYRE, surface)
            continue
        for size, colour, target in ((radius, _TYRE, surface), (radius * 0.58, _RIM, None)):
            ring = [pose((side, radius + size * math.sin(k * math.pi / 7), middle + size * math.cos(k * math.pi / 7)))
                    for k in range(14)]
            canvas.world_polygon(ring, colour, target)
