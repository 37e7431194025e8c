"""How pictures are read: sizes, scales, flips."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tqdm_demo.evaluation.protocol import EvaluationProtocol, fit_into, label_picture
from tqdm_demo.inference.predictor import Predictor


class Columns:
    """Scores of two names: the first where a picture is bright, the second elsewhere."""

    default_mode = "single"

    def __init__(self, fixed_size=False):
        self.calls = []
        self.model = SimpleNamespace(input_size=(8, 16), size_multiple=4, fixed_size=fixed_size)

    def segment(self, image, names, mode, resized, label_all):
        self.calls.append((mode, resized))
        bright = torch.from_numpy(image[..., 0].astype(np.float32))[None, None] / 255
        small = torch.nn.functional.interpolate(bright, scale_factor=0.5, mode="area")[0]
        scores = torch.cat([small, 1 - small])
        labels = (image[..., 0] <= 127).astype(np.uint8)
        return SimpleNamespace(scores=scores.numpy(), label_map=labels)


@pytest.fixture
def image():
    """16 x 24, the left third bright."""
    picture = np.zeros((16, 24, 3), np.uint8)
    picture[:, :8] = 255
    return picture


def wanted(image):
    return (image[..., 0] == 0).astype(np.uint8)


def test_once_at_one_scale(image):
    columns = Columns()
    found = label_picture(columns, image, ["a", "b"], EvaluationProtocol("single"))
    np.testing.assert_array_equal(found, wanted(image))
    assert columns.calls == [("single", None)]


def test_windows_of_the_picture_as_it_is_or_in_a_box(image):
    columns = Columns()
    for box, resized in (
        (None, None),
        ((24, 16), None),
        ((48, 32), (32, 48)),
        ((32, 12), (12, 18)),
    ):
        label_picture(columns, image, ["a", "b"], EvaluationProtocol("windows"), box)
        assert columns.calls.pop() == ("windows", resized)


def test_a_box_does_not_touch_single_passes(image):
    columns = Columns()
    label_picture(columns, image, ["a", "b"], EvaluationProtocol("single"), (2048, 1024))
    assert columns.calls == [("single", None)]


def test_scales_are_of_the_test_size(image):
    columns = Columns()
    protocol = EvaluationProtocol("windows", scales=(0.5, 1.0, 2.0))
    found = label_picture(columns, image, ["a", "b"], protocol, (48, 32))
    np.testing.assert_array_equal(found, wanted(image))
    assert columns.calls == [("windows", (32, 48)), ("windows", (16, 24)), ("windows", (64, 96))]
    columns = Columns()
    label_picture(columns, image, ["a", "b"], EvaluationProtocol("single", scales=(1.0, 2.0)))
    # 16 x 24 at the area of 8 x 16 and a multiple of 4: 8 x 12 or so.
    assert columns.calls[0] == ("single", None) and columns.calls[1][1] in ((16, 24), (16, 32))


def test_flips_are_turned_back(image):
    columns = Columns()
    found = label_picture(columns, image, ["a", "b"], EvaluationProtocol("single", flip=True))
    np.testing.assert_array_equal(found, wanted(image))
    assert len(columns.calls) == 2


def test_scores_are_averaged(image):
    columns = Columns()
    segment = columns.segment

    def doubting(picture, names, mode, resized, label_all):
        found = segment(picture, names, mode, resized, label_all)
        if resized is not None:  # sure of the opposite at the other scale
            found.scores = 3 * found.scores[::-1].copy()
        return found

    columns.segment = doubting
    protocol = EvaluationProtocol("windows", scales=(1.0, 2.0))
    found = label_picture(columns, image, ["a", "b"], protocol)
    np.testing.assert_array_equal(found, 1 - wanted(image))


def test_one_size_only(image):
    with pytest.raises(ValueError, match="one size only"):
        label_picture(
            Columns(fixed_size=True), image, ["a", "b"], EvaluationProtocol("single", (1.0, 0.5))
        )


@pytest.mark.parametrize("scales", [(), (0.0,), (1.0, -1.0)])
def test_odd_scales(scales):
    with pytest.raises(ValueError, match="must be positive"):
        EvaluationProtocol(scales=scales)


@pytest.mark.parametrize(
    ("size", "box", "wanted_size"),
    [
        ((1024, 2048), (2048, 1024), (1024, 2048)),
        ((720, 1280), (1280, 720), (720, 1280)),
        ((3024, 4032), (2048, 1024), (1024, 1365)),
        ((4032, 3024), (2048, 1024), (1365, 1024)),  # upright: the box is turned, as published
        ((1000, 4000), (2048, 1024), (512, 2048)),
        ((512, 512), (2048, 1024), (1024, 1024)),
    ],
)
def test_published_test_sizes(size, box, wanted_size):
    assert fit_into(size, box) == wanted_size


@pytest.fixture(scope="module")
def predictor(tiny_weights):
    return Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu")


@pytest.fixture
def noise():
    coarse = np.random.default_rng(3).integers(0, 256, (7, 11, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((90, 60), Image.Resampling.BICUBIC))


NAMES = ("road", "sky", "car")


def test_windows_at_the_test_size_label_the_picture_itself(predictor, noise):
    """As if the picture had been resized beforehand, but for the size of the label map."""
    found = predictor.segment(noise, NAMES, mode="windows", resized=(160, 240))
    assert found.label_map.shape == (60, 90)
    resized = np.asarray(Image.fromarray(noise).resize((240, 160), Image.Resampling.BICUBIC))
    large = predictor.segment(resized, NAMES, mode="windows")
    native = predictor.segment(noise, NAMES, mode="windows")
    assert found.scores.shape == large.scores.shape != native.scores.shape
    spread = large.scores.max() - large.scores.min()
    np.testing.assert_allclose(found.scores, large.scores, atol=0.02 * spread)


def test_a_scale_is_what_the_model_reads(predictor, noise):
    plain = predictor.segment(noise, NAMES, mode="single")
    same = predictor.segment(noise, NAMES, mode="single", resized=(64, 96))
    other = predictor.segment(noise, NAMES, mode="single", resized=(128, 192))
    # 8192 pixels in the shape of 60 x 90, multiples of 32, are 64 x 96.
    np.testing.assert_array_equal(plain.scores, same.scores)
    assert other.scores.shape != plain.scores.shape


def test_a_mirrored_picture_has_the_mirrored_mean_scores(predictor, noise, monkeypatch):
    monkeypatch.setattr(
        "tqdm_demo.evaluation.protocol.upsample_argmax", lambda scores, size: scores.numpy()
    )
    how = EvaluationProtocol("single", scales=(1.0, 2.0), flip=True)
    found = label_picture(predictor, noise, NAMES, how)
    mirrored = label_picture(predictor, np.ascontiguousarray(noise[:, ::-1]), NAMES, how)
    np.testing.assert_allclose(found, mirrored[..., ::-1], rtol=1e-4)
    once = label_picture(predictor, noise, NAMES, EvaluationProtocol("single", scales=(1.0, 2.0)))
    assert np.abs(found - once).max() > 1e-3 * np.abs(found).max()
