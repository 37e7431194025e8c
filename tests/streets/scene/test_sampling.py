import pytest

from tqdm_demo.streets.scene.sampling import Scene, sample_scene
from tqdm_demo.streets.scene.world import STREET, VEHICLES


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
