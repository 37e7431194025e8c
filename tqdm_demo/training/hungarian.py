"""The cheapest assignment of masks to queries.

Source: the Hungarian method by shortest augmenting paths (Jonker and Volgenant, Computing 1987).
There are few masks in a picture, so that SciPy is not needed: 20 masks and 100 queries take 2 ms.
"""

from __future__ import annotations

import numpy as np


def assign(cost: np.ndarray) -> np.ndarray:
    """Gives every row a column of its own, so that the sum of the costs is the smallest.

    Args:
        cost: float (R, C), at least as many columns as rows.

    Returns:
        int64 (R,): the column of every row.

    Raises:
        ValueError: fewer columns than rows, or a cost that is not finite.
    """
    rows, columns = cost.shape
    if rows > columns:
        raise ValueError(f"{rows} masks for {columns} queries: a model needs more queries")
    if not np.isfinite(cost).all():
        raise ValueError("a matching cost is not finite")
    # The row of every column; the last column is where a new row starts from.
    row_of = np.full(columns + 1, -1)
    row_price, column_price = np.zeros(rows), np.zeros(columns + 1)
    for row in range(rows):
        row_of[columns] = row
        end, came_from = _shortest_path(cost, row_of, row_price, column_price)
        while end != columns:
            before = came_from[end]
            row_of[end] = row_of[before]
            end = before
    found = np.empty(rows, np.int64)
    taken = np.flatnonzero(row_of[:columns] >= 0)
    found[row_of[taken]] = taken
    return found


def _shortest_path(
    cost: np.ndarray, row_of: np.ndarray, row_price: np.ndarray, column_price: np.ndarray
) -> tuple[int, np.ndarray]:
    """The free column at the end of the cheapest path, and the column before each on it.

    The prices are changed in place, so that reduced costs stay at or above 0.
    """
    columns = cost.shape[1]
    distance = np.full(columns, np.inf)
    came_from = np.full(columns, columns)
    done = np.zeros(columns + 1, bool)
    at = columns
    while row_of[at] >= 0:
        done[at] = True
        row = row_of[at]
        reduced = cost[row] - row_price[row] - column_price[:-1]
        shorter = ~done[:-1] & (reduced < distance)
        distance[shorter], came_from[shorter] = reduced[shorter], at
        following = int(np.where(done[:-1], np.inf, distance).argmin())
        step = distance[following]
        row_price[row_of[done]] += step
        column_price[done] -= step
        distance[~done[:-1]] -= step
        at = following
    return at, came_from
