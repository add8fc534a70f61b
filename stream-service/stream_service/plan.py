"""Whether a camera works now, by its plan. Pure: the time is given, in the time zone of the installation.

`camera` asks every moment; nothing has to be set up when a plan changes, when a night is an hour longer, or when the
machine slept over the time. The plan itself comes from `ports.CameraEntry`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from stream_service.ports import Plan, Window

_DAY_MIN: Final = 24 * 60
_WEEK_DAYS: Final = 7


def local_clock(time_zone: str) -> Callable[[], datetime]:
    """Gives the time in that zone, such as Asia/Shanghai; empty: in the machine's own."""
    zone = ZoneInfo(time_zone) if time_zone else None
    return lambda: datetime.now(UTC).astimezone(zone)


def is_open(plan: Plan | None, at: datetime) -> bool:
    """Whether the camera is to work at the local time `at`. Without a plan: always."""
    return plan is None or any(_is_in(window, at) for window in plan)


def next_opening(plan: Plan | None, at: datetime) -> datetime | None:
    """The first local minute after `at` at which the camera works; None: within a week there is none."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [
        midnight + timedelta(days=ahead, minutes=window.begins_min)
        for window in plan or ()
        for ahead in range(_WEEK_DAYS + 1)
        if (midnight + timedelta(days=ahead)).isoweekday() in window.days
    ]
    return min((one for one in begins if one > at), default=None)


def _is_in(window: Window, at: datetime) -> bool:
    minute, today = at.hour * 60 + at.minute, at.isoweekday()
    yesterday = (today - 2) % _WEEK_DAYS + 1
    ends_min = window.ends_min + (_DAY_MIN if window.ends_min <= window.begins_min else 0)
    if today in window.days and window.begins_min <= minute < ends_min:
        return True
    return yesterday in window.days and minute + _DAY_MIN < ends_min
