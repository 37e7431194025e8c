import dataclasses

import numpy as np
import pytest

from tqdm_demo.streets.objects import plants
from tqdm_demo.streets.painter import Painting, paint_scene
from tqdm_demo.streets.scene.sampling import sample_scene
from tqdm_demo.streets.scene.world import SKY, TERRAIN, VEGETATION, VEHICLES, Thing

ROAD, SIDEWALK, PERSON, CAR, BUS = 0, 1, 11, 13, 15


@pytest.fixture(scope="module")
def paintings():
    return [paint_scene(sample_scene(seed)) for seed in range(60)]


def empty_street(seed=3, *things: Thing):
    return dataclasses.replace(sample_scene(seed), things=things, crossing=None)


def test_shapes_types_and_ranges():
    painting = paint_scene(sample_scene(1), (192, 96), variety=0.5, seed=4)
    assert isinstance(painting, Painting)
    assert painting.image.shape == (96, 192, 3) and painting.image.dtype == np.uint8
    assert painting.labels.shape == (96, 192) and painting.labels.dtype == np.uint8
    assert painting.depth.shape == (96, 192) and painting.depth.dtype == np.float32
    assert painting.lights.shape == (96, 192) and painting.lights.dtype == np.float32
    assert painting.labels.max() <= 18
    assert painting.lights.min() >= 0 and 0 < painting.lights.max() <= 1
    assert painting.depth.min() > 0.5 and np.isfinite(painting.depth).all()
    assert ((painting.depth == 1000.0) == (painting.labels == SKY)).all()


def test_every_class_is_frequent_and_big_enough(paintings):
    areas = np.stack([np.bincount(p.labels.ravel(), minlength=19) for p in paintings])
    present = (areas >= 30).mean(axis=0)
    assert present.min() >= 0.25, present.round(2)  # 0.35 and more over many scenes
    slivers = ((areas > 0) & (areas < 30)).mean(axis=0)
    assert slivers[PERSON:].max() <= 0.05
    assert areas.sum(axis=0).min() / areas.sum() > 0.003


def test_deterministic(paintings):
    again = paint_scene(sample_scene(5))
    for name in ("image", "labels", "depth", "lights"):
        assert np.array_equal(getattr(again, name), getattr(paintings[5], name))


def test_variety_changes_colours_only():
    scene = sample_scene(2)
    narrow, wide, other = (
        paint_scene(scene, variety=v, seed=s) for v, s in ((0, 0), (1, 0), (1, 9))
    )
    for name in ("labels", "depth", "lights"):
        assert np.array_equal(getattr(narrow, name), getattr(wide, name))
    assert (narrow.image != wide.image).mean() > 0.3
    assert (other.image != wide.image).mean() > 0.3


@pytest.mark.parametrize("seed", range(4))
def test_labels_agree_between_sizes(seed):
    scene = sample_scene(seed)
    small, large = paint_scene(scene, (256, 128)), paint_scene(scene, (768, 384))
    assert (small.labels == large.labels[1::3, 1::3]).mean() > 0.95


@pytest.mark.parametrize("size", [(16, 16), (97, 203), (640, 160)])
def test_any_size(size):
    painting = paint_scene(sample_scene(6), size)
    assert painting.labels.shape == size[::-1]


def test_an_empty_street_is_ground_and_sky_divided_by_the_horizon():
    scene = empty_street()
    painting = paint_scene(scene)
    horizon = round(scene.camera.horizon * 128)
    assert (painting.labels[: horizon - 1] == SKY).all()
    assert not (painting.labels[horizon + 1 :] == SKY).any()
    assert set(np.unique(painting.labels[horizon + 1 :])) <= {ROAD, SIDEWALK, TERRAIN}
    column = painting.depth[horizon + 2 :, 128]
    assert (np.diff(column) < 0).all()


def test_a_nearer_thing_hides_a_farther_one_in_labels_and_depth():
    bus = Thing("bus", 0.0, 20.0, *VEHICLES["bus"])
    car = Thing("car", 0.0, 9.0, *VEHICLES["car"])
    alone = paint_scene(empty_street(3, car))
    both = paint_scene(empty_street(3, bus, car))
    covered = alone.labels == CAR
    assert covered.sum() > 500
    assert (both.labels[covered] == CAR).all()
    assert (both.labels == BUS).sum() > 200
    assert both.depth[both.labels == CAR].max() < both.depth[both.labels == BUS].min()


@pytest.mark.parametrize("kind", ["person", "cyclist", "motorcyclist"])
def test_figures_stand_on_the_ground_and_have_their_height(kind):
    scene = empty_street(3, Thing(kind, 0.0, 6.0, 0.8 if kind == "person" else 1.9, 1.8, shape=5))
    labels, camera = paint_scene(scene).labels, scene.camera
    rows = np.nonzero(((labels >= 11) & (labels != 13)).any(axis=1))[0]
    scale = camera.focal * 256 / 6.0
    foot = camera.horizon * 128 + camera.height * scale
    assert abs(rows.max() - foot) <= 3
    assert abs((rows.max() - rows.min()) - 1.75 * scale) <= 0.12 * 1.75 * scale


def test_texture_never_touches_the_sky():
    # Rows of the sky are smooth: neighbours differ by a step of the gradient, not by grain.
    painting = paint_scene(dataclasses.replace(empty_street(), clouds=()), (512, 256))
    sky = painting.image[:80].astype(int)
    assert np.abs(np.diff(sky, axis=1)).max() <= 3
    road = painting.image[painting.labels == ROAD].astype(int)
    assert road.std(axis=0).min() > 3


@pytest.mark.parametrize("size", [(8, 64), (256, 5000)])
def test_size_out_of_range_is_refused(size):
    with pytest.raises(ValueError, match="between 16 and 4096"):
        paint_scene(sample_scene(0), size)


@pytest.mark.parametrize("variety", [-0.1, 1.5])
def test_variety_out_of_range_is_refused(variety):
    with pytest.raises(ValueError, match="variety"):
        paint_scene(sample_scene(0), variety=variety)


def test_one_tree_of_three_is_bare_and_one_sees_through_it():
    def tree(shape):
        thing = Thing("tree", 0.0, 14.0, 5.0, 7.0, shape=shape)
        return paint_scene(empty_street(3, thing), (512, 256))

    empty = paint_scene(empty_street(3), (512, 256))
    bare, leafy = tree(300), tree(301)
    shares, through = [], []
    for painting in (bare, leafy):
        crown = (painting.labels == VEGETATION) & (empty.labels == SKY)
        shares.append(crown.mean())
        change = np.abs(painting.image.astype(int) - empty.image).sum(-1)[crown]
        through.append((change < 200).mean())
    assert shares[0] > 0.7 * shares[1] > 0.01  # no less of a crown by its label
    assert through[0] > 0.25 and through[1] < 0.1
    scenes = [sample_scene(seed) for seed in range(40)]
    trees = [thing for scene in scenes for thing in scene.things if thing.kind == "tree"]
    assert np.mean([plants._is_bare(tree) for tree in trees]) == pytest.approx(1 / 3, abs=0.08)
