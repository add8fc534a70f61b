"""How much of a time was watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniprogram_api.coverage import Kept, gained, overlap_s, spread

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (Kept(), None),  # nobody reported
        (Kept(paused_s=3600), None),  # nobody wanted it
        (Kept(online_s=3600), 1.0),
        (Kept(online_s=1800, degraded_s=900, offline_s=900), 0.75),
        (Kept(online_s=1800), 0.5),  # half of the hour is unknown
        (Kept(online_s=900, paused_s=2700), 1.0),
        (Kept(online_s=3600, analysed_frames=9000, skipped_frames=1000), 0.9),
        (Kept(online_s=3600, skipped_frames=100), 0.0),  # pictures, and nobody looked at them
        (Kept(stale_s=3600), 0.0),
        (Kept(online_s=3600.4), 1.0),  # clocks are not exact
    ],
)
def test_what_was_watched_of_an_hour(kept: Kept, expected: float | None) -> None:
    assert kept.coverage(3600) == expected


def test_hours_add_up() -> None:
    assert Kept(online_s=1, skipped_frames=2) + Kept(online_s=3, paused_s=4) == Kept(
        online_s=4, paused_s=4, skipped_frames=2
    )
    assert Kept.spent("connecting", 5) == Kept.spent("offline", 5) == Kept(offline_s=5)


def test_time_is_spread_over_the_hours_it_touches() -> None:
    begin = NOON - timedelta(seconds=5)
    assert list(spread(begin, begin + timedelta(seconds=8))) == [(NOON - timedelta(hours=1), 5.0), (NOON, 3.0)]
    assert list(spread(begin, begin)) == []


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_nothing_of_the_time_is_lost(from_s: int, for_s: int) -> None:
    begin = NOON + timedelta(seconds=from_s)
    parts = list(spread(begin, begin + timedelta(seconds=for_s)))
    assert sum(seconds for _, seconds in parts) == for_s
    assert all(0 < seconds <= 3600 for _, seconds in parts)
    assert [overlap_s(hour, begin, begin + timedelta(seconds=for_s)) for hour, _ in parts] == [s for _, s in parts]


@pytest.mark.parametrize(("new", "old", "more"), [(5, None, 5), (9, 5, 4), (5, 5, 0), (3, 900, 3), (0, 900, 0)])
def test_a_counter_that_begins_again_has_gained_all_it_shows(new: int, old: int | None, more: int) -> None:
    assert gained(new, old) == more
