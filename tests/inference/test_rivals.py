"""Models that know a fixed list of classes, through the predictor."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.preprocessing import to_pixels
from tqdm_demo.model.mask2former import semantic_scores

TRAINED = ("road", "sky", "car")


@pytest.fixture(scope="module", params=["tiny-rein", "tiny-soma", "tiny-tldr"])
def predictor(request, tiny_rivals):
    return Predictor.load(str(tiny_rivals / request.param), device="cpu")


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(3).integers(0, 256, (72, 120, 3), np.uint8)


def test_the_trained_names_label_every_pixel(predictor, picture):
    found = predictor.segment(picture)
    assert found.names == TRAINED and predictor.kind in str(predictor.model.kind)
    assert found.label_map.shape == (72, 120) and found.label_map.max() < 3
    assert found.similarity is None and found.missing == ((), (), ())
    assert sum(found.shares) == pytest.approx(1)


def test_pixels_of_classes_that_are_not_listed_stay_unlabelled(predictor, picture):
    whole = predictor.segment(picture).label_map
    counts = np.bincount(whole.ravel(), minlength=3)
    dropped = int(counts.argmax())
    kept = [k for k in range(3) if k != dropped]
    names = [TRAINED[k] for k in kept]
    found = predictor.segment(picture, names)
    table = np.full(256, 255, np.uint8)
    table[kept] = (0, 1)
    assert np.array_equal(found.label_map, table[whole])
    assert found.scores.shape[0] == 2 and found.scores.min() >= 0
    assert predictor.segment(picture, names, label_all=True).label_map.max() <= 1


def test_a_name_without_a_class_gets_no_pixels(predictor, picture):
    whole = predictor.segment(picture)
    found = predictor.segment(picture, ["zebra", "street", "Sky", "car, okapi"])
    assert np.array_equal(found.label_map, whole.label_map + 1)
    assert found.missing == (("zebra",), (), (), ("okapi",))
    assert found.scores[0].max() == 0
    nothing = predictor.segment(picture, ["zebra"])
    assert (nothing.label_map == 255).all() and nothing.shares == (0,)


def test_an_edited_list_reads_no_picture_again(predictor, picture):
    predictor.segment(picture)
    assert predictor.segment(picture, ["car", "zebra"]).timings.picture_reused


def test_a_name_of_any_length_is_read(predictor, picture):
    name = "an extraordinarily long name that no text tower would read"
    assert predictor.segment(picture, [name, "road"]).missing == ((name,), ())


def test_stages_that_are_absent_have_a_reason(predictor, picture):
    found = predictor.stages(picture, ["road", "zebra"])
    assert found.mask.shape[0] == 2 and found.mask.min() >= 0
    assert set(found.absent) == {"clip", "before", "after"}
    assert all("has" in reason for reason in found.absent.values())


def test_rein_is_read_in_windows_and_tldr_at_once(tiny_rivals, picture):
    rein, tldr = (
        Predictor.load(str(tiny_rivals / f"tiny-{name}"), device="cpu") for name in ("rein", "tldr")
    )
    assert (rein.segment(picture).mode, tldr.segment(picture).mode) == ("windows", "single")


@torch.inference_mode()
def test_rein_takes_the_best_at_the_size_of_the_window(tiny_rivals):
    predictor = Predictor.load(str(tiny_rivals / "tiny-rein"), device="cpu")
    model = predictor.model
    image = np.random.default_rng(5).integers(0, 256, (64, 64, 3), np.uint8)
    pixels = to_pixels(image, (64, 64), model.mean, model.std)
    _, predictions = model.network.decode(model.network.backbone(pixels))
    expected = semantic_scores(predictions[-1], (64, 64))[0]
    found = predictor.segment(image)
    np.testing.assert_allclose(found.scores, expected, atol=1e-5)
    assert np.array_equal(found.label_map, expected.argmax(0))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("size", "read"), [((72, 120), (72, 120)), ((192, 256), (96, 128))], ids=["own", "smaller"]
)
def test_tldr_keeps_a_pictures_size_up_to_a_bound(tiny_rivals, size, read):
    predictor = Predictor.load(str(tiny_rivals / "tiny-tldr"), device="cpu")
    model = predictor.model
    image = np.random.default_rng(6).integers(0, 256, (*size, 3), np.uint8)
    logits = model.network(to_pixels(image, read, model.mean, model.std))
    resized = F.interpolate(logits, read, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(predictor.segment(image).scores, resized.softmax(1)[0], atol=1e-5)
