"""Several workers, strangers' files, full hands: nothing that was accepted is lost, nobody's order is mixed up."""

from __future__ import annotations

import os
import random
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inference_service.work import GROUP
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.messages import (
    FrameAnalysed,
    LiveFrameAnalysed,
    LiveFrameSubmitted,
    MaskState,
    PhotoAnalysed,
    PhotoSubmitted,
)
from shared_kernel.testing import wait_until
from shared_kernel.vision.pictures import decode
from tests.integration.inference_service.conftest import need_gpu
from tests.integration.inference_service.processes import FRAME, WorkerProcess, frame, submit

STOP_LIMIT_S = 5.0
ANALYSED = 'inference_photos_total{outcome="analysed"}'


@pytest.fixture
def workers(redis_url: str, tmp_path: Path, weights_dir: Path) -> Iterator[list[WorkerProcess]]:
    """Two of them."""
    with ExitStack() as running:
        yield [running.enter_context(WorkerProcess(name, redis_url, tmp_path, weights_dir)) for name in ("one", "two")]


def answers_to(bus: Bus, ids: list[str], timeout_s: float = 60.0) -> list[PhotoAnalysed]:
    found = [bus.await_reply(one, PhotoAnalysed, timeout_s=timeout_s) for one in ids]
    assert None not in found, f"{found.count(None)} of {len(found)} were never answered"
    return [one for one in found if one is not None]


def children_of(pid: int) -> set[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(word) for one in lists for word in one.read_text().split()}


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def large_png() -> bytes:
    """49 megapixels: a second or more for the decoder."""
    return cv2.imencode(".png", np.zeros((7000, 7000, 3), np.uint8))[1].tobytes()


def live(seq: int, session: str = "session-1", data: bytes = FRAME, model: str = "") -> LiveFrameSubmitted:
    return LiveFrameSubmitted(
        session_id=session, owner="web-1", seq=seq, sent_at=now(), model=model, min_score=0.3, jpeg=data
    )


def live_answers(bus: Bus, count: int) -> list[LiveFrameAnalysed]:
    own = bus.subscribe(LiveFrameAnalysed, GROUP, route="web-1")
    found: list[LiveFrameAnalysed] = []

    def all_there() -> bool:
        found.extend(delivery.message for delivery in own.receive(count=100, block_ms=100))
        return len(found) >= count

    wait_until(all_there, 30)
    return found


def test_workers_share_photos_and_each_is_answered_once(workers: list[WorkerProcess], bus: Bus, blobs: Blobs) -> None:
    ids = [submit(bus, blobs, FRAME, 60) for _ in range(40)]
    assert all(len(answer.faces) == 2 for answer in answers_to(bus, ids))
    done = [worker.metric(ANALYSED) for worker in workers]
    assert sum(done) == 40
    assert min(done) > 0
    assert bus.pending(PhotoSubmitted, GROUP) == 0


def test_every_photo_is_answered_though_a_worker_is_killed(
    workers: list[WorkerProcess], bus: Bus, blobs: Blobs
) -> None:
    ids = [submit(bus, blobs, FRAME, 120) for _ in range(60)]
    wait_until(lambda: workers[0].metric(ANALYSED) >= 3)
    workers[0].kill()
    assert all(answer.error is None and len(answer.faces) == 2 for answer in answers_to(bus, ids))
    wait_until(lambda: bus.pending(PhotoSubmitted, GROUP) == 0)


def test_a_worker_that_is_asked_to_stop_finishes_what_it_holds(
    redis_url: str, tmp_path: Path, weights_dir: Path, bus: Bus, blobs: Blobs
) -> None:
    with WorkerProcess("one", redis_url, tmp_path, weights_dir) as worker:
        ids = [submit(bus, blobs, FRAME, 120, urgency=("job", "interactive")[n % 2]) for n in range(60)]
        for seq in range(50):
            bus.publish(frame(seq))
        wait_until(lambda: worker.metric(ANALYSED) >= 3)
        os.kill(worker.pid, signal.SIGTERM)
        wait_until(lambda: not worker.alive, STOP_LIMIT_S)
        assert "drained=True" in worker.log_tail()
    # Nothing is left in its hands, so nobody has to wait until it is taken for dead.
    assert bus.pending(PhotoSubmitted, GROUP) == 0
    assert bus.pending(PhotoSubmitted, GROUP, "jobs") == 0
    with WorkerProcess("two", redis_url, tmp_path, weights_dir):
        assert all(answer.error is None for answer in answers_to(bus, ids))


def test_verdicts_of_a_camera_stay_in_order_under_load(workers: list[WorkerProcess], bus: Bus) -> None:
    own = bus.subscribe(FrameAnalysed, "stream-service", route="stream-1")
    cameras = ("gate", "yard", "hall")
    published = [frame(seq, camera=camera) for seq in range(60) for camera in cameras]
    for one in published:
        bus.publish(one)
    seen: dict[str, list[int]] = defaultdict(list)

    def all_there() -> bool:
        deliveries = own.receive(count=100, block_ms=500)
        for delivery in deliveries:
            seen[delivery.message.camera_id].append(delivery.message.seq)
        if not deliveries:  # the last ones were too old on a busy machine: a camera goes on
            for camera in cameras:
                published.append(frame(len(published), camera=camera))
                bus.publish(published[-1])
        return all(max(seen[camera], default=0) >= 59 for camera in cameras)

    def all_counted() -> bool:
        for delivery in own.receive(count=100, block_ms=100):
            seen[delivery.message.camera_id].append(delivery.message.seq)
        skipped = sum(w.metric(f'inference_frames_skipped_total{{reason="{name}"}}') for w in workers for name in names)
        return skipped + sum(map(len, seen.values())) == len(published)

    names = ("overtaken", "stale", "unreadable", "full", "failed")
    wait_until(all_there, 30)
    wait_until(all_counted, 10)
    for numbers in seen.values():
        assert numbers == sorted(set(numbers))


def test_a_person_does_not_wait_behind_jobs(worker: WorkerProcess, bus: Bus, blobs: Blobs) -> None:
    jobs = [submit(bus, blobs, FRAME, 120, urgency="job") for _ in range(200)]
    wait_until(lambda: worker.metric(ANALYSED) >= 1)
    assert answers_to(bus, [submit(bus, blobs, FRAME)])
    assert worker.metric(ANALYSED) < 150
    assert len(answers_to(bus, jobs)) == 200


def test_broken_files_are_answered_and_harm_nobody(worker: WorkerProcess, bus: Bus, blobs: Blobs) -> None:
    """Bytes of good files changed at random, always the same ones."""
    rng = random.Random(3)
    picture = decode(FRAME)
    good = [cv2.imencode(suffix, picture)[1].tobytes() for suffix in (".jpg", ".png", ".webp", ".tiff", ".bmp")]
    broken = []
    for number in range(60):
        data = bytearray(good[number % len(good)])
        for _ in range(rng.choice((1, 10, 200))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        broken.append(bytes(data[: rng.randrange(10, len(data))] if number % 3 == 0 else data))
    answers = answers_to(bus, [submit(bus, blobs, data, 60) for data in broken])
    codes = {answer.error.code for answer in answers if answer.error}
    assert codes <= {"not_an_image", "truncated", "unsupported", "too_many_pixels", "not_analysable", "too_slow"}
    assert len(codes) >= 2
    assert len(answers_to(bus, [submit(bus, blobs, FRAME)])[0].faces) == 2


def test_a_decoder_that_crashes_over_a_photo_is_its_answer(worker: WorkerProcess, bus: Bus, blobs: Blobs) -> None:
    """The kernel kills the child in the middle of a file, as after a segmentation fault."""
    answers_to(bus, [submit(bus, blobs, FRAME) for _ in range(8)])
    before = children_of(worker.pid)
    used = {pid: ticks(pid) for pid in before}
    photo_id = submit(bus, blobs, large_png())
    busy = wait_until(lambda: next((pid for pid in before if ticks(pid) > used[pid] + 5), 0))
    os.kill(busy, signal.SIGSEGV)
    answer = bus.await_reply(photo_id, PhotoAnalysed, timeout_s=9)  # nobody waits until it is delivered again
    assert answer is not None
    assert answer.error is not None
    assert answer.error.code == "not_analysable"
    assert worker.metric('inference_decoders_ended_total{reason="crashed"}') == 1
    assert all(len(one.faces) == 2 for one in answers_to(bus, [submit(bus, blobs, FRAME) for _ in range(4)]))
    assert len(children_of(worker.pid)) == len(before)


def ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def test_a_killed_worker_leaves_no_children(redis_url: str, tmp_path: Path, weights_dir: Path) -> None:
    with WorkerProcess("one", redis_url, tmp_path, weights_dir) as worker:
        children = children_of(worker.pid)
        assert len(children) == 2
        os.kill(worker.pid, signal.SIGKILL)
        wait_until(lambda: not any(exists(pid) for pid in children))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_annotated_photo_is_stored(worker: WorkerProcess, bus: Bus, blobs: Blobs, language: str) -> None:
    photo_id = submit(bus, blobs, FRAME, annotate=True, language=language)
    [answer] = answers_to(bus, [photo_id])
    assert answer.annotated_key == f"photos/{photo_id}.jpg.annotated.jpg"
    drawn = decode(blobs.get(answer.annotated_key))
    assert drawn.shape == (480, 640, 3)
    assert np.abs(drawn.astype(int) - decode(FRAME)).max() > 60


@pytest.mark.parametrize("asked", [{"model": "unicorns"}, {"model": "mask", "version": "99.0.0"}])
def test_a_model_that_is_not_there_is_said_so(
    worker: WorkerProcess, bus: Bus, blobs: Blobs, asked: dict[str, Any]
) -> None:
    [answer] = answers_to(bus, [submit(bus, blobs, FRAME, **asked)])
    assert answer.error is not None
    assert answer.error.code == "no_model"


def test_pictures_of_live_sessions_are_answered_in_order(
    redis_url: str, tmp_path: Path, weights_dir: Path, bus: Bus
) -> None:
    with WorkerProcess("one", redis_url, tmp_path, weights_dir, {"INFERENCE_MAX_FRAME_AGE_MS": "30000"}):
        for seq in range(12):
            for session in ("a", "b"):
                bus.publish(live(seq, session, b"no jpeg" if seq == 5 else FRAME))
        answers = live_answers(bus, 24)
    for session in ("a", "b"):
        own = [answer for answer in answers if answer.session_id == session]
        assert [answer.seq for answer in own] == list(range(12))
        assert [answer.error.code if answer.error else None for answer in own] == [None] * 5 + ["not_an_image"] + [
            None
        ] * 6
        assert all(len(answer.faces) == 2 for answer in own if answer.error is None)
    assert {(answer.owner, answer.model) for answer in answers if not answer.error} == {("web-1", "mask")}


def test_live_pictures_that_waited_too_long_are_answered_as_skipped(worker: WorkerProcess, bus: Bus) -> None:
    """The browser counts what is on its way: what is never answered would be missing for ever."""
    old = live(0).model_copy(update={"sent_at": now() - timedelta(seconds=5)})
    bus.publish(old)
    [answer] = live_answers(bus, 1)
    assert answer.error is not None
    assert answer.error.code == "skipped"
    assert worker.metric('inference_live_total{outcome="skipped"}') == 1


def test_the_desk_shows_in_metrics(worker: WorkerProcess, bus: Bus, blobs: Blobs) -> None:
    answers_to(bus, [submit(bus, blobs, FRAME) for _ in range(5)])
    which = '{model="mask",urgency="interactive"}'
    assert worker.metric(f"inference_queue_seconds_count{which}") == 5
    assert worker.metric(f"inference_latency_seconds_count{which}") == 5
    assert worker.metric(f"inference_queue_length{which}") == 0
    assert worker.metric('inference_batch_size_sum{model="mask"}') == 5


def test_a_worker_keeps_to_its_cpus(redis_url: str, tmp_path: Path, weights_dir: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    with WorkerProcess("one", redis_url, tmp_path, weights_dir, {"INFERENCE_CPUS": str(cpu)}) as worker:
        for pid in (worker.pid, *children_of(worker.pid)):
            assert os.sched_getaffinity(pid) == {cpu}


def test_a_worker_says_when_it_cannot_have_its_cpus(redis_url: str, tmp_path: Path, weights_dir: Path) -> None:
    worker = WorkerProcess("one", redis_url, tmp_path, weights_dir, {"INFERENCE_CPUS": "1000-1001"})
    with pytest.raises(RuntimeError, match="INFERENCE_CPUS=1000-1001"):
        worker.start()


@pytest.mark.parametrize("device", ["cuda", "cuda-half"])
def test_a_worker_on_a_gpu_answers_alike(
    redis_url: str, tmp_path: Path, weights_dir: Path, bus: Bus, device: str
) -> None:
    need_gpu()
    blobs = Blobs.open(f"file://{tmp_path}/blobs")
    with WorkerProcess("one", redis_url, tmp_path, weights_dir, {"INFERENCE_DEVICE": device}):
        for answer in answers_to(bus, [submit(bus, blobs, FRAME, 60) for _ in range(20)]):
            assert sorted(face.state for face in answer.faces) == [MaskState.WITH_MASK, MaskState.WITHOUT_MASK]
