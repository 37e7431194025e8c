import pytest

from tqdm_demo.streets.scene.placement import Placement
from tqdm_demo.streets.scene.world import FRONT_LINE, Camera, Thing


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
