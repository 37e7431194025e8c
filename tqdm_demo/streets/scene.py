"""A street as numbers: what stands where, independent of any picture size, sampled from a seed.

World axes in metres: X to the right, Y up from the ground, Z forward; the camera looks along Z from (0, height, 0).
Painting (``painter.py``) turns a scene into pixels; the same scene can be painted at any size and in any palette.
"""

import random
from dataclasses import dataclass

import numpy as np

ROAD, SIDEWALK, BUILDING, WALL, FENCE, POLE, TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION, TERRAIN = range(10)
SKY, PERSON, RIDER, CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE = range(10, 19)

NEAREST, FARTHEST = 1.2, 120.0
BACKDROP, SET_BACK, FRONT_LINE, STREET = range(4)  # layers, painted in this order
VEHICLES = {
    "car": (1.85, 1.5, 4.3), "taxi": (1.85, 1.5, 4.3), "van": (1.95, 2.0, 4.8), "truck": (2.5, 3.5, 8.0),
    "bus": (2.55, 3.2, 10.5), "tram": (2.55, 3.6, 17.0),
}  # width, height, length in metres


@dataclass(frozen=True)
class Camera:
    """Pinhole camera: ``horizon`` in picture heights from the top, ``vanish`` and ``focal`` in picture widths."""

    horizon: float
    vanish: float
    focal: float
    height: float


@dataclass(frozen=True)
class Strip:
    """A band of ground along the road between two X positions (metres)."""

    label: int
    left: float
    right: float


@dataclass(frozen=True)
class Thing:
    """One object: kind, ground position of its centre, size (metres), yaw (degrees, 0 = faces away) and a shape seed."""

    kind: str
    x: float
    z: float
    width: float
    height: float
    length: float = 0.4
    yaw: float = 0.0
    layer: int = STREET
    shape: int = 0


@dataclass(frozen=True)
class Scene:
    """Everything that a painting needs. ``sun`` is the direction towards the sun (X, Y, Z), ``clouds`` are ellipses
    (centre x, centre y, radius x, radius y) in picture widths and heights; ``things`` are ordered far to near."""

    seed: int
    camera: Camera
    road: tuple[float, float]
    strips: tuple[Strip, ...]
    crossing: float | None
    crosswalk: float | None
    rails: float | None
    sun: tuple[float, float, float]
    clouds: tuple[tuple[float, float, float, float], ...]
    things: tuple[Thing, ...]


def sample_scene(seed: int) -> Scene:
    """Sample a street; the same seed always gives the same scene.

    Args:
        seed: any integer >= 0.

    Raises:
        ValueError: if the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}")
    rng = random.Random(seed)
    camera = Camera(rng.uniform(0.40, 0.50), rng.uniform(0.34, 0.66), rng.uniform(0.62, 0.80), rng.uniform(1.35, 2.3))
    road = (-rng.uniform(4.2, 6.8), rng.uniform(2.3, 4.2))
    crossing = rng.uniform(15.0, 23.0) if rng.random() < 0.55 else None
    crosswalk = None
    if rng.random() < 0.65:
        crosswalk = crossing - 6.5 if crossing else rng.uniform(6.0, 14.0)
    left_strips, left_line = _sample_side(rng, road[0], -1)
    right_strips, right_line = _sample_side(rng, road[1], 1)
    things = _sample_line(rng, left_line, crossing) + _sample_line(rng, right_line, crossing)
    things += _sample_backdrop(rng)
    placed = _Placement(camera)
    traffic, rails = _sample_traffic(rng, road, crossing, placed)
    things += traffic + _sample_pavement(rng, road, (left_line, right_line), crosswalk, placed)
    side = rng.choice((-1.0, 1.0))
    sun = (side * rng.uniform(0.45, 0.8), rng.uniform(0.45, 0.75), rng.uniform(-0.6, 0.25))
    clouds = tuple(_sample_clouds(rng, camera.horizon))
    ordered = tuple(_order(placed.visible(things), crossing))
    return Scene(seed, camera, road, (*left_strips, *right_strips), crossing, crosswalk, rails, sun, clouds, ordered)


def _sample_side(rng: random.Random, kerb: float, side: int) -> tuple[list[Strip], float]:
    """Bands from the kerb outwards on one side and the X of the line of buildings."""
    strips, edge = [], kerb
    layout = rng.choice(("walk", "verge walk", "verge walk", "walk verge", "walk verge", "verge"))
    for band in layout.split():
        label = SIDEWALK if band == "walk" else TERRAIN
        outer = edge + side * (rng.uniform(2.0, 3.6) if band == "walk" else rng.uniform(1.8, 4.2))
        strips.append(Strip(label, min(edge, outer), max(edge, outer)))
        edge = outer
    return strips, edge


def _sample_line(rng: random.Random, line: float, crossing: float | None) -> list[Thing]:
    """Buildings, walls, fences and gardens along one side, from near to far."""
    things, z, side = [], NEAREST, (1 if line > 0 else -1)
    while z < 75.0:
        length = rng.uniform(5.0, 12.0)
        if crossing and z < crossing + 5.0 and z + length > crossing - 5.0:
            length = crossing - 5.0 - z
            if length < 2.5:
                z = crossing + 5.0
                continue
        kind = rng.choices(("building", "shop", "wall", "fence", "garden"), (20, 16, 24, 32, 12) if z < 40.0 else (40, 10, 0, 0, 10))[0]
        centre = z + length / 2
        if kind in ("building", "shop"):
            depth = rng.uniform(6.0, 10.0)
            things.append(Thing(kind, line + side * depth / 2, centre, depth, rng.uniform(6.0, 17.0), length,
                                layer=FRONT_LINE, shape=rng.getrandbits(30)))
        else:
            if kind != "garden":
                tall = rng.uniform(1.8, 2.7) if kind == "wall" else rng.uniform(1.7, 2.5)
                things.append(Thing(kind, line, centre, 0.3, tall, length, layer=FRONT_LINE,
                                    shape=rng.getrandbits(30)))
            things += _sample_yard(rng, line, side, z, length, kind)
        z += length
    return things


def _sample_yard(rng: random.Random, line: float, side: int, z: float, length: float, kind: str) -> list[Thing]:
    """What stands behind a wall, behind a fence or in an open garden."""
    things = []
    if z < 45.0 and rng.random() < 0.55:
        depth = rng.uniform(6.0, 9.0)
        things.append(Thing("building", line + side * (rng.uniform(4.0, 8.0) + depth / 2), z + length / 2, depth,
                            rng.uniform(5.0, 10.0), length * 0.9, layer=SET_BACK, shape=rng.getrandbits(30)))
    for _ in range(rng.randint(1, 2) if z < 45.0 else 1):
        tall = rng.uniform(4.0, 8.5)
        things.append(Thing("tree", line + side * rng.uniform(2.0, 4.0), z + rng.uniform(0.2, 0.8) * length,
                            tall * rng.uniform(0.6, 0.8), tall, layer=SET_BACK, shape=rng.getrandbits(30)))
    for _ in range(2 if kind == "garden" else 0):
        things.append(Thing("bush", line + side * rng.uniform(0.3, 1.6), z + rng.uniform(0.1, 0.9) * length,
                            rng.uniform(1.6, 3.0), rng.uniform(1.0, 1.8), layer=FRONT_LINE, shape=rng.getrandbits(30)))
    return things


def _sample_backdrop(rng: random.Random) -> list[Thing]:
    """Far skyline at the end of the street: houses and trees at about a hundred metres."""
    things = []
    for x in range(-78, 79, 12):
        shape, centre = rng.getrandbits(30), x + rng.uniform(-3, 3)
        if rng.random() < 0.55:
            things.append(Thing("skyline", centre, rng.uniform(90, 115), rng.uniform(11, 17), rng.uniform(7, 20), 6.0,
                                layer=BACKDROP, shape=shape))
        else:
            things.append(Thing("bush", centre, rng.uniform(80, 100), rng.uniform(13, 20), rng.uniform(5, 10),
                                layer=BACKDROP, shape=shape))
    return things


def _sample_traffic(rng, road, crossing, placed) -> tuple[list[Thing], float | None]:
    """Vehicles on the road; returns them and the X of the tram rails (along the road), if any."""
    left, right = road
    lanes = {"parked right": right - 1.05, "own": min(0.0, right - 3.2), "oncoming": left * 0.5,
             "parked left": left + 1.05}
    things, rails = [], None
    if crossing and rng.random() < 0.85:
        kind = rng.choice(("tram", "tram", "tram", "bus", "bus", "truck"))
        yaw = rng.choice((90.0, -90.0))
        things += placed.put(_vehicle(rng, kind, rng.uniform(-6.0, 6.0), crossing, yaw))
    wanted = ["tram"] * (rng.random() < 0.45) + ["truck"] * (rng.random() < 0.72) + ["bus"] * (rng.random() < 0.72)
    rng.shuffle(wanted)  # what is large takes its place first
    wanted += ["motorcyclist"] * (rng.random() < 0.66) + ["cyclist"] * (rng.random() < 0.6)
    wanted += [rng.choice(("car", "car", "car", "car", "taxi", "van")) for _ in range(rng.randint(2, 3))]
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


def _sample_pavement(rng, road, lines, crosswalk, placed) -> list[Thing]:
    """People, parked two-wheelers, poles, lights, signs and street trees beside the road."""
    wanted = ["person"] * rng.choice((1, 2, 2, 3, 4)) + ["traffic light"] * rng.choice((0, 1, 1, 1, 2))
    wanted += ["traffic sign"] * rng.choice((0, 1, 1, 1, 2)) + ["lamp"] * rng.choice((0, 1, 2))
    wanted += ["bicycle"] * (rng.random() < 0.5) + ["motorcycle"] * (rng.random() < 0.36)
    wanted += ["tree"] * rng.choice((0, 1, 1, 2)) + ["bush"] * rng.choice((0, 1, 1))
    rng.shuffle(wanted)
    things = []
    for _ in range(rng.choice((0, 1, 1, 2))):
        distance = max(crosswalk, 4.8) if crosswalk and rng.random() < 0.6 else rng.uniform(4.8, 8.0)
        things += placed.put(_person(rng, rng.uniform(road[0] * 0.6, road[1]), distance))
    for kind in wanted:
        for _ in range(5):
            side = rng.choice((-1, 1))
            kerb, line = (road[0], lines[0]) if side < 0 else (road[1], lines[1])
            across = rng.uniform(0.2, 0.7) if kind in ("person", "bicycle", "motorcycle", "bush") else 0.12
            x = kerb + (line - kerb) * across
            z = placed.nearest(x, 4.3 if kind in ("tree", "lamp") else 2.9 if kind == "traffic sign" else 3.9)
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
                things += placed.put(_furniture(rng, kind, kerb + side * 0.6, z + rng.uniform(0, 6)))
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
    tall = {"lamp": rng.uniform(5.0, 6.5), "traffic light": rng.uniform(3.2, 4.2), "traffic sign": rng.uniform(2.5, 3.2)}
    return Thing(kind, x, z, 1.0, tall[kind], shape=shape)


def _person(rng: random.Random, x: float, z: float) -> Thing:
    tall = rng.uniform(1.6, 1.95) if rng.random() < 0.85 else rng.uniform(1.15, 1.45)
    return Thing("person", x, z, tall * 0.42, tall, yaw=rng.choice((0.0, 180.0)), shape=rng.getrandbits(30))


def _two_wheeler(rng: random.Random, kind: str, x: float, z: float) -> Thing:
    """Bicycle or motorcycle, with or without rider, seen rather from the side (``width`` is the apparent length)."""
    length = (1.85 if kind in ("bicycle", "cyclist") else 2.15) * rng.uniform(0.72, 1.0)
    height = {"bicycle": 1.1, "motorcycle": 1.2, "cyclist": 1.85, "motorcyclist": 1.75}[kind]
    return Thing(kind, x, z, length, height, yaw=rng.choice((0.0, 180.0)), shape=rng.getrandbits(30))


def _vehicle(rng: random.Random, kind: str, x: float, z: float, yaw: float) -> Thing:
    width, height, length = VEHICLES[kind]
    return Thing(kind, x, z, width, height * rng.uniform(0.95, 1.06), length * rng.uniform(0.95, 1.06), yaw=yaw,
                 shape=rng.getrandbits(30))


def _sample_clouds(rng: random.Random, horizon: float):
    for _ in range(rng.choice((0, 2, 3, 4, 5))):
        x, y, size = rng.uniform(-0.1, 1.1), rng.uniform(0.0, horizon * 0.75), rng.uniform(0.06, 0.13)
        for _ in range(rng.randint(5, 9)):
            radius = size * rng.uniform(0.3, 0.75)
            yield x + rng.uniform(-1.2, 1.2) * size, y + rng.uniform(-0.5, 0.35) * size, radius, radius * 0.75


class _Placement:
    """Keeps footprints apart and drops what would hardly be seen."""

    def __init__(self, camera: Camera):
        self.camera = camera
        self.footprints: list[tuple[float, float, float, float]] = []

    def put(self, thing: Thing) -> list[Thing]:
        """The thing in a list, or an empty list where its place is taken."""
        across = abs(thing.yaw) == 90.0
        wide, deep = (thing.length, thing.width) if across else (thing.width, thing.length)
        if thing.kind in ("tree", "lamp", "traffic light", "traffic sign"):
            wide = deep = 0.8
        box = (thing.x - wide / 2 - 0.2, thing.x + wide / 2 + 0.2, thing.z - deep / 2 - 0.5, thing.z + deep / 2 + 0.5)
        taken = any(box[0] < o[1] and o[0] < box[1] and box[2] < o[3] and o[2] < box[3] for o in self.footprints)
        if taken or box[2] < 3.2:
            return []
        self.footprints.append(box)
        return [thing]

    def nearest(self, x: float, height: float) -> float:
        """The distance from which on something at X with this height lies inside the picture (at least 4.5 m)."""
        camera = self.camera
        across = (0.95 - camera.vanish) if x > 0 else (camera.vanish - 0.05)
        above = 2.0 * camera.focal * (height - camera.height) / (camera.horizon - 0.03)
        return max(4.5, camera.focal * abs(x) / across, above)

    def visible(self, things: list[Thing]) -> list[Thing]:
        """Those of which enough is seen past nearer things on the street (estimated on a grid of 128 x 64 cells)."""
        covered, kept = np.zeros((64, 128), bool), []
        for thing in sorted(things, key=lambda t: t.z - _depth_extent(t) / 2):
            if thing.layer != STREET:
                kept.append(thing)
                continue
            x0, x1, y0, y1 = self._cells(thing)
            cells = covered[y0:y1, x0:x1]
            free = cells.size - int(cells.sum())
            if cells.size and free >= 22 and free >= 0.3 * cells.size:
                kept.append(thing)
                if thing.kind not in ("tree", "lamp", "traffic light", "traffic sign"):
                    cells[:] = True
        return kept

    def _cells(self, thing: Thing) -> tuple[int, int, int, int]:
        camera, near = self.camera, max(thing.z - _depth_extent(thing) / 2, 2.0)
        scale = camera.focal * 128 / near
        half = (thing.length if abs(thing.yaw) == 90.0 else thing.width) / 2
        x = camera.vanish * 128
        y = camera.horizon * 64
        edges = (x + scale * (thing.x - half), x + scale * (thing.x + half),
                 y - scale * (thing.height - camera.height), y + scale * camera.height)
        x0, x1 = (min(max(int(edge), 0), 128) for edge in edges[:2])
        y0, y1 = (min(max(int(edge), 0), 64) for edge in edges[2:])
        return x0, x1, y0, y1


def _depth_extent(thing: Thing) -> float:
    return thing.width if abs(thing.yaw) == 90.0 else thing.length


def _order(things: list[Thing], crossing: float | None) -> list[Thing]:
    """Far to near. What lies nearer the road's axis hides what stands further out, whatever the distance, except that
    a vehicle on the crossing street hides everything beyond it."""
    def key(thing: Thing):
        if crossing and abs(thing.yaw) == 90.0:
            return 0, STREET + 1, -thing.z
        return int(crossing is not None and thing.z < crossing), thing.layer, -(thing.z - _depth_extent(thing) / 2)
    return sorted(things, key=key)
