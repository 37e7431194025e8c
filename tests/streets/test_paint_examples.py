import json

import numpy as np
from PIL import Image

from tqdm_demo.streets import paint_examples as examples
from tqdm_demo.streets.domains import DOMAINS, paint


def test_shown_classes_come_by_size_and_leave_specks_out():
    labels = np.full((100, 100), 10, np.uint8)
    labels[60:] = 0
    labels[0, :9] = 11  # 9 of 10,000 pixels
    labels[50:, :20] = 255
    assert examples.shown_classes(labels) == ["sky", "road"]
    labels[0, :10] = 11
    assert examples.shown_classes(labels) == ["sky", "road", "person"]


def test_the_choice_has_many_domains_and_no_training_seed():
    domains = [domain for domain, _, _ in examples.CHOSEN]
    assert len(domains) == len(set(domains)) >= 12 and set(domains) <= set(DOMAINS)
    assert all(0 <= seed < 10_000 for _, seed, _ in examples.CHOSEN)


def test_pictures_and_index_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "CHOSEN", examples.CHOSEN[:2])
    examples.paint_examples(tmp_path / "new", size=(128, 64))
    index = json.loads((tmp_path / "new" / "index.json").read_text())
    assert [entry["seed"] for entry in index] == [seed for _, seed, _ in examples.CHOSEN]
    for entry in index:
        assert Image.open(tmp_path / "new" / entry["file"]).size == (128, 64)
        assert "road" in entry["classes"]
        truth = np.asarray(Image.open(tmp_path / "new" / entry["truth"]))
        assert np.array_equal(truth, paint(entry["seed"], entry["domain"], (128, 64)).labels)


def test_the_pictures_that_lie_here_are_those_of_the_program():
    index = json.loads((examples.EXAMPLES / "index.json").read_text())
    assert [(e["domain"], e["seed"], e["caption"]) for e in index] == list(examples.CHOSEN)
    for entry in index:
        painting = paint(entry["seed"], entry["domain"], examples.SIZE)
        truth = np.asarray(Image.open(examples.EXAMPLES / entry["truth"]))
        assert (truth == painting.labels).mean() > 0.999, entry["file"]
        picture = np.asarray(Image.open(examples.EXAMPLES / entry["file"])).astype(int)
        assert np.abs(picture - painting.image).mean() < 6, entry["file"]
