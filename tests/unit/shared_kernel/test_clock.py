"""Milliseconds are rounded once, here, because databases disagree about it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared_kernel.clock import EPOCH, now, now_after, rfc3339, to_milliseconds, unix_ms


@pytest.mark.parametrize(
    ("microsecond", "expected"),
    [
        (678_000, datetime(2026, 1, 1, 0, 0, 0, 678_000, tzinfo=UTC)),  # whole already
        (678_400, datetime(2026, 1, 1, 0, 0, 0, 678_000, tzinfo=UTC)),  # down
        (678_900, datetime(2026, 1, 1, 0, 0, 0, 679_000, tzinfo=UTC)),  # up, where MariaDB would cut
        (999_900, datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)),  # over the second
    ],
)
def test_rounds_to_the_nearest_millisecond(microsecond: int, expected: datetime) -> None:
    assert to_milliseconds(datetime(2026, 1, 1, 0, 0, 0, microsecond, tzinfo=UTC)) == expected


def test_the_last_instant_of_a_year_rounds_into_the_next() -> None:
    moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert rfc3339(moment) == "2027-01-01T00:00:00.000Z"


def test_other_zones_become_utc() -> None:
    assert rfc3339(datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))) == "2026-01-01T00:00:00.000Z"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one with a time zone"):
        to_milliseconds(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_now_fits_the_database() -> None:
    assert now().microsecond % 1000 == 0
    assert now().tzinfo is UTC


def test_what_happens_twice_at_once_can_be_told_apart() -> None:
    future = now() + timedelta(days=1)
    assert now_after(None) <= now_after(future - timedelta(days=1)) < future
    assert now_after(future) == future + timedelta(milliseconds=1)


def test_milliseconds_since_1970_are_rounded_too() -> None:
    assert unix_ms(EPOCH) == 0
    assert unix_ms(datetime(1970, 1, 1, 8, 0, 1, 678_900, tzinfo=timezone(timedelta(hours=8)))) == 1679
