"""Footage of real cameras: it plays, its boxes fit, masks are burnt in, and nothing of it is lost by kill -9."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.messages import FootageRecorded
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from stream_service.footage.film import BoxesFile
from tests.integration.stream_service.world import FACE, ApiDouble, StreamPart, canned_inference

#: Pieces of a recording overlap or leave out no more than this: a picture and what arrival jitters.
_TOUCH = timedelta(milliseconds=300)


class Shelf:
    """What miniprogram-api would have: one row for each footage id."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self._subscription = Bus(redis_url).subscribe(FootageRecorded, "miniprogram-api")
        self._blobs = Blobs.open(f"file://{folder / 'blobs'}")
        self._rows: dict[str, FootageRecorded] = {}

    def of(self, camera_id: str, kind: str) -> list[FootageRecorded]:
        while deliveries := self._subscription.receive(block_ms=50):
            for delivery in deliveries:
                known = self._rows.setdefault(delivery.message.footage_id, delivery.message)
                assert known == delivery.message
            self._subscription.ack(*deliveries)
        found = [row for row in self._rows.values() if (row.camera_id, row.kind) == (camera_id, kind)]
        return sorted(found, key=lambda row: row.started_at)

    def video(self, row: FootageRecorded) -> bytes:
        return self._blobs.get(row.key)

    def boxes(self, row: FootageRecorded) -> BoxesFile:
        assert row.boxes_key is not None
        return BoxesFile.model_validate_json(self._blobs.get(row.boxes_key))


def pictures(video: bytes) -> list[tuple[float, np.ndarray]]:
    """Time and pixels of every picture, as a player shows them."""
    with av.open(io.BytesIO(video), "r") as film:
        return [(frame.time or 0.0, frame.to_ndarray(format="gray")) for frame in film.decode(video=0)]


def number_of(picture: np.ndarray) -> int:
    """The number that the bars of a clip spell, see `world.write_clip`."""
    bar = picture.shape[1] // 16
    row = picture[picture.shape[0] // 12]
    return sum(int(row[bit * bar + bar // 2] > 128) << bit for bit in range(16))


@pytest.fixture
def stream(tmp_path: Path, redis_url: str, api: ApiDouble, clips: Path) -> Iterator[StreamPart]:
    (tmp_path / "clips").symlink_to(clips)
    with StreamPart(tmp_path, redis_url, api.url, STREAM_CLIP_SECONDS="1,1,4") as part:
        yield part
    assert "level=error" not in part.log.read_text()


@pytest.fixture
def cameras(rtsp_server: RtspServer, clips: Path, api: ApiDouble) -> RtspServer:
    """`gate` keeps clips, `yard` (H.265) records, `desk` has its right half covered; before the start."""
    urls = {name: rtsp_server.mount(name, clips / f"{clip}.mp4") for name, clip in CLIPS.items()}
    api.show(**urls)
    settings: dict[str, dict[str, object]] = {
        "gate": {"footage": "clips"},
        "yard": {"footage": "continuous"},
        "desk": {"footage": "clips", "privacy_masks": [[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]]},
    }
    for camera in api.cameras:
        camera.update(settings[str(camera["camera_id"])])
    return rtsp_server


CLIPS = {"gate": "plain", "yard": "hevc", "desk": "small"}


def test_footage_plays_survives_kill_9_and_is_covered(
    cameras: RtspServer, stream: StreamPart, redis_url: str, tmp_path: Path
) -> None:
    shelf = Shelf(redis_url, tmp_path)
    opened = tmp_path / "spool" / "footage" / "open"
    with canned_inference(redis_url):
        # in the middle of everything: clips and a recording have been growing for a second
        wait_until(lambda: grown(opened, ["clip", "clip", "recording"]), 30, "three reels are open")
        stream.kill()
        assert shelf.of("gate", "clip") == []
        stream.start()
        wait_until(lambda: len(shelf.of("gate", "clip")) == 2 and len(shelf.of("desk", "clip")) == 2, 40)
        stream.stop()
        stream.start()
        wait_until(lambda: len(shelf.of("yard", "recording")) >= 2, 30)
    check_clips(shelf)
    check_masks(shelf)
    check_recordings(shelf)


def grown(folder: Path, kinds: list[str]) -> bool:
    found = [path for path in folder.iterdir() if path.stat().st_size > 10_000]
    return sorted(path.name.split("-")[1] for path in found) == kinds


def check_clips(shelf: Shelf) -> None:
    cut, whole = shelf.of("gate", "clip")[:2]
    assert (cut.mime, cut.width, cut.height) == ('video/mp4; codecs="avc1.64001e"', 640, 360)
    for row in (cut, whole):
        video = shelf.video(row)
        assert video.find(b"moov") < video.find(b"mdat"), "the index must come first"
        found = pictures(video)
        assert [time for time, _ in found] == sorted(time for time, _ in found)
        assert found[0][0] == 0
        numbers = [number_of(picture) for _, picture in found]
        assert all(after == (before + 1) % 50 for before, after in pairwise(numbers))
        assert numbers[0] % 25 == 0, "a clip begins with a key frame"
    assert timedelta(seconds=4) < whole.ended_at - whole.started_at < timedelta(seconds=7)
    boxes = shelf.boxes(whole)
    times = {round(time, 3) for time, _ in pictures(shelf.video(whole))}
    assert len(boxes.frames) >= 4
    assert all(any(abs(one.t - time) < 0.003 for time in times) for one in boxes.frames)
    assert boxes.frames[0].faces[0].box == FACE.box


def check_masks(shelf: Shelf) -> None:
    for row in shelf.of("desk", "clip")[:2]:
        for _, picture in pictures(shelf.video(row)):
            covered, open_half = picture[:, picture.shape[1] // 2 + 4 :], picture[:, : picture.shape[1] // 2 - 8]
            assert covered.max() - covered.min() < 12, "something shines through the mask"
            assert open_half.max() - open_half.min() > 50


def check_recordings(shelf: Shelf) -> None:
    pieces = shelf.of("yard", "recording")
    assert pieces[0].mime.startswith('video/mp4; codecs="hvc1.1.')
    for row in pieces:
        found = pictures(shelf.video(row))
        assert found[0][0] == 0
        assert abs((row.ended_at - row.started_at).total_seconds() - found[-1][0]) < 0.5
    for before, after in pairwise(pieces):
        assert before.ended_at <= after.started_at + _TOUCH
