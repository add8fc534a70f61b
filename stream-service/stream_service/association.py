"""Which of the faces found now belongs to which track: the pairing with the most pairs, and of those the cheapest.

Hungarian method with potentials on small groups of tracks and faces that compete; greedy where a crowd is so large
that the exact answer would take too long.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.float64]

#: A group with more rows or columns than this is paired greedily.
MAX_EXACT: Final = 48
#: Stands for "not allowed"; larger than any sum of real costs.
_FORBIDDEN: Final = 1e6


def pairs(costs: Costs) -> list[tuple[int, int]]:
    """Pair rows (tracks) with columns (faces).

    Args:
        costs: rows x columns, float64; `inf` where a pair is not allowed, else 0 or more, below 1000.

    Returns:
        (row, column) of each pair; no row or column twice.
    """
    found: list[tuple[int, int]] = []
    for rows, columns in _groups(np.isfinite(costs)):
        part = costs[np.ix_(rows, columns)]
        exact = max(part.shape) <= MAX_EXACT
        found += [(rows[row], columns[column]) for row, column in (_exact(part) if exact else _greedy(part))]
    return found


def _groups(allowed: NDArray[np.bool_]) -> list[tuple[list[int], list[int]]]:
    """Connected groups of rows and columns; those without an allowed pair are left out."""
    groups, seen = [], np.zeros(allowed.shape[0], bool)
    for first in range(allowed.shape[0]):
        if seen[first] or not allowed[first].any():
            continue
        rows: NDArray[np.bool_] = np.zeros(allowed.shape[0], bool)
        columns: NDArray[np.bool_] = np.zeros(allowed.shape[1], bool)
        rows[first] = True
        while True:
            columns_now = allowed[rows].any(axis=0)
            rows_now = allowed[:, columns_now].any(axis=1)
            if np.array_equal(rows_now, rows) and np.array_equal(columns_now, columns):
                break
            rows, columns = np.asarray(rows_now), np.asarray(columns_now)
        seen |= rows
        groups.append((np.flatnonzero(rows).tolist(), np.flatnonzero(columns).tolist()))
    return groups


def _greedy(costs: Costs) -> list[tuple[int, int]]:
    rows, columns = np.nonzero(np.isfinite(costs))
    order = np.argsort(costs[rows, columns], kind="stable")
    used_rows: set[int] = set()
    used_columns: set[int] = set()
    found = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in used_rows and column not in used_columns:
            used_rows.add(row)
            used_columns.add(column)
            found.append((row, column))
    return found


def _exact(costs: Costs) -> list[tuple[int, int]]:
    """Hungarian method, O(n³), one augmenting path a row; forbidden pairs are dropped at the end."""
    if costs.shape[0] > costs.shape[1]:
        return [(row, column) for column, row in _exact(costs.T)]
    height, width = costs.shape
    padded = np.full((height + 1, width + 1), 0.0)
    padded[1:, 1:] = np.where(np.isfinite(costs), costs, _FORBIDDEN)
    row_potential, column_potential = np.zeros(height + 1), np.zeros(width + 1)
    row_of = np.zeros(width + 1, int)  # column -> its row; 0: free
    for row in range(1, height + 1):
        _augment(padded, row, row_potential, column_potential, row_of)
    return [
        (int(row_of[column]) - 1, column - 1)
        for column in range(1, width + 1)
        if row_of[column] and np.isfinite(costs[row_of[column] - 1, column - 1])
    ]


def _augment(costs: Costs, row: int, row_potential: Costs, column_potential: Costs, row_of: NDArray[np.int_]) -> None:
    """Give `row` a column, moving other rows along the cheapest path."""
    width = costs.shape[1] - 1
    slack, came_from = np.full(width + 1, np.inf), np.zeros(width + 1, int)
    used = np.zeros(width + 1, bool)
    row_of[0], column = row, 0
    while True:
        used[column] = True
        here = row_of[column]
        reduced = costs[here] - row_potential[here] - column_potential
        better = ~used & (reduced < slack)
        better[0] = False
        slack[better], came_from[better] = reduced[better], column
        candidates = np.where(used, np.inf, slack)
        candidates[0] = np.inf
        nearest = int(np.argmin(candidates))
        delta = candidates[nearest]
        row_potential[row_of[used]] += delta
        column_potential[used] -= delta
        slack[~used] -= delta
        column = nearest
        if row_of[column] == 0:
            break
    while column:
        row_of[column] = row_of[came_from[column]]
        column = int(came_from[column])
