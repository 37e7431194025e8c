"""How the published data sets lie on disk once they are unpacked, and where to get them.

Every label file is found from its picture: the picture's path below ``images``, without its
``image_ending``, below ``labels``, with the first of ``label_endings`` that exists. ``{split}``
stands for a folder of the split (nothing, where the set has none), ``{part}`` for a condition.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tqdm_demo.data.id_tables import (
    CITYSCAPES_IDS,
    CONVERTED_IDS,
    SYNTHIA_IDS,
    TRAIN_IDS,
    IdTable,
)

# In place of a table: Mapillary's, which depends on version and mapping.
MAPILLARY_V12, MAPILLARY_V20 = "v1.2", "v2.0"
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_CONVERTED = "_labelTrainIds.png"
_BDD_TRAIN_IDS = ("_train_id.png", TRAIN_IDS)  # as of the release of 2018


@dataclass(frozen=True)
class Layout:
    """One way in which pictures and labels lie.

    Attributes:
        images, labels: folders below the set's.
        image_endings: what a picture's name ends with; the longest that fits is cut off.
        label_endings: what replaces it, with the table of these labels; the first that exists.
            Capitals make no difference in either.
    """

    images: str
    image_endings: tuple[str, ...]
    labels: str
    label_endings: tuple[tuple[str, IdTable | str], ...]


@dataclass(frozen=True)
class SetKind:
    """One data set.

    Attributes:
        title: its name, for reports.
        layouts: in the order in which they are tried.
        splits: what a user may ask for -> the folders that it may be; "" = no folder.
        flat: as the set is unpacked it has no split folders: where there are none, a default split
            means all pictures.
        parts: conditions, each with folders of its own.
        inside: a folder that the download may have put around everything.
        expected: pictures with labels of a whole set, by split (of all parts).
        test_box: (width, height) into which pictures are resized for testing; None = as they are.
        windows: tested on windows, as published; otherwise as the model prefers.
        scores_all: all 19 names are asked for, as published; otherwise those that are labelled.
        advice: how to get it.
    """

    title: str
    layouts: tuple[Layout, ...]
    splits: dict[str, tuple[str, ...]]
    advice: str
    flat: bool = False
    parts: tuple[str, ...] = ("",)
    inside: str = ""
    expected: dict[str, int] = field(default_factory=dict)
    test_box: tuple[int, int] | None = None
    windows: bool = True
    scores_all: bool = True


_TRAIN_VAL = {"train": ("train",), "val": ("val",), "test": ("test",)}
_BDD_10K = ("images/10k/{split}", (".jpg",))
_MAPILLARY = ("{split}/images", (".jpg",))

KINDS: dict[str, SetKind] = {
    "gta5": SetKind(
        title="GTA5 (Playing for Data)",
        layouts=(
            Layout(
                "images/{split}",
                (".png",),
                "labels/{split}",
                ((_CONVERTED, TRAIN_IDS), (".png", CITYSCAPES_IDS)),
            ),
        ),
        splits={
            "train": ("train",),
            "val": ("val", "valid"),
            "test": ("test",),
            "all": ("",),
        },
        flat=True,
        expected={"all": 24_966},
        advice=(
            "unpack all ten archives of images and of labels from the page “Playing for Data: "
            "Ground Truth from Computer Games” of TU Darmstadt (download.visinf.tu-darmstadt.de) "
            "into one folder"
        ),
    ),
    "synthia": SetKind(
        title="SYNTHIA-RAND-CITYSCAPES",
        layouts=(
            Layout(
                "RGB/{split}",
                (".png",),
                "GT/LABELS/{split}",
                ((_CONVERTED, TRAIN_IDS), (".png", SYNTHIA_IDS)),
            ),
        ),
        splits={"train": ("train",), "val": ("val",), "all": ("",)},
        flat=True,
        inside="RAND_CITYSCAPES",
        expected={"all": 9_400},
        advice="unpack SYNTHIA-RAND-CITYSCAPES (CVPR16) from synthia-dataset.net",
    ),
    "cityscapes": SetKind(
        title="Cityscapes",
        layouts=(
            Layout(
                "leftImg8bit/{split}",
                ("_leftImg8bit.png",),
                "gtFine/{split}",
                (
                    ("_gtFine_labelTrainIds.png", TRAIN_IDS),
                    ("_gtFine_labelIds.png", CITYSCAPES_IDS),
                ),
            ),
        ),
        splits=_TRAIN_VAL,
        expected={"train": 2_975, "val": 500},
        test_box=(2048, 1024),
        advice=(
            "register at cityscapes-dataset.com and unpack leftImg8bit_trainvaltest.zip and "
            "gtFine_trainvaltest.zip into one folder"
        ),
    ),
    "bdd100k": SetKind(
        title="BDD100K (semantic segmentation)",
        layouts=(
            Layout(
                *_BDD_10K,
                "labels/sem_seg/masks/{split}",
                ((_CONVERTED, TRAIN_IDS), _BDD_TRAIN_IDS, (".png", TRAIN_IDS)),
            ),
            # The published code reads ids from here; the download has colours there.
            Layout(
                *_BDD_10K,
                "labels/sem_seg/colormaps/{split}",
                ((_CONVERTED, TRAIN_IDS), _BDD_TRAIN_IDS),
            ),
            Layout(
                "seg/images/{split}",
                (".jpg",),
                "seg/labels/{split}",
                (_BDD_TRAIN_IDS, (_CONVERTED, TRAIN_IDS)),
            ),
        ),
        splits=_TRAIN_VAL,
        inside="bdd100k",
        expected={"train": 7_000, "val": 1_000},
        test_box=(1280, 720),
        advice=(
            "register at the BDD100K page of UC Berkeley (bdd-data.berkeley.edu) and unpack “10K "
            "Images” and “Segmentation” into one folder; of “Segmentation” the folder "
            "sem_seg/masks is needed, its colormaps hold colours"
        ),
    ),
    "mapillary": SetKind(
        title="Mapillary Vistas",
        layouts=(
            # Raw labels first: of converted ones nobody can tell by which mapping they were made.
            Layout(*_MAPILLARY, "{split}/v1.2/labels", ((".png", MAPILLARY_V12),)),
            Layout(*_MAPILLARY, "{split}/labels", ((".png", MAPILLARY_V12),)),
            Layout(*_MAPILLARY, "{split}/v2.0/labels", ((".png", MAPILLARY_V20),)),
            Layout(*_MAPILLARY, "{split}/v1.2/labels", ((_CONVERTED, CONVERTED_IDS),)),
            Layout(*_MAPILLARY, "{split}/labels", ((_CONVERTED, CONVERTED_IDS),)),
        ),
        splits={"train": ("training",), "val": ("validation",)},
        expected={"train": 18_000, "val": 2_000},
        test_box=(2048, 1024),
        advice="request the research edition at mapillary.com/dataset/vistas and unpack it",
    ),
    "acdc": SetKind(
        title="ACDC",
        layouts=(
            Layout(
                "rgb_anon/{part}/{split}",
                ("_rgb_anon.png",),
                "gt/{part}/{split}",
                (("_gt_labelTrainIds.png", TRAIN_IDS), ("_gt_labelIds.png", CITYSCAPES_IDS)),
            ),
        ),
        splits=_TRAIN_VAL,
        parts=("fog", "night", "rain", "snow"),
        expected={"train": 1_600, "val": 406},
        advice=(
            "register at acdc.vision.ee.ethz.ch and unpack rgb_anon_trainvaltest.zip and "
            "gt_trainval.zip into one folder"
        ),
    ),
    "folder": SetKind(
        title="plain folder",
        layouts=(Layout("images/{split}", _PHOTOS, "labels/{split}", ((".png", TRAIN_IDS),)),),
        splits={},
        windows=False,
        scores_all=False,
        advice=(
            "put pictures below images/ and, under the same names, single-channel PNGs of "
            "Cityscapes train ids (255 = not labelled) below labels/"
        ),
    ),
}
