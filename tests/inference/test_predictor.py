from contextlib import contextmanager

import numpy as np
import pytest
import torch
from PIL import Image

from tqdm_demo.class_list import ClassList, parse_class_list
from tqdm_demo.inference.cache import BoundedCache, size_in_bytes
from tqdm_demo.inference.predictor import MODES, Predictor

NAMES = ("road", "sky", "car", "traffic light", "vegetation")
SOURCES = ("tiny-tqdm", "tiny-queries", "tiny-clip")


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (90, 141, 3), np.uint8)


@pytest.fixture(params=SOURCES)
def predictor(request, tiny_weights) -> Predictor:
    return load(tiny_weights, request.param)


def load(weights, name) -> Predictor:
    source = str(weights / name)
    return Predictor.load(f"zero-shot:{source}" if name == "tiny-clip" else source, device="cpu")


class Spy:
    """Counts what the model is asked to do."""

    def __init__(self, predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
        self.images, self.names = 0, []
        model = predictor.model
        encode_image, encode_names = model.encode_image, model.encode_names

        def spied_image(pixels):
            self.images += 1
            return encode_image(pixels)

        def spied_names(names):
            self.names += names
            return encode_names(names)

        monkeypatch.setattr(model, "encode_image", spied_image)
        monkeypatch.setattr(model, "encode_names", spied_names)


def test_segmentation_is_what_other_programs_rely_on(predictor, picture):
    result = predictor.segment(picture, ["road", "sky", "taxi"])
    assert result.names == ("road", "sky", "taxi")
    assert result.label_map.shape == (90, 141) and result.label_map.dtype == np.uint8
    assert result.label_map.max() < 3
    for maps in (result.scores, result.similarity):
        assert maps.dtype == np.float32 and maps.ndim == 3 and len(maps) == 3
        assert np.isfinite(maps).all()
    assert result.scores.min() >= 0
    assert np.abs(result.similarity).max() <= 1 + 1e-5
    assert sum(result.shares) == pytest.approx(1)
    assert result.shares[1] == pytest.approx((result.label_map == 1).mean())


def test_the_default_names_are_the_trained_ones(tiny_weights, picture):
    assert load(tiny_weights, "tiny-tqdm").segment(picture).names == NAMES
    assert len(load(tiny_weights, "tiny-clip").segment(picture).names) == 19


def test_an_edited_list_reuses_the_picture_and_encodes_only_new_names(
    predictor, picture, monkeypatch
):
    spy = Spy(predictor, monkeypatch)
    first = predictor.segment(picture, NAMES)
    assert spy.images == 1 and spy.names == list(NAMES)
    assert not first.timings.picture_reused and first.timings.names_encoded == 5
    assert first.timings.picture_ms > 0

    second = predictor.segment(picture, [*NAMES[:4], "taxi"])
    assert spy.images == 1 and spy.names == [*NAMES, "taxi"]
    assert second.timings.picture_reused and second.timings.names_encoded == 1
    assert second.timings.picture_ms == 0

    third = predictor.segment(picture.copy(), ["Taxi", "Sky"])
    assert spy.images == 1 and len(spy.names) == 6
    assert third.timings.names_encoded == 0 and third.timings.decode_ms > 0


def test_reuse_gives_the_same_answer_as_a_fresh_model(tiny_weights, picture):
    for name in SOURCES:
        warm = load(tiny_weights, name)
        warm.segment(picture, ["sky", "taxi"])
        warm.segment(255 - picture, NAMES)
        again = warm.segment(picture, NAMES)
        fresh = load(tiny_weights, name).segment(picture, NAMES)
        np.testing.assert_allclose(again.scores, fresh.scores, atol=1e-5)
        np.testing.assert_array_equal(again.label_map, fresh.label_map)


def test_pictures_of_one_size_are_told_apart(predictor, picture, monkeypatch):
    spy = Spy(predictor, monkeypatch)
    other = picture.copy()
    other[0, 0, 0] ^= 1
    predictor.segment(picture, NAMES)
    predictor.segment(other, NAMES)
    predictor.segment(picture.transpose(1, 0, 2), NAMES)
    assert spy.images == 3


def test_the_cache_is_bounded(tiny_weights, monkeypatch):
    cache = BoundedCache(2 * 1024**2, size_in_bytes)
    predictor = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu", cache=cache)
    for value in range(9):
        predictor.segment(np.full((9, 13, 3), value, np.uint8), [f"name {value}", "sky"])
        assert 0 < cache.weight <= 2 * 1024**2
    # Those that were used last: the picture, and the names of every list.
    spy = Spy(predictor, monkeypatch)
    predictor.segment(np.full((9, 13, 3), 8, np.uint8), ["sky", "name 8", "new"])
    assert spy.images == 0 and spy.names == ["new"]


def test_a_turn_is_taken_for_every_slice_and_none_inside_another(tiny_weights, picture):
    slices, held = [], []

    @contextmanager
    def turn():
        assert not held
        held.append(1)
        yield
        slices.append(held.pop())

    predictor = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu", window_batch=2, turn=turn)
    predictor.segment(picture, NAMES, mode="windows")  # 2 x 2 windows, and the names
    assert len(slices) == 1 + 2
    predictor.segment(picture, NAMES)
    predictor.stages(picture, NAMES)
    assert len(slices) == 1 + 2 + 1 + 1


def test_the_order_of_the_list_only_permutes(predictor, picture):
    forward = predictor.segment(picture, NAMES)
    backward = predictor.segment(picture, NAMES[::-1])
    np.testing.assert_allclose(backward.scores[::-1], forward.scores, atol=1e-5)
    np.testing.assert_allclose(backward.similarity[::-1], forward.similarity, atol=1e-5)


def test_synonyms_count_by_their_best(tiny_weights, picture):
    predictor = load(tiny_weights, "tiny-clip")
    apart = predictor.segment(picture, ["car", "taxi", "sky"])
    joined = predictor.segment(picture, ["car, taxi", "sky"])
    assert joined.names == ("car, taxi", "sky") and len(joined.scores) == 2
    np.testing.assert_allclose(joined.scores[0], apart.scores[:2].max(axis=0), atol=1e-6)
    np.testing.assert_array_equal(joined.label_map == 0, apart.label_map < 2)
    trained = load(tiny_weights, "tiny-tqdm").segment(picture, ["car, taxi", "sky"])
    assert len(trained.scores) == len(trained.nearest_classes) == 2


def test_names_that_are_not_trained_say_where_they_lean(tiny_weights, picture):
    result = load(tiny_weights, "tiny-tqdm").segment(picture, ["Car", "taxi", "sky"])
    assert result.nearest_classes[0] is None and result.nearest_classes[2] is None
    model = load(tiny_weights, "tiny-tqdm").model
    with torch.inference_mode():
        taxi, *trained = model.encode_names(["taxi", *NAMES])
    cosines = [torch.cosine_similarity(taxi, other, dim=0).item() for other in trained]
    assert result.nearest_classes[1].similarity == pytest.approx(max(cosines), abs=1e-5)
    assert result.nearest_classes[1].name == NAMES[cosines.index(max(cosines))]
    zero_shot = load(tiny_weights, "tiny-clip").segment(picture, ["car", "taxi"])
    assert zero_shot.nearest_classes == (None, None)


def test_words_that_the_text_tower_never_saw_are_told(predictor, picture):
    result = predictor.segment(picture, ["car", "flying car", "zebra, traffic light"])
    assert result.unknown == ((), ("flying",), ("zebra",))


def test_a_pil_image_is_read_like_a_file(predictor, picture):
    turned = Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.info["exif"] = exif.tobytes()
    upright = predictor.segment(turned, NAMES)
    assert upright.label_map.shape == (90, 141)
    assert predictor.segment(picture, NAMES).timings.picture_reused


@pytest.mark.parametrize(
    "image",
    [np.zeros((5, 7), np.uint8), np.zeros((5, 7, 4), np.uint8), np.zeros((5, 7, 3), np.float32)],
    ids=["grey", "four channels", "float"],
)
def test_other_arrays_are_refused(predictor, image):
    with pytest.raises(ValueError, match="takes uint8"):
        predictor.segment(image, NAMES)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "empty"),
        (["car", "Car"], "twice"),
        ([f"name {i}" for i in range(65)], "65 names"),
        (["a b c d e f g h i j k l m n o p q r s t u v w"], "reads names of up to"),
    ],
    ids=["none", "twice", "many", "long"],
)
def test_names_that_cannot_be_used_are_refused(predictor, picture, names, words):
    with pytest.raises(ValueError, match=words):
        predictor.segment(picture, names)


def test_a_list_that_was_parsed_before_is_not_parsed_again(predictor, picture, monkeypatch):
    classes = parse_class_list("road\ncar, taxi: #010203")
    named = predictor.segment(picture, classes.names)

    def parse(names):
        raise AssertionError("parsed again")

    monkeypatch.setattr(ClassList, "from_names", parse)
    result = predictor.segment(picture, classes)
    assert result.classes is classes and result.names == named.names == ("road", "car, taxi")
    np.testing.assert_array_equal(result.label_map, named.label_map)
    assert predictor.stages(picture, classes).names == named.names
    predictor.check(classes)


def test_any_shape_of_picture(predictor):
    for shape in ((1, 1, 3), (2, 700, 3), (333, 3, 3)):
        assert predictor.segment(np.full(shape, 90, np.uint8), NAMES).label_map.shape == shape[:2]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(16, 16, 3), (1, 1, 3), (7, 300, 3), (401, 95, 3)])
def test_any_size_in_both_modes(predictor, mode, shape):
    image = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    result = predictor.segment(image, ["road", "sky, heaven", "taxi"], mode)
    assert result.label_map.shape == shape[:2] and result.mode == mode
    assert len(result.scores) == len(result.similarity) == 3
    assert np.isfinite(result.scores).all() and np.abs(result.similarity).max() <= 1 + 1e-5


def test_a_picture_of_a_windows_size_is_the_same_in_both_modes(predictor):
    image = np.random.default_rng(1).integers(0, 256, (64, 128, 3), np.uint8)
    single = predictor.segment(image, NAMES, "single")
    windows = predictor.segment(image, NAMES, "windows")
    assert (single.label_map == windows.label_map).mean() > 0.999
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(single.similarity)[None], windows.similarity.shape[1:], mode="bilinear"
    )[0]
    np.testing.assert_allclose(windows.similarity, resized, atol=1e-5)


def test_windows_encode_each_window_once_and_the_names_once(predictor, monkeypatch):
    spy = Spy(predictor, monkeypatch)
    predictor.window_batch = 3
    image = np.random.default_rng(1).integers(0, 256, (100, 200, 3), np.uint8)
    first = predictor.segment(image, NAMES, "windows")
    assert spy.images == 2, "two times two windows go in two batches, a row at a time"
    assert spy.names == list(NAMES) and not first.timings.picture_reused
    assert first.timings.picture_ms > 0
    second = predictor.segment(image, [*NAMES, "taxi"], "windows")
    assert spy.images == 2 and second.timings.picture_reused and second.timings.picture_ms == 0
    assert spy.names == [*NAMES, "taxi"]
    predictor.window_batch = 1
    apart = predictor.segment(image, NAMES, "windows")
    np.testing.assert_allclose(apart.scores, first.scores, atol=1e-5)


def test_windows_are_the_default_of_models_that_are_evaluated_so(tiny_weights, picture):
    predictor = load(tiny_weights, "tiny-tqdm")
    assert predictor.default_mode == "single"
    assert predictor.segment(picture, NAMES).mode == "single"
    predictor.model.window_stride = 43
    assert predictor.segment(picture, NAMES).mode == "windows"
    with pytest.raises(ValueError, match="mode is 'tiles'; it must be one of single, windows"):
        predictor.segment(picture, NAMES, "tiles")
    with pytest.raises(ValueError, match="window_batch is 0"):
        Predictor(predictor.model, window_batch=0)


def test_a_model_of_a_fixed_size_gets_that_size(tiny_weights, monkeypatch):
    predictor = load(tiny_weights, "tiny-clip")
    predictor.model.fixed_size = True
    shapes = []
    encode = predictor.model.encode_image
    monkeypatch.setattr(
        predictor.model, "encode_image", lambda p: shapes.append(tuple(p.shape)) or encode(p)
    )
    image = np.random.default_rng(1).integers(0, 256, (300, 90, 3), np.uint8)
    predictor.segment(image, NAMES, "single")
    predictor.segment(image, NAMES, "windows")
    assert {shape[2:] for shape in shapes} == {(64, 128)}


def test_unknown_sources_are_named(tmp_path):
    with pytest.raises(ValueError, match="streets-nothing"):
        Predictor.load("streets-nothing")
    with pytest.raises(ValueError, match="zero-shot|nothing"):
        Predictor.load("zero-shot:nothing")
