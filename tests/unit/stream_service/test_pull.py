"""Reading a camera: watchdog, hanging peers, slow decoding; and the mailbox that never makes it wait."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from shared_kernel.messages import CameraReason, CameraReported, FrameCaptured
from shared_kernel.testing import wait_until
from stream_service.mailbox import MAX_FRAMES, Mailbox
from stream_service.ports import Packet, StreamInfo
from stream_service.pull import MAX_HELD_PACKETS, MAX_WAITING_PACKETS, Pull
from stream_service.rules import CameraFailed
from tests.unit.stream_service.doubles import START, KeptBus, packet

INFO = StreamInfo("h264", 640, 360, 25.0, b"")


class ScriptedFeed:
    """Gives its packets, then does what `then` says: `end`, `hang`, or raise."""

    def __init__(self, packets: list[Packet], then: str = "end", opens: str = "at once") -> None:
        self.list, self.then, self.opens = packets, then, opens
        self.let_go = threading.Event()
        self.closed = threading.Event()

    def open(self) -> StreamInfo:
        if self.opens == "never":
            self.let_go.wait(30)
        if self.opens == "refused":
            raise CameraFailed(CameraReason.REFUSED, "camera: nobody listens at this address and port")
        return INFO

    def packets(self) -> Iterator[Packet]:
        yield from self.list
        if self.then == "hang":
            self.let_go.wait(30)
        if self.then == "raise":
            raise ZeroDivisionError("bug")

    def close(self) -> None:
        self.closed.set()


def pulled(feed: ScriptedFeed) -> tuple[Pull, list[Packet]]:
    live: list[Packet] = []
    return Pull(feed, "cam", on_open=lambda _: None, on_packet=live.append), live


def failure(pull: Pull, into: list[Packet]) -> CameraReason:
    with pytest.raises(CameraFailed) as caught:
        into.extend(one for one in pull.watched(lambda: False) if one is not None)
    return caught.value.reason


def test_packets_go_to_both_sides_and_the_end_is_said() -> None:
    sent = [packet(number) for number in range(10)]
    pull, live = pulled(ScriptedFeed(sent))
    decoded: list[Packet] = []
    assert failure(pull, decoded) is CameraReason.CLOSED
    assert decoded == live == sent


def test_an_unexpected_error_ends_the_connection_only() -> None:
    pull, _ = pulled(ScriptedFeed([packet()], then="raise"))
    assert failure(pull, []) is CameraReason.INVALID_DATA


def test_a_refused_connection_says_so() -> None:
    pull, _ = pulled(ScriptedFeed([], opens="refused"))
    assert failure(pull, []) is CameraReason.REFUSED


def test_a_peer_that_stops_sending_is_frozen_and_is_left_behind() -> None:
    feed = ScriptedFeed([packet(0, at_s=time.monotonic() - 60)], then="hang")
    pull, _ = pulled(feed)
    assert failure(pull, []) is CameraReason.FROZEN
    assert feed.closed.is_set()
    feed.let_go.set()
    wait_until(lambda: not any(thread.name == "pull-cam" for thread in threading.enumerate()))


def test_stopping_does_not_wait_for_a_peer_that_hangs() -> None:
    feed = ScriptedFeed([], opens="never")
    pull, _ = pulled(feed)
    stopping = threading.Event()
    reader = threading.Thread(target=lambda: list(pull.watched(stopping.is_set)))
    reader.start()
    stopping.set()
    reader.join(5)
    assert not reader.is_alive()
    feed.let_go.set()


def test_what_a_connection_left_behind_still_sends_reaches_nobody() -> None:
    feed = ScriptedFeed([packet(number) for number in range(5)], opens="never")
    pull, live = pulled(feed)
    list(pull.watched(iter([False, True]).__next__))
    feed.let_go.set()
    wait_until(lambda: not any(thread.name == "pull-cam" for thread in threading.enumerate()))
    assert live == []


def test_slow_decoding_drops_up_to_a_keyframe_and_live_goes_on() -> None:
    keys = {0, MAX_WAITING_PACKETS + 30}
    sent = [packet(number, key=number in keys) for number in range(MAX_WAITING_PACKETS + 60)]
    pull, live = pulled(ScriptedFeed(sent))
    packets = pull.watched(lambda: False)
    wait_for_all = iter(packets)
    first = next(wait_for_all)
    wait_until(lambda: len(live) == len(sent))
    decoded = [first]
    with pytest.raises(CameraFailed):
        decoded.extend(wait_for_all)
    numbers = [one.dts // 3600 for one in decoded if one is not None]
    assert numbers[-30:] == list(range(MAX_WAITING_PACKETS + 30, MAX_WAITING_PACKETS + 60))
    assert pull.dropped_packets == len(sent) - len(numbers)


class SteadyFeed(ScriptedFeed):
    """Sends what it is given while it runs."""

    def __init__(self) -> None:
        super().__init__([])
        self.sent: SimpleQueue[Packet | None] = SimpleQueue()

    def packets(self) -> Iterator[Packet]:
        while (one := self.sent.get()) is not None:
            yield one


def test_what_changes_nothing_is_handed_on_together_and_a_large_packet_at_once() -> None:
    feed, live = SteadyFeed(), list[int]()
    pull = Pull(
        feed,
        "cam",
        on_open=lambda _: None,
        on_packet=lambda one: live.append(one.dts // 3600),
        patience=lambda: 1000,
    )
    packets = pull.watched(lambda: False)
    for number in range(MAX_HELD_PACKETS):
        feed.sent.put(packet(number, data=bytes(100)))
    feed.sent.put(packet(MAX_HELD_PACKETS, data=bytes(2000)))
    feed.sent.put(packet(MAX_HELD_PACKETS + 1, data=bytes(100)))
    feed.sent.put(None)
    found = list[int]()
    with pytest.raises(CameraFailed):
        found.extend(one.dts // 3600 for one in packets if one is not None)
    assert live == found == list(range(MAX_HELD_PACKETS + 2))


def test_whoever_begins_to_look_gets_every_packet_at_once() -> None:
    feed, live, patience = SteadyFeed(), list[Packet](), [sys.maxsize]
    pull = Pull(feed, "cam", on_open=lambda _: None, on_packet=live.append, patience=lambda: patience[0])
    packets = pull.watched(lambda: False)
    assert next(packets) is None
    patience[0] = 0
    pull.rouse()
    feed.sent.put(packet(1, data=bytes(100)))
    wait_until(lambda: len(live) == 1)
    feed.sent.put(None)
    with pytest.raises(CameraFailed):
        list(packets)


def frame(seq: int) -> FrameCaptured:
    return FrameCaptured(
        frame_id=str(seq), camera_id="cam", owner="s", seq=seq, captured_at=START, width=1, height=1, jpeg=b""
    )


def report() -> CameraReported:
    return CameraReported(camera_id="cam", at=START, state="online")


def test_the_mailbox_sends_reports_and_frames() -> None:
    bus = KeptBus()
    mailbox = Mailbox(bus, lambda _: 1)
    mailbox.post(frame(1))
    mailbox.post(report())
    mailbox.start()
    mailbox.stop()
    assert {message.topic for message in bus.messages} == {"frame.captured.v1", "camera.reported.v1"}
    assert not mailbox.dropped


def test_a_bus_that_is_away_costs_frames_and_no_time() -> None:
    bus = KeptBus()
    bus.away = True
    mailbox = Mailbox(bus, lambda _: 1)
    mailbox.start()
    for seq in range(3 * MAX_FRAMES):
        mailbox.post(frame(seq))
    wait_until(lambda: mailbox.dropped["frame.captured.v1"] >= 2 * MAX_FRAMES)
    bus.away = False

    def arrives() -> bool:
        mailbox.post(report())
        return bool(bus.messages)

    wait_until(arrives)
    mailbox.stop()
