"""Which query speaks for which name: any list of names on rows that exist per trained class.

A checkpoint has learned rows (query positions, text-key positions, class logits) for M trained
classes. The decoder always runs one *primary* query for each of these M slots:

* A listed name belongs to the slot of its trained class: its own if it is trained, else that of
  the nearest trained name (highest cosine of the class embeddings).
* The primary query of a slot is the listed trained name itself; else the listed name with the
  highest cosine; else, where no listed name belongs to the slot, the trained name as a *silent*
  query, which runs but is never an answer.
* Further listed names of a slot are *extra* queries: they attend to all primaries and to
  themselves, and nothing attends to them.

So the extras change nothing for the others, and leaving out a trained name that shares its slot
with no other listed name changes no other score. For the trained list, in any order, all this is
the published model.

Axes: K listed names; Q queries (the K listed, then the silent); M slots; D joint width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class QueryAssignment:
    """The queries of one list of names.

    Attributes:
        slots: int64 (Q,), the trained class of every query.
        primary: int64 (M,), the query that speaks for every slot.
        listed: K; queries from K on are silent.
    """

    slots: Tensor
    primary: Tensor
    listed: int

    @classmethod
    def trained(cls, classes: int, device: torch.device | None = None) -> QueryAssignment:
        """The trained list itself: query m is class m."""
        order = torch.arange(classes, device=device)
        return cls(slots=order, primary=order, listed=classes)

    @property
    def is_primary(self) -> Tensor:
        """bool (Q,): primary and silent queries True, extras False."""
        mask = torch.zeros_like(self.slots, dtype=torch.bool)
        return mask.index_fill(0, self.primary, True)

    @property
    def attention_mask(self) -> Tensor | None:
        """bool (Q, Q), row attends to column; None = everything, where there are no extras."""
        if len(self.slots) == len(self.primary):
            return None
        own = torch.eye(len(self.slots), dtype=torch.bool, device=self.slots.device)
        return own | self.is_primary

    @property
    def counts(self) -> Tensor:
        """bool (K, Q): whether the scores of a query count for a listed name.

        A query counts for its own name. Primary and silent queries of other slots count too, as
        in the published rule, but only for a name that has its slot to itself.
        """
        names = self.slots[: self.listed]
        own = torch.eye(len(self.slots), dtype=torch.bool, device=self.slots.device)[: self.listed]
        alone = (names[:, None] == names).sum(dim=1) == 1
        elsewhere = (names[:, None] != self.slots) & self.is_primary
        return own | (elsewhere & alone[:, None])

    def query_embeddings(self, listed: Tensor, trained: Tensor) -> Tensor:
        """The (Q, D) class embeddings of all queries, from (K, D) listed and (M, D) trained."""
        return torch.cat((listed, trained[self.slots[self.listed :]]))


def assign_queries(
    names: Sequence[str],
    embeddings: Tensor,
    trained_names: Sequence[str],
    trained_embeddings: Tensor,
) -> QueryAssignment:
    """Applies the rules above.

    Args:
        names: K listed names, no two alike.
        embeddings: (K, D) their class embeddings.
        trained_names: M names.
        trained_embeddings: (M, D) their class embeddings.

    Raises:
        ValueError: no names, or a name that is listed twice.
    """
    if not names:
        raise ValueError("the list of names is empty; it takes at least one")
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise ValueError(f"listed more than once: {repeated}")
    cosines = F.normalize(embeddings, dim=-1) @ F.normalize(trained_embeddings, dim=-1).T
    best, slots = (values.tolist() for values in cosines.max(dim=1))
    for query, name in enumerate(names):
        if name in trained_names:
            slots[query] = trained_names.index(name)
            best[query] = float("inf")
    primary = []
    for slot in range(len(trained_names)):
        candidates = [query for query in range(len(names)) if slots[query] == slot]
        if candidates:
            primary.append(max(candidates, key=best.__getitem__))
        else:
            primary.append(len(slots))
            slots.append(slot)
    device = embeddings.device
    return QueryAssignment(
        slots=torch.tensor(slots, device=device),
        primary=torch.tensor(primary, device=device),
        listed=len(names),
    )
