import itertools

import numpy as np
import pytest

from tqdm_demo.training.hungarian import assign


@pytest.mark.parametrize("rows", [1, 2, 4, 5])
def test_the_sum_is_the_smallest_of_all(rows):
    columns, numbers = 5, np.random.default_rng(rows)
    for _ in range(10):
        cost = numbers.normal(size=(rows, columns))
        found = assign(cost)
        assert len(set(found.tolist())) == rows
        orders = itertools.permutations(range(columns), rows)
        best = min(sum(cost[r, c] for r, c in enumerate(order)) for order in orders)
        assert cost[np.arange(rows), found].sum() == pytest.approx(best)


def test_equal_costs_have_an_answer():
    assert sorted(assign(np.zeros((3, 3))).tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("cost", "told"), [(np.zeros((3, 2)), "3 masks for 2"), (np.full((1, 2), np.nan), "finite")]
)
def test_what_cannot_be_assigned_is_told(cost, told):
    with pytest.raises(ValueError, match=told):
        assign(cost)
