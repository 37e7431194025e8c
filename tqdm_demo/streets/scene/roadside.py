"""Both sides of the road: pavements and verges, the line of buildings, walls and fences, the far
skyline."""

import random
from collections.abc import Iterator

from tqdm_demo.streets.scene.world import (
    BACKDROP,
    FRONT_LINE,
    NEAREST,
    SET_BACK,
    SIDEWALK,
    TERRAIN,
    Strip,
    Thing,
)


def sample_side(rng: random.Random, kerb: float, side: int) -> tuple[list[Strip], float]:
    """Bands from the kerb outwards on one side and the X of the line of buildings."""
    strips, edge = [], kerb
    layout = rng.choice(("walk", "verge walk", "verge walk", "walk verge", "walk verge", "verge"))
    for band in layout.split():
        label = SIDEWALK if band == "walk" else TERRAIN
        outer = edge + side * (rng.uniform(2.0, 3.6) if band == "walk" else rng.uniform(1.8, 4.2))
        strips.append(Strip(label, min(edge, outer), max(edge, outer)))
        edge = outer
    return strips, edge


def sample_line(rng: random.Random, line: float, crossing: float | None) -> list[Thing]:
    """Buildings, walls, fences and gardens along one side, from near to far."""
    things, z, side = [], NEAREST, (1 if line > 0 else -1)
    while z < 75.0:
        length = rng.uniform(5.0, 12.0)
        if crossing and z < crossing + 5.0 and z + length > crossing - 5.0:
            length = crossing - 5.0 - z
            if length < 2.5:
                z = crossing + 5.0
                continue
        kind = rng.choices(
            ("building", "shop", "wall", "fence", "garden"),
            (20, 16, 24, 32, 12) if z < 40.0 else (40, 10, 0, 0, 10),
        )[0]
        centre = z + length / 2
        if kind in ("building", "shop"):
            depth = rng.uniform(6.0, 10.0)
            things.append(
                Thing(
                    kind,
                    line + side * depth / 2,
                    centre,
                    depth,
                    rng.uniform(6.0, 17.0),
                    length,
                    layer=FRONT_LINE,
                    shape=rng.getrandbits(30),
                )
            )
        else:
            if kind != "garden":
                tall = rng.uniform(1.8, 2.7) if kind == "wall" else rng.uniform(1.7, 2.5)
                things.append(
                    Thing(
                        kind,
                        line,
                        centre,
                        0.3,
                        tall,
                        length,
                        layer=FRONT_LINE,
                        shape=rng.getrandbits(30),
                    )
                )
            things += _sample_yard(rng, line, side, z, length, kind)
        z += length
    return things


def _sample_yard(
    rng: random.Random, line: float, side: int, z: float, length: float, kind: str
) -> list[Thing]:
    """What stands behind a wall, behind a fence or in an open garden."""
    things = []
    if z < 45.0 and rng.random() < 0.55:
        depth = rng.uniform(6.0, 9.0)
        things.append(
            Thing(
                "building",
                line + side * (rng.uniform(4.0, 8.0) + depth / 2),
                z + length / 2,
                depth,
                rng.uniform(5.0, 10.0),
                length * 0.9,
                layer=SET_BACK,
                shape=rng.getrandbits(30),
            )
        )
    for _ in range(rng.randint(1, 2) if z < 45.0 else 1):
        tall = rng.uniform(4.0, 8.5)
        things.append(
            Thing(
                "tree",
                line + side * rng.uniform(2.0, 4.0),
                z + rng.uniform(0.2, 0.8) * length,
                tall * rng.uniform(0.6, 0.8),
                tall,
                layer=SET_BACK,
                shape=rng.getrandbits(30),
            )
        )
    for _ in range(2 if kind == "garden" else 0):
        things.append(
            Thing(
                "bush",
                line + side * rng.uniform(0.3, 1.6),
                z + rng.uniform(0.1, 0.9) * length,
                rng.uniform(1.6, 3.0),
                rng.uniform(1.0, 1.8),
                layer=FRONT_LINE,
                shape=rng.getrandbits(30),
            )
        )
    return things


def sample_backdrop(rng: random.Random) -> list[Thing]:
    """Far skyline at the end of the street: houses and trees at about a hundred metres."""
    things = []
    for x in range(-78, 79, 12):
        shape, centre = rng.getrandbits(30), x + rng.uniform(-3, 3)
        if rng.random() < 0.55:
            things.append(
                Thing(
                    "skyline",
                    centre,
                    rng.uniform(90, 115),
                    rng.uniform(11, 17),
                    rng.uniform(7, 20),
                    6.0,
                    layer=BACKDROP,
                    shape=shape,
                )
            )
        else:
            things.append(
                Thing(
                    "bush",
                    centre,
                    rng.uniform(80, 100),
                    rng.uniform(13, 20),
                    rng.uniform(5, 10),
                    layer=BACKDROP,
                    shape=shape,
                )
            )
    return things


def sample_clouds(
    rng: random.Random, horizon: float
) -> Iterator[tuple[float, float, float, float]]:
    """Ellipses of up to five clouds (centre x, centre y, radius x, radius y), picture shares."""
    for _ in range(rng.choice((0, 2, 3, 4, 5))):
        x, y, size = (
            rng.uniform(-0.1, 1.1),
            rng.uniform(0.0, horizon * 0.75),
            rng.uniform(0.06, 0.13),
        )
        for _ in range(rng.randint(5, 9)):
            radius = size * rng.uniform(0.3, 0.75)
            yield (
                x + rng.uniform(-1.2, 1.2) * size,
                y + rng.uniform(-0.5, 0.35) * size,
                radius,
                radius * 0.75,
            )
