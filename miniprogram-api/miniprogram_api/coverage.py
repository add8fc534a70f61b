"""How much of a time was really watched, so that a count can be read with it. Pure.

A camera is watched while pictures come, and of those only what was analysed counts. Time in which its plan did not want
it is left out; time of which nothing is known was not watched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from miniprogram_api.rules import hour_of

HOUR: Final = timedelta(hours=1)
#: Between two reports more time than this is not known: one comes every ten seconds.
LONGEST_GAP: Final = timedelta(seconds=45)


@dataclass(frozen=True)
class Kept:
    """What is kept of an hour, or of several: seconds in each state, and frames."""

    online_s: float = 0.0
    degraded_s: float = 0.0
    stale_s: float = 0.0
    offline_s: float = 0.0
    paused_s: float = 0.0
    analysed_frames: int = 0
    skipped_frames: int = 0

    @classmethod
    def spent(cls, state: str, seconds: float) -> Kept:
        """Time in a state. While a camera is being connected it gives no picture: it counts as offline."""
        times: dict[str, Any] = {"offline_s" if state == "connecting" else f"{state}_s": seconds}
        return cls(**times)

    def __add__(self, other: Kept) -> Kept:
        return Kept(
            self.online_s + other.online_s,
            self.degraded_s + other.degraded_s,
            self.stale_s + other.stale_s,
            self.offline_s + other.offline_s,
            self.paused_s + other.paused_s,
            self.analysed_frames + other.analysed_frames,
            self.skipped_frames + other.skipped_frames,
        )

    def values(self) -> tuple[float, float, float, float, float, int, int]:
        """In the order of the fields."""
        seconds = (self.online_s, self.degraded_s, self.stale_s, self.offline_s, self.paused_s)
        return *seconds, self.analysed_frames, self.skipped_frames

    @property
    def known_s(self) -> float:
        return self.online_s + self.degraded_s + self.stale_s + self.offline_s + self.paused_s

    def coverage(self, expected_s: float) -> float | None:
        """Share of the wanted time that was watched, 0 to 1; None when nothing was wanted or nothing is known.

        Args:
            expected_s: How long it was, in camera seconds.
        """
        wanted_s = max(expected_s, self.known_s) - self.paused_s
        if wanted_s < 1.0 or not self.known_s:
            return None
        sampled = self.analysed_frames + self.skipped_frames
        share = self.analysed_frames / sampled if sampled else 1.0
        return round(min(1.0, (self.online_s + self.degraded_s) / wanted_s) * share, 4)


def spread(begin: datetime, end: datetime) -> Iterator[tuple[datetime, float]]:
    """(hour, seconds in it) of the time from `begin` to `end`."""
    while begin < end:
        hour = hour_of(begin)
        until = min(end, hour + HOUR)
        yield hour, (until - begin).total_seconds()
        begin = until


def overlap_s(hour: datetime, begin: datetime, end: datetime) -> float:
    """Seconds of that hour between `begin` and `end`."""
    return max(0.0, (min(end, hour + HOUR) - max(begin, hour)).total_seconds())


def gained(new: int, old: int | None) -> int:
    """By how much a counter rose that begins at 0 with each start of its owner."""
    return new - old if old is not None and new >= old else new
