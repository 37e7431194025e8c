"""A picture file is decoded once, and nothing else than its content decides."""

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.class_list import parse_class_list
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.interface import picture_files
from tqdm_demo.interface.answers import AnswerStore, SegmentRequest, to_viewer
from tqdm_demo.interface.picture_files import read_picture
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


def test_a_picture_is_decoded_once_on_its_way(tiny_models, street, decoded):
    read_picture(street, 1280)  # as the sidebar does
    store = AnswerStore(tiny_models)
    request = SegmentRequest(str(street), parse_class_list("road\nsky"), tiny_models.columns[0])
    to_viewer(store.ask(request)[0])
    assert pack(store, request) is not None
    assert len(decoded) == 1


def test_the_content_decides_and_the_size(street, decoded):
    first = read_picture(street, 1280)
    copy = street.with_name("copy.png")
    copy.write_bytes(street.read_bytes())
    assert read_picture(copy, 1280) is first
    assert max(read_picture(street, 60).shape) == 60 and len(decoded) == 2
    Image.fromarray(255 - first).save(street)  # another picture under the same name
    np.testing.assert_array_equal(read_picture(street, 1280), 255 - first)
    assert len(decoded) == 3


def test_what_is_shared_cannot_be_changed(street):
    with pytest.raises(ValueError, match="read-only"):
        read_picture(street, 1280)[0, 0, 0] = 1


def test_a_file_that_is_gone_is_told_although_its_picture_is_kept(street):
    read_picture(street, 1280)
    street.unlink()
    with pytest.raises(ValueError, match="not there any more"):
        read_picture(street, 1280)
