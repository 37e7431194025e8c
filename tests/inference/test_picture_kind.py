"""What the page thinks a picture is, on the bundled examples and, where they are, on real ones.

``EVERY=1 pytest -s tests/inference/test_picture_kind.py`` asks about all of them, in two minutes,
and prints the figures; otherwise it is a part of the real ones.
"""

import os

import numpy as np
import pytest

from tests.real_pictures import real_pictures
from tqdm_demo.checkpoints.folder_files import WEIGHTS
from tqdm_demo.inference.picture_kind import PHOTO, STREET, match_captions, picture_kind
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.interface.examples import EXAMPLES

EVERY = int(os.environ.get("EVERY", 8))


@pytest.fixture(scope="module")
def clip():
    if not (WEIGHTS / "mini-clip" / "model.safetensors").is_file():
        pytest.skip("mini-clip is not here")
    return Predictor.load("zero-shot:mini-clip", "cpu")


@pytest.mark.parametrize(
    ("folder", "pattern", "kind"),
    [
        ("examples", "*.jpg", STREET),
        ("photos", "images/val/*.jpg", PHOTO),
        ("camvid", "images/train/0001TP*.jpg", STREET),
        ("camvid", "images/val/*.jpg", STREET),
    ],
)
def test_pictures_are_told_apart(clip, folder, pattern, kind):
    if folder == "examples":
        files = sorted(EXAMPLES.glob(pattern)) or pytest.skip("the examples are not here")
    else:
        files = real_pictures(folder, pattern)[::EVERY]
    right = np.mean([picture_kind(clip, read_image(file, 640)) == kind for file in files])
    print(f"{folder}/{pattern}: {kind} {100 * right:.1f} % of {len(files)}")
    assert right >= 0.95


def test_a_segmenter_cannot_be_asked(tiny_weights):
    model = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu")
    with pytest.raises(ValueError, match="zero-shot"):
        match_captions(model, np.zeros((32, 32, 3), np.uint8), ["a street"])
