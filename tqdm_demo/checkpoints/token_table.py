"""The token table of a small CLIP on disk: only the rows that its training has read.

CLIP's vocabulary has 49408 tokens; a CLIP that was trained on a few hundred words never moved the
other rows, which would be more than half of its file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

TABLE, ROWS = "token_embedding.weight", "token_embedding.rows"
UNREAD_DEVIATION = 0.02  # of the rows that were not read: open_clip's first values


def pack_tokens(tensors: Mapping[str, Tensor], tokens: Collection[int]) -> dict[str, Tensor]:
    """A CLIP's tensors, with the rows of ``tokens`` in place of its table, and their numbers."""
    rows = torch.tensor(sorted(tokens), dtype=torch.int32)
    return {**tensors, TABLE: tensors[TABLE][rows.long()], ROWS: rows}


def unpack_tokens(tensors: Mapping[str, Tensor], size: int) -> dict[str, Tensor]:
    """The same with the whole table again: noise, always the same, in the rows that were left out.

    Args:
        tensors: as :func:`pack_tokens` makes them, or with a whole table.
        size: rows of the whole table.

    Raises:
        ValueError: rows that do not fit the table.
    """
    if ROWS not in tensors or TABLE not in tensors:
        return dict(tensors)
    whole = dict(tensors)
    rows, stored = whole.pop(ROWS).long(), whole[TABLE]
    if stored.ndim != 2 or rows.shape != stored.shape[:1]:
        raise ValueError(f"{ROWS} has the shape {tuple(rows.shape)}, {TABLE} {tuple(stored.shape)}")
    if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < size:
        raise ValueError(f"{ROWS} names rows outside of the {size} tokens")
    noise = torch.Generator().manual_seed(0)
    table = UNREAD_DEVIATION * torch.randn(size, stored.shape[1], generator=noise)
    table[rows] = stored
    whole[TABLE] = table
    return whole
