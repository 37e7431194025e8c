import json

import pytest
from PIL import Image

from tqdm_demo.interface.examples import EXAMPLES, read_examples
from tqdm_demo.preprocessing import read_image
from tqdm_demo.streets.domains import DOMAINS
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


def test_the_bundled_examples_are_complete():
    examples = read_examples()
    assert len(examples) >= 12
    assert len({example.domain for example in examples}) >= 12
    assert {example.domain for example in examples} <= set(DOMAINS)
    for example in examples:
        assert read_image(example.path).shape == (512, 1024, 3)
        assert example.caption and example.licence
        assert len(example.names) >= 5 and set(example.names) <= set(CITYSCAPES_NAMES)
    files = {path.name for path in EXAMPLES.iterdir()}
    assert files == {"index.json", *(example.path.name for example in examples)}
    assert sum(path.stat().st_size for path in EXAMPLES.iterdir()) < 3_000_000


def test_a_folder_without_an_index_has_no_examples(tmp_path):
    assert read_examples(tmp_path) == []


def test_an_entry_without_its_picture_is_an_error(tmp_path):
    entry = {"file": "a.jpg", "caption": "A", "domain": "oil", "classes": [], "licence": "x"}
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match="'a.jpg'"):
        read_examples(tmp_path)
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg")
    assert read_examples(tmp_path)[0].caption == "A"
