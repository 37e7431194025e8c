"""A picture file is decoded once, and nothing else than its content decides."""

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.cache import BoundedCache, size_in_bytes
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.interface import picture_files
from tqdm_demo.interface.answers import AnswerStore, SegmentRequest
from tqdm_demo.interface.picture_files import PictureFiles
from tqdm_demo.interface.tabs.segment import pack


@pytest.fixture
def decoded(monkeypatch) -> list[int]:
    """The sizes in bytes of the files that are decoded from now on."""
    sizes = []

    def spy(content: bytes, max_side: int) -> np.ndarray:
        sizes.append(len(content))
        return read_image(content, max_side)

    monkeypatch.setattr(picture_files, "read_image", spy)
    return sizes


@pytest.fixture
def pictures() -> PictureFiles:
    return PictureFiles(BoundedCache(2**24, size_in_bytes))


def test_a_picture_is_decoded_once_on_its_way(tiny_models, street, decoded):
    tiny_models.pictures.read(street, 1280)  # as the sidebar does
    store = AnswerStore(tiny_models)
    request = SegmentRequest(str(street), parse_class_list("road\nsky"), tiny_models.columns[0])
    store.to_viewer(store.ask(request)[0])
    assert pack(store, request) is not None
    assert len(decoded) == 1


def test_the_content_decides_and_the_size(pictures, street, decoded):
    first = pictures.read(street, 1280)
    copy = street.with_name("copy.png")
    copy.write_bytes(street.read_bytes())
    assert pictures.read(copy, 1280) is first
    assert max(pictures.read(street, 60).shape) == 60 and len(decoded) == 2
    Image.fromarray(255 - first).save(street)  # another picture under the same name
    np.testing.assert_array_equal(pictures.read(street, 1280), 255 - first)
    assert len(decoded) == 3


def test_what_is_shared_cannot_be_changed(pictures, street):
    with pytest.raises(ValueError, match="read-only"):
        pictures.read(street, 1280)[0, 0, 0] = 1


def test_a_file_that_is_gone_is_told_although_its_picture_is_kept(pictures, street):
    pictures.read(street, 1280)
    street.unlink()
    with pytest.raises(ValueError, match="not there any more"):
        pictures.read(street, 1280)
