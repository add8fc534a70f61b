"""What a camera costs now: pictures decoded and analysed per second, and its share of a processor. Used by `camera`."""

from __future__ import annotations

from typing import Final, NamedTuple

#: Rates are measured over at least this long, seconds.
OVER_S: Final = 5.0


class Spent(NamedTuple):
    """Counts that only rise: the monotonic clock, processor time in seconds, pictures decoded, frames sent."""

    at_s: float
    cpu_s: float
    decoded: int
    analysed: int


class Load(NamedTuple):
    """Per second; `cpu_share` 1 is one core. None: not known yet."""

    decoded_per_s: float | None = None
    analysed_per_s: float | None = None
    cpu_share: float | None = None


class LoadMeter:
    """Not thread safe."""

    def __init__(self) -> None:
        self._before: Spent | None = None
        self._load = Load()

    def read(self, spent: Spent) -> Load:
        """The load over the last seconds, as far as they have passed."""
        before = self._before
        if before is None:
            self._before = spent
        elif (passed_s := spent.at_s - before.at_s) >= OVER_S:
            self._before = spent
            self._load = Load(
                round((spent.decoded - before.decoded) / passed_s, 2),
                round((spent.analysed - before.analysed) / passed_s, 2),
                round(max(0.0, spent.cpu_s - before.cpu_s) / passed_s, 4),
            )
        return self._load
