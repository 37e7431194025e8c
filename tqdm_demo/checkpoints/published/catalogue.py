"""The published weights that can be downloaded by name: one table, an entry a model.

``published:NAME`` is a source like any other, and ``published:NAME#float16`` the same model stored
in half the space. What is known of a file before it is downloaded stands here; its digest is
remembered at the first download (see :mod:`tqdm_demo.checkpoints.published.store`).

No file of this table could be downloaded where this project was written: the addresses are those of
the authors' pages, the sizes are those of the tensors.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

DRIVE = "drive:"
PUBLISHED = "published:"
# What the tensors of published weights may be stored in; torch's names.
DTYPES = ("float32", "float16")
NEVER_TRIED = "The download was tested with a stand-in, never with the authors' server."


@dataclass(frozen=True)
class RemoteFile:
    """One file to download.

    Attributes:
        name: that it gets here; what it was trained on is read from it where the file is silent.
            An archive (``.tar``) holds a checkpoint, its largest file.
        place: ``drive:ID``, a file of Google Drive, or an address.
        gigabytes: about; what it really has is seen when it is downloaded.
        sha256: in lower-case hexadecimal digits, where its authors publish it.
    """

    name: str
    place: str
    gigabytes: float
    sha256: str = ""


@dataclass(frozen=True)
class PublishedWeights:
    """A model that its authors publish.

    Attributes:
        name: behind ``published:``.
        title: for menus.
        model: title of the architecture that the file must turn out to be.
        trained_on: data sets.
        checkpoint: the authors' file.
        terms: of code and weights, one sentence.
        page: where the authors link to the file.
        preset: the training of ``presets.py`` that makes such a model; empty = none.
        kind: as in ``Description``; empty = not known.
        backbone: a second file that the first one needs.
    """

    name: str
    title: str
    model: str
    trained_on: str
    checkpoint: RemoteFile
    terms: str
    page: str
    preset: str = ""
    kind: str = ""
    backbone: RemoteFile | None = None

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """All that has to be downloaded."""
        return (self.checkpoint,) if self.backbone is None else (self.checkpoint, self.backbone)

    @property
    def gigabytes(self) -> float:
        """Of all files, about."""
        return sum(file.gigabytes for file in self.files)

    @property
    def about(self) -> str:
        """What should be known before it is downloaded: size, terms, where it comes from."""
        return (
            f"The authors' weights, trained on {self.trained_on}: a download of about "
            f"{self.gigabytes:.1f} GB from {self.page}. {self.terms} {NEVER_TRIED}"
        )


_TQDM_TERMS = "The code is under the MIT licence; the weights come without a stated licence."
_TQDM_PAGE = "https://github.com/ByeongHyunPak/tqdm#checkpoints"
_VIT_B = ("CLIP ViT-B/16", "tqdm with CLIP ViT-B/16")
_EVA_L = ("EVA02-CLIP-L", "tqdm with EVA02-CLIP-L/14-336")
# Preset, tower, title of the architecture, training set; file, its place on Google Drive, size.
_TQDM_FILES = (
    ("clip-vit-b-gta5", *_VIT_B, "GTA5",
     "tqdm-clip-vit-b-gta.pth", "1oKTIuPoXTJyOqqof1yqtb10m41nVkreM", 1.1),
    ("eva02-l-gta5", *_EVA_L, "GTA5",
     "tqdm-eva02-clip-vit-l-gta.pth", "1niKdUcoeP9Gd4F2O0LikTHBg39xHO8j0", 3.2),
    ("eva02-l-cityscapes", *_EVA_L, "Cityscapes",
     "tqdm-eva02-clip-vit-l-city.pth", "1_FXNthSshuvGraEX-2JxQWsGvtpeG9A7", 3.2),
)  # fmt: skip

_NO_TERMS = (
    "the weights come without a stated licence. DINOv2’s, on which they stand, are under "
    "Apache-2.0."
)
_DINO = RemoteFile(
    "dinov2_vitl14_pretrain.pth",
    "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
    1.2,
)

WEIGHTS_BY_NAME = {
    weights.name: weights
    for weights in (
        *(
            PublishedWeights(
                name=f"tqdm-{preset}",
                title=f"tqdm, {tower}, {trained_on}",
                model=model,
                trained_on=trained_on,
                checkpoint=RemoteFile(file, f"{DRIVE}{file_id}", gigabytes),
                terms=_TQDM_TERMS,
                page=_TQDM_PAGE,
                preset=preset,
                kind="textual",
            )
            for preset, tower, model, trained_on, file, file_id, gigabytes in _TQDM_FILES
        ),
        PublishedWeights(
            name="rein-dinov2-l-gta5",
            title="Rein, DINOv2-L, GTA5",
            model="Rein with DINOv2-L",
            trained_on="GTA5",
            checkpoint=RemoteFile(
                "rein-dinov2-l-gta.pth",
                "https://github.com/w1oves/Rein/releases/download/GTAV/iter_40000_published.pth",
                0.1,
            ),
            terms="Rein’s code is under GPL-3.0, and none of it is used here; " + _NO_TERMS,
            page="https://github.com/w1oves/Rein",
            kind="rein",
            backbone=_DINO,
        ),
        *(
            PublishedWeights(
                name=f"soma-dinov2-l-{short}",
                title=f"SoMA, DINOv2-L, {trained_on}",
                model="SoMA with DINOv2-L",
                trained_on=trained_on,
                checkpoint=RemoteFile(
                    f"soma_dinov2-L_{code}_best.pth",
                    "https://github.com/ysj9909/SoMA/releases/download/v1.0/"
                    f"soma_dinov2-L_{code}_best.pth",
                    0.1,
                ),
                terms="SoMA’s code is under the MIT licence; " + _NO_TERMS,
                page="https://github.com/ysj9909/SoMA",
                kind="soma",
                backbone=_DINO,
            )
            for short, code, trained_on in (
                ("gta5", "g2cbm", "GTA5"),
                ("gta5-synthia-urbansyn", "gsu2cbm", "GTA5, SYNTHIA, UrbanSyn"),
                ("cityscapes", "c2bm", "Cityscapes"),
            )
        ),
        PublishedWeights(
            name="tldr-r50-gta5",
            title="TLDR, ResNet-50, GTA5",
            model="TLDR with ResNet-50",
            trained_on="GTA5",
            checkpoint=RemoteFile(
                "tldr-r50-gta.tar", f"{DRIVE}1dh0YeOneAc7s7ug1rV0ZhQcrrW5ZgbaU", 0.4
            ),
            terms="Neither TLDR’s code, which is not used here, nor its weights have a licence.",
            page="https://github.com/ssssshwan/TLDR",
            kind="tldr",
        ),
    )
}


def find_weights(name: str) -> PublishedWeights:
    """An entry of the table.

    Raises:
        ValueError: there is none of that name; the message lists what there is.
    """
    if name not in WEIGHTS_BY_NAME:
        near = difflib.get_close_matches(name, WEIGHTS_BY_NAME, n=1, cutoff=0.6)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(
            f"There are no published weights {name!r}{meant}; there are "
            f"{', '.join(WEIGHTS_BY_NAME)}."
        )
    return WEIGHTS_BY_NAME[name]
