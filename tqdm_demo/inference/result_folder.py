"""A folder of results of many pictures, which a later run can go on with.

    NAME.labels.png     label ids as pixel values, with a palette that shows them in colour
    NAME.overlay.jpg    the colours over the greyed picture, where asked for
    NAME.masks/         a black and white PNG of every class that is there, where asked for
    results.json        what the ids mean, and of every picture its files and the classes' shares

Every file is replaced as a whole, so that nothing half written is ever taken for a result.

Axes: H W the picture.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tqdm_demo.atomic_files import replace_text, replacing
from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.picture_search import LABELS, MASKS, OVERLAY, FoundPicture
from tqdm_demo.inference.rendering import label_png, overlay, shrink
from tqdm_demo.inference.result_files import class_masks, describe_classes, jpeg
from tqdm_demo.inference.segmentation import Segmentation

RESULTS = "results.json"
# An overlay is there to be looked at: its longer side, in pixels.
_OVERLAY_SIDE = 2048
# results.json is written this often, in seconds: what came later is done again after a crash.
_SAVE_EVERY = 5.0


class ResultFolder:
    """Writes results, and knows which are there.

    Args:
        folder: is made where it is missing.
        settings: what decides the results, ready for JSON; one folder holds results of one.
        classes: the list.
        overlay: whether overlays are written; ``masks``: likewise.
        masks: see ``overlay``.

    Raises:
        ValueError: the folder holds results of other settings, or a results.json that is none.
        OSError: it cannot be read or made.
    """

    def __init__(
        self,
        folder: Path,
        settings: dict[str, Any],
        classes: ClassList,
        overlay: bool = False,
        masks: bool = False,
    ) -> None:
        self._folder, self._settings, self._classes = folder, settings, classes
        self._overlay, self._masks = overlay, masks
        self._entries = self._read()
        self._names = {entry["labels"] for entry in self._entries.values() if "labels" in entry}
        self._saved = time.monotonic()

    def has(self, picture: FoundPicture) -> bool:
        """Whether all that is asked for is there, made of the file as it is now."""
        entry = self._entries.get(picture.path.as_posix(), {})
        wanted = ["labels"] + ["overlay"] * self._overlay + ["masks"] * self._masks
        if "labels" not in entry or entry.get("file") != _fingerprint(picture.path):
            return False
        return all(key in entry and (self._folder / entry[key]).exists() for key in wanted)

    def add(self, picture: FoundPicture, image: np.ndarray, result: Segmentation) -> None:
        """Writes the files of one result.

        Args:
            picture: whose result it is.
            image: uint8 (H, W, 3).
            result: of the whole picture.

        Raises:
            OSError: a file cannot be written.
        """
        stem, labels = self._stem(picture), result.label_map
        files = {"labels": f"{stem}{LABELS}"}
        self._write(files["labels"], label_png(labels, self._classes.colours))
        if self._overlay:
            files["overlay"] = f"{stem}{OVERLAY}"
            self._write(files["overlay"], self._drawn(image, labels))
        if self._masks:
            files["masks"] = f"{stem}{MASKS}"
            for name, mask in class_masks(labels, self._classes):
                self._write(f"{files['masks']}/{name}", mask)
        height, width = labels.shape
        shares = zip(self._classes.labels, result.shares, strict=True)
        self._enter(picture, {
            "width": width, "height": height, **files,
            "shares": {label: round(share, 6) for label, share in shares},
            "file": _fingerprint(picture.path),
        })  # fmt: skip

    def fail(self, picture: FoundPicture, sentence: str) -> None:
        """Notes why a picture has no result; it is tried again next time."""
        self._enter(picture, {"error": sentence})

    def save(self) -> None:
        """Writes results.json.

        Raises:
            OSError: it cannot be written.
        """
        content = {
            "settings": self._settings,
            "classes": describe_classes(self._classes),
            "pictures": list(self._entries.values()),
        }
        replace_text(self._folder / RESULTS, json.dumps(content, indent=1) + "\n")
        self._saved = time.monotonic()

    def _read(self) -> dict[str, dict[str, Any]]:
        file = self._folder / RESULTS
        if not file.is_file():
            return {}
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            settings = dict(content["settings"])
            entries = {entry["picture"]: entry for entry in content["pictures"]}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} is not one of this program; choose another --out.") from error
        other = [key for key, value in self._settings.items() if settings.get(key) != value]
        if other:
            raise ValueError(
                f"{self._folder} holds results of another {' and '.join(other)}; choose another "
                "--out, or remove that folder."
            )
        return entries

    def _enter(self, picture: FoundPicture, entry: dict[str, Any]) -> None:
        path = picture.path.as_posix()
        self._entries[path] = {"picture": path, **entry}
        if time.monotonic() - self._saved >= _SAVE_EVERY:
            self.save()

    def _stem(self, picture: FoundPicture) -> str:
        """What the files are called after: as before, or a name that no other picture has."""
        known = self._entries.get(picture.path.as_posix(), {}).get("labels")
        if known is not None:
            return known.removesuffix(LABELS)
        plain = picture.name.with_suffix("").as_posix()
        stem, number = plain, 1
        while f"{stem}{LABELS}" in self._names:
            number += 1
            stem = f"{plain}-{number}"
        self._names.add(f"{stem}{LABELS}")
        return stem

    def _drawn(self, image: np.ndarray, labels: np.ndarray) -> bytes:
        small = shrink(image, _OVERLAY_SIDE)
        size = small.shape[1], small.shape[0]
        labels = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
        return jpeg(overlay(small, labels, self._classes.colours))

    def _write(self, name: str, content: bytes) -> None:
        file = self._folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            partial.write_bytes(content)


def _fingerprint(path: Path) -> list[int]:
    """Size and time of a file: another one under the same name is not taken for it."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
