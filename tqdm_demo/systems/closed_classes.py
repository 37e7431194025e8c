"""Models that read no text: which of their trained classes a name means, if any.

Axes: B pictures; h w a score map; N names; M trained classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tqdm_demo.streets.captions import SYNONYMS
from tqdm_demo.systems.system import NO_CLASS, STAGES, Features, ScoreMaps, StageMaps

# Words for one thing, beyond those of streets, for the classes of photographs.
_PHOTO_SYNONYMS = (
    ("aeroplane", "airplane", "plane", "aircraft"),
    ("boat", "ship"),
    ("body", "person", "human", "man", "woman"),
    ("cow", "cattle"),
    ("dog", "puppy"),
    ("cat", "kitten"),
    ("mountain", "hill"),
    ("water", "sea", "lake", "river"),
    ("sign", "traffic sign", "signboard"),
    ("flower", "blossom"),
)
GROUPS = (*SYNONYMS, *_PHOTO_SYNONYMS)


class ClosedClasses:
    """M trained classes and the words that mean them.

    Args:
        names: of the classes, in the order of the model's scores.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        own = {name.lower(): index for index, name in enumerate(names)}
        self._index: dict[str, int] = {}
        for group in GROUPS:
            # Of two classes that share a word, as "tree" and "vegetation" do, none has the others.
            meant = {own[word] for word in group if word in own}
            if len(meant) == 1:
                self._index |= dict.fromkeys(group, meant.pop()) | self._index
        self._index |= own

    def find(self, name: str) -> int | None:
        """The class that a name means, by its own name or a synonym; None = there is none."""
        return self._index.get(name.lower())

    def lacks(self, names: Sequence[str]) -> tuple[bool, ...]:
        """Per name whether no class has it."""
        return tuple(self.find(name) is None for name in names)

    def rows(self, names: Sequence[str]) -> Tensor:
        """The place of an embedding: (N, M), 1 at the class that a name means, else 0."""
        rows = torch.zeros(len(names), len(self.names))
        for row, name in zip(rows, names, strict=True):
            index = self.find(name)
            if index is not None:
                row[index] = 1
        return rows

    def answer(self, class_scores: Tensor, names: Sequence[str]) -> ScoreMaps:
        """The scores of names.

        Args:
            class_scores: (B, M, h, w), not below 0.
            names: N of them.
        """
        meant = [self.find(name) for name in names]
        places = torch.tensor([index or 0 for index in meant], device=class_scores.device)
        scores = class_scores[:, places]
        scores[:, [n for n, index in enumerate(meant) if index is None]] = NO_CLASS
        rest = [index for index in range(len(self.names)) if index not in meant]
        return ScoreMaps(scores, others=class_scores[:, rest])


class ClosedModel:
    """What systems with a fixed list of classes share, see :class:`.system.System`.

    Args:
        network: in evaluation mode, on its device, with a ``config``.

    Attributes:
        no_stage: why there is no stage but the final scores.
    """

    method = "plain"
    known_words = frozenset()
    fixed_size = False
    longest_name = None
    no_stage: str

    def __init__(self, network: nn.Module) -> None:
        config = network.config
        self.network = network
        self.classes = ClosedClasses(config.class_names)
        self.default_names = config.class_names
        self.mean, self.std = config.image_mean, config.image_std
        self.input_size = config.input_size
        self.size_multiple = config.size_multiple
        self._device = next(network.parameters()).device

    def encode_names(self, names: Sequence[str]) -> Tensor:
        """(N, M), see :meth:`.ClosedClasses.rows`."""
        return self.classes.rows(names)

    def stages(self, features: Features, embeddings: Tensor, names: Sequence[str]) -> StageMaps:
        """The final scores, the only stage."""
        scores = self.answer(features, embeddings, names).scores.clamp(min=0)
        absent = {stage: self.no_stage for stage in STAGES if stage != "mask"}
        return StageMaps({"mask": scores}, absent)

    def lacks(self, names: Sequence[str]) -> tuple[bool, ...]:
        """Per name whether it is none of the trained classes, nor a synonym of one."""
        return self.classes.lacks(names)

    def nearest_classes(self, names: Sequence[str], embeddings: Tensor) -> tuple[None, ...]:
        """None for every name: nothing is borrowed."""
        return (None,) * len(names)
