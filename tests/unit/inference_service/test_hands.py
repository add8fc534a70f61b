from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Event, Lock

import pytest

from inference_service.hands import Hands
from shared_kernel.errors import Unavailable


def test_everything_given_is_handled() -> None:
    done: list[int] = []
    hands: Hands[int] = Hands("photos", 3, done.append)
    for number in range(50):
        assert hands.wait_free(10.0)
        hands.give(f"key-{number}", number)
    assert hands.close(10.0)
    assert sorted(done) == list(range(50))


def test_what_has_the_same_key_stays_in_order_and_others_do_not_wait() -> None:
    meeting = Barrier(2, timeout=10.0)
    done: list[str] = []
    guard = Lock()

    def handle(item: str) -> None:
        if item in ("a0", "b0"):
            meeting.wait()  # both at once, or this breaks
        with guard:
            done.append(item)

    hands: Hands[str] = Hands("live", 8, handle)
    for item in ("a0", "a1", "a2", "b0", "b1", "b2"):
        hands.give(item[0], item)
    assert hands.close(10.0)
    for key in "ab":
        assert [item for item in done if item[0] == key] == [f"{key}{number}" for number in range(3)]


def test_full_hands_take_no_more() -> None:
    go_on = Event()

    def wait(_: int) -> None:
        go_on.wait(10.0)

    hands: Hands[int] = Hands("photos", 2, wait)
    assert hands.wait_free(0.0) == 2
    hands.give("a", 1)
    hands.give("a", 2)
    assert hands.wait_free(0.01) == 0
    assert sorted(hands.holding()) == [1, 2]
    assert not hands.close(0.01)
    go_on.set()
    assert hands.wait_free(10.0)


def refuse(_: int) -> None:
    raise Unavailable("redis", "gone")


def stumble(_: int) -> None:
    raise ValueError("nobody foresaw this")


@pytest.mark.parametrize("fail", [refuse, stumble])
def test_a_failure_is_the_end_of_its_item_only(fail: Callable[[int], None]) -> None:
    done: list[int] = []

    def handle(number: int) -> None:
        if number == 1:
            fail(number)
        done.append(number)

    hands: Hands[int] = Hands("photos", 5, handle)
    for number in range(3):
        hands.give("same", number)
    assert hands.close(10.0)
    assert done == [0, 2]
