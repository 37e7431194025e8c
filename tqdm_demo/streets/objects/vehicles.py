"""Vehicles of every kind: which body, how many wheels, which label; and the trucks themselves."""

import math
from collections.abc import Sequence

from tqdm_demo.streets.canvas import Canvas
from tqdm_demo.streets.objects.cars import car_faces
from tqdm_demo.streets.objects.coaches import coach_faces
from tqdm_demo.streets.objects.solids import (
    GLASS,
    HEAD,
    TAIL,
    Detail,
    Face,
    Pose,
    box,
    draw_solid,
    rectangle,
    windscreen,
)
from tqdm_demo.streets.scene.palette import Palette, mix, shade
from tqdm_demo.streets.scene.world import BUS, CAR, TRAIN, TRUCK, Thing

_TYRE, _RIM = (30, 30, 34), (176, 178, 182)


def draw_vehicle(
    canvas: Canvas, thing: Thing, palette: Palette, sun: tuple[float, float, float]
) -> None:
    """Draw a vehicle of any kind of ``scene.VEHICLES``, its shadow excepted."""
    if thing.kind in ("car", "taxi", "van"):
        faces, label, wheels, radius = car_faces(thing, palette), CAR, (0.18, 0.81), 0.34
    elif thing.kind == "truck":
        faces, label, wheels, radius = _truck_faces(thing, palette), TRUCK, (0.14, 0.28, 0.86), 0.5
    elif thing.kind == "bus":
        faces, label, wheels, radius = coach_faces(thing, palette), BUS, (0.2, 0.8), 0.5
    else:
        faces, label, wheels, radius = (
            coach_faces(thing, palette),
            TRAIN,
            (0.14, 0.24, 0.76, 0.86),
            0.36,
        )
    pose = Pose(thing)
    _draw_wheels(canvas, thing, pose, wheels, radius, label, under=True)
    draw_solid(canvas, pose, faces, label, sun)
    _draw_wheels(canvas, thing, pose, wheels, radius, label, under=False)


def _truck_faces(thing: Thing, palette: Palette) -> list[Face]:
    """Cargo box behind a lower, coloured cab."""
    half, length, tall = thing.width / 2, thing.length, thing.height
    cargo = palette.pick("truck", thing.shape)
    cab = palette.pick("car", thing.shape + 1)
    body = box(length, half, 0.95, tall, 0.0, 0.70, cargo)
    front = box(length, half * 0.94, 0.5, tall * 0.76, 0.735, 1.0, cab)
    rear_z, nose = -length / 2 - 0.01, length / 2 + 0.01
    body[0].details += [
        Detail(rectangle("along", rear_z, (-0.03, 1.0), (0.03, tall - 0.15)), shade(cargo, 0.6)),
        Detail(rectangle("along", rear_z, (-half, 0.9), (half, 1.12)), (60, 60, 66)),
        Detail(
            rectangle("along", rear_z, (-half * 0.95, 0.92), (-half * 0.7, 1.1)), TAIL, 0.5, True
        ),
        Detail(rectangle("along", rear_z, (half * 0.7, 0.92), (half * 0.95, 1.1)), TAIL, 0.5, True),
    ]
    for side in body[-2:]:
        at = side.points[0][0]
        side.details += [
            Detail(
                rectangle("across", at, (-length * 0.44, tall * 0.5), (length * 0.14, tall * 0.74)),
                mix(cargo, cab, 0.75),
            ),
            Detail(
                rectangle("across", at, (-length * 0.5, 0.95), (length * 0.2, 1.1)), (64, 64, 70)
            ),
        ]
    for side in front[-2:]:
        at = side.points[0][0]
        side.details.append(
            Detail(
                rectangle("across", at, (length * 0.31, tall * 0.45), (length * 0.45, tall * 0.68)),
                GLASS,
            )
        )
    front[4].details += [
        *windscreen(
            rectangle("along", nose, (-half * 0.95, tall * 0.42), (half * 0.95, tall * 0.71))
        ),
        Detail(rectangle("along", nose, (-half * 0.5, 0.85), (half * 0.5, 1.35)), (54, 56, 62)),
        Detail(rectangle("along", nose, (-half * 0.9, 0.62), (-half * 0.6, 0.88)), HEAD, 0.8, True),
        Detail(rectangle("along", nose, (half * 0.6, 0.62), (half * 0.9, 0.88)), HEAD, 0.8, True),
    ]
    chassis = box(length, half * 0.8, 0.5, 0.96, 0.02, 0.78, (58, 58, 64))
    return [*chassis, *body, *front]


def _draw_wheels(
    canvas: Canvas,
    thing: Thing,
    pose: Pose,
    wheels: Sequence[float],
    radius: float,
    label: int,
    under: bool,
) -> None:
    """Before the body (``under``) the treads that show under it, after it the wheels of the side
    in view."""
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
            ring = [
                pose(
                    (
                        side,
                        radius + size * math.sin(k * math.pi / 7),
                        middle + size * math.cos(k * math.pi / 7),
                    )
                )
                for k in range(14)
            ]
            canvas.world_polygon(ring, colour, target)
