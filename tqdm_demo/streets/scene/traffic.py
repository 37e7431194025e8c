"""What moves and stands in the street, kept apart and in view: vehicles, people, poles, trees."""

import random

from tqdm_demo.streets.scene.placement import Placement
from tqdm_demo.streets.scene.world import VEHICLES, Thing


def sample_traffic(
    rng: random.Random, road: tuple[float, float], crossing: float | None, placed: Placement
) -> tuple[list[Thing], float | None]:
    """Vehicles on the road; returns them and the X of the tram rails (along the road), if any."""
    left, right = road
    lanes = {
        "parked right": right - 1.05,
        "own": min(0.0, right - 3.2),
        "oncoming": left * 0.5,
        "parked left": left + 1.05,
    }
    things, rails = [], None
    if crossing and rng.random() < 0.85:
        kind = rng.choice(("tram", "tram", "tram", "bus", "bus", "truck"))
        yaw = rng.choice((90.0, -90.0))
        things += placed.put(_vehicle(rng, kind, rng.uniform(-6.0, 6.0), crossing, yaw))
    wanted = (
        ["tram"] * (rng.random() < 0.45)
        + ["truck"] * (rng.random() < 0.72)
        + ["bus"] * (rng.random() < 0.72)
    )
    rng.shuffle(wanted)  # what is large takes its place first
    wanted += ["motorcyclist"] * (rng.random() < 0.66) + ["cyclist"] * (rng.random() < 0.6)
    wanted += [
        rng.choice(("car", "car", "car", "car", "taxi", "van")) for _ in range(rng.randint(2, 3))
    ]
    for kind in wanted:
        for _ in range(8):
            big = kind in ("tram", "truck", "bus")
            two_wheels = kind in ("motorcyclist", "cyclist")
            lane = rng.choice(("own", "oncoming") if big or two_wheels else tuple(lanes))
            lane = "oncoming" if kind == "tram" else lane
            near, far = (8.0, 24.0) if big else (4.6, 9.5) if two_wheels else (6.0, 19.0)
            length = VEHICLES[kind][2] if kind in VEHICLES else 2.0
            z = rng.uniform(near, far) + length / 2
            if lane == "own":
                z += 1.5
            yaw = 180.0 if lane in ("oncoming", "parked left") else 0.0
            x = lanes[lane] + rng.uniform(-0.25, 0.25)
            if two_wheels:
                x = lanes[lane] + rng.uniform(-1.2, 1.2)
                new = placed.put(_two_wheeler(rng, kind, x, z))
            else:
                new = placed.put(_vehicle(rng, kind, x, z, yaw + rng.uniform(-4, 4)))
            if new:
                things += new
                rails = lanes[lane] if kind == "tram" else rails
                break
    return things, rails


def sample_pavement(
    rng: random.Random,
    road: tuple[float, float],
    lines: tuple[float, float],
    crosswalk: float | None,
    placed: Placement,
) -> list[Thing]:
    """People, parked two-wheelers, poles, lights, signs and street trees beside the road."""
    wanted = ["person"] * rng.choice((1, 2, 2, 3, 4)) + ["traffic light"] * rng.choice(
        (0, 1, 1, 1, 2)
    )
    wanted += ["traffic sign"] * rng.choice((0, 1, 1, 1, 2)) + ["lamp"] * rng.choice((0, 1, 2))
    wanted += ["bicycle"] * (rng.random() < 0.5) + ["motorcycle"] * (rng.random() < 0.36)
    wanted += ["tree"] * rng.choice((0, 1, 1, 2)) + ["bush"] * rng.choice((0, 1, 1))
    rng.shuffle(wanted)
    things = []
    for _ in range(rng.choice((0, 1, 1, 2))):
        distance = (
            max(crosswalk, 4.8) if crosswalk and rng.random() < 0.6 else rng.uniform(4.8, 8.0)
        )
        things += placed.put(_person(rng, rng.uniform(road[0] * 0.6, road[1]), distance))
    for kind in wanted:
        for _ in range(5):
            side = rng.choice((-1, 1))
            kerb, line = (road[0], lines[0]) if side < 0 else (road[1], lines[1])
            across = (
                rng.uniform(0.2, 0.7)
                if kind in ("person", "bicycle", "motorcycle", "bush")
                else 0.12
            )
            x = kerb + (line - kerb) * across
            z = placed.nearest(
                x, 4.3 if kind in ("tree", "lamp") else 2.9 if kind == "traffic sign" else 3.9
            )
            if kind in ("person", "bicycle", "motorcycle", "bush"):
                z = placed.nearest(x, 0.0)
            new = placed.put(_furniture(rng, kind, x, z + rng.uniform(0.0, 4.0)))
            if new:
                things += new
                break
    for side, kerb in ((-1, road[0]), (1, road[1])):
        for z in range(18, 60, 14):
            if rng.random() < 0.6:
                kind = rng.choice(("lamp", "tree", "tree"))
                things += placed.put(
                    _furniture(rng, kind, kerb + side * 0.6, z + rng.uniform(0, 6))
                )
    return things


def _furniture(rng: random.Random, kind: str, x: float, z: float) -> Thing:
    if kind == "person":
        return _person(rng, x, z)
    if kind in ("bicycle", "motorcycle"):
        return _two_wheeler(rng, kind, x, z)
    shape = rng.getrandbits(30)
    if kind == "tree":
        tall = rng.uniform(4.5, 7.5)
        return Thing("tree", x, z + 2.0, tall * rng.uniform(0.5, 0.65), tall, shape=shape)
    if kind == "bush":
        return Thing("bush", x, z, rng.uniform(1.2, 2.2), rng.uniform(0.8, 1.4), shape=shape)
    tall = {
        "lamp": rng.uniform(5.0, 6.5),
        "traffic light": rng.uniform(3.2, 4.2),
        "traffic sign": rng.uniform(2.5, 3.2),
    }
    return Thing(kind, x, z, 1.0, tall[kind], shape=shape)


def _person(rng: random.Random, x: float, z: float) -> Thing:
    tall = rng.uniform(1.6, 1.95) if rng.random() < 0.85 else rng.uniform(1.15, 1.45)
    return Thing(
        "person", x, z, tall * 0.42, tall, yaw=rng.choice((0.0, 180.0)), shape=rng.getrandbits(30)
    )


def _two_wheeler(rng: random.Random, kind: str, x: float, z: float) -> Thing:
    """Bicycle or motorcycle, with or without rider, seen rather from the side (``width`` is the
    apparent length)."""
    length = (1.85 if kind in ("bicycle", "cyclist") else 2.15) * rng.uniform(0.72, 1.0)
    height = {"bicycle": 1.1, "motorcycle": 1.2, "cyclist": 1.85, "motorcyclist": 1.75}[kind]
    return Thing(
        kind, x, z, length, height, yaw=rng.choice((0.0, 180.0)), shape=rng.getrandbits(30)
    )


def _vehicle(rng: random.Random, kind: str, x: float, z: float, yaw: float) -> Thing:
    width, height, length = VEHICLES[kind]
    return Thing(
        kind,
        x,
        z,
        width,
        height * rng.uniform(0.95, 1.06),
        length * rng.uniform(0.95, 1.06),
        yaw=yaw,
        shape=rng.getrandbits(30),
    )
