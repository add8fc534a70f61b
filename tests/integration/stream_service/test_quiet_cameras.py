"""Key frames alone and catching up, with the real decoder and each kind of stream; a camera where nothing moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from shared_kernel.messages import CameraReason, FrameCaptured
from shared_kernel.testing import wait_until
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.adapters.pyav_mux import PyavMuxer
from stream_service.camera import CameraWorker, Parts
from stream_service.capture import Sampling
from stream_service.gate import LOOK_EVERY_S
from stream_service.live import LiveHub
from stream_service.mailbox import Mailbox
from stream_service.ports import CameraEntry, FullFrame, Packet, StreamInfo
from stream_service.ring import FrameRing
from stream_service.rules import DecodeMode
from tests.integration.stream_service.world import reach
from tests.unit.stream_service.doubles import KeptBus


def opened(path: Path, count: int) -> tuple[StreamInfo, list[Packet]]:
    feed = PyavFeed(f"file://{path}", reach(path.parent))
    info, packets = feed.open(), feed.packets()
    found = [packet for packet, _ in zip(packets, range(count), strict=False)]
    feed.close()
    return info, found


def number(frame: FullFrame) -> int:
    """What the bars of `world.write_clip` say."""
    bar = frame.width // 16
    row = frame.luma(0, 10, frame.width, 11)[0]
    return sum(int(row[bit * bar + bar // 2] > 128) << bit for bit in range(16))


@pytest.mark.parametrize("clip", ["plain", "b_frames", "hevc"])
def test_a_key_frame_alone_gives_its_picture_at_once(clips: Path, clip: str) -> None:
    info, packets = opened(clips / f"{clip}.mp4", 40)
    keys = [index for index, packet in enumerate(packets) if packet.key]
    decoder = PyavDecoder(info)
    assert len(keys) == 2
    for key in keys:
        (frame,) = decoder.decode_alone(packets[key])
        assert number(frame) == key
        assert frame.arrived_s == packets[key].arrived_s


def test_a_damaged_key_frame_is_healed_by_the_next(clips: Path) -> None:
    info, packets = opened(clips / "plain.mp4", 26)
    decoder = PyavDecoder(info)
    assert decoder.decode_alone(replace(packets[0], data=packets[0].data[:40])) == []
    (frame,) = decoder.decode_alone(packets[25])
    assert number(frame) == 25


@pytest.mark.parametrize("clip", ["plain", "b_frames", "hevc"])
def test_kept_packets_are_decoded_after_a_key_frame_alone(clips: Path, clip: str) -> None:
    info, packets = opened(clips / f"{clip}.mp4", 24)
    decoder = PyavDecoder(info)
    decoder.decode_all()
    decoder.decode_alone(packets[0])
    numbers = [number(frame) for packet in packets for frame in decoder.decode(packet)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 20
    assert decoder.damaged == 0


@pytest.fixture
def still(tmp_path: Path) -> Path:
    """Four seconds in which nothing happens but the noise of a sensor."""
    path, chance = tmp_path / "still.mp4", np.random.default_rng(5)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"preset": "veryfast", "g": "50", "bf": "0", "sc_threshold": "0"}
        ground = chance.integers(60, 180, (240, 320, 3))
        for index in range(100):
            noisy = np.clip(ground + chance.normal(0, 4, ground.shape), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(noisy, format="bgr24")
            frame.pts = index
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


@pytest.fixture
def watched(still: Path, clips: Path) -> Iterator[dict[str, tuple[CameraWorker, KeptBus]]]:
    """Cameras `still` and `moving` as the service runs them, and `still` with everything decoded."""
    cameras: dict[str, tuple[CameraWorker, KeptBus]] = {}
    wanted: list[tuple[str, Path, DecodeMode]] = [
        ("still", still, "adaptive"),
        ("moving", clips / "plain.mp4", "adaptive"),
        ("all", still, "all"),
    ]
    for name, path, mode in wanted:
        bus = KeptBus()
        mailbox = Mailbox(bus, lambda _: 1)
        mailbox.start()
        worker = CameraWorker(
            CameraEntry(name, f"file://{path}", enabled=True),
            Sampling(name, "stream-1", 5.0, 320, mode),
            FrameRing(seconds=4, megabytes=96),
            LiveHub(name, PyavMuxer),
            Parts(lambda url, root=path.parent: PyavFeed(url, reach(root)), PyavDecoder, mailbox),  # type: ignore[misc]
        )
        worker.start()
        cameras[name] = worker, bus
    yield cameras
    for worker, _ in cameras.values():
        worker.ask_to_stop()
    for worker, _ in cameras.values():
        worker.join(5)


def test_a_still_camera_costs_little_and_stays_live(watched: dict[str, tuple[CameraWorker, KeptBus]]) -> None:
    (still, bus), (moving, _), (everything, _) = (watched[name] for name in ("still", "moving", "all"))
    wait_until(lambda: everything.analysed_frames >= 30, 60, "six seconds: a new connection is awake for three")
    workers = still, moving, everything
    before = [(one.decoded_frames, one.analysed_frames) for one in workers]
    wait_until(lambda: everything.analysed_frames >= before[2][1] + 50, 60, "ten seconds more")
    assert still.verdict.picture_since is not None
    assert moving.verdict.picture_since is not None
    decoded = [one.decoded_frames - was for one, (was, _) in zip(workers, before, strict=True)]
    analysed = [one.analysed_frames - was for one, (_, was) in zip(workers, before, strict=True)]
    assert decoded[0] < decoded[2] / 2.5
    assert analysed[0] < analysed[2] / 2.5
    assert analysed[1] > analysed[2] / 2
    times = [one.captured_at.timestamp() for one in bus.messages if isinstance(one, FrameCaptured)]
    assert np.diff(times).max() <= LOOK_EVERY_S + 1
    wait_until(lambda: everything.reason is CameraReason.NOT_ANALYSED, 20, "nobody analyses in this test")
    assert everything.state == "degraded"


def test_whoever_is_followed_wakes_a_still_camera(watched: dict[str, tuple[CameraWorker, KeptBus]]) -> None:
    still, everything = watched["still"][0], watched["all"][0]
    wait_until(lambda: everything.analysed_frames >= 30, 60, "six seconds of video")
    before, start = still.analysed_frames, everything.analysed_frames
    while everything.analysed_frames < start + 15:
        still.attention.follow()
        wait_until(lambda at=everything.analysed_frames: everything.analysed_frames > at, 20)  # type: ignore[misc]
    assert still.analysed_frames - before >= 8
