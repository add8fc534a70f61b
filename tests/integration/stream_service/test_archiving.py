"""The real service archives a real camera into a real S3 server, and tells what became of each frame."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import CameraChanged, FramesArchived, FrameSettled, new_id
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from tests.integration.stream_service.world import ApiDouble, StreamPart


class Told:
    """What the service tells of archived frames."""

    def __init__(self, redis_url: str) -> None:
        self.bus = Bus(redis_url)
        self._subscription = self.bus.subscribe(FramesArchived, "miniprogram-api")
        self.messages: list[FramesArchived] = []

    def frames(self) -> list[FrameSettled]:
        for delivery in self._subscription.receive(count=100, block_ms=50):
            self.messages.append(delivery.message)
            self._subscription.ack(delivery)
        return [frame for message in self.messages for frame in message.frames]

    def ended(self, batch_id: str) -> bool:
        self.frames()
        return any(message.ended and message.batch_id == batch_id for message in self.messages)


@pytest.fixture
def told(redis_url: str) -> Iterator[Told]:
    made = Told(redis_url)
    yield made
    made.bus.close()


@pytest.fixture
def on_s3(tmp_path: Path, redis_url: str, api: ApiDouble, clips: Path, s3_url: str) -> Iterator[StreamPart]:
    (tmp_path / "clips").symlink_to(clips)
    with StreamPart(tmp_path, redis_url, api.url, STREAM_BLOBS_URL=s3_url) as part:
        yield part
    log = part.log.read_text()
    assert "level=error" not in log, log[-3000:]


def want(api: ApiDouble, told: Told, camera_id: str = "gate", **fields: object) -> str:
    """Somebody wants frames of the camera; the id of the batch."""
    batch = {"batch_id": new_id(), "camera_id": camera_id, "every_s": 0.2, "frames": 0, "side": None}
    api.batches.append({**batch, "started_at": rfc3339(now() + timedelta(seconds=0.5)), **fields})
    told.bus.publish(CameraChanged(camera_id=camera_id))
    return str(batch["batch_id"])


def number(jpeg: bytes) -> int:
    """The number of the clip's frame, which stands in its upper edge."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    height, width = picture.shape
    bar = width // 16
    return sum(1 << bit for bit in range(16) if picture[height // 12, bit * bar + bar // 2] > 128)


def test_a_number_of_frames_is_stored_in_order(
    gate: RtspServer, on_s3: StreamPart, api: ApiDouble, told: Told, s3_url: str
) -> None:
    wait_until(lambda: on_s3.state("gate", "online"), 20, "the camera is online")
    batch_id = want(api, told, frames=8, side=320)
    wait_until(lambda: told.ended(batch_id), 20, "the batch has ended")
    frames = sorted(told.frames(), key=lambda frame: frame.seq)
    assert [frame.seq for frame in frames] == list(range(8))
    stored = [frame for frame in frames if frame.key is not None]
    assert len(stored) >= 6, [frame.reason for frame in frames]  # a busy machine may miss a place, and says so
    assert [frame.captured_at for frame in stored] == sorted({frame.captured_at for frame in stored})
    blobs = Blobs.open(s3_url)
    pictures = [blobs.get(str(frame.key)) for frame in stored]
    assert len({number(picture) for picture in pictures}) > 1
    assert [len(picture) for picture in pictures] == [frame.bytes for frame in stored]
    assert on_s3.metric("stream_archived_frames_total", outcome="stored") == len(stored)
    assert on_s3.state("gate", "online")


def test_a_batch_goes_on_until_it_is_stopped_and_over_a_restart_of_the_service(
    gate: RtspServer, on_s3: StreamPart, api: ApiDouble, told: Told
) -> None:
    batch_id = want(api, told)
    wait_until(lambda: len([one for one in told.frames() if one.key]) >= 3, 20, "frames are stored")
    on_s3.kill()
    before = max(frame.seq for frame in told.frames())
    on_s3.start()
    wait_until(lambda: max(one.seq for one in told.frames() if one.key) > before, 20, "frames after the restart")
    api.batches.clear()
    told.bus.publish(CameraChanged(camera_id="gate"))
    wait_until(lambda: told.ended(batch_id), 20, "the batch has ended")
    places = [frame.seq for frame in told.frames() if frame.key]
    assert len(places) == len(set(places))


def test_a_camera_without_a_picture_leaves_its_places_empty(
    rtsp_server: RtspServer, stream: StreamPart, api: ApiDouble, told: Told
) -> None:
    api.show(nowhere=rtsp_server.url("nowhere"))
    batch_id = want(api, told, "nowhere", frames=3)
    wait_until(lambda: told.ended(batch_id), 20, "the batch has ended")
    assert {frame.reason for frame in told.frames()} <= {"no_picture"}
    assert not [frame for frame in told.frames() if frame.key]


def test_a_store_that_is_away_delays_no_camera(
    gate: RtspServer, tmp_path: Path, stream: StreamPart, api: ApiDouble, told: Told
) -> None:
    (tmp_path / "blobs" / "frames").write_text("in the way of the folder")
    wait_until(lambda: stream.state("gate", "online"), 20, "the camera is online")
    want(api, told)
    wait_until(lambda: stream.metric("stream_archive_waiting") >= 3, 20, "frames wait for the store")
    analysed = stream.metric("stream_frames_decoded_total", camera_id="gate")
    wait_until(
        lambda: stream.metric("stream_frames_decoded_total", camera_id="gate") > analysed + 5, 20, "capture goes on"
    )
    assert stream.state("gate", "online")
    (tmp_path / "blobs" / "frames").unlink()
    wait_until(lambda: len([one for one in told.frames() if one.key]) >= 3, 20, "they are stored after all")
    assert any(one.attempts > 1 for one in told.frames() if one.key)
