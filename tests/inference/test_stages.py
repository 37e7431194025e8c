import numpy as np
import pytest

from tqdm_demo.inference.predictor import Predictor

NAMES = ("road", "Sky", "taxi, car")


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (90, 141, 3), np.uint8)


def load(weights, name) -> Predictor:
    source = str(weights / name)
    return Predictor.load(f"zero-shot:{source}" if name == "tiny-clip" else source, device="cpu")


@pytest.mark.parametrize(
    ("name", "present"),
    [
        ("tiny-clip", {"clip"}),
        ("tiny-tqdm", {"before", "after", "mask"}),
        ("tiny-queries", {"after", "mask"}),
    ],
)
def test_every_kind_of_model_has_its_stages(tiny_weights, picture, name, present):
    found = load(tiny_weights, name).stages(picture, NAMES)
    assert found.names == NAMES
    for stage in ("clip", "before", "after", "mask"):
        maps = getattr(found, stage)
        assert (maps is not None) is (stage in present), stage
        if maps is not None:
            assert maps.dtype == np.float32 and maps.ndim == 3 and len(maps) == 3
            assert np.ptp(maps) > 0
            assert maps.min() >= 0 if stage == "mask" else np.abs(maps).max() <= 1 + 1e-5


def test_the_ends_of_the_way_are_what_segment_says(tiny_weights, picture):
    for name in ("tiny-tqdm", "tiny-clip"):
        predictor = load(tiny_weights, name)
        stages, result = predictor.stages(picture, NAMES), predictor.segment(picture, NAMES)
        start = stages.clip if stages.before is None else stages.before
        np.testing.assert_allclose(start, result.similarity, atol=1e-5)
        if stages.mask is not None:
            np.testing.assert_allclose(stages.mask, result.scores, atol=1e-5)


def test_after_the_pixel_decoder_it_is_the_cosine_of_mask_embeddings(tiny_weights, picture):
    predictor = load(tiny_weights, "tiny-tqdm")
    found = predictor.stages(picture, NAMES).after
    model = predictor.model
    features = model.encode_image(_pixels(model, picture))
    names = ["road", "sky", "taxi", "car"]
    _, decoding = model.decode(features, model.encode_names(names), names)
    embeddings = decoding.predictions[-1].mask_embeddings[0].detach().numpy()
    pixels = decoding.pixels.mask_features[0].detach().numpy()
    products = np.einsum("qc,chw->qhw", embeddings, pixels)
    lengths = np.linalg.norm(embeddings, axis=1)[:, None, None] * np.linalg.norm(pixels, axis=0)
    cosines = products / lengths
    np.testing.assert_allclose(found[:2], cosines[:2], atol=1e-4)
    np.testing.assert_allclose(found[2], np.maximum(cosines[2], cosines[3]), atol=1e-4)


def test_mistakes_are_told_as_they_are_elsewhere(tiny_weights, picture):
    predictor = load(tiny_weights, "tiny-tqdm")
    with pytest.raises(ValueError, match="twice"):
        predictor.stages(picture, ["car", "Car"])
    with pytest.raises(ValueError, match="uint8"):
        predictor.stages(picture.astype(np.float32), NAMES)


def _pixels(model, picture):
    from tqdm_demo.inference.preprocessing import model_size, to_pixels

    area = model.input_size[0] * model.input_size[1]
    size = model_size(*picture.shape[:2], area=area, multiple=model.size_multiple)
    return to_pixels(picture, size, model.mean, model.std)
