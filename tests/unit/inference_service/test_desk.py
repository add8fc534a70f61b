"""The desk under a clock that only the models move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event, current_thread
from typing import Any

import numpy as np
import pytest

from inference_service.desk import MAX_BATCH_S, Desk
from inference_service.ports import DeskFull, ReadFailed
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import BUDGET_S, Found, Urgency
from tests.unit.inference_service.doubles import CannedModel, CannedModels, CountedDeskTally

Answer = Future[list[list[Found]]]


def picture(number: int = 0) -> Picture:
    """A picture that says its number."""
    return np.full((4, 4, 3), number, np.uint8)


def number_of(one: Picture) -> int:
    return int(one[0, 0, 0])


def note(order: list[int], number: int, _: Answer) -> None:
    order.append(number)


@dataclass
class Room:
    """A desk, its clock, and models that take `seconds` for a picture."""

    seconds: float = 0.01
    now_s: float = 100.0
    max_batch: int = 4
    max_waiting: int = 64
    read: list[int] = field(default_factory=list)
    failing: Callable[[Sequence[Picture]], None] = lambda _: None
    tally: CountedDeskTally = field(default_factory=CountedDeskTally)

    def __post_init__(self) -> None:
        self.mask = CannedModel(before=self.work)
        self.helmets = CannedModel(before=self.work)
        self.desk = Desk(
            CannedModels({"mask": self.mask, "helmets": self.helmets}),
            self.tally,
            max_batch=self.max_batch,
            max_waiting=self.max_waiting,
            clock=lambda: self.now_s,
        )

    def work(self, pictures: Sequence[Picture]) -> None:
        self.failing(pictures)
        self.now_s += self.seconds * len(pictures)
        self.read += [number_of(one) for one in pictures]

    def submit(self, urgency: Urgency, number: int = 0, model: str = "mask", count: int = 1) -> Answer:
        return self.desk.submit(model, [picture(number)] * count, urgency)

    def finish(self) -> None:
        while self.desk.run_once():
            continue


def test_an_answer_belongs_to_its_pictures() -> None:
    room = Room()
    first, second = room.submit("live", 1), room.submit("live", 2, count=2)
    room.finish()
    assert [len(found) for found in (first.result(0), second.result(0))] == [1, 2]
    assert first.result(0)[0][0].label == "without_mask"


def test_nothing_waits_for_more_to_come() -> None:
    room = Room()
    answer = room.submit("job")
    assert room.desk.run_once()
    assert answer.done()
    assert not room.desk.run_once()


def test_what_is_there_goes_together() -> None:
    room = Room(max_batch=4)
    for number in range(6):
        room.submit("live", number)
    room.finish()
    assert room.mask.batches == [4, 2]
    assert room.read == list(range(6))


def test_a_person_goes_before_a_stream_and_a_stream_before_a_job() -> None:
    room = Room(max_batch=1)
    room.submit("job", 3)
    room.submit("live", 2)
    room.submit("interactive", 1)
    room.finish()
    assert room.read == [1, 2, 3]


@pytest.mark.parametrize("urgency", ["interactive", "live", "job"])
def test_what_came_first_goes_first(urgency: Urgency) -> None:
    room = Room(max_batch=3)
    answers = [room.submit(urgency, number) for number in range(20)]
    order: list[int] = []
    for number, answer in enumerate(answers):
        answer.add_done_callback(partial(note, order, number))
    room.finish()
    assert room.read == order == list(range(20))


@pytest.mark.parametrize(("urgency", "bound_s"), [("live", 0.6), ("job", 5.0)])
def test_nobody_starves_under_a_flood_of_the_more_urgent(urgency: Urgency, bound_s: float) -> None:
    """Interactive photos come twice as fast as the model is; every job still goes when its budget is used up."""
    room = Room(seconds=0.05, max_batch=1, max_waiting=8)
    patient = room.submit(urgency, 255)
    came_s, done_s = room.now_s, 0.0
    while not patient.done():
        for _ in range(2):
            try:
                room.submit("interactive")
            except DeskFull:
                continue
        room.desk.run_once()
        done_s = room.now_s
    assert room.read.count(0) > 5
    # What was due before it still waited: never more than the queue holds.
    assert done_s - came_s <= bound_s + (room.max_waiting + 1) * room.seconds
    assert done_s - came_s >= bound_s - BUDGET_S["interactive"]


def test_a_flood_for_one_model_does_not_starve_another() -> None:
    room = Room(seconds=0.05, max_batch=1, max_waiting=8)
    other = room.submit("job", 255, model="helmets")
    began_s = room.now_s
    while not other.done():
        for _ in range(2):
            try:
                room.submit("interactive")
            except DeskFull:
                continue
        room.desk.run_once()
    assert room.now_s - began_s <= BUDGET_S["job"] + 9 * room.seconds


def test_a_full_queue_refuses_and_leaves_room_for_other_urgencies() -> None:
    room = Room(max_waiting=3)
    for _ in range(3):
        room.submit("job")
    with pytest.raises(DeskFull, match="3 pictures wait for mask"):
        room.submit("job")
    assert room.tally.refusals == {"job": 1}
    room.submit("interactive")
    room.submit("job", model="helmets")
    room.finish()
    room.submit("job")


def test_one_submission_may_be_larger_than_the_queue() -> None:
    """It is refused only while others wait: nobody would ever be able to submit it else."""
    room = Room(max_waiting=3, max_batch=2)
    answer = room.submit("interactive", count=7)
    with pytest.raises(DeskFull):
        room.submit("interactive")
    room.finish()
    assert len(answer.result(0)) == 7
    assert room.mask.batches == [2, 2, 2, 1]


def test_batches_of_a_slow_model_stay_short() -> None:
    """A person who comes while a batch runs waits for its end."""
    room = Room(seconds=0.1, max_batch=8)
    room.submit("job")
    room.finish()
    for _ in range(8):
        room.submit("job")
    room.finish()
    assert max(room.mask.batches) * room.seconds <= MAX_BATCH_S
    room.seconds = 5.0
    for _ in range(4):
        room.submit("job")
    room.finish()
    assert room.mask.batches[-1] == 1


def test_a_failure_reaches_only_the_picture_that_makes_it() -> None:
    def fail(pictures: Sequence[Picture]) -> None:
        if any(number_of(one) == 2 for one in pictures):
            raise ValueError("cannot read a two")

    room = Room(failing=fail)
    answers = [room.submit("live", number) for number in range(4)]
    room.finish()
    for number in (0, 1, 3):
        assert len(answers[number].result(0)) == 1
    with pytest.raises(ReadFailed, match="mask: ValueError: cannot read a two"):
        answers[2].result(0)
    after = room.submit("live", 7)
    room.finish()
    assert after.result(0)


def test_a_model_that_forgets_a_picture_fails() -> None:
    class Forgetful(CannedModel):
        def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
            return super().read(pictures)[1:]

    desk = Desk(CannedModels({"mask": Forgetful()}), CountedDeskTally())
    answer = desk.submit("mask", [picture()], "live")
    desk.run_once()
    with pytest.raises(ReadFailed, match="expected answers to 1 pictures, got 0"):
        answer.result(0)


def test_what_nobody_awaits_any_more_is_not_read() -> None:
    room = Room()
    left, right = room.submit("live", 1), room.submit("live", 2)
    assert left.cancel()
    room.finish()
    assert room.read == [2]
    assert right.done()


def test_an_unknown_model_is_refused_at_once() -> None:
    with pytest.raises(NotFound):
        Room().desk.submit("unicorns", [picture()], "live")


def test_times_and_sizes_are_told() -> None:
    room = Room(seconds=0.5, max_batch=1)
    room.submit("live")
    room.submit("live")
    assert room.tally.lengths == {("mask", "live"): 2}
    room.finish()
    assert room.tally.batches == [("mask", 1), ("mask", 1)]
    assert room.tally.times == [("mask", "live", 0.0, 0.5), ("mask", "live", 0.5, 1.0)]
    assert room.tally.lengths == {("mask", "live"): 0}


def test_closing_finishes_what_was_taken_and_takes_no_more() -> None:
    room = Room()
    answers = [room.submit("job") for _ in range(30)]
    thread = room.desk.start()
    assert room.desk.close(10.0)
    assert all(len(answer.result(0)) == 1 for answer in answers)
    with pytest.raises(Unavailable, match="stopping"):
        room.submit("job")
    thread.join(10.0)
    assert not thread.is_alive()


def test_what_closing_could_not_finish_is_told_to_those_who_wait() -> None:
    room = Room()
    answers = [room.submit("job") for _ in range(3)]
    assert not room.desk.close(0.0)
    for answer in answers:
        with pytest.raises(Unavailable, match="stopped first"):
            answer.result(0)


def test_many_threads_may_submit() -> None:
    room = Room(max_batch=8, max_waiting=10_000)
    thread = room.desk.start()
    with ThreadPoolExecutor(8) as pool:

        def bring(number: int) -> int:
            urgency: Any = ("interactive", "live", "job")[number % 3]
            return len(room.submit(urgency, number % 256).result(10.0))

        assert sum(pool.map(bring, range(400))) == 400
    assert room.desk.close(10.0)
    thread.join(10.0)
    assert sorted(room.read) == sorted(number % 256 for number in range(400))


def test_only_one_batch_is_read_at_a_time() -> None:
    inside, go_on = Event(), Event()
    names: set[str] = set()

    def wait(_: Sequence[Picture]) -> None:
        names.add(current_thread().name)
        inside.set()
        assert go_on.wait(10.0)

    room = Room(failing=wait, max_batch=1)
    thread = room.desk.start()
    answers = [room.submit("live"), room.submit("live", model="helmets")]
    assert inside.wait(10.0)
    assert not any(answer.done() for answer in answers)
    go_on.set()
    assert room.desk.close(10.0)
    thread.join(10.0)
    assert names == {"desk"}
