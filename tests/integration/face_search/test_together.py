"""Web and worker in one process: a part of the work that ends is noticed, a stop waits for what is in hand."""

from __future__ import annotations

import threading

import pytest

from face_search.together import Work
from shared_kernel.errors import Unavailable
from shared_kernel.testing.waiting import wait_until


def test_a_task_that_ends_by_itself_stops_the_others_and_the_process() -> None:
    lost, stopped, end = threading.Event(), threading.Event(), threading.Event()

    def steady(stop: threading.Event) -> None:
        stop.wait()
        stopped.set()

    def fragile(_stop: threading.Event) -> None:
        end.wait()

    work = Work([("steady", steady), ("fragile", fragile)], lost.set)
    work.check()
    end.set()
    assert lost.wait(10)
    assert stopped.is_set()
    with pytest.raises(Unavailable, match="worker"):
        work.check()


def test_a_stop_waits_for_what_is_in_hand_and_is_no_loss() -> None:
    lost, begun, done = threading.Event(), threading.Event(), threading.Event()

    def careful(stop: threading.Event) -> None:
        begun.set()
        stop.wait()
        done.set()

    work = Work([("careful", careful)], lost.set)
    wait_until(begun.is_set, 10, "the task")
    work.stop()
    assert done.is_set()
    with pytest.raises(Unavailable):
        work.check()
    work.stop()
    assert not lost.is_set()
