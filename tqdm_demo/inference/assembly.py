"""From the maps of a model to the results that callers get, a class of the list each.

Axes: K classes; N names with their synonyms; H W the picture; h w a score map.
"""

from __future__ import annotations

import numpy as np

from tqdm_demo.class_list import ClassList
from tqdm_demo.inference.encoded import Names
from tqdm_demo.inference.matches import best_matches, faint_match, fill_rest, match_maps
from tqdm_demo.inference.segmentation import Segmentation, Timings
from tqdm_demo.inference.sliding_window import Merged, shrink_maps
from tqdm_demo.inference.stages import Stages
from tqdm_demo.systems.system import Features, System
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
    scores = merged.scores[:count].clamp(min=0).float().cpu().numpy()
    similarity = None if similarity is None else similarity.float().cpu().numpy()
    label_map = merged.label_map
    label_map[label_map >= count] = IGNORED
    maps = match_maps(model, scores, similarity)
    if maps is not None and classes.everything_else and classes.threshold:
        label_map = fill_rest(label_map, maps, classes.threshold)
    firsts = np.cumsum([0, *text.counts[:-1]])
    nearest_classes = model.nearest_classes(text.names, text.embeddings)
    return Segmentation(
        label_map=label_map,
        classes=classes,
        scores=scores,
        similarity=similarity,
        nearest_classes=tuple(nearest_classes[i] for i in firsts),
        unknown=tuple(unknown_words(entry.text, model.known_words) for entry in classes.entries),
        timings=timings,
        missing=text.chosen(model.lacks(text.names)),
        method=model.method,
        mode=mode,
        matches=best_matches(maps),
        faint=faint_match(model),
    )


def assemble_stages(classes: ClassList, model: System, features: Features, text: Names) -> Stages:
    """The similarity maps of one picture, (K, h, w) each: the best of each class's names."""
    found = model.stages(features, text.embeddings, text.names)
    best = {stage: shrink_maps(text.best(m)[0]) for stage, m in found.maps.items()}
    maps = {stage: m.float().cpu().numpy() for stage, m in best.items()}
    return Stages(classes.names, **maps, absent=found.absent)
