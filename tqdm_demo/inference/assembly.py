"""From the maps of a model to the results that callers get, a class of the list each.

Axes: K classes; N names with their synonyms; H W the picture; h w a score map.
"""

from __future__ import annotations

import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.encoded import Names
from tqdm_demo.inference.segmentation import Segmentation, Timings
from tqdm_demo.inference.sliding_window import Merged, shrink_maps
from tqdm_demo.inference.stages import Stages
from tqdm_demo.systems.system import StageMaps, System
from tqdm_demo.vocabulary import IGNORED, unknown_words


def assemble_segmentation(
    model: System, classes: ClassList, text: Names, merged: Merged, timings: Timings, mode: str
) -> Segmentation:
    """The result of one picture.

    Args:
        model: that was asked.
        classes: the K classes.
        text: their N names.
        merged: labels and scores; labels from K on are of classes that the list does not name,
            and become :data:`.IGNORED`.
        timings: of the parts, milliseconds.
        mode: how the picture was read.
    """
    count, similarity = len(text.counts), merged.similarity
    firsts = np.cumsum([0, *text.counts[:-1]])
    nearest_classes = model.nearest_classes(text.names, text.embeddings)
    label_map = merged.label_map
    label_map[label_map >= count] = IGNORED
    return Segmentation(
        label_map=label_map,
        classes=classes,
        scores=merged.scores[:count].clamp(min=0).float().cpu().numpy(),
        similarity=None if similarity is None else similarity.float().cpu().numpy(),
        nearest_classes=tuple(nearest_classes[i] for i in firsts),
        unknown=tuple(unknown_words(entry.text, model.known_words) for entry in classes.entries),
        timings=timings,
        missing=text.chosen(model.lacks(text.names)),
        method=model.method,
        mode=mode,
    )


def assemble_stages(classes: ClassList, text: Names, found: StageMaps) -> Stages:
    """The maps (1, N, h, w) of a model's stages, as (K, h, w): the best of each class's names."""
    best = {stage: shrink_maps(text.best(m)[0]) for stage, m in found.maps.items()}
    maps = {stage: m.float().cpu().numpy() for stage, m in best.items()}
    return Stages(classes.names, **maps, absent=found.absent)
