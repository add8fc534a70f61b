"""The bus against a real server: at least once, exactly the right reader, nothing lost while something is away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared_kernel.bus import MAX_DELIVERIES, ORDER_KEPT_S, Bus, Worker
from shared_kernel.bus import subscription as bus_module
from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.messages import (
    Box,
    CameraChanged,
    Evidence,
    FrameAnalysed,
    FrameCaptured,
    MaskState,
    PassObserved,
    PhotoAnalysed,
    new_id,
)
from shared_kernel.testing import wait_until
from shared_kernel.testing.valkey import RedisServer

GROUP = "miniprogram-api"
PICTURE = Evidence(key="evidence/a.jpg", width=10, height=10, bytes=100)


def a_pass(pass_id: str = "pass-1") -> PassObserved:
    return PassObserved(
        pass_id=pass_id,
        phase="opened",
        camera_id="gate",
        opened_at=now(),
        last_seen_at=now(),
        state=MaskState.WITHOUT_MASK,
        confidence=0.9,
        frames=3,
        box=Box(x0=0.1, y0=0.1, x1=0.2, y1=0.3),
        face=PICTURE,
        scene=PICTURE,
    )


def a_frame(seq: int, jpeg: bytes = b"\xff\xd8\x00\xff\xd9") -> FrameCaptured:
    return FrameCaptured(
        frame_id=new_id(), camera_id="gate", owner="o", seq=seq, captured_at=now(), width=4, height=3, jpeg=jpeg
    )


def a_verdict(seq: int) -> FrameAnalysed:
    captured = a_frame(seq).model_dump()
    return FrameAnalysed(**captured, analysed_at=now(), faces=())


@pytest.fixture
def bus(redis_server: RedisServer) -> Iterator[Bus]:
    redis_server.flush()
    opened = Bus(redis_server.url)
    yield opened
    opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims what others left at once: the constants are the only thing that differs from production."""
    monkeypatch.setattr(bus_module, "CLAIM_AFTER_MS", 0)
    monkeypatch.setattr(bus_module, "CLAIM_EVERY_S", 0.0)


def test_a_group_gets_a_message_once(bus: Bus) -> None:
    first, second = bus.subscribe(PassObserved, GROUP), bus.subscribe(PassObserved, GROUP)
    for index in range(20):
        bus.publish(a_pass(f"pass-{index}"))
    got = first.receive(count=10) + second.receive(count=10)
    assert sorted(delivery.message.pass_id for delivery in got) == sorted(f"pass-{index}" for index in range(20))


def test_pixels_arrive_unchanged(bus: Bus) -> None:
    pixels = bytes(range(256)) * 300
    reader = bus.subscribe(FrameCaptured, "inference-service")
    bus.publish(a_frame(1, pixels))
    (delivery,) = reader.receive()
    assert delivery.message.jpeg == pixels


def test_a_routed_message_reaches_its_owner_only(bus: Bus) -> None:
    bus.publish(a_frame(1), route="stream-1")
    assert bus.subscribe(FrameCaptured, "g", route="stream-2").receive(block_ms=50) == []
    assert len(bus.subscribe(FrameCaptured, "g", route="stream-1").receive()) == 1


def test_a_durable_message_waits_for_a_reader_that_starts_later(bus: Bus) -> None:
    bus.publish(a_pass())
    (delivery,) = bus.subscribe(PassObserved, GROUP).receive()
    assert delivery.message.pass_id == "pass-1"


@pytest.mark.usefixtures("impatient")
def test_what_a_dead_worker_held_goes_to_another_with_the_same_content(bus: Bus) -> None:
    bus.publish(a_pass())
    (lost,) = bus.subscribe(PassObserved, GROUP).receive()
    (found,) = bus.subscribe(PassObserved, GROUP).receive()
    assert (found.entry_id, found.message) == (lost.entry_id, lost.message)
    assert found.deliveries == 2


def test_what_is_held_is_not_given_away(bus: Bus) -> None:
    bus.publish(a_pass())
    holder = bus.subscribe(PassObserved, GROUP)
    (held,) = holder.receive()
    holder.hold(held)
    assert bus.subscribe(PassObserved, GROUP).receive(block_ms=50) == []


@pytest.mark.usefixtures("impatient")
def test_after_too_many_deliveries_a_message_is_a_dead_letter_and_can_be_replayed(bus: Bus) -> None:
    bus.publish(a_pass())
    seen = 0
    reader = bus.subscribe(PassObserved, GROUP)
    while reader.receive(block_ms=10):
        seen += 1
    assert seen == MAX_DELIVERIES
    ((_, reason, document),) = bus.dead_letters(PassObserved)
    assert f"after {MAX_DELIVERIES} deliveries" in reason
    assert "pass-1" in document
    assert bus.replay(PassObserved) == 1
    assert bus.dead_letters(PassObserved) == []
    assert [delivery.message.pass_id for delivery in reader.receive()] == ["pass-1"]


@pytest.mark.usefixtures("impatient")
def test_restarts_while_a_part_is_away_bury_nothing(bus: Bus) -> None:
    """One worker after the other holds the same messages, and none can do anything about them."""
    bus.publish(a_pass("pass-1"))
    bus.publish(a_pass("pass-2"))
    tried: list[str] = []

    def away(message: PassObserved) -> None:
        tried.append(message.pass_id)
        raise Unavailable("face index", "away")

    for run in range(MAX_DELIVERIES + 2):
        stop = threading.Event()
        worker = threading.Thread(target=Worker(bus.subscribe(PassObserved, GROUP), away).run, args=(stop,))
        worker.start()
        wait_until(lambda run=run: len(tried) > run, what="a message is tried")  # type: ignore[misc]
        stop.set()
        worker.join()
        del tried[run + 1 :]
    assert bus.dead_letters(PassObserved) == []
    assert bus.pending(PassObserved, GROUP) == 2
    given = bus.subscribe(PassObserved, GROUP).receive()
    assert [(one.message.pass_id, one.deliveries) for one in given] == [("pass-1", 1), ("pass-2", 1)]


def test_what_cannot_be_read_is_buried_and_does_not_block_the_rest(bus: Bus) -> None:
    for document in (b"{broken", b"[]", b'{"pass_id": 5}', b""):
        bus._redis.xadd("xunshi:" + PassObserved.topic, {"m": document})
    bus.publish(a_pass())
    reader = bus.subscribe(PassObserved, GROUP)
    assert [delivery.message.pass_id for delivery in reader.receive()] == ["pass-1"]
    assert len(bus.dead_letters(PassObserved)) == 4


def test_frames_are_dropped_rather_than_piled_up(bus: Bus) -> None:
    for seq in range(600):
        bus.publish(a_frame(seq, b"x" * 5000))
    assert bus.backlog(FrameCaptured) < 300


@pytest.mark.usefixtures("impatient")
def test_a_frame_that_was_dropped_while_a_worker_held_it_is_no_trouble(bus: Bus) -> None:
    reader = bus.subscribe(FrameCaptured, "inference-service")
    bus.publish(a_frame(0))
    assert len(reader.receive()) == 1
    for seq in range(1, 600):
        bus.publish(a_frame(seq, b"x" * 5000))
    seqs = [delivery.message.seq for delivery in reader.receive(count=1000)]
    assert 0 not in seqs


def test_trimming_waits_for_every_group_and_then_leaves_nothing(bus: Bus) -> None:
    for index in range(5):
        bus.publish(a_pass(f"pass-{index}"))
    assert bus.trim(PassObserved) == 0, "nobody has read yet"
    first, *others = (bus.subscribe(PassObserved, group) for group in PassObserved.retention.groups)
    first.ack(*first.receive())
    [reader] = others
    deliveries = reader.receive()
    assert bus.trim(PassObserved) == 0, "read by both, acknowledged by one"
    reader.ack(*deliveries[:2])
    assert bus.trim(PassObserved) == 2
    reader.ack(*deliveries[2:])
    assert bus.trim(PassObserved) == 3
    assert bus.backlog(PassObserved) == 0


def test_trimming_spares_a_group_that_has_not_come_yet(bus: Bus) -> None:
    bus._redis.xadd("xunshi:" + PassObserved.topic, {"m": a_pass().model_dump_json()})
    assert bus.trim(PassObserved) == 0
    assert bus.backlog(PassObserved) == 1


def test_everyone_who_follows_hears_a_broadcast(bus: Bus) -> None:
    bus.publish(CameraChanged(camera_id="before anyone listened"))
    followers = [bus.follow(CameraChanged, block_ms=50) for _ in range(3)]
    for follower in followers:
        assert next(follower) is None
    bus.publish(CameraChanged(camera_id="gate"))
    for follower in followers:
        heard = next(follower)
        assert heard is not None
        assert heard.camera_id == "gate"


def test_a_caller_gets_its_own_answer(bus: Bus) -> None:
    answers: dict[str, PhotoAnalysed | None] = {}

    def ask(name: str) -> None:
        answers[name] = bus.await_reply(name, PhotoAnalysed, timeout_s=10)

    callers = [threading.Thread(target=ask, args=(name,)) for name in ("a", "b")]
    for caller in callers:
        caller.start()
    bus.reply("b", PhotoAnalysed(photo_id="b"))
    bus.reply("a", PhotoAnalysed(photo_id="a"))
    for caller in callers:
        caller.join(15)
    assert {name: answer and answer.photo_id for name, answer in answers.items()} == {"a": "a", "b": "b"}


def test_many_callers_may_wait_at_once(bus: Bus) -> None:
    names = [f"caller-{number}" for number in range(150)]
    with ThreadPoolExecutor(len(names)) as pool:
        waiting = [pool.submit(bus.await_reply, name, PhotoAnalysed, timeout_s=20) for name in names]
        wait_until(lambda: len(bus._redis.client_list(_type="normal")) >= len(names))
        for name in names:
            bus.reply(name, PhotoAnalysed(photo_id=name))
        answers = [one.result(30) for one in waiting]
    assert [answer and answer.photo_id for answer in answers] == names


def test_no_answer_is_none(bus: Bus) -> None:
    assert bus.await_reply("nobody", PhotoAnalysed, timeout_s=0.1) is None


def test_redis_away_is_said_and_work_goes_on_when_it_is_back(bus: Bus, redis_server: RedisServer) -> None:
    bus.publish(a_pass("before"))
    reader = bus.subscribe(PassObserved, GROUP)
    redis_server.kill()
    with pytest.raises(Unavailable, match="redis is not available"):
        bus.publish(a_pass("during"))
    with pytest.raises(Unavailable):
        reader.receive(block_ms=50)
    with pytest.raises(Unavailable):
        bus.ping()
    redis_server.start()
    bus.publish(a_pass("after"))
    got: list[str] = []

    def both() -> bool:
        got.extend(delivery.message.pass_id for delivery in reader.receive(block_ms=50))
        return len(got) >= 2

    wait_until(both, 20, "both messages")
    assert got == ["before", "after"]


def test_a_redis_that_lost_everything_is_served_again(bus: Bus, redis_server: RedisServer) -> None:
    reader = bus.subscribe(PassObserved, GROUP)
    bus.publish(a_pass("before"))
    reader.ack(*reader.receive())
    redis_server.flush()
    bus.publish(a_pass("after"))
    assert [delivery.message.pass_id for delivery in reader.receive()] == ["after"]


def test_a_full_redis_is_unavailable_not_a_crash(bus: Bus) -> None:
    bus._redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(Unavailable, match="memory is full"):
            bus.publish(a_frame(1))
    finally:
        bus._redis.config_set("maxmemory", "0")


def test_only_one_process_holds_a_lock(bus: Bus) -> None:
    mine, theirs = bus.lock("clock", ttl_s=10), bus.lock("clock", ttl_s=10)
    assert mine.acquire(blocking=False)
    assert not theirs.acquire(blocking=False)
    mine.release()
    assert theirs.acquire(blocking=False)


def test_of_one_line_nothing_goes_out_after_what_is_newer(bus: Bus) -> None:
    for seq, goes in [(5, True), (7, True), (6, False), (7, False), (8, True)]:
        assert bus.publish_in_order(a_verdict(seq), route="o", line="camera:gate", number=seq) is goes
    assert bus.publish_in_order(a_verdict(1), route="o", line="camera:yard", number=1)
    reader = bus.subscribe(FrameAnalysed, "stream-service", route="o")
    assert [delivery.message.seq for delivery in reader.receive()] == [5, 7, 8, 1]


def test_microseconds_since_the_epoch_are_told_apart_as_numbers_of_a_line(bus: Bus) -> None:
    first = 1_790_000_000_000_000
    assert bus.publish_in_order(a_verdict(first), route="o", line="camera:gate", number=first)
    assert bus.publish_in_order(a_verdict(first + 1), route="o", line="camera:gate", number=first + 1)
    assert not bus.publish_in_order(a_verdict(first + 1), route="o", line="camera:gate", number=first + 1)


def test_a_line_is_forgotten_so_that_a_clock_that_was_set_back_heals(bus: Bus) -> None:
    assert bus.publish_in_order(a_verdict(9), route="o", line="camera:gate", number=9)
    assert 0 < bus._redis.ttl("xunshi:order:camera:gate") <= ORDER_KEPT_S
