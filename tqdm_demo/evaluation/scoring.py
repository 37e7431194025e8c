"""One model on one data set: predictions, confusion matrix, IoU of every class.

Axes: M classes; H W pixels.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from tqdm import tqdm

from tqdm_demo.data.file_source import FileSource, LabelledPicture
from tqdm_demo.data.id_tables import SYNTHIA_CLASSES
from tqdm_demo.data.readers import Reader
from tqdm_demo.evaluation.contact_sheet import SheetRow, draw_row
from tqdm_demo.evaluation.protocol import WINDOWS, EvaluationProtocol, Segments, label_picture
from tqdm_demo.inference.confusion_matrix import ConfusionMatrix
from tqdm_demo.training.distributed import gather_items, rank, share_of, sum_over_processes
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


@dataclass(frozen=True)
class EvaluationTask:
    """What a model is asked, and how.

    Attributes:
        names: one per class of the data set, in their order; None = the classes' own names.
        protocol: windows, scales, flip.
        ask_all: all names are asked for; False: those of classes that are labelled; None: as is
            usual for the data set.
        sheet: rows for the contact sheet.
        skip_broken: leave out what cannot be read, and say so, rather than refuse.
    """

    names: tuple[str, ...] | None = None
    protocol: EvaluationProtocol = EvaluationProtocol()
    ask_all: bool | None = None
    sheet: int = 0
    skip_broken: bool = False


_USUAL = EvaluationTask()
_SIXTEEN = list(SYNTHIA_CLASSES)


@dataclass(frozen=True)
class Measured:
    """What came out.

    Attributes:
        result: ``miou`` (percent, the mean over the classes that are labelled), ``iou`` (class ->
            percent), ``pixels`` (percent of the labelled ones that are right), ``pictures``,
            ``classes`` (how many are labelled), ``mode``; ``asked`` = "labelled" where the arg-max
            was over these alone; of published sets also ``mapping`` (of the label files' ids) and
            ``miou_16``, the mean over the 16 classes of SYNTHIA, where more are labelled;
            ``skipped`` (name -> reason) where pictures were left out.
        rows: for the contact sheet.
    """

    result: dict
    rows: list[SheetRow] = field(default_factory=list)


def measure(
    predictor: Segments,
    readers: Sequence[Reader],
    task: EvaluationTask = _USUAL,
    source: FileSource | None = None,
    caption: str = "",
) -> Measured:
    """One model on one data set; processes of a torchrun share its pictures, all get the result.

    Args:
        predictor: the model.
        readers: of the pictures.
        task: what is asked.
        source: the data set, where it is one on disk: its class names are taken and its habits
            are followed. Of others the classes are those of Cityscapes.
        caption: of the rows of the contact sheet.

    Raises:
        ValueError: no labelled pixel, a picture that cannot be read, or another number of names
            than the data set has classes.
    """
    class_names = source.names if source else CITYSCAPES_NAMES
    names = class_names if task.names is None else task.names
    if len(names) != len(class_names):
        raise ValueError(
            f"{len(names)} names are asked for, but {source.spec if source else 'Cityscapes'} has "
            f"{len(class_names)} classes; it takes one name for each, in the order of the classes"
        )
    ask_all, protocol, box = _habits(task, source, predictor.default_mode)
    skipped: dict[str, str] = {}
    classes = np.arange(len(class_names))
    if not ask_all:
        classes = _labelled(readers, task, skipped)[: len(class_names)].nonzero()[0]
    asked = [names[train_id] for train_id in classes]
    confusion, rows, count = ConfusionMatrix(len(class_names)), [], 0
    shown = set(np.linspace(0, len(readers) - 1, min(task.sheet, len(readers))).astype(int))
    silent = rank() > 0 or multiprocessing.parent_process() is not None
    own = share_of(len(readers)) if asked else ()
    for place in tqdm(own, caption, unit="picture", leave=False, disable=silent or None):
        picture = _read(readers[place], task, skipped)
        if picture is None:
            continue
        label_map = classes[label_picture(predictor, picture.image, asked, protocol, box)]
        confusion.update(label_map, picture.labels)
        count += 1
        if place in shown:
            text = f"{caption}  {picture.name}"
            rows.append(draw_row(place, text, picture.image, label_map, picture.labels,
                                 class_names))  # fmt: skip
    confusion.counts = sum_over_processes(torch.from_numpy(confusion.counts)).numpy()
    count = int(sum_over_processes(torch.tensor(count)))
    skipped = dict(sorted(gather_items(list(skipped.items()))))
    result = {**_figures(confusion, class_names, source), "pictures": count, "mode": protocol.mode}
    if len(asked) < len(class_names):
        result["asked"] = "labelled"
    if source and source.unlabelled:
        skipped.update(dict.fromkeys(source.unlabelled, "there are no labels"))
    if skipped:
        result["skipped"] = skipped
    return Measured(result, sorted(gather_items(rows), key=lambda row: row.place))


def _habits(
    task: EvaluationTask, source: FileSource | None, default_mode: str
) -> tuple[bool, EvaluationProtocol, tuple[int, int] | None]:
    """Whether to ask for all names, the protocol with its mode, and the box of the test size."""
    protocol, ask_all, box = task.protocol, task.ask_all, None
    if source is not None:
        ask_all = source.about.scores_all if ask_all is None else ask_all
        box = source.about.test_box
        if source.about.windows:
            default_mode = WINDOWS
    return bool(ask_all), replace(protocol, mode=protocol.mode or default_mode), box


def _figures(
    confusion: ConfusionMatrix, class_names: Sequence[str], source: FileSource | None
) -> dict:
    iou, present = confusion.iou(), np.flatnonzero(confusion.present)
    found = {
        "miou": round(100 * confusion.miou(), 3),
        "iou": {class_names[k]: round(100 * iou[k], 3) for k in present.tolist()},
        "classes": len(present),
        "pixels": round(100 * confusion.accuracy(), 3),
    }
    if source and source.about.scores_all:
        found["mapping"] = source.mapping
        if len(present) > len(_SIXTEEN) and confusion.present[_SIXTEEN].all():
            found["miou_16"] = round(100 * float(np.mean(iou[_SIXTEEN])), 3)
    return found


def _labelled(
    readers: Sequence[Reader], task: EvaluationTask, skipped: dict[str, str]
) -> np.ndarray:
    """int64 (256,): 1 where a label occurs in any picture."""
    seen = np.zeros(256, np.int64)
    for place in share_of(len(readers)):
        picture = _read(readers[place], task, skipped)
        if picture is not None:
            seen[np.unique(picture.labels)] = 1
    return sum_over_processes(torch.from_numpy(seen)).numpy()


def _read(reader: Reader, task: EvaluationTask, skipped: dict[str, str]) -> LabelledPicture | None:
    try:
        return reader.read()
    except ValueError as error:
        if not task.skip_broken:
            raise
        skipped[reader.name] = str(error)
        return None
