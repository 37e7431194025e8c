"""Trees and bushes: crowns of many blobs, dark below and light towards the sun, or bare twigs."""

import math
import random
from collections.abc import Sequence

from tqdm_demo.streets.canvas import LEAVES, Canvas
from tqdm_demo.streets.scene.palette import Colour, Palette, mix, shade
from tqdm_demo.streets.scene.world import BACKDROP, VEGETATION, Point, Point3, Thing

_Blob = tuple[float, float, float]  # centre to the right of the foot and above it, radius; metres


def _is_bare(thing: Thing) -> bool:
    """Whether it is a tree, or a far wood, that has lost its leaves: one of three has."""
    return thing.shape % 3 == 0


def draw_tree(canvas: Canvas, thing: Thing, palette: Palette, sun: Point3) -> None:
    """A trunk under a crown of leaves, or of boughs and twigs."""
    rng = random.Random(thing.shape)
    scale, bark = canvas.scale / thing.z, palette.pick("trunk", thing.shape)
    surface = canvas.surface(VEGETATION, value=thing.z)
    foot = canvas.project(thing.x, 0.0, thing.z)
    thick = max(0.05 * thing.height, 0.28) * scale
    fork = (foot[0], foot[1] - thing.height * 0.48 * scale)
    canvas.polygon(
        [
            (foot[0] - thick * 0.65, foot[1]),
            (foot[0] + thick * 0.65, foot[1]),
            (fork[0] + thick * 0.35, fork[1]),
            (fork[0] - thick * 0.35, fork[1]),
        ],
        bark,
        surface,
    )
    edge = math.copysign(1, sun[0]) * thick
    canvas.polygon(
        [
            (foot[0] + edge * 0.1, foot[1]),
            (foot[0] + edge * 0.65, foot[1]),
            (fork[0] + edge * 0.35, fork[1]),
            (fork[0] + edge * 0.05, fork[1]),
        ],
        shade(bark, 1.25),
    )
    pointed = rng.random() < 0.2
    radius = thing.width / 2
    middle, tall = (0.6, thing.height * 0.36) if not pointed else (0.58, thing.height * 0.42)
    blobs = [] if pointed else [(0.0, thing.height * middle, radius * 0.62)]
    for _ in range(15 if thing.z < 25 else 8):
        angle, reach = rng.uniform(0, 2 * math.pi), 0.3 + 0.36 * math.sqrt(rng.random())
        x, y = reach * math.cos(angle), reach * math.sin(angle)
        if pointed:
            x *= 0.75 - 0.6 * y
        blobs.append(
            (x * radius, thing.height * middle + y * tall, radius * rng.uniform(0.34, 0.48))
        )
    if _is_bare(thing):
        _bare_crown(canvas, thing, blobs, palette, rng)
        _boughs(canvas, thing, fork, thick, bark, rng)
    else:
        _crown(canvas, thing, blobs, palette.pick("leaf", thing.shape), sun, rng)


def draw_bush(canvas: Canvas, thing: Thing, palette: Palette, sun: Point3) -> None:
    """A low mound of leaves that reaches the ground; far away perhaps a bare wood."""
    rng = random.Random(thing.shape)
    half = thing.width / 2
    blobs = []
    count = 9 if thing.z < 40 else 5
    for i in range(count):
        x = (i / (count - 1) - 0.5) * 2 * half * 0.78
        top = thing.height * (1.0 - 0.45 * (x / half) ** 2)
        size = min(thing.height * 0.42, half * (0.5 if count == 9 else 0.62)) * rng.uniform(
            0.8, 1.1
        )
        blobs += [(x, max(top - size, size * 0.7), size), (x, size * 0.8, size * 0.95)]
    if thing.layer == BACKDROP and _is_bare(thing):
        _bare_crown(canvas, thing, blobs, palette, rng)
    else:
        _crown(canvas, thing, blobs, palette.pick("leaf", thing.shape), sun, rng)


def _bare_crown(
    canvas: Canvas, thing: Thing, blobs: Sequence[_Blob], palette: Palette, rng: random.Random
) -> None:
    """The finest twigs: a veil between bark and sky in each blob, with strokes that fan out and
    fray its edge."""
    surface = canvas.surface(VEGETATION, value=thing.z)
    scale, foot = canvas.scale / thing.z, canvas.project(thing.x, 0.0, thing.z)
    bark = palette.pick("trunk", thing.shape)
    veil = mix(mix(bark, (150, 140, 138), 0.35), palette.horizon, 0.25)
    for x, y, size in blobs:
        centre = (foot[0] + x * scale, foot[1] - y * scale)
        canvas.veil(centre, size * scale, veil, 0.22, surface)
    tones = [mix(shade(bark, 0.85), veil, share) for share in (0.1, 0.3, 0.55)]
    width = max(0.035 * scale, 0.5)
    for x, y, size in blobs:
        pixels = size * scale
        for _ in range(int(min(10 + pixels, 34)) if pixels > 1.5 else 0):
            angle = math.atan2(y - 0.45 * thing.height, x or 0.01) + rng.gauss(0.0, 0.55)
            start, end = rng.uniform(-0.9, 0.4), rng.uniform(0.7, 1.12)
            aside = rng.uniform(-0.6, 0.6)
            ends = [
                (
                    foot[0]
                    + x * scale
                    + pixels * (along * math.cos(angle) - aside * math.sin(angle)),
                    foot[1]
                    - y * scale
                    - pixels * (along * math.sin(angle) + aside * math.cos(angle)),
                )
                for along in (start, end * (1 - aside * aside) ** 0.5)
            ]
            canvas.line(ends[0], ends[1], width, rng.choice(tones), surface)


def _boughs(
    canvas: Canvas, thing: Thing, fork: Point, thick: float, bark: Colour, rng: random.Random
) -> None:
    """Boughs from the top of a trunk ``thick`` pixels wide, each splitting into thinner ones."""
    surface, scale = canvas.surface(VEGETATION, value=thing.z), canvas.scale / thing.z
    growing = [
        (
            fork,
            math.pi / 2 + lean + rng.uniform(-0.2, 0.2),
            thing.height * 0.19 * scale,
            thick * 0.42,
        )
        for lean in (-0.75, -0.3, 0.15, 0.6)
    ]
    for _ in range(4 if thing.z < 25 else 3):
        branches = []
        for start, angle, length, width in growing:
            reach = length * rng.uniform(0.75, 1.15)
            end = (start[0] + reach * math.cos(angle), start[1] - reach * math.sin(angle))
            canvas.line(start, end, max(width, 0.6), bark, surface)
            for turn in (-0.42, 0.38):
                bent = angle + turn + rng.uniform(-0.2, 0.2)
                branches.append((end, bent, length * 0.66, width * 0.6))
        growing = branches


def _crown(
    canvas: Canvas,
    thing: Thing,
    blobs: Sequence[_Blob],
    colour: Colour,
    sun: Point3,
    rng: random.Random,
) -> None:
    """Three passes over the blobs: dark, middle (shifted towards the light), light tufts on the
    sun's side."""
    surface = canvas.surface(VEGETATION, LEAVES, value=thing.z)
    scale = canvas.scale / thing.z
    foot = canvas.project(thing.x, 0.0, thing.z)
    side = math.copysign(1, sun[0])
    dark, middle, light = (
        shade(colour, 0.62),
        colour,
        mix(shade(colour, 1.18), (250, 240, 150), 0.08),
    )
    bodies = [shade(middle, 0.86 + 0.035 * i) for i in range(5)]
    tones = [mix(middle, light, i / 8) for i in range(10)]
    for x, y, size in blobs:
        canvas.ellipse(
            (foot[0] + x * scale, foot[1] - y * scale),
            size * scale,
            size * scale * 0.92,
            dark,
            surface,
        )
    for x, y, size in sorted(blobs, key=lambda blob: blob[1]):
        centre = (foot[0] + (x + side * size * 0.16) * scale, foot[1] - (y + size * 0.2) * scale)
        canvas.ellipse(centre, size * 0.76 * scale, size * 0.68 * scale, rng.choice(bodies))
    for x, y, size in blobs:
        # Larger pictures show more and finer tufts; they lie inside the blob, so that no label
        # depends on it.
        pixels = size * scale
        for _ in range(
            11 if pixels > 40 else 6 if pixels > 16 else 2 if pixels > 6 else pixels > 3
        ):
            angle, reach = rng.uniform(-0.6, 1.9), rng.uniform(0.1, 0.72)
            centre = (
                foot[0] + (x + side * size * reach * math.cos(angle)) * scale,
                foot[1] - (y + size * reach * math.sin(angle)) * scale,
            )
            tuft = pixels * (rng.uniform(0.09, 0.2) if pixels > 16 else rng.uniform(0.2, 0.3))
            facing = reach * (1.1 - 0.35 * abs(angle - 0.65)) * 8 + rng.uniform(0.0, 1.8)
            canvas.ellipse(centre, tuft, tuft * 0.8, tones[int(facing)])
