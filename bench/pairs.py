"""Two ways to do the same thing, timed in turns in one run, so that whatever disturbs the machine disturbs both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Times, seconds: things that were done x rounds.
Times = NDArray[np.float64]

RESAMPLES: Final = 500


def timed(
    things: Sequence[tuple[Callable[[], object], ...]], rounds: int, clock_s: Callable[[], float] = time.perf_counter
) -> tuple[Times, ...]:
    """Do everything once a round: of each thing first one way, then the other.

    Args:
        things: for each thing the ways to do it.
        rounds: how often.
        clock_s: seconds that only grow.

    Returns:
        For each way its times, things x rounds.
    """
    ways = len(things[0])
    times = np.zeros((ways, len(things), rounds))
    for number in range(rounds):
        for thing, calls in enumerate(things):
            # whoever comes second finds the file and the caches warm: they take turns
            for way in range(ways) if number % 2 == 0 else reversed(range(ways)):
                began_s = clock_s()
                calls[way]()
                times[way, thing, number] = clock_s() - began_s
    return tuple(times)


def per_second(times: Times) -> float:
    """Things done in a second, from the median time of each."""
    medians = np.median(times, axis=1)
    return float(len(medians) / medians.sum())


def ratio_interval(ours: Times, theirs: Times, seed: int = 1) -> tuple[float, float]:
    """Where 95 % of the speed ratios (ours by theirs) lie when things and rounds are drawn anew, the same for both."""
    chance = np.random.default_rng(seed)
    things, rounds = ours.shape
    ratios = []
    for _ in range(RESAMPLES):
        drawn = np.ix_(chance.integers(0, things, things), chance.integers(0, rounds, rounds))
        ratios.append(per_second(ours[drawn]) / per_second(theirs[drawn]))
    low, high = np.percentile(ratios, (2.5, 97.5))
    return float(low), float(high)
