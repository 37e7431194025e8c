"""Where things may stand: footprints kept apart, and what would hardly be seen left out."""

import numpy as np

from tqdm_demo.streets.scene.world import STREET, Camera, Thing, depth_extent


class Placement:
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
        box = (
            thing.x - wide / 2 - 0.2,
            thing.x + wide / 2 + 0.2,
            thing.z - deep / 2 - 0.5,
            thing.z + deep / 2 + 0.5,
        )
        taken = any(
            box[0] < o[1] and o[0] < box[1] and box[2] < o[3] and o[2] < box[3]
            for o in self.footprints
        )
        if taken or box[2] < 3.2:
            return []
        self.footprints.append(box)
        return [thing]

    def nearest(self, x: float, height: float) -> float:
        """The distance from which on something at X with this height lies inside the picture (at
        least 4.5 m)."""
        camera = self.camera
        across = (0.95 - camera.vanish) if x > 0 else (camera.vanish - 0.05)
        above = 2.0 * camera.focal * (height - camera.height) / (camera.horizon - 0.03)
        return max(4.5, camera.focal * abs(x) / across, above)

    def visible(self, things: list[Thing]) -> list[Thing]:
        """Those of which enough is seen past nearer things on the street (estimated on a grid of
        128 x 64 cells)."""
        covered, kept = np.zeros((64, 128), bool), []
        for thing in sorted(things, key=lambda t: t.z - depth_extent(t) / 2):
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
        camera, near = self.camera, max(thing.z - depth_extent(thing) / 2, 2.0)
        scale = camera.focal * 128 / near
        half = (thing.length if abs(thing.yaw) == 90.0 else thing.width) / 2
        x = camera.vanish * 128
        y = camera.horizon * 64
        edges = (
            x + scale * (thing.x - half),
            x + scale * (thing.x + half),
            y - scale * (thing.height - camera.height),
            y + scale * camera.height,
        )
        x0, x1 = (min(max(int(edge), 0), 128) for edge in edges[:2])
        y0, y1 = (min(max(int(edge), 0), 64) for edge in edges[2:])
        return x0, x1, y0, y1
