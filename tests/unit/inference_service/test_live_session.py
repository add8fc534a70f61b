from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from inference_service.packs.card import Card
from inference_service.web.session import (
    HEADER,
    KEPT_RESULTS,
    LOST_AFTER_S,
    MAX_FRAME_BYTES,
    MAX_NOISE_A_SECOND,
    MAX_OVERDRAFT,
    WINDOW,
    Choice,
    LiveSession,
    TooFast,
)
from shared_kernel.messages import Box, FoundObject, LiveFrameAnalysed, PhotoError

CARD = Card("mask", Path("mask"), builtin=True, state="ready")


class Clock:
    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


class Client:
    """A session with a connection, and what was sent over it."""

    def __init__(self, *, after: int | None = None, session: LiveSession | None = None) -> None:
        self.clock = Clock()
        self.session = session or LiveSession("s1", "u1", Choice(CARD), self.clock)
        self.woken = 0
        self.turn = self.session.attach(self._wake, after)

    def _wake(self) -> None:
        self.woken += 1

    def sent(self, kind: str | None = None) -> list[dict[str, Any]]:
        found = [json.loads(text) for text in self.session.outgoing()]
        return [one for one in found if kind in (None, one["type"])]

    def put(self, frame_no: int, jpeg: bytes = b"jpeg") -> int | None:
        taken = self.session.frame(HEADER.pack(frame_no, 1000 + frame_no) + jpeg)
        return None if taken is None else taken.seq

    def answer(self, seq: int, **fields: Any) -> None:
        self.session.answered(LiveFrameAnalysed(session_id="s1", owner="o", seq=seq, **fields))


@pytest.fixture
def client() -> Client:
    made = Client()
    made.sent()
    return made


def test_a_session_opens_with_its_name_and_credits() -> None:
    hello, credit = Client().sent()
    assert hello["session"] == "s1"
    assert hello["resumed"] is False
    assert hello["last_frame_no"] is None
    assert credit == {"type": "credit", "n": WINDOW}


def test_the_header_is_as_documented() -> None:
    assert HEADER.size == 12
    assert HEADER.pack(7, 1_800_000_000_000) == struct.pack(">IQ", 7, 1_800_000_000_000)


def test_results_go_out_in_the_order_of_the_pictures(client: Client) -> None:
    seqs = [client.put(number) for number in (5, 9, 10)]
    assert seqs == [0, 1, 2]
    client.answer(2)
    client.answer(1)
    assert client.sent() == []
    client.answer(0)
    found = client.sent()
    assert [one["frame_no"] for one in found[:-1]] == [5, 9, 10]
    assert [one["captured_ms"] for one in found[:-1]] == [1005, 1009, 1010]
    assert found[-1] == {"type": "credit", "n": 3}
    assert client.woken == 3


def test_boxes_come_down_with_their_words(client: Client) -> None:
    client.put(1)
    found = FoundObject(label="helmet", score=0.9, box=Box(x0=0, y0=0, x1=0.5, y1=1))
    client.answer(0, objects=(found,), width=640, height=480, infer_ms=12.34)
    [result] = client.sent("result")
    assert result["boxes"][0]["label"] == "helmet"
    assert result["boxes"][0]["box"] == [0, 0, 0.5, 1]
    assert (result["width"], result["height"], result["infer_ms"]) == (640, 480, 12.3)


@pytest.mark.parametrize(
    ("name", "message", "code"),
    [
        ("no header", b"123", "header"),
        ("nothing", b"", "header"),
        ("a header alone", HEADER.pack(1, 0), "not_an_image"),
        ("too many bytes", HEADER.pack(1, 0) + bytes(MAX_FRAME_BYTES + 1), "too_large"),
        ("a number that was used", HEADER.pack(0, 0) + b"jpeg", "frame_no"),
    ],
)
def test_a_refused_picture_is_named_and_takes_no_credit(client: Client, name: str, message: bytes, code: str) -> None:
    client.put(0)
    assert client.session.frame(message) is None
    assert [one["code"] for one in client.sent()] == [code]
    assert [client.put(number) for number in range(2, 2 + WINDOW - 1)] == list(range(1, WINDOW))


def test_without_credit_pictures_are_refused_and_then_too_many(client: Client) -> None:
    for number in range(WINDOW):
        client.put(number)
    for number in range(MAX_OVERDRAFT):
        assert client.put(100 + number) is None
    assert {one["code"] for one in client.sent()} == {"no_credit"}
    with pytest.raises(TooFast):
        client.put(200)


def test_noise_is_borne_for_a_while(client: Client) -> None:
    for _ in range(3):
        for number in range(MAX_NOISE_A_SECOND):
            if number % 2:
                client.session.reply({"type": "pong", "id": number})
            else:
                client.session.frame(b"short")
        assert len(client.sent()) == MAX_NOISE_A_SECOND
        client.session.stat()
    with pytest.raises(TooFast):
        for _ in range(MAX_NOISE_A_SECOND + 1):
            client.session.frame(b"short")


def test_a_client_may_limit_its_results(client: Client) -> None:
    client.session.grant(1)
    for number in range(3):
        client.put(number)
        client.answer(number)
    assert [one["frame_no"] for one in client.sent("result")] == [0]
    assert client.sent() == []
    client.session.grant(5)
    assert [one["frame_no"] for one in client.sent("result")] == [1, 2]


def test_what_is_answered_twice_or_by_mistake_is_said_once(client: Client) -> None:
    client.put(1)
    for seq in (0, 0, 7):
        client.answer(seq)
    assert [one["frame_no"] for one in client.sent("result")] == [1]


def test_a_lost_picture_does_not_stop_the_others(client: Client) -> None:
    client.put(1)
    client.clock.at_s += LOST_AFTER_S
    client.put(2)
    client.answer(1)
    client.session.give_up_lost()
    assert client.sent() == []
    client.clock.at_s += 0.1
    client.session.give_up_lost()
    first, second = client.sent("result")
    assert (first["frame_no"], first["error"]["code"]) == (1, "lost")
    assert (second["frame_no"], second["error"]) == (2, None)
    client.answer(0)  # at last
    assert client.sent() == []


def test_stat_says_how_the_last_moment_was(client: Client) -> None:
    for number in range(4):
        client.put(number)
    client.clock.at_s += 0.5
    for seq in range(3):
        client.answer(seq, infer_ms=100.0)
    client.answer(3, error=PhotoError(code="skipped", detail="late"))
    client.sent()
    client.clock.at_s += 0.5
    assert client.session.stat() == {"type": "stat", "fps": 4.0, "dropped": 1, "queue_ms": 425.0}
    client.clock.at_s += 1
    assert client.session.stat() == {"type": "stat", "fps": 0.0, "dropped": 1, "queue_ms": 0.0}


def test_who_comes_back_gets_what_was_lost_and_nothing_twice(client: Client) -> None:
    for number in (1, 2, 3):
        client.put(number)
    client.answer(0)
    client.answer(1)
    assert [one["frame_no"] for one in client.sent("result")] == [1, 2]
    client.session.detach(client.turn)
    client.answer(2)  # while nobody listens
    again = Client(after=1, session=client.session)
    hello, credit, *results = again.sent()
    assert (hello["resumed"], hello["last_frame_no"]) == (True, 3)
    assert credit["n"] == WINDOW - 1
    assert [one.get("frame_no") for one in results] == [2, 3, None]
    assert results[-1] == {"type": "credit", "n": 1}


def test_pictures_under_way_count_against_the_credits_of_who_comes_back(client: Client) -> None:
    for number in range(WINDOW):
        client.put(number)
    again = Client(after=-1, session=client.session)
    assert [one["type"] for one in again.sent()] == ["session"]
    again.answer(0)
    assert again.sent("credit") == [{"type": "credit", "n": 1}]


def test_a_new_connection_takes_over_from_the_old(client: Client) -> None:
    again = Client(after=-1, session=client.session)
    assert client.woken == 1
    assert not client.session.is_current(client.turn)
    client.session.detach(client.turn)
    assert client.session.left_s is None
    again.session.detach(again.turn)
    assert client.session.left_s is not None


def test_results_are_not_kept_for_ever(client: Client) -> None:
    for number in range(KEPT_RESULTS * 2):
        client.put(number)
        client.answer(number)
        client.sent()
    again = Client(after=-1, session=client.session)
    assert [one["frame_no"] for one in again.sent("result")] == list(range(KEPT_RESULTS, KEPT_RESULTS * 2))
