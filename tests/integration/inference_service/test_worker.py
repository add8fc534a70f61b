"""The worker as a process of its own, against a real Redis."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from inference_service.work import GROUP
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.messages import FrameAnalysed, MaskState, PhotoAnalysed, PhotoSubmitted, new_id
from shared_kernel.testing import wait_until
from shared_kernel.testing.valkey import RedisServer
from tests.integration.inference_service.processes import FRAME, WorkerProcess, frame, submit

STOP_LIMIT_S = 5.0


def test_a_frame_comes_back_to_its_owner_with_verdicts(worker: WorkerProcess, bus: Bus) -> None:
    other = bus.subscribe(FrameAnalysed, "stream-service", route="stream-2")
    own = bus.subscribe(FrameAnalysed, "stream-service", route="stream-1")
    sent = frame()
    bus.publish(sent)
    [delivery] = wait_until(lambda: own.receive(block_ms=200))
    analysed = delivery.message
    assert analysed.frame_id == sent.frame_id
    assert [face.state for face in sorted(analysed.faces, key=lambda face: face.box.x0)] == [
        MaskState.WITH_MASK,
        MaskState.WITHOUT_MASK,
    ]
    assert other.receive(block_ms=1) == []


def test_stale_and_broken_frames_are_counted_and_do_not_block(worker: WorkerProcess, bus: Bus) -> None:
    own = bus.subscribe(FrameAnalysed, "stream-service", route="stream-1")
    for one in (frame(1, age_s=5), frame(2, data=b"no jpeg"), frame(3, age_s=60), frame(4)):
        bus.publish(one)
    [delivery] = wait_until(lambda: own.receive(block_ms=200))
    assert delivery.message.seq == 4
    assert worker.metric('inference_frames_skipped_total{reason="stale"}') == 2
    assert worker.metric('inference_frames_skipped_total{reason="unreadable"}') == 1
    assert worker.metric("inference_frames_analysed_total") == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [(FRAME, None), (b"", "not_an_image"), (FRAME[:500], "truncated"), (b"GIF89a" + b"\xff" * 40, "truncated")],
)
def test_photos_are_answered(worker: WorkerProcess, bus: Bus, blobs: Blobs, data: bytes, code: str | None) -> None:
    answer = bus.await_reply(submit(bus, blobs, data), PhotoAnalysed, timeout_s=10)
    assert answer is not None
    assert (answer.error.code if answer.error else None) == code
    assert len(answer.faces) == (0 if code else 2)


def test_a_photo_without_its_object_is_answered(worker: WorkerProcess, bus: Bus) -> None:
    photo = PhotoSubmitted(photo_id=new_id(), key="photos/none.jpg", deadline_at=now() + timedelta(seconds=20))
    bus.publish(photo)
    answer = bus.await_reply(photo.photo_id, PhotoAnalysed, timeout_s=10)
    assert answer is not None
    assert answer.error is not None
    assert answer.error.code == "not_found"


def test_a_photo_in_the_hand_of_a_dead_worker_is_answered_by_another(
    redis_url: str, tmp_path: Path, weights_dir: Path, bus: Bus, blobs: Blobs
) -> None:
    """A consumer that takes the photo and never says a word again stands for the dead worker."""
    photo_id = submit(bus, blobs, FRAME, seconds=60)
    assert wait_until(lambda: bus.subscribe(PhotoSubmitted, GROUP).receive(count=1, block_ms=100))
    with WorkerProcess("another", redis_url, tmp_path, weights_dir):
        answer = bus.await_reply(photo_id, PhotoAnalysed, timeout_s=30)
    assert answer is not None
    assert answer.error is None
    assert len(answer.faces) == 2


def test_a_photo_that_killed_two_workers_is_answered_with_an_error(
    redis_url: str, tmp_path: Path, weights_dir: Path, bus: Bus, blobs: Blobs
) -> None:
    photo_id = submit(bus, blobs, FRAME, seconds=120)
    for _ in range(2):  # each takes it, after it was left alone for long enough, and is never heard of again
        take = partial(bus.subscribe(PhotoSubmitted, GROUP).receive, count=1, block_ms=100)
        assert wait_until(take, 30)
    with WorkerProcess("third", redis_url, tmp_path, weights_dir):
        answer = bus.await_reply(photo_id, PhotoAnalysed, timeout_s=40)
    assert answer is not None
    assert answer.error is not None
    assert answer.error.code == "not_analysable"


def test_work_resumes_after_redis_was_killed(tmp_path: Path, weights_dir: Path) -> None:
    with (
        RedisServer(tmp_path / "redis") as redis,
        WorkerProcess("worker", redis.url, tmp_path, weights_dir) as worker,
    ):
        bus, blobs = Bus(redis.url), Blobs.open(f"file://{tmp_path}/blobs")
        redis.kill()
        wait_until(lambda: worker.ask("/readyz")[0] == 503)
        assert "redis" in json.loads(worker.ask("/readyz")[1])["missing"]
        redis.start()
        wait_until(lambda: worker.ask("/readyz")[0] == 200)
        photo_id = submit(bus, blobs, FRAME)
        assert bus.await_reply(photo_id, PhotoAnalysed, timeout_s=15) is not None
        bus.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_time(worker: WorkerProcess, bus: Bus, number: signal.Signals) -> None:
    for seq in range(30):
        bus.publish(frame(seq))
    pid = worker.pid
    started = time.monotonic()
    os.kill(pid, number)
    wait_until(lambda: not worker.alive, STOP_LIMIT_S, "the worker ends")
    assert time.monotonic() - started < STOP_LIMIT_S
    assert "worker stopped" in worker.log_tail()


def test_masks_are_judged_where_nothing_was_fetched(redis_url: str, tmp_path: Path) -> None:
    with WorkerProcess("worker", redis_url, tmp_path, tmp_path / "empty") as worker:
        assert "worker ready" in worker.log_tail()
