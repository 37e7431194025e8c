"""Every published set, in miniature, in the layouts in which it unpacks."""

import json

import numpy as np
import pytest

from tqdm_demo.data.datasets import describe, parse_data


def the_only(spec, split="val"):
    (source,) = parse_data(spec, split)
    return source


def ids_of(source):
    """Picture name -> its train ids."""
    pictures = (source.read(n) for n in range(len(source)))
    return {p.name: np.unique(p.labels).tolist() for p in pictures}


def test_gta5_as_it_unpacks(trees, tmp_path):
    for n, raw in enumerate((7, 26, 34)):
        trees.photo(tmp_path / f"images/0000{n}.png")
        trees.palette(tmp_path / f"labels/0000{n}.png", trees.constant(raw))
    source = the_only(f"gta5:{tmp_path}", split="train")
    assert ids_of(source) == {"00000.png": [0], "00001.png": [13], "00002.png": [255]}
    report = describe([source])
    assert "GTA5 (Playing for Data), all pictures" in report
    assert "found: 3 pictures with labels in images/ and labels/" in report
    assert "3 files of Cityscapes ids" in report
    assert "published set has 24,966" in report


def test_gta5_with_split_folders(trees, tmp_path):
    for split, raw in (("train", 7), ("valid", 8), ("test", 11)):
        trees.photo(tmp_path / f"images/{split}/1.png")
        trees.palette(tmp_path / f"labels/{split}/1.png", trees.constant(raw))
    spec = f"gta5:{tmp_path}"
    assert ids_of(the_only(spec, "train")) == {"1.png": [0]}
    assert ids_of(the_only(spec, "val")) == {"1.png": [1]}
    assert ids_of(the_only(f"{spec}:test")) == {"1.png": [2]}
    assert len(the_only(f"{spec}:all")) == 3


def test_a_missing_split_is_not_replaced_by_all_pictures(trees, tmp_path):
    trees.photo(tmp_path / "images/train/1.png")
    trees.palette(tmp_path / "labels/train/1.png", trees.constant(7))
    with pytest.raises(ValueError, match=r"images/val/: there is no such folder"):
        parse_data(f"gta5:{tmp_path}", split="val")


def test_converted_labels_come_first(trees, tmp_path):
    trees.photo(tmp_path / "images/1.png")
    trees.palette(tmp_path / "labels/1.png", trees.constant(7))
    trees.grey(tmp_path / "labels/1_labelTrainIds.png", trees.constant(5))
    source = the_only(f"gta5:{tmp_path}")
    assert ids_of(source) == {"1.png": [5]} and source.mapping == "train ids"


@pytest.mark.parametrize("inside", ["", "RAND_CITYSCAPES"])
def test_synthia(trees, tmp_path, inside):
    root = tmp_path / inside
    for n, raw in enumerate((3, 12)):
        trees.photo(root / f"RGB/000000{n}.png")
        channels = np.stack([trees.constant(raw), trees.constant(777), trees.constant(0)], axis=-1)
        trees.wide(root / f"GT/LABELS/000000{n}.png", channels)
        trees.photo(root / f"GT/COLOR/000000{n}.png")
    source = the_only(f"synthia:{tmp_path}", split="train")
    assert ids_of(source) == {"0000000.png": [0], "0000001.png": [17]}
    assert source.mapping == "SYNTHIA ids"


def cityscapes(trees, root, split, city, raw, converted=False):
    stem = f"{split}/{city}/{city}_000000_000019"
    trees.photo(root / f"leftImg8bit/{stem}_leftImg8bit.png")
    trees.photo(root / f"gtFine/{stem}_gtFine_color.png")
    trees.grey(root / f"gtFine/{stem}_gtFine_instanceIds.png", trees.constant(1))
    ending = "labelTrainIds" if converted else "labelIds"
    trees.grey(root / f"gtFine/{stem}_gtFine_{ending}.png", trees.constant(raw))


def test_cityscapes(trees, tmp_path):
    cityscapes(trees, tmp_path, "val", "lindau", 23)
    cityscapes(trees, tmp_path, "val", "munster", 18, converted=True)
    cityscapes(trees, tmp_path, "train", "aachen", 33)
    source = the_only(f"cityscapes:{tmp_path}")
    assert ids_of(source) == {
        "lindau/lindau_000000_000019_leftImg8bit.png": [10],
        "munster/munster_000000_000019_leftImg8bit.png": [18],
    }
    assert source.mapping == "Cityscapes ids and train ids"
    assert "published set has 500" in source.check()
    assert list(ids_of(the_only(f"cityscapes:{tmp_path}", "train")).values()) == [[18]]
    assert list(ids_of(the_only(f"cityscapes:{tmp_path}:train")).values()) == [[18]]


BDD = {
    "masks": ("images/10k/val/a.jpg", "labels/sem_seg/masks/val/a.png"),
    "colormaps": ("images/10k/val/a.jpg", "labels/sem_seg/colormaps/val/a_labelTrainIds.png"),
    "masks of 2018": ("images/10k/val/a.jpg", "labels/sem_seg/masks/val/a_train_id.png"),
    "2018": ("seg/images/val/a.jpg", "seg/labels/val/a_train_id.png"),
    "inside": ("bdd100k/images/10k/val/a.jpg", "bdd100k/labels/sem_seg/masks/val/a.png"),
}


@pytest.mark.parametrize("layout", BDD)
def test_bdd100k(trees, tmp_path, layout):
    image, labels = BDD[layout]
    trees.photo(tmp_path / image)
    trees.grey(tmp_path / labels, trees.constant(15))
    assert ids_of(the_only(f"bdd100k:{tmp_path}")) == {"a.jpg": [15]}


def test_colours_of_bdd100k_are_not_taken_for_ids(trees, tmp_path):
    trees.photo(tmp_path / "images/10k/val/a.jpg")
    trees.photo(tmp_path / "labels/sem_seg/colormaps/val/a.png")
    with pytest.raises(ValueError, match=r"colormaps/val/: 1 files"):
        parse_data(f"bdd100k:{tmp_path}")
    (tmp_path / "labels/sem_seg/colormaps").rename(tmp_path / "labels/sem_seg/masks")
    with pytest.raises(ValueError, match="mode RGB"):
        the_only(f"bdd100k:{tmp_path}").read(0)


def mapillary(trees, root, folder, split="validation", raw=24, ending=""):
    trees.photo(root / split / "images" / "x.jpg")
    trees.palette(root / split / folder / f"x{ending}.png", trees.constant(raw))


@pytest.mark.parametrize("folder", ["labels", "v1.2/labels"])
def test_mapillary_version_one(trees, tmp_path, folder):
    mapillary(trees, tmp_path, folder, raw=23)  # a crosswalk: road for Rein, nothing for HRDA
    spec = f"mapillary:{tmp_path}"
    first, second = the_only(spec), the_only(f"{spec}:val:rein")
    assert (ids_of(first), ids_of(second)) == ({"x.jpg": [255]}, {"x.jpg": [0]})
    assert first.mapping == "Mapillary v1.2 by the HRDA mapping"
    assert second.mapping == "Mapillary v1.2 by the Rein mapping"
    assert "by the HRDA mapping" in first.check()


def test_mapillary_version_two(trees, tmp_path):
    mapillary(trees, tmp_path, "v2.0/labels", raw=1, split="training")
    labels = [{"name": "animal--bird", "readable": "Bird"},
              {"name": "nature--sky", "readable": "Sky"}]  # fmt: skip
    with pytest.raises(ValueError, match=r"config_v2\.0\.json"):
        parse_data(f"mapillary:{tmp_path}", split="train")
    (tmp_path / "config_v2.0.json").write_text(json.dumps({"labels": labels}))
    source = the_only(f"mapillary:{tmp_path}", "train")
    assert ids_of(source) == {"x.jpg": [10]} and "v2.0" in source.mapping
    with pytest.raises(ValueError, match=r"v1\.2/labels/: there is no such folder"):
        parse_data(f"mapillary:{tmp_path}:v1.2", split="train")


def test_both_versions_side_by_side(trees, tmp_path):
    mapillary(trees, tmp_path, "v1.2/labels", raw=27)
    mapillary(trees, tmp_path, "v2.0/labels", raw=0)
    labels = [{"name": "nature--terrain", "readable": "Terrain"}]
    (tmp_path / "config_v2.0.json").write_text(json.dumps({"labels": labels}))
    assert ids_of(the_only(f"mapillary:{tmp_path}")) == {"x.jpg": [10]}
    assert ids_of(the_only(f"mapillary:{tmp_path}:v2.0:rein")) == {"x.jpg": [9]}


def test_converted_files_of_mapillary_promise_no_mapping(trees, tmp_path):
    mapillary(trees, tmp_path, "labels", raw=4, ending="_labelTrainIds")
    source = the_only(f"mapillary:{tmp_path}")
    assert ids_of(source) == {"x.jpg": [4]} and "unknown mapping" in source.mapping
    with pytest.raises(ValueError, match="no labelled pictures"):
        parse_data(f"mapillary:{tmp_path}:hrda")


def test_acdc_and_its_conditions(trees, tmp_path):
    for condition, train_id in (("fog", 0), ("night", 10)):
        stem = f"{condition}/val/GOPR0475/GOPR0475_frame_000041"
        trees.photo(tmp_path / f"rgb_anon/{stem}_rgb_anon.png")
        trees.grey(tmp_path / f"gt/{stem}_gt_labelTrainIds.png", trees.constant(train_id))
        trees.photo(tmp_path / f"rgb_anon/{condition}/val_ref/GOPR0475/GOPR0475_ref_rgb_anon.png")
    assert list(ids_of(the_only(f"acdc:{tmp_path}")).values()) == [[0], [10]]
    night = ids_of(the_only(f"acdc:{tmp_path}:val:night"))
    assert night == {"night/GOPR0475/GOPR0475_frame_000041_rgb_anon.png": [10]}


def test_a_label_of_another_size_is_refused(trees, tmp_path):
    trees.photo(tmp_path / "images/1.png", (trees.SIZE[0] + 1, trees.SIZE[1]))
    trees.palette(tmp_path / "labels/1.png", trees.constant(7))
    with pytest.raises(ValueError, match=r"labels/1\.png is 11 x 7 .* is 12 x 7"):
        the_only(f"gta5:{tmp_path}").read(0)


def test_pictures_without_labels_are_counted_and_named(trees, tmp_path):
    for n in range(6):
        trees.photo(tmp_path / f"images/{n}.png")
    trees.palette(tmp_path / "labels/3.png", trees.constant(7))
    source = the_only(f"gta5:{tmp_path}")
    assert len(source) == 1 and len(source.unlabelled) == 5
    assert "missing: labels of 5 pictures: 0.png, 1.png, 2.png and 2 more" in source.check()


@pytest.mark.parametrize(
    ("kind", "site"),
    [
        ("gta5", "Playing for Data"), ("synthia", "synthia-dataset.net"),
        ("cityscapes", "cityscapes-dataset.com"), ("bdd100k", "BDD100K page"),
        ("mapillary", "mapillary.com"), ("acdc", "acdc.vision.ee.ethz.ch"),
        ("folder", "single-channel PNGs"),
    ],
)  # fmt: skip
def test_nothing_there_tells_where_to_get_it(tmp_path, kind, site):
    with pytest.raises(ValueError) as error:
        parse_data(f"{kind}:{tmp_path}")
    assert "no labelled pictures of" in str(error.value) and site in str(error.value)
    assert f"{kind}:{tmp_path}" in str(error.value)
    assert "there is no such folder" in str(error.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gta5:x:rein", "'rein' in .* split: train, val, test, all"),
        ("mapillary:x:v3", "mapping: hrda, rein; version: v1.2, v2.0"),
        ("acdc:x:sun", "condition: fog, night, rain, snow"),
        ("cityscapes:x:val:train", "'train' in"),
    ],
)
def test_odd_options_are_named(spec, message):
    with pytest.raises(ValueError, match=message):
        parse_data(spec)


def test_files_of_macos_are_no_pictures(trees, tmp_path):
    trees.photo(tmp_path / "images/val/a.png")
    trees.grey(tmp_path / "labels/val/a.png", trees.constant(3))
    for kind in ("images", "labels"):
        (tmp_path / kind / "val" / "._a.png").write_bytes(b"Mac OS X")
    source = the_only(f"folder:{tmp_path}:val")
    assert [file.name for file in source.files] == ["a.png"] and not source.unlabelled


def test_capitals_of_endings_make_no_difference(trees, tmp_path):
    for name, label in (("A.JPG", "A.PNG"), ("b.Png", "b.png"), ("a.jpg", "a.Png")):
        trees.photo(tmp_path / "images" / name.lower())
        (tmp_path / "images" / name.lower()).rename(tmp_path / "images" / name)
        trees.grey(tmp_path / "labels/new.png", trees.constant(len(label) + ord(name[0]) % 7))
        (tmp_path / "labels/new.png").rename(tmp_path / "labels" / label)
    source = the_only(f"folder:{tmp_path}")
    assert {f.name: f.labels.name for f in source.files} == {
        "A.JPG": "A.PNG", "a.jpg": "a.Png", "b.Png": "b.png"
    }  # fmt: skip
    trees.grey(tmp_path / "labels/b.PNG", trees.constant(0))
    by_name = {file.name: file.labels.name for file in the_only(f"folder:{tmp_path}").files}
    assert by_name["b.Png"] == "b.png"


@pytest.mark.parametrize(
    ("kind", "there", "told"),
    [
        ("bdd100k", "bdd100k/images/10k/val/a.jpg", r"    bdd100k/images/10k/val/: 1 files"),
        ("synthia", "RAND_CITYSCAPES/RGB/a.png", r"    RAND_CITYSCAPES/RGB/: 1 files"),
    ],
)
def test_reports_tell_of_the_folder_of_the_download(trees, tmp_path, kind, there, told):
    trees.photo(tmp_path / there)
    with pytest.raises(ValueError, match=told):
        parse_data(f"{kind}:{tmp_path}")
