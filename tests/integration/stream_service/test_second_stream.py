"""A camera whose second stream is analysed: people see the main one; evidence is cut from it, at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared_kernel.messages import Box, CameraReason, CameraReported, Face, FrameCaptured, MaskState
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import Fault, RtspServer
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.adapters.pyav_mux import PyavMuxer
from stream_service.camera import CameraWorker, Parts
from stream_service.capture import Sampling
from stream_service.live import LiveHub
from stream_service.live.viewer import Viewer
from stream_service.mailbox import Mailbox
from stream_service.ports import CameraEntry, Seen, Window
from stream_service.ring import FrameRing
from stream_service.zones import Zone
from tests.integration.stream_service.world import reach, write_clip
from tests.unit.stream_service.doubles import KeptBus

#: Where the bars of the clip are: what is cut tells the number of its picture.
BARS = Face(box=Box(x0=0.0, y0=0.0, x1=1.0, y1=0.16), score=0.9, state=MaskState.WITHOUT_MASK, state_score=0.9)


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    write_clip(folder / "main.mp4", size=(1280, 720), seconds=4.0)
    write_clip(folder / "sub.mp4", size=(320, 180), seconds=4.0)
    return folder


@pytest.fixture
def camera(rtsp_server: RtspServer, streams: Path) -> Iterator[tuple[CameraWorker, KeptBus]]:
    bus = KeptBus()
    mailbox = Mailbox(bus, lambda _: 1)
    mailbox.start()
    main, sub = (rtsp_server.mount(name, streams / f"{name}.mp4") for name in ("main", "sub"))
    worker = CameraWorker(
        CameraEntry("gate", main, enabled=True, detect_url=sub),
        Sampling("gate", "stream-1", 5.0, 640, "all"),
        FrameRing(seconds=4, megabytes=96),
        LiveHub("gate", PyavMuxer),
        Parts(lambda address: PyavFeed(address, reach()), PyavDecoder, mailbox),
    )
    worker.start()
    yield worker, bus
    worker.ask_to_stop()
    worker.join(5)
    assert not worker.alive
    mailbox.stop(1.0)


def frames(bus: KeptBus) -> list[FrameCaptured]:
    return [one for one in bus.messages if isinstance(one, FrameCaptured)]


def next_frame(bus: KeptBus) -> FrameCaptured:
    count = len(frames(bus))
    wait_until(lambda: len(frames(bus)) > count, 10, "the next frame")
    return frames(bus)[-1]


def last_report(bus: KeptBus) -> CameraReported:
    return [one for one in bus.messages if isinstance(one, CameraReported)][-1]


def cut_off(rtsp_server: RtspServer, name: str) -> None:
    """End the connection, and let nobody in again."""
    rtsp_server.fail(name, Fault.CLOSE)
    wait_until(lambda: rtsp_server.clients(name) == 0, 10, "the connection to end")
    rtsp_server.fail(name, Fault.BROKEN)


def number(picture: np.ndarray) -> int:
    bar = picture.shape[1] // 16
    row = picture[10]
    return sum(int(row[bit * bar + bar // 2].mean() > 128) << bit for bit in range(16))


def test_the_second_stream_is_analysed_and_the_main_one_is_shown(camera: tuple[CameraWorker, KeptBus]) -> None:
    worker, bus = camera
    wait_until(lambda: len(frames(bus)) >= 3, 20, "three frames")
    assert {(one.width, one.height) for one in frames(bus)} == {(320, 180)}
    viewer = worker.hub.join(Seen("u", "gate"), 10.0)
    assert isinstance(viewer, Viewer)
    assert viewer.mime.startswith("video/mp4")
    wait_until(lambda: last_report(bus).width == 1280, 15, "a report with the size of what people see")
    assert (last_report(bus).height, last_report(bus).state) == (720, "online")


def test_evidence_is_the_same_moment_in_full_size(camera: tuple[CameraWorker, KeptBus]) -> None:
    worker, bus = camera
    wait_until(lambda: worker.hub.join(Seen("u", "gate"), 0.1) and len(frames(bus)) >= 10, 20, "both streams")
    matched = 0
    for _ in range(4):
        captured = next_frame(bus)
        frame = worker.ring.take(captured.frame_id)
        assert frame is not None
        asked = worker.sharpen(frame, BARS, quality=1.0)
        assert asked is not None
        wait_until(partial(getattr, asked, "done"), 10, "the picture of the main stream")
        if asked.shot is None:
            continue  # a busy machine: it came later than anybody waits for it
        assert (asked.shot.scene.width, asked.shot.scene.height) == (1280, 720)
        scene = cv2.imdecode(np.frombuffer(asked.shot.scene.jpeg, np.uint8), 1)
        assert scene is not None
        assert number(scene) == number(frame.pixels())
        matched += 1
    assert matched >= 2


def test_zones_and_plan_are_taken_over_and_what_needs_a_connection_is_not(camera: tuple[CameraWorker, KeptBus]) -> None:
    worker, _ = camera
    zone = Zone("door", "include", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
    assert worker.adopts(replace(worker.entry, zones=(zone,)))
    assert worker.entry.zones == (zone,)
    for change in ({"privacy_masks": (zone.points,)}, {"detect_url": None}, {"decode": "all"}, {"analysed_fps": 1.0}):
        assert not worker.adopts(replace(worker.entry, **change))
    assert worker.entry.zones == (zone,)
    assert worker.adopts(replace(worker.entry, plan=(Window((), 0, 0),)))
    wait_until(lambda: worker.state == "paused", 10, "the plan to close")


def test_without_the_main_stream_it_is_analysed_and_said(
    camera: tuple[CameraWorker, KeptBus], rtsp_server: RtspServer
) -> None:
    worker, bus = camera
    wait_until(lambda: last_report(bus).width == 1280, 20, "both streams")
    cut_off(rtsp_server, "main")
    wait_until(lambda: (worker.verdict.detail or "").startswith("main stream: "), 30, "the reason")
    assert (worker.state, worker.reason) == ("degraded", CameraReason.REFUSED)
    count = len(frames(bus))
    wait_until(lambda: len(frames(bus)) > count + 3, 10, "further frames")
    rtsp_server.heal("main")
    wait_until(lambda: "main stream" not in (worker.verdict.detail or ""), 40, "all is well again")


def test_without_the_second_stream_people_still_see(
    camera: tuple[CameraWorker, KeptBus], rtsp_server: RtspServer
) -> None:
    worker, bus = camera
    wait_until(lambda: last_report(bus).width == 1280, 20, "both streams")
    cut_off(rtsp_server, "sub")
    wait_until(lambda: worker.state == "offline", 30, "offline")
    assert (worker.verdict.detail or "").startswith("second stream: ")
    assert isinstance(worker.hub.join(Seen("u", "gate"), 5.0), Viewer)
