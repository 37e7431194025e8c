import pytest

from tqdm_demo.streets.scene import Scene, sample_scene
from tqdm_demo.streets.traffic import Placement
from tqdm_demo.streets.world import FRONT_LINE, STREET, VEHICLES, Camera, Thing


def test_same_seed_same_scene_other_seed_other_scene():
    assert sample_scene(7) == sample_scene(7)
    assert sample_scene(7) != sample_scene(8)


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="-3"):
        sample_scene(-3)


@pytest.mark.parametrize("seed", range(12))
def test_geometry_is_sane(seed):
    scene = sample_scene(seed)
    assert isinstance(scene, Scene)
    assert 0.4 <= scene.camera.horizon <= 0.5
    assert scene.road[0] < 0 < scene.road[1]
    assert all(strip.left < strip.right for strip in scene.strips)
    assert all(
        strip.right <= scene.road[0] or strip.left >= scene.road[1] for strip in scene.strips
    )
    assert all(thing.z > 0 and thing.width > 0 and thing.height > 0 for thing in scene.things)


@pytest.mark.parametrize("seed", range(12))
def test_things_are_ordered_far_to_near_on_the_street(seed):
    scene = sample_scene(seed)
    for beyond in (True, False):
        distances = [
            thing.z - thing.length / 2
            for thing in scene.things
            if thing.layer == STREET
            and abs(thing.yaw) != 90.0
            and (scene.crossing is None or (thing.z >= scene.crossing) == beyond)
        ]
        if scene.crossing is None and not beyond:
            continue
        assert distances == sorted(distances, reverse=True)


def test_a_crossing_vehicle_hides_what_lies_beyond_and_not_what_lies_before():
    scenes = [sample_scene(seed) for seed in range(40)]
    checked = 0
    for scene in scenes:
        kinds = [i for i, t in enumerate(scene.things) if abs(t.yaw) == 90.0 and t.kind in VEHICLES]
        for i in kinds:
            assert all(t.z >= scene.crossing for t in scene.things[:i])
            assert all(t.z < scene.crossing for t in scene.things[i + 1 :])
            checked += 1
    assert checked >= 8


def test_placement_refuses_a_taken_place_and_what_stands_too_near():
    placement = Placement(Camera(0.45, 0.5, 0.7, 1.6))
    car = Thing("car", 1.0, 12.0, 1.8, 1.5, 4.3)
    assert placement.put(car) == [car]
    assert placement.put(Thing("person", 1.4, 13.0, 0.7, 1.8)) == []
    assert placement.put(Thing("person", 3.4, 13.0, 0.7, 1.8)) != []
    assert placement.put(Thing("person", -3.0, 3.0, 0.7, 1.8)) == []


def test_what_is_hidden_is_dropped():
    placement = Placement(Camera(0.45, 0.5, 0.7, 1.6))
    truck = Thing("truck", 0.0, 12.0, 2.5, 3.5, 8.0)
    behind, beside = Thing("person", 0.1, 19.0, 0.7, 1.8), Thing("person", 4.5, 11.0, 0.7, 1.8)
    wall = Thing("wall", 8.0, 30.0, 0.3, 2.0, 6.0, layer=FRONT_LINE)
    kept = placement.visible([behind, truck, beside, wall])
    assert behind not in kept
    assert {truck, beside, wall} == set(kept)


@pytest.mark.parametrize(("x", "height"), [(5.0, 0.0), (-4.0, 0.0), (3.0, 4.0)])
def test_nearest_distance_brings_the_foot_and_the_top_into_the_picture(x, height):
    camera = Camera(0.42, 0.36, 0.7, 1.5)
    z = Placement(camera).nearest(x, height)
    assert 0.04 <= camera.vanish + camera.focal * x / z <= 0.96
    assert camera.horizon - 2 * camera.focal * (height - camera.height) / z >= 0.0
