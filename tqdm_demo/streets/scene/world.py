"""The world of the drawn streets: class numbers, sizes and the parts of a scene.

World axes in metres: X to the right, Y up from the ground, Z forward; the camera looks along Z
from (0, height, 0).
"""

from dataclasses import dataclass

Point = tuple[float, float]  # pixels, or X and Z in metres
Point3 = tuple[float, float, float]

ROAD, SIDEWALK, BUILDING, WALL, FENCE, POLE = range(6)
TRAFFIC_LIGHT, TRAFFIC_SIGN, VEGETATION, TERRAIN, SKY = range(6, 11)
PERSON, RIDER, CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE = range(11, 19)

NEAREST, FARTHEST = 1.2, 120.0
BACKDROP, SET_BACK, FRONT_LINE, STREET = range(4)  # layers, painted in this order
VEHICLES = {
    "car": (1.85, 1.5, 4.3),
    "taxi": (1.85, 1.5, 4.3),
    "van": (1.95, 2.0, 4.8),
    "truck": (2.5, 3.5, 8.0),
    "bus": (2.55, 3.2, 10.5),
    "tram": (2.55, 3.6, 17.0),
}  # width, height, length in metres


@dataclass(frozen=True)
class Camera:
    """Pinhole camera.

    Attributes:
        horizon: picture heights from the top.
        vanish: where the road vanishes, picture widths from the left.
        focal: picture widths.
        height: metres above the ground.
    """

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
    """One object.

    Attributes:
        kind: a key of ``VEHICLES`` or what ``painter`` knows by name ("tree", "cyclist", ...).
        x: of its centre on the ground (metres), as ``z``.
        width: across, ``height`` up, ``length`` along its own axis (metres).
        yaw: degrees; 0 faces away from the camera, 90 to the right.
        layer: BACKDROP, SET_BACK, FRONT_LINE or STREET.
        shape: seed of everything else about it.
    """

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
    """Everything that a painting needs.

    Attributes:
        seed: what it was sampled from.
        camera: the point of view.
        road: X of its left and of its right edge (metres).
        strips: bands of pavement and grass beside the road.
        crossing: Z of a street that crosses, if any.
        crosswalk: Z of the striped crossing for people, if any.
        rails: X of the tram rails along the road, if any.
        sun: direction towards the sun (X, Y, Z).
        clouds: ellipses (centre x, centre y, radius x, radius y), shares of the picture.
        things: ordered as they are painted, far to near.
    """

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


def depth_extent(thing: Thing) -> float:
    """How far the thing reaches along Z (metres)."""
    return thing.width if abs(thing.yaw) == 90.0 else thing.length
