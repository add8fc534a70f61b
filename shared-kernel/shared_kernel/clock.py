"""Time as the wire and the database know it: UTC, whole milliseconds.

MariaDB truncates finer digits and MySQL rounds them, so they are rounded here, once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def to_milliseconds(moment: datetime) -> datetime:
    """`moment` in UTC, rounded to whole milliseconds.

    Raises:
        ValueError: `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"time {moment.isoformat()}: expected one with a time zone, got none")
    moment = moment.astimezone(UTC)
    rounded = round(moment.microsecond / 1000) * 1000
    return moment.replace(microsecond=0) + timedelta(microseconds=rounded)


def now() -> datetime:
    """The current time in UTC, whole milliseconds."""
    return to_milliseconds(datetime.now(UTC))


def now_after(last: datetime | None) -> datetime:
    """The current time, but later than `last`: what happens twice within a millisecond can still be told apart."""
    return now() if last is None else max(now(), last + MILLISECOND)


def unix_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (to_milliseconds(moment) - EPOCH) // MILLISECOND


def rfc3339(moment: datetime) -> str:
    """`2026-01-02T03:04:05.678Z`."""
    return to_milliseconds(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
