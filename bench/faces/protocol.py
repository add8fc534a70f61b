"""What figures of face verification mean: accuracy by folds, true accepts at a share of false ones. Pure."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: The threshold for each tenth of the pairs is chosen on the other nine.
FOLDS: Final = 10

#: Cosines of pairs, and whether each pair shows one person.
Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


def accuracy(scores: Scores, same: Flags) -> float:
    """Give the share of pairs that are told rightly, by thresholds that never saw the pairs they are asked about."""
    fold = np.empty(len(scores), np.int64)
    for kind in (True, False):  # every fold has as many pairs of one person and of two
        places = np.flatnonzero(same == kind)
        fold[places] = np.arange(len(places)) % FOLDS
    right = [
        ((scores[fold == one] >= best_threshold(scores[fold != one], same[fold != one])) == same[fold == one]).mean()
        for one in range(FOLDS)
    ]
    return float(np.mean(right))


def best_threshold(scores: Scores, same: Flags) -> float:
    """Give the cosine between two of the pairs that tells most of them rightly; of several the one with most room."""
    order = np.argsort(scores)
    ordered, right = scores[order], same[order]
    gaps = np.diff(ordered)
    # Below the cosine lies everybody up to a place, above it everybody after it.
    told = np.cumsum(~right)[:-1] + (right.sum() - np.cumsum(right)[:-1])
    best = int(np.lexsort((gaps, np.where(gaps > 0, told, -1)))[-1])
    return float((ordered[best] + ordered[best + 1]) / 2)


def true_accepts(scores: Scores, same: Flags, false_accepts: float) -> float:
    """Give the share of pairs of one person above the cosine that only this share of strangers exceeds.

    Where that is less than one pair, no pair of strangers may exceed it.
    """
    return float((scores[same] > threshold_at(scores[~same], false_accepts)).mean())


def threshold_at(strangers: Scores, false_accepts: float) -> float:
    """Give the cosine that at most this share of pairs of strangers exceeds."""
    allowed = math.floor(false_accepts * len(strangers) + 1e-9)
    place = len(strangers) - 1 - allowed
    return float(np.partition(strangers, place)[place])
