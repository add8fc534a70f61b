from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from inference_service.packs.card import Card
from inference_service.web.session import Choice, LiveSession
from inference_service.web.sessions import (
    ASK_EVERY_S,
    FULL,
    GRACE_S,
    MAX_OF_ONE_USER,
    RESTART,
    RESUME_WITHIN_S,
    WITHDRAWN,
    Ending,
    Sessions,
)
from shared_kernel.bus import Bus
from shared_kernel.door import Door, Known
from shared_kernel.errors import Unavailable
from tests.unit.inference_service.test_live_session import Clock

CHOICE = Choice(Card("mask", Path("mask"), builtin=True, state="ready"))


class CannedUsers:
    """An API whose answer is set by hand."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.away = False

    def known(self, access_token: str) -> Known:
        raise Unavailable("miniprogram-api", f"nobody asks here for {access_token}")

    def of(self, user_id: str) -> Known:
        raise Unavailable("miniprogram-api", f"nobody asks here about {user_id}")

    def holders(self, permission: str, user_ids: Iterable[str]) -> frozenset[str]:
        assert permission == "photo.detect"
        if self.away:
            raise Unavailable("miniprogram-api", "away")
        return frozenset(user_ids) - self.gone


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users() -> CannedUsers:
    return CannedUsers()


@pytest.fixture
def sessions(clock: Clock, users: CannedUsers) -> Sessions:
    """Without threads, and without a Redis."""
    return Sessions(Bus("redis://127.0.0.1:1/0"), Door(users, "t" * 40), "here", 6, clock=clock)


def opened(sessions: Sessions, user: str = "u1", session_id: str | None = None) -> LiveSession:
    found = sessions.open(user, CHOICE, session_id)
    assert not isinstance(found, Ending)
    found[0].attach(lambda: None, None)
    return found[0]


def test_a_session_waits_for_its_client_for_a_while(sessions: Sessions, clock: Clock) -> None:
    session = opened(sessions)
    session.detach(1)
    clock.at_s += RESUME_WITHIN_S
    sessions.look()
    assert sessions.open("u1", CHOICE, session.session_id) == (session, True)
    clock.at_s += 1
    sessions.look()
    found = sessions.open("u1", CHOICE, session.session_id)
    assert not isinstance(found, Ending)
    assert found[1] is False


def test_attached_sessions_stay_however_long(sessions: Sessions, clock: Clock) -> None:
    session = opened(sessions)
    clock.at_s += 10 * RESUME_WITHIN_S
    sessions.look()
    assert sessions.open("u1", CHOICE, session.session_id) == (session, True)


def test_who_left_makes_room_for_who_comes(sessions: Sessions, clock: Clock) -> None:
    mine = [opened(sessions) for _ in range(MAX_OF_ONE_USER)]
    refused = sessions.open("u1", CHOICE, None)
    assert isinstance(refused, Ending)
    assert refused.code == FULL
    for session in mine[1:3]:
        clock.at_s += 1
        session.detach(1)
    opened(sessions)
    assert sessions.open("u1", CHOICE, mine[2].session_id) == (mine[2], True)


def test_the_process_has_few_places(sessions: Sessions) -> None:
    for number in range(6):
        opened(sessions, f"u{number}")
    refused = sessions.open("another", CHOICE, None)
    assert isinstance(refused, Ending)
    assert refused.code == FULL


def test_a_withdrawn_right_ends_what_is_open_and_what_waits(
    sessions: Sessions, clock: Clock, users: CannedUsers
) -> None:
    session, left, other = opened(sessions), opened(sessions), opened(sessions, "u2")
    left.detach(1)
    users.gone.add("u1")
    clock.at_s += ASK_EVERY_S
    sessions.look()
    ending = sessions.ending(session)
    assert ending is not None
    assert ending.code == WITHDRAWN
    assert sessions.ending(other) is None
    for gone in (session, left):
        found = sessions.open("u1", CHOICE, gone.session_id)
        assert not isinstance(found, Ending)
        assert found[1] is False


def test_while_nobody_can_say_sessions_stay_for_a_moment(sessions: Sessions, clock: Clock, users: CannedUsers) -> None:
    session = opened(sessions)
    users.away = True
    for _ in range(int(GRACE_S / ASK_EVERY_S)):
        clock.at_s += ASK_EVERY_S
        sessions.look()
        assert sessions.ending(session) is None
    clock.at_s += ASK_EVERY_S
    sessions.look()
    ending = sessions.ending(session)
    assert ending is not None
    assert ending.code == RESTART


def test_after_the_stop_nobody_comes_in(sessions: Sessions) -> None:
    session = opened(sessions)
    sessions.stop()
    ending = sessions.ending(session)
    assert ending is not None
    assert ending.code == RESTART
    assert isinstance(sessions.open("u1", CHOICE, session.session_id), Ending)
