"""Which frame gets which place, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared_kernel.messages import FrameSettled, new_id
from stream_service.archiving.reports import AT_ONCE, _Told, messages
from stream_service.archiving.slots import MAX_MISSED, Slots
from stream_service.ports import WantedFrames

AT = datetime(2026, 3, 2, 8, 20, tzinfo=UTC)


def wanted(every_s: float = 1.0, frames: int = 0) -> WantedFrames:
    return WantedFrames(new_id(), new_id(), every_s, frames, None, AT)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_a_place_belongs_to_its_time_and_gets_one_picture() -> None:
    slots = Slots(wanted(2.0))
    assert list(slots.missed(after(-1))) == []
    assert slots.due(after(-1)) is None
    assert slots.wait_s(after(-0.5)) == pytest.approx(0.5)
    assert list(slots.missed(after(0.1))) == []
    assert slots.due(after(0.1)) == 0
    slots.filled(0)
    assert slots.due(after(1.9)) is None
    assert slots.wait_s(after(0.5)) == pytest.approx(1.5)
    assert list(slots.missed(after(2.0))) == []
    assert slots.due(after(2.0)) == 1


def test_what_never_came_is_missed_once() -> None:
    slots = Slots(wanted())
    assert list(slots.missed(after(0))) == []
    assert list(slots.missed(after(3.5))) == [0, 1, 2]
    assert list(slots.missed(after(3.6))) == []
    assert slots.due(after(3.6)) == 3


def test_after_a_restart_the_numbers_go_on() -> None:
    slots = Slots(wanted(0.5))
    assert list(slots.missed(after(100.1))) == []
    assert slots.due(after(100.1)) == 200


def test_another_instance_had_the_camera_for_a_while() -> None:
    slots = Slots(wanted())
    slots.missed(after(0))
    slots.filled(0)
    slots.forget()
    assert list(slots.missed(after(50))) == []
    assert slots.due(after(50)) == 50


def test_a_number_of_frames_ends() -> None:
    slots = Slots(wanted(1.0, frames=3))
    for second in range(3):
        slots.missed(after(second))
        assert not slots.over(after(second))
        assert slots.due(after(second)) == second
        slots.filled(second)
    assert slots.over(after(2.1))
    assert slots.due(after(2.1)) is None


def test_the_last_pictures_of_a_number_may_be_missing() -> None:
    slots = Slots(wanted(1.0, frames=3))
    slots.missed(after(0))
    slots.filled(0)
    assert list(slots.missed(after(60))) == [1, 2]
    assert slots.over(after(60))
    late = Slots(wanted(1.0, frames=3))  # first heard of when all was over
    assert list(late.missed(after(60))) == []
    assert late.over(after(60))


def test_a_machine_that_slept_does_not_name_every_place() -> None:
    slots = Slots(wanted(0.1))
    slots.missed(after(0))
    assert len(slots.missed(after(1e6))) == MAX_MISSED


def settled(seq: int) -> FrameSettled:
    return FrameSettled(seq=seq, captured_at=after(seq), key=f"frames/{seq}.jpg", bytes=1, attempts=1, took_ms=1.0)


def test_messages_are_in_order_and_end_with_the_last_frame() -> None:
    one, two = wanted(), wanted(frames=5)
    told = [_Told(one, settled(seq)) for seq in (3, 1, 2)] + [_Told(two, settled(4)), _Told(one, None)]
    first, second = messages(told)
    assert [frame.seq for frame in first.frames] == [1, 2, 3]
    assert (first.batch_id, first.source, first.source_id, first.ended) == (one.batch_id, "camera", one.camera_id, True)
    assert (second.expected, second.ended, second.started_at) == (5, False, AT)


def test_many_frames_are_several_messages_and_only_the_last_ends() -> None:
    one = wanted()
    made = messages([*(_Told(one, settled(seq)) for seq in reversed(range(2 * AT_ONCE + 1))), _Told(one, None)])
    assert [len(message.frames) for message in made] == [AT_ONCE, AT_ONCE, 1]
    assert [message.ended for message in made] == [False, False, True]
    assert [frame.seq for message in made for frame in message.frames] == list(range(2 * AT_ONCE + 1))


def test_a_batch_may_end_without_a_frame() -> None:
    [message] = messages([_Told(wanted(), None)])
    assert (message.frames, message.ended) == ((), True)
