"""Which pictures of a set are taken, and with whose look."""

import numpy as np
import pytest
from PIL import Image

from tqdm_demo.data import filtered
from tqdm_demo.data.datasets import describe, parse_data
from tqdm_demo.data.readers import Choice, open_readers
from tqdm_demo.data.selection import FILTER_GROUPS
from tqdm_demo.streets.domains import DOMAINS, HELD_OUT, apply_domain

FRAMES = ("A_01", "A_02", "B_01", "B_02", "C_01")


@pytest.fixture
def drives(trees, tmp_path):
    rng = np.random.default_rng(0)
    for name in FRAMES:
        trees.photo(tmp_path / f"images/train/{name}.png")
        image = rng.integers(0, 256, (7, 11, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / f"images/train/{name}.png")
        trees.grey(tmp_path / f"labels/train/{name}.png", trees.constant(5))
    return f"folder:{tmp_path}:train"


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (":include=A_*", ["A_01", "A_02"]),
        (":include=A_*:include=C*", ["A_01", "A_02", "C_01"]),
        (":exclude=A_*:exclude=B_02.png", ["B_01", "C_01"]),
        (":include=*_01*:exclude=B*", ["A_01", "C_01"]),
        (":every=2", ["A_01", "B_01", "C_01"]),
        (":exclude=A_01*:every=3", ["A_02", "C_01"]),
    ],
)
def test_patterns_choose_among_the_names(drives, settings, wanted):
    (source,) = parse_data(drives + settings)
    assert [file.name for file in source.files] == [f"{name}.png" for name in wanted]
    assert f"taken: {len(wanted)} of them" in describe([source])
    assert source.spec == drives + settings


def test_patterns_fit_the_last_part_of_a_path_and_unlabelled_pictures(trees, tmp_path):
    for name in ("one/A_01", "two/B_01"):
        trees.photo(tmp_path / f"images/{name}.png")
        trees.grey(tmp_path / f"labels/{name}.png", trees.constant(5))
    trees.photo(tmp_path / "images/two/B_02.png")
    (first,), (second,) = (parse_data(f"folder:{tmp_path}:include={p}") for p in ("A*", "two/*"))
    assert [f.name for f in first.files] == ["one/A_01.png"] and not first.unlabelled
    assert [f.name for f in second.files] == ["two/B_01.png"]
    assert second.unlabelled == ("two/B_02.png",)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (":include=Z*", r"takes none of 5 pictures, such as A_01\.png"),
        (":every=0", "every=0 in .* from 1 on"),
        (":filter=moon", "filter=moon in .* one of all, painterly, conditions, game"),
        (":filter=oil:filter=fog", "filter=fog"),
    ],
)
def test_odd_settings_are_named(drives, settings, message):
    with pytest.raises(ValueError, match=message):
        parse_data(drives + settings)


def test_the_groups_of_filters_are_every_look_but_the_plain_ones():
    painterly, conditions = FILTER_GROUPS.values()
    assert len(painterly) == len(conditions) == 7
    assert set(painterly) | set(conditions) == set(DOMAINS) - {"game", "photo"}
    assert len(set(HELD_OUT) & set(painterly)) == len(set(HELD_OUT) & set(conditions)) == 1


def test_groups_become_one_source_a_domain(drives):
    sources = parse_data(f"{drives}:filter=all")
    assert [source.spec for source in sources] == [
        drives, *(f"{drives}:filter={d}" for group in FILTER_GROUPS.values() for d in group)
    ]  # fmt: skip
    assert [file.domain for source in sources[:2] for file in source.files] == [""] * 5 + [
        "oil"
    ] * 5
    assert describe(sources).count("found: 5 pictures") == 1


def test_a_filtered_picture_is_made_once_and_depends_on_its_name(drives, tmp_path, monkeypatch):
    choice, made = Choice(None, 0, (8, 8), tmp_path / "cache"), []

    def apply(domain, image, seed):
        made.append((domain, seed))
        return apply_domain(domain, image, seed=seed)

    monkeypatch.setattr(filtered, "apply_domain", apply)

    def read(domain):
        (source,) = parse_data(f"{drives}:filter={domain}")
        return [reader.read() for reader in open_readers(source, choice)]

    (plain,) = parse_data(drives)
    first, second = read("rain"), read("rain")
    for before, once, again in zip(plain.pictures(None, 0), first, second, strict=True):
        assert (once.image != before.image).any() and once.image.shape == before.image.shape
        np.testing.assert_array_equal(once.image, again.image)
        np.testing.assert_array_equal(once.labels, before.labels)
    assert len(made) == 5 and len(set(made)) == 5
    read("fog")
    assert len(made) == 10
    # A changed picture is filtered anew, and so is a file of the cache that was cut off.
    plain.files[0].image.write_bytes(plain.files[1].image.read_bytes())
    damaged = sorted((tmp_path / "cache" / "filtered" / "fog").iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:40])
    read("rain"), read("fog")
    assert len(made) in (12, 13)  # of fog the damaged one may be the changed one
