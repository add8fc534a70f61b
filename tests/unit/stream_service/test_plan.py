"""When a camera works by its plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stream_service.plan import is_open, next_opening
from stream_service.ports import Plan, Window

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORKDAYS = (1, 2, 3, 4, 5)
OFFICE: Plan = (Window(WORKDAYS, 8 * 60, 12 * 60), Window(WORKDAYS, 13 * 60, 18 * 60))
NIGHT: Plan = (Window((5,), 22 * 60, 6 * 60),)


def at(day: int, clock: str) -> datetime:
    """The 1st of June 2026 is a Monday."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 6, day, hour, minute, 30, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("plan", "moment", "expected"),
    [
        (None, at(7, "03:00"), True),
        (OFFICE, at(1, "07:59"), False),
        (OFFICE, at(1, "08:00"), True),
        (OFFICE, at(1, "11:59"), True),
        (OFFICE, at(1, "12:00"), False),
        (OFFICE, at(1, "13:00"), True),
        (OFFICE, at(6, "09:00"), False),  # Saturday
        (NIGHT, at(5, "21:59"), False),
        (NIGHT, at(5, "22:00"), True),
        (NIGHT, at(6, "05:59"), True),  # it began on Friday
        (NIGHT, at(6, "06:00"), False),
        (NIGHT, at(6, "23:00"), False),
        ((Window((7,), 23 * 60, 60),), at(1, "00:30"), True),  # from Sunday into Monday
        ((Window((1,), 0, 24 * 60),), at(1, "23:59"), True),
        ((Window((1,), 0, 24 * 60),), at(2, "00:00"), False),
        ((Window((1,), 9 * 60, 9 * 60),), at(2, "08:59"), True),  # a whole day from nine to nine
        ((Window((), 0, 24 * 60),), at(1, "12:00"), False),
        ((), at(1, "12:00"), False),
    ],
)
def test_a_camera_works_inside_its_windows(plan: Plan | None, moment: datetime, expected: bool) -> None:
    assert is_open(plan, moment) is expected


def test_it_says_when_it_works_next() -> None:
    assert next_opening(OFFICE, at(1, "12:30")) == at(1, "13:00").replace(second=0)
    assert next_opening(OFFICE, at(5, "18:00")) == at(8, "08:00").replace(second=0)
    assert next_opening(NIGHT, at(6, "07:00")) == at(12, "22:00").replace(second=0)
    assert next_opening((), at(1, "12:00")) is None
    assert next_opening(None, at(1, "12:00")) is None


def test_the_hour_that_comes_twice_and_the_one_that_never_comes_are_open_by_the_clock_on_the_wall() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    early: Plan = (Window((7,), 2 * 60, 3 * 60),)
    autumn = datetime(2026, 10, 25, 0, 30, tzinfo=ZoneInfo("UTC"))
    assert [is_open(early, (autumn + timedelta(hours=n)).astimezone(berlin)) for n in (0, 1, 2)] == [True, True, False]
    spring = datetime(2026, 3, 29, 0, 30, tzinfo=ZoneInfo("UTC"))
    assert not any(is_open(early, (spring + timedelta(hours=n)).astimezone(berlin)) for n in (0, 1, 2))
