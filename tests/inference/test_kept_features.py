"""What is kept of a picture is used again, by every tab, and is small."""

import numpy as np
import pytest

from tqdm_demo.inference.predictor import Predictor


@pytest.fixture
def predictor(tiny_weights):
    return Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu")


@pytest.fixture
def runs(predictor, monkeypatch):
    """How many pictures or windows each run of the tower reads."""
    encoder, found = predictor.model.segmenter.image_encoder, []
    run_tower = encoder.run_tower
    monkeypatch.setattr(
        encoder, "run_tower", lambda pixels: found.append(len(pixels)) or run_tower(pixels)
    )
    return found


def test_a_picture_of_one_window_is_encoded_once_for_all_tabs(predictor, runs):
    picture = np.full((64, 128, 3), 90, np.uint8)
    predictor.segment(picture, ["road", "sky"], "windows")
    predictor.stages(picture, ["tree"])
    predictor.segment(picture, ["road", "tree"], "single")
    assert runs == [1]


def test_an_edit_on_a_picture_of_many_windows_runs_no_tower(predictor, runs):
    picture = np.full((100, 300, 3), 90, np.uint8)
    predictor.segment(picture, ["road", "sky"], "windows")
    seen = sum(runs)
    result = predictor.segment(picture, ["road", "boat"], "windows")
    assert seen > 4 and sum(runs) == seen and result.timings.picture_reused


def test_maps_are_kept_as_narrow_as_the_decoder_reads_them(predictor):
    pixels = predictor.model.segmenter.pixel_decoder.smooth[0].weight.new_zeros(1, 3, 64, 128)
    features = predictor.model.encode_image(pixels)
    assert {level.shape[1] for level in features.pyramid} == {32}
