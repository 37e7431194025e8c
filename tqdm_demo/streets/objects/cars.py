"""Cars, taxis and vans: a body with a glazed cabin."""

from collections.abc import Sequence

from tqdm_demo.streets.objects.solids import (
    GLASS,
    HEAD,
    TAIL,
    Detail,
    Face,
    extrude,
    rectangle,
    shrink,
    windscreen,
)
from tqdm_demo.streets.scene.palette import Colour, Palette, shade
from tqdm_demo.streets.scene.world import Point3, Thing

# Outlines: (along as a share of the length from rear to front, up in metres, inset of the side in
# metres).
_CAR = (
    (0.0, 0.32, 0.06),
    (0.0, 0.62, 0.0),
    (0.015, 0.9, 0.05),
    (0.10, 0.98, 0.1),
    (0.24, 1.40, 0.26),
    (0.32, 1.5, 0.30),
    (0.50, 1.5, 0.30),
    (0.57, 1.44, 0.27),
    (0.72, 1.0, 0.1),
    (0.93, 0.84, 0.08),
    (0.985, 0.72, 0.04),
    (1.0, 0.55, 0.03),
    (1.0, 0.32, 0.06),
)
_HATCH = (
    (0.0, 0.32, 0.06),
    (0.0, 0.66, 0.0),
    (0.01, 0.98, 0.06),
    (0.07, 1.36, 0.22),
    (0.14, 1.52, 0.28),
    (0.48, 1.54, 0.29),
    (0.56, 1.46, 0.26),
    (0.73, 1.02, 0.1),
    (0.93, 0.86, 0.08),
    (0.985, 0.74, 0.04),
    (1.0, 0.55, 0.03),
    (1.0, 0.32, 0.06),
)
_VAN = (
    (0.0, 0.34, 0.05),
    (0.0, 1.0, 0.0),
    (0.01, 1.75, 0.12),
    (0.05, 1.95, 0.2),
    (0.6, 1.98, 0.2),
    (0.68, 1.88, 0.18),
    (0.84, 1.2, 0.05),
    (0.97, 1.0, 0.05),
    (1.0, 0.7, 0.02),
    (1.0, 0.34, 0.05),
)


def car_faces(thing: Thing, palette: Palette) -> list[Face]:
    """Body of a car, taxi or van."""
    colour = (238, 190, 40) if thing.kind == "taxi" else palette.pick("car", thing.shape)
    outline = _VAN if thing.kind == "van" else (_CAR, _HATCH)[thing.shape % 2]
    stretch, half = thing.height / outline[len(outline) // 2][1], thing.width / 2
    points = [(along, up * stretch, inset) for along, up, inset in outline]
    faces = extrude(points, thing.length, half, colour)
    steep = [i for i, face in enumerate(faces[:-2]) if _is_glass(points, i)]
    for i in steep:
        faces[i] = Face(faces[i].points, colour, windscreen(faces[i].points))
    belt = 0.66 * thing.height
    for side in faces[-2:]:
        side.details.extend(_car_side(side, thing, belt, colour))
    rear, front = -thing.length / 2 - 0.01, thing.length / 2 + 0.01
    low, high = 0.66 * stretch, 0.86 * stretch
    glow = (0.76, 0.95) if thing.kind == "van" else (0.55, 0.73)
    for sign in (-1, 1):
        lamp = (sign * half * 0.92, sign * half * 0.55)
        faces[1].details.append(
            Detail(rectangle("along", rear, (min(lamp), low), (max(lamp), high)), TAIL, 0.5, True)
        )
        faces[-4].details.append(
            Detail(
                rectangle(
                    "along", front, (min(lamp), glow[0] * stretch), (max(lamp), glow[1] * stretch)
                ),
                HEAD,
                0.8,
                True,
            )
        )
    plate = rectangle("along", rear, (-0.26, 0.5 * stretch), (0.26, 0.62 * stretch))
    faces[0].details.append(Detail(plate, (236, 234, 220)))
    faces[0].details.append(
        Detail(rectangle("along", rear, (-half, 0.3), (half, 0.46 * stretch)), (52, 54, 60))
    )
    faces[-3].details.append(
        Detail(rectangle("along", front, (-half, 0.3), (half, 0.42 * stretch)), (52, 54, 60))
    )
    grille = rectangle(
        "along",
        front,
        (-half * 0.48, (glow[0] - 0.05) * stretch),
        (half * 0.48, (glow[1] - 0.03) * stretch),
    )
    faces[-4].details.append(Detail(grille, (46, 48, 54)))
    if thing.kind == "taxi":
        faces.append(
            Face(
                (
                    (-0.3, thing.height, 0.0),
                    (0.3, thing.height, 0.0),
                    (0.3, thing.height + 0.2, 0.0),
                    (-0.3, thing.height + 0.2, 0.0),
                ),
                (250, 246, 226),
            )
        )
    return faces


def _is_glass(points: Sequence[Point3], i: int) -> bool:
    """Edge i of the outline is a windscreen: above the belt and steep."""
    low, high = sorted((points[i][1], points[i + 1][1]))
    top = max(p[1] for p in points)
    return low > 0.5 * top and high - low > 0.18 * top and high > 0.85 * top


def _car_side(side: Face, thing: Thing, belt: float, colour: Colour) -> list[Detail]:
    """Side windows, door line and sill of one side."""
    at, length = side.points[0][0], thing.length
    sign = 1 if at > 0 else -1
    top = [p for p in side.points if p[1] > belt]
    inner = sign * (abs(top[0][0]) - 0.02)
    glass = shrink(tuple((sign * (abs(p[0]) + 0.01), p[1], p[2]) for p in top), 0.86)
    pillar_z = (min(p[2] for p in top) + max(p[2] for p in top)) / 2
    high = max(p[1] for p in top)
    pillar = rectangle("across", inner, (pillar_z - 0.05, belt), (pillar_z + 0.05, high - 0.02))
    sill = rectangle("across", at, (-length * 0.48, 0.3), (length * 0.48, 0.42))
    line = rectangle("across", at, (-length * 0.46, belt * 0.8), (length * 0.46, belt * 0.84))
    return [
        Detail(sill, shade(colour, 0.55)),
        Detail(line, shade(colour, 1.25)),
        Detail(glass, GLASS),
        Detail(pillar, colour),
    ]
