"""Sky with sun and soft clouds; road, markings, rails, pavements, grass and their shadows."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tqdm_demo.streets.canvas import ASPHALT, GRASS, GROUND, PAVING, Canvas
from tqdm_demo.streets.scene.palette import Colour, Palette, shade
from tqdm_demo.streets.scene.world import (
    FARTHEST,
    NEAREST,
    ROAD,
    SIDEWALK,
    SKY,
    TERRAIN,
    Point,
    Scene,
    Thing,
)

_NEAR = NEAREST * 0.6
_MATERIAL = {ROAD: ASPHALT, SIDEWALK: PAVING, TERRAIN: GRASS}


def draw_sky(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Fill the whole picture with sky; the surface map's number 0."""
    canvas.surface(SKY, value=1000.0)
    wide = min(max(canvas.width // 2, 64), 512)
    tall = wide // 2
    rows = np.linspace(0.0, 1.0 / scene.camera.horizon, tall, dtype=np.float32)
    share = np.clip(rows, 0.0, 1.0)[:, None, None] ** 1.2
    zenith, horizon = (np.array(c, np.float32) for c in (palette.zenith, palette.horizon))
    sky = np.broadcast_to(zenith * (1 - share) + horizon * share, (tall, wide, 3)).copy()
    x = np.linspace(0.0, 1.0, wide, dtype=np.float32)[None, :]
    y = np.linspace(0.0, 1.0, tall, dtype=np.float32)[:, None]
    sun_x = 0.5 + scene.sun[0] * 0.75
    glow = np.exp(-(((x - sun_x) ** 2) * 6 + ((y - 0.08) ** 2) * 10))[..., None]
    sky += (np.array([255, 246, 214], np.float32) - sky) * glow * 0.55
    if scene.clouds:
        body, top = _cloud_masks(scene, wide, tall)
        cloud = np.array(palette.cloud, np.float32)
        sky += (cloud * 0.86 + horizon * 0.06 - sky) * body[..., None] * 0.75
        sky += (cloud - sky) * top[..., None] * 0.8
    canvas.paste_background(Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8)))


def _cloud_masks(scene: Scene, wide: int, tall: int) -> tuple[np.ndarray, np.ndarray]:
    """Soft masks (tall, wide) in [0, 1] of whole clouds and of their lit upper sides."""
    masks = []
    for lift, share in ((0.0, 1.0), (0.28, 0.74)):
        mask = Image.new("L", (wide, tall), 0)
        draw = ImageDraw.Draw(mask)
        for x, y, radius_x, radius_y in scene.clouds:
            shift = -0.1 * radius_x if scene.sun[0] < 0 else 0.1 * radius_x
            cx, cy, rx, ry = (
                x + shift * (share < 1),
                y - lift * radius_y,
                radius_x * share,
                radius_y * share,
            )
            draw.ellipse(
                ((cx - rx) * wide, (cy - ry) * tall, (cx + rx) * wide, (cy + ry) * tall), fill=255
            )
        masks.append(np.asarray(mask.filter(ImageFilter.GaussianBlur(wide / 90)), np.float32) / 255)
    return masks[0], masks[1]


def draw_ground(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Grass to the horizon, then the strips, the road, the crossing street and what is painted on
    them."""
    terrain = shade(palette.pick("terrain", 1), 1.0)
    _quad(canvas, -400, 400, _NEAR, 900.0, terrain, canvas.surface(TERRAIN, GRASS, GROUND))
    for strip in scene.strips:
        colour = palette.pick("sidewalk" if strip.label == SIDEWALK else "terrain", 1)
        surface = canvas.surface(strip.label, _MATERIAL[strip.label], GROUND)
        _quad(canvas, strip.left, strip.right, _NEAR, FARTHEST, colour, surface)
    road, asphalt = canvas.surface(ROAD, ASPHALT, GROUND), palette.pick("road", 1)
    left, right = scene.road
    _quad(canvas, left, right, _NEAR, FARTHEST, asphalt, road)
    if scene.crossing:
        walk = canvas.surface(SIDEWALK, PAVING, GROUND)
        for near, far in (
            (scene.crossing - 5.0, scene.crossing - 3.6),
            (scene.crossing + 3.6, scene.crossing + 5.0),
        ):
            for start, end in ((-60, left), (right, 60)):
                _quad(canvas, start, end, near, far, palette.pick("sidewalk", 1), walk)
        _quad(canvas, -60, 60, scene.crossing - 3.6, scene.crossing + 3.6, asphalt, road)
    _kerbs(canvas, scene, palette)
    _markings(canvas, scene, palette.pick("marking", 1))
    _rails(canvas, scene)


def _quad(
    canvas: Canvas,
    left: float,
    right: float,
    near: float,
    far: float,
    colour: Colour,
    surface: int | None = None,
) -> None:
    canvas.world_polygon(
        [(left, 0, near), (right, 0, near), (right, 0, far), (left, 0, far)], colour, surface
    )


def _kerbs(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    colour = palette.pick("kerb", 1)
    gaps = [(_NEAR, FARTHEST)]
    if scene.crossing:
        gaps = [(_NEAR, scene.crossing - 3.6), (scene.crossing + 3.6, FARTHEST)]
    for near, far in gaps:
        for x, out in ((scene.road[0], -1), (scene.road[1], 1)):
            _quad(canvas, x, x + out * 0.22, near, far, colour)
            _quad(canvas, x, x - out * 0.09, near, far, shade(colour, 0.5))


def _markings(canvas: Canvas, scene: Scene, colour: Colour) -> None:
    """Dashed centre line, edge lines, crosswalk stripes and the stop line before them."""
    left, right = scene.road
    middle = min(0.0, right - 3.2) / 2 + left * 0.25
    z = 2.0
    while z < 70:
        inside = scene.crossing and scene.crossing - 5 < z < scene.crossing + 4
        if not inside and not (
            scene.crosswalk and scene.crosswalk - 3.5 < z + 1 < scene.crosswalk + 2.5
        ):
            _quad(canvas, middle - 0.09, middle + 0.09, z, z + 2.2, colour)
        z += 4.4
    if not scene.crosswalk:
        return
    x = left + 0.35
    while x < right - 0.5:
        _quad(canvas, x, x + 0.55, scene.crosswalk - 1.4, scene.crosswalk + 1.4, colour)
        x += 1.1
    _quad(canvas, middle + 0.2, right - 0.2, scene.crosswalk - 2.7, scene.crosswalk - 2.3, colour)


def _rails(canvas: Canvas, scene: Scene) -> None:
    """Bright steel in a dark groove, along the road and, under a crossing tram, across it."""
    steel, groove = (186, 188, 194), (66, 66, 72)
    if scene.rails is not None:
        for x in (scene.rails - 0.72, scene.rails + 0.72):
            _quad(canvas, x - 0.12, x + 0.12, _NEAR, FARTHEST, groove)
            _quad(canvas, x - 0.06, x + 0.06, _NEAR, FARTHEST, steel)
    if any(t.kind == "tram" and abs(t.yaw) == 90.0 for t in scene.things):
        for z in (scene.crossing - 0.75, scene.crossing + 0.75):
            _quad(canvas, -60, 60, z - 0.12, z + 0.12, groove)
            _quad(canvas, -60, 60, z - 0.06, z + 0.06, steel)


def cast_shadow(canvas: Canvas, thing: Thing, sun: tuple[float, float, float]) -> None:
    """The thing's shadow on the ground: its footprint swept away from the sun, and a darker patch
    right under it."""
    reach = min(thing.height, 9.0) / max(sun[1], 0.3)
    dx, dz = -sun[0] * reach, -sun[2] * reach
    wide, deep = thing.width / 2, thing.length / 2
    if abs(thing.yaw) == 90.0:
        wide, deep = deep, wide
    if thing.kind in ("tree", "lamp", "traffic light", "traffic sign"):
        thin = 0.16
        canvas.shadow(_hull(thing.x, thing.z, thin, thin, dx * 0.5, dz * 0.5), 150)
        if thing.kind == "tree":
            _crown_shadow(canvas, thing, dx * 0.62, dz * 0.62)
        return
    canvas.shadow(_hull(thing.x, thing.z, wide, deep, dx, dz), 170)
    if thing.kind not in ("building", "shop", "wall", "fence", "person"):
        canvas.shadow(_hull(thing.x, thing.z, wide * 1.02, deep * 1.02, 0.0, 0.0), 235)


def _crown_shadow(canvas: Canvas, thing: Thing, dx: float, dz: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    radius = thing.width / 2
    canvas.shadow(
        [(thing.x + dx + radius * np.cos(a), thing.z + dz + radius * np.sin(a)) for a in angles],
        150,
    )


def _hull(
    x: float, z: float, wide: float, deep: float, dx: float, dz: float
) -> list[tuple[float, float]]:
    """Convex hull of a rectangle and its shifted copy, (X, Z) points in order around it."""
    corners = [
        (x - wide, z - deep),
        (x + wide, z - deep),
        (x + wide, z + deep),
        (x - wide, z + deep),
    ]
    points = sorted({*corners, *((a + dx, b + dz) for a, b in corners)})
    hull: list[tuple[float, float]] = []
    for chain in (points, points[::-1]):
        start = len(hull)
        for point in chain:
            while len(hull) - start >= 2 and _turn(hull[-2], hull[-1], point) <= 0:
                hull.pop()
            hull.append(point)
        hull.pop()
    return hull


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
