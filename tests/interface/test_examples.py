import json

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.interface.examples import EXAMPLES, find_example, read_examples, read_truth
from tqdm_demo.streets.domains import DOMAINS
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


def test_the_bundled_examples_are_complete():
    examples = read_examples()
    assert len(examples) >= 16
    assert len({example.domain for example in examples}) >= 12
    assert {example.domain for example in examples} <= set(DOMAINS)
    for example in examples:
        assert read_image(example.path).shape == (512, 1024, 3)
        assert example.caption and example.licence
        assert len(example.names) >= 5 and set(example.names) <= set(CITYSCAPES_NAMES)
    files = {path for path in EXAMPLES.rglob("*") if path.is_file()}
    named = {path for example in examples for path in (example.path, example.truth)}
    assert files == {EXAMPLES / "index.json", *named}
    assert sum(path.stat().st_size for path in files) < 3_000_000


def test_the_truth_is_of_its_picture():
    for example in read_examples():
        truth = read_truth(example, (512, 1024))
        assert truth.shape == (512, 1024) and truth.dtype == np.uint8
        shares = np.bincount(truth.ravel(), minlength=256) / truth.size
        largest = CITYSCAPES_NAMES[int(shares.argmax())]
        assert largest == example.names[0] and shares[19:].sum() == 0
    assert read_truth(example, (100, 300)).shape == (100, 300)


def test_a_visitors_picture_is_no_example():
    examples = read_examples()
    assert find_example(examples, str(examples[3].path)) is examples[3]
    assert find_example(examples, "elsewhere.jpg") is None
    assert find_example(examples, None) is None and read_truth(None, (4, 4)) is None


def test_a_folder_without_an_index_has_no_examples(tmp_path):
    assert read_examples(tmp_path) == []


def test_an_entry_without_its_picture_is_an_error(tmp_path):
    entry = {"file": "a.jpg", "caption": "A", "domain": "oil", "classes": [], "licence": "x"}
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match="'a.jpg'"):
        read_examples(tmp_path)
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg")
    assert read_examples(tmp_path)[0].caption == "A"
    entry["truth"] = "truth/a.png"
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match="'truth/a.png'"):
        read_examples(tmp_path)
