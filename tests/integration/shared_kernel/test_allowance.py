from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from shared_kernel.bus import Bus
from shared_kernel.messages import new_id
from shared_kernel.testing.waiting import wait_until


@pytest.fixture
def bus(redis_url: str) -> Iterator[Bus]:
    made = Bus(redis_url)
    yield made
    made.close()


def test_so_many_are_taken_and_no_more(bus: Bus) -> None:
    name = new_id()
    assert [bus.take(name, 1, limit=3, per_s=600) for _ in range(3)] == [0.0, 0.0, 0.0]
    wait_s = bus.take(name, 1, limit=3, per_s=600)
    assert 0 < wait_s <= 200
    assert bus.take(new_id(), 1, limit=3, per_s=600) == 0.0  # others have their own


def test_what_was_refused_is_not_taken(bus: Bus) -> None:
    name = new_id()
    assert bus.take(name, 2, limit=3, per_s=600) == 0.0
    assert bus.take(name, 2, limit=3, per_s=600) > 0
    assert bus.take(name, 1, limit=3, per_s=600) == 0.0


def test_it_fills_again(bus: Bus) -> None:
    name = new_id()
    assert bus.take(name, 5, limit=5, per_s=0.5) == 0.0
    wait_until(lambda: bus.take(name, 1, limit=5, per_s=0.5) == 0.0)


def test_processes_share_it(redis_url: str) -> None:
    name, barrier = new_id(), threading.Barrier(8)
    taken: list[bool] = []

    def ask() -> None:
        own = Bus(redis_url)
        barrier.wait()
        taken.extend(own.take(name, 1, limit=20, per_s=600) == 0.0 for _ in range(10))
        own.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken)) == (80, 20)


@pytest.mark.parametrize("amount", [0, -1, 4])
def test_an_amount_that_can_never_be_there_is_an_error(bus: Bus, amount: int) -> None:
    with pytest.raises(ValueError, match=f"expected an amount from 1 to 3, got {amount}"):
        bus.take(new_id(), amount, limit=3, per_s=60)
