"""A street as numbers: what stands where, independent of any picture size, sampled from a seed.

Painting (``painter.py``) turns a scene into pixels; the same scene can be painted at any size and
in any palette. The axes are those of ``world.py``.
"""

import random

from tqdm_demo.streets.scene.placement import Placement
from tqdm_demo.streets.scene.roadside import (
    sample_backdrop,
    sample_clouds,
    sample_line,
    sample_side,
)
from tqdm_demo.streets.scene.traffic import sample_pavement, sample_traffic
from tqdm_demo.streets.scene.world import STREET, Camera, Scene, Strip, Thing, depth_extent

__all__ = ["Camera", "Scene", "Strip", "Thing", "sample_scene"]


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
    camera = Camera(
        rng.uniform(0.40, 0.50),
        rng.uniform(0.34, 0.66),
        rng.uniform(0.62, 0.80),
        rng.uniform(1.35, 2.3),
    )
    road = (-rng.uniform(4.2, 6.8), rng.uniform(2.3, 4.2))
    crossing = rng.uniform(15.0, 23.0) if rng.random() < 0.55 else None
    crosswalk = None
    if rng.random() < 0.65:
        crosswalk = crossing - 6.5 if crossing else rng.uniform(6.0, 14.0)
    left_strips, left_line = sample_side(rng, road[0], -1)
    right_strips, right_line = sample_side(rng, road[1], 1)
    things = sample_line(rng, left_line, crossing) + sample_line(rng, right_line, crossing)
    things += sample_backdrop(rng)
    placed = Placement(camera)
    traffic, rails = sample_traffic(rng, road, crossing, placed)
    things += traffic + sample_pavement(rng, road, (left_line, right_line), crosswalk, placed)
    side = rng.choice((-1.0, 1.0))
    sun = (side * rng.uniform(0.45, 0.8), rng.uniform(0.45, 0.75), rng.uniform(-0.6, 0.25))
    clouds = tuple(sample_clouds(rng, camera.horizon))
    ordered = tuple(_order(placed.visible(things), crossing))
    return Scene(
        seed,
        camera,
        road,
        (*left_strips, *right_strips),
        crossing,
        crosswalk,
        rails,
        sun,
        clouds,
        ordered,
    )


def _order(things: list[Thing], crossing: float | None) -> list[Thing]:
    """Far to near. What lies nearer the road's axis hides what stands further out, whatever the
    distance, except that a vehicle on the crossing street hides everything beyond it."""

    def key(thing: Thing) -> tuple[int, int, float]:
        if crossing and abs(thing.yaw) == 90.0:
            return 0, STREET + 1, -thing.z
        return (
            int(crossing is not None and thing.z < crossing),
            thing.layer,
            -(thing.z - depth_extent(thing) / 2),
        )

    return sorted(things, key=key)
