"""Pairing: as many pairs as possible, then the cheapest; checked against trying everything."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from stream_service.association import MAX_EXACT, pairs

INF = float("inf")


def best(costs: np.ndarray) -> tuple[int, float]:
    """(number of pairs, cost) of the best pairing, by trying all."""
    if costs.shape[0] > costs.shape[1]:
        costs = costs.T
    found = (0, 0.0)
    for columns in permutations(range(costs.shape[1]), costs.shape[0]):
        real = [costs[row, column] for row, column in enumerate(columns) if np.isfinite(costs[row, column])]
        found = max(found, (len(real), -sum(real)))
    return found[0], -found[1]


@pytest.mark.parametrize("seed", range(40))
def test_it_is_as_good_as_trying_everything(seed: int) -> None:
    chance = np.random.default_rng(seed)
    shape = chance.integers(1, 6, 2)
    costs = chance.uniform(0, 9, shape)
    costs[chance.uniform(size=shape) < 0.4] = INF
    found = pairs(costs)
    assert all(np.isfinite(costs[pair]) for pair in found)
    assert len({row for row, _ in found}) == len({column for _, column in found}) == len(found)
    count, cost = best(costs)
    assert len(found) == count
    assert sum(costs[pair] for pair in found) == pytest.approx(cost)


def test_a_chain_moves_on_instead_of_losing_its_end() -> None:
    # two walk in a row, each now where the other was or one step further
    assert sorted(pairs(np.array([[1.0, INF], [0.0, 1.0]]))) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_gives_nothing(shape: tuple[int, int]) -> None:
    assert pairs(np.zeros(shape)) == []


def test_nothing_allowed_gives_nothing() -> None:
    assert pairs(np.full((3, 3), INF)) == []


def test_a_crowd_is_paired_greedily() -> None:
    size = MAX_EXACT + 10
    costs = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(float)
    assert sorted(pairs(costs)) == [(n, n) for n in range(size)]
