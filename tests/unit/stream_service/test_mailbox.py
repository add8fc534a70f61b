"""Frames and reports go with the fence of their camera; what cannot go is counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared_kernel.clock import now
from shared_kernel.messages import CameraReported, FrameCaptured, Message
from shared_kernel.testing import wait_until
from stream_service.mailbox import MAX_FRAMES, Mailbox
from tests.unit.stream_service.doubles import KeptBus


class FencedBus(KeptBus):
    """Takes messages about a camera only with its present fence."""

    def __init__(self, **fences: int) -> None:
        super().__init__()
        self.fences = fences

    def publish_held(self, message: Message, *, kind: str, thing: str, fence: int) -> bool:
        return self.fences.get(thing) == fence and super().publish_held(message, kind=kind, thing=thing, fence=fence)


@contextmanager
def running(bus: KeptBus, held: dict[str, int]) -> Iterator[Mailbox]:
    mailbox = Mailbox(bus, lambda camera_id: held.get(camera_id, 0))
    mailbox.start()
    try:
        yield mailbox
    finally:
        mailbox.stop()


def frame(camera_id: str, seq: int = 1) -> FrameCaptured:
    return FrameCaptured(
        frame_id="f", camera_id=camera_id, owner="o", seq=seq, captured_at=now(), width=4, height=3, jpeg=b"j"
    )


def report(camera_id: str) -> CameraReported:
    return CameraReported(camera_id=camera_id, at=now(), state="online")


def test_a_report_says_under_which_token_it_was_made() -> None:
    bus = FencedBus(gate=7)
    with running(bus, {"gate": 7}) as mailbox:
        mailbox.post(report("gate"))
        wait_until(lambda: bus.messages, 10)
    assert [one.fence for one in bus.messages if isinstance(one, CameraReported)] == [7]


def test_what_another_replica_holds_is_refused_and_counted() -> None:
    bus = FencedBus(gate=8)
    with running(bus, {"gate": 7}) as mailbox:
        mailbox.post(frame("gate"))
        mailbox.post(report("gate"))
        mailbox.post(report("never held"))
        wait_until(lambda: mailbox.refused.total() == 3, 10)
    assert bus.messages == []
    assert mailbox.refused == {"frame.captured.v1": 1, "camera.reported.v1": 2}
    assert mailbox.dropped == {}


def test_the_token_is_that_of_the_moment_of_posting() -> None:
    bus, held = FencedBus(gate=8), {"gate": 7}
    mailbox = Mailbox(bus, lambda camera_id: held[camera_id])
    mailbox.post(frame("gate"))
    held["gate"] = 8  # lost and taken again before anything was sent
    mailbox.start()
    mailbox.post(frame("gate", seq=2))
    wait_until(lambda: bus.messages, 10)
    mailbox.stop()
    assert [one.seq for one in bus.messages if isinstance(one, FrameCaptured)] == [2]
    assert mailbox.refused["frame.captured.v1"] == 1


def test_the_oldest_frames_go_first_while_the_bus_is_away() -> None:
    bus = FencedBus(gate=7)
    mailbox = Mailbox(bus, lambda _: 7)
    for seq in range(MAX_FRAMES + 5):
        mailbox.post(frame("gate", seq))
    mailbox.start()
    wait_until(lambda: len(bus.messages) == MAX_FRAMES, 10)
    mailbox.stop()
    assert [one.seq for one in bus.messages if isinstance(one, FrameCaptured)] == list(range(5, MAX_FRAMES + 5))
    assert mailbox.dropped == {"frame.captured.v1": 5}
