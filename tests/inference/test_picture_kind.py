"""What the page thinks a picture is, on the bundled examples and, where they are, on real ones.

``PHOTOS=FOLDER CAMVID=FOLDER pytest -s tests/inference/test_picture_kind.py`` prints the figures.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from tqdm_demo.checkpoints.folder_files import WEIGHTS
from tqdm_demo.inference.picture_kind import PHOTO, STREET, match_captions, picture_kind
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.interface.examples import EXAMPLES

# "-" is no folder: nothing is found there.
PHOTOS, CAMVID = (Path(os.environ.get(name, "-")) for name in ("PHOTOS", "CAMVID"))


@pytest.fixture(scope="module")
def clip():
    if not (WEIGHTS / "mini-clip" / "model.safetensors").is_file():
        pytest.skip("mini-clip is not here")
    return Predictor.load("zero-shot:mini-clip", "cpu")


@pytest.mark.parametrize(
    ("folder", "pattern", "kind", "least"),
    [
        (EXAMPLES, "*.jpg", STREET, 0.9),
        (PHOTOS, "images/val/*.jpg", PHOTO, 0.95),
        (CAMVID, "images/train/0001TP*.jpg", STREET, 0.95),
        (CAMVID, "images/val/*.jpg", STREET, 0.95),
    ],
)
def test_pictures_are_told_apart(clip, folder, pattern, kind, least):
    files = sorted(folder.glob(pattern))
    if not files:
        pytest.skip(f"no {folder.name} here (its folder goes into a variable)")
    right = np.mean([picture_kind(clip, read_image(file, 640)) == kind for file in files])
    print(f"{folder.name}/{pattern}: {kind} {100 * right:.1f} % of {len(files)}")
    assert right >= least


def test_a_segmenter_cannot_be_asked(tiny_weights):
    model = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu")
    with pytest.raises(ValueError, match="zero-shot"):
        match_captions(model, np.zeros((32, 32, 3), np.uint8), ["a street"])
