"""Label files of every kind of PNG that the data sets use, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.data import label_files
from tqdm_demo.data.id_tables import CITYSCAPES_IDS, SYNTHIA_IDS, TRAIN_IDS
from tqdm_demo.data.label_files import read_labels

IDS = np.array([[7, 8, 11], [34, 33, 0]])
WANTED = [[0, 1, 2], [255, 18, 255]]


@pytest.mark.parametrize("write", ["grey", "palette", "wide"])
def test_raw_ids(trees, tmp_path, write):
    getattr(trees, write)(tmp_path / "a.png", IDS)
    found = read_labels(tmp_path / "a.png", CITYSCAPES_IDS)
    assert found.dtype == np.uint8 and found.tolist() == WANTED


def test_synthia_has_its_class_in_the_first_of_three_wide_channels(trees, tmp_path):
    channels = np.zeros((2, 3, 3), np.uint16)
    channels[..., 0] = [[1, 3, 22], [0, 8, 12]]
    channels[..., 1] = 300 * np.arange(6).reshape(2, 3)  # instances
    trees.wide(tmp_path / "a.png", channels)
    found = read_labels(tmp_path / "a.png", SYNTHIA_IDS)
    assert found.tolist() == [[10, 0, 255], [255, 13, 17]]
    # Pillow alone opens such a file and is wrong without a word.
    assert np.asarray(Image.open(tmp_path / "a.png"))[..., 0].max() == 0


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_grey_levels_are_not_stretched(trees, tmp_path, depth):
    # Five pixels 1 0 1 1 0, packed from the highest bit on.
    bits = "".join(format(value, f"0{depth}b") for value in (1, 0, 1, 1, 0)).ljust(24, "0")
    row = int(bits, 2).to_bytes(3, "big")[: (5 * depth + 7) // 8]
    trees.raw_png(tmp_path / "a.png", (5, 2), depth, 0, [row, row])
    assert read_labels(tmp_path / "a.png", TRAIN_IDS).tolist() == [[1, 0, 1, 1, 0]] * 2


def test_wide_values_are_exact(trees, tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (9, 13, 3))
    trees.wide(tmp_path / "a.png", values)
    np.testing.assert_array_equal(
        label_files._read_wide((tmp_path / "a.png").read_bytes()), values[..., 0]
    )
    trees.wide(tmp_path / "b.png", values[..., 1])
    np.testing.assert_array_equal(
        label_files._read_wide((tmp_path / "b.png").read_bytes()), values[..., 1]
    )


def test_train_ids(trees, tmp_path):
    trees.grey(tmp_path / "a.png", [[0, 18, 255]])
    assert read_labels(tmp_path / "a.png", TRAIN_IDS).tolist() == [[0, 18, 255]]


@pytest.mark.parametrize(
    ("write", "ids", "table", "message"),
    [
        ("grey", [[0, 19]], TRAIN_IDS, r"a\.png holds \[19\]; train ids are 0\.\.18 and 255"),
        ("palette", [[35, 7]], CITYSCAPES_IDS, r"holds \[35\]; Cityscapes ids are 0\.\.34"),
        ("wide", [[23, 0]], SYNTHIA_IDS, r"holds \[23\]"),
        ("wide", [[256, 65535]], TRAIN_IDS, r"holds \[256, 65535\]"),
        ("grey", np.zeros((2, 2, 3)), CITYSCAPES_IDS, r"a\.png: it has mode RGB"),
    ],
)
def test_what_is_not_of_the_set_is_refused(trees, tmp_path, write, ids, table, message):
    getattr(trees, write)(tmp_path / "a.png", ids)
    with pytest.raises(ValueError, match=message):
        read_labels(tmp_path / "a.png", table)


@pytest.mark.parametrize("write", ["grey", "palette", "wide"])
def test_a_damaged_file_is_refused(trees, tmp_path, write):
    file = tmp_path / "a.png"
    getattr(trees, write)(file, np.random.default_rng(0).integers(0, 34, (60, 70)))
    content = file.read_bytes()
    damaged = (b"", b"GIF89a", content[:20], content[: len(content) // 2])
    for part in damaged:
        file.write_bytes(part)
        with pytest.raises(ValueError, match=r"cannot read the labels .*a\.png"):
            read_labels(file, CITYSCAPES_IDS)


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read the labels .*b\.png"):
        read_labels(tmp_path / "b.png", TRAIN_IDS)
