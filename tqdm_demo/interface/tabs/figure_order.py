"""The order of the paper's qualitative figure, for the columns of the tab "Compare".

Picture, the zero-shot CLIP, the systems that tqdm is compared with (TLDR, Rein, its own baseline
with learned queries), tqdm, ground truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tqdm_demo.checkpoints.sources import Description

KINDS = ("zero-shot", "tldr", "rein", "soma", "learned", "textual")
# SoMA came after the paper.
FIGURE = tuple(kind for kind in KINDS if kind != "soma")


def in_figure_order(entries: Sequence[Description]) -> list[Description]:
    """Models as the figure orders them; of one kind as they were, unknown kinds last."""
    return sorted(entries, key=lambda entry: (*KINDS, "").index(entry.kind))


def figure_sources(
    entries: Sequence[Description], first: Description, is_missing: Callable[[str], bool]
) -> list[str]:
    """One model of every kind of the figure, as far as there is one.

    Args:
        entries: all models, in the order of a menu.
        first: the model that the user has chosen; its kin are taken where there are some.
        is_missing: whether a source would have to be downloaded.
    """
    chosen = []
    for kind in FIGURE:
        alike = [e for e in entries if e.kind == kind and not is_missing(e.source)]
        kin = [e for e in alike if _training_of(e) == _training_of(first)]
        chosen += [e.source for e in ([first] if first.kind == kind else kin or alike)[:1]]
    return chosen


def _training_of(entry: Description) -> str:
    """What stands behind the comma of a title: nothing, or "photographs"."""
    return entry.title.partition(", ")[2]
