from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniprogram_api.rules import (
    ADDRESS_SCHEMES,
    THROTTLE_LONGEST_WAIT_S,
    checked_address,
    hour_of,
    plain_username,
    settled,
    shown_address,
    throttle_wait_s,
)
from shared_kernel.errors import Invalid


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://u:p@10.0.0.1:554/Streaming/101?token=x", "rtsp://10.0.0.1:554/Streaming/101"),
        ("rtsp://h/user=a_password=b_channel=1.sdp", "rtsp://h/user=***_password=***_channel=1.sdp"),
        ("http://h/cgi/pwd=geheim&x=1/a", "http://h/cgi/pwd=***&x=1/a"),
        ("rtsp://[fe80::1]:8554/a", "rtsp://[fe80::1]:8554/a"),
        ("file:///clips/gate.mp4", "file:///clips/gate.mp4"),
        ("rtmp://h", "rtmp://h"),
    ],
)
def test_a_shown_address_has_no_secret(url: str, shown: str) -> None:
    checked_address(url)
    assert shown_address(url) == shown


@given(st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and not set(text) & set(" /?#@:[]")))
def test_a_password_is_never_shown(password: str) -> None:
    url = f"rtsp://eye:{password}@host.example/path"
    try:
        checked_address(url)
    except Invalid:
        return
    assert shown_address(url) == "rtsp://host.example/path"


@given(st.text(max_size=100))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert checked_address(text).scheme in ADDRESS_SCHEMES


@given(st.text(max_size=100))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = plain_username(text)
    except Invalid:
        return
    assert plain_username(name) == name
    assert len(name) <= 64


def test_waits_double_up_to_a_limit() -> None:
    assert [throttle_wait_s(n, 5) for n in range(4, 9)] == [0, 30, 60, 120, 240]
    assert throttle_wait_s(10_000, 5) == THROTTLE_LONGEST_WAIT_S


def test_an_hour_begins_in_utc() -> None:
    india = datetime(2026, 1, 2, 3, 45, 59, 999000, tzinfo=UTC) + timedelta(hours=5, minutes=30)
    assert hour_of(india) == datetime(2026, 1, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ids", "ages", "reached"),
    [
        ([], {}, 10),
        ([11, 12, 13], {}, 13),
        ([12], {12: 0.0}, 10),
        ([12], {12: 5.0}, 12),
        ([11, 13, 14], {13: 0.5}, 11),
        ([11, 13, 15], {13: 5.0, 15: 0.5}, 13),
    ],
    ids=["nothing", "no gap", "young gap", "old gap", "gap in the middle", "old then young"],
)
def test_gaps_are_waited_for(ids: list[int], ages: dict[int, float], reached: int) -> None:
    assert settled(ids, 10, ages, patience_s=2.0) == reached


@given(st.sets(st.integers(1, 40)), st.integers(0, 5))
def test_nothing_that_may_still_come_is_passed(visible: set[int], position: int) -> None:
    ids = sorted(one for one in visible if one > position)
    reached = settled(ids, position, {}, patience_s=2.0)
    assert all(one in visible for one in range(position + 1, reached + 1))
