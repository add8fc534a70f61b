"""How real cameras are said to be: what a plan makes of them. The rest stands in
`test_cameras` (faults), `test_quiet_cameras` (nobody analyses) and in `tests/unit/stream_service/test_condition.py`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared_kernel.messages import CameraReason, CameraReported, FrameCaptured, Message
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.adapters.pyav_mux import PyavMuxer
from stream_service.camera import CameraWorker, Parts
from stream_service.capture import Sampling
from stream_service.live import LiveHub
from stream_service.mailbox import Mailbox
from stream_service.ports import CameraEntry, Plan, Window
from stream_service.ring import FrameRing
from tests.integration.stream_service.world import reach
from tests.unit.stream_service.doubles import KeptBus

Run = Callable[..., tuple[CameraWorker, list[Message]]]
OFFICE: Plan = (Window((1, 2, 3, 4, 5), 8 * 60, 18 * 60),)
MONDAY = datetime(2026, 6, 1, 7, 59, 59, tzinfo=UTC)


@pytest.fixture
def run() -> Iterator[Run]:
    """Starts workers; they are stopped at the end."""
    workers: list[CameraWorker] = []

    def start(url: str, plan: Plan, clock: Callable[[], datetime]) -> tuple[CameraWorker, list[Message]]:
        bus = KeptBus()
        mailbox = Mailbox(bus, lambda _: 1)
        mailbox.start()
        allowed = reach()
        made = CameraWorker(
            CameraEntry("gate", url, enabled=True, plan=plan),
            Sampling("gate", "stream-1", 5.0, 320, "all"),
            FrameRing(seconds=1, megabytes=96),
            LiveHub("gate", PyavMuxer),
            Parts(
                lambda address: PyavFeed(address, allowed),
                PyavDecoder,
                mailbox,
                local_time=clock,
            ),
        )
        made.start()
        workers.append(made)
        return made, bus.messages

    yield start
    for one in workers:
        one.ask_to_stop()
    for one in workers:
        one.join(5)


def reports(messages: list[Message]) -> list[CameraReported]:
    return [one for one in messages if isinstance(one, CameraReported)]


def test_outside_its_plan_a_camera_is_not_connected(rtsp_server: RtspServer, clips: Path, run: Run) -> None:
    time_is = [MONDAY]
    camera, messages = run(rtsp_server.mount("gate", clips / "plain.mp4"), OFFICE, lambda: time_is[0])
    wait_until(lambda: camera.state == "paused")
    assert camera.reason is CameraReason.PLAN
    assert not any(isinstance(one, FrameCaptured) for one in messages)
    time_is[0] = MONDAY.replace(hour=8)
    wait_until(lambda: camera.state == "online")
    time_is[0] = MONDAY.replace(hour=18)
    wait_until(lambda: camera.state == "paused")
    wait_until(lambda: not any(thread.name == "pull-gate" for thread in threading.enumerate()))
    assert camera.ring.newest() is None
    assert camera.reconnects == 0
    wait_until(lambda: reports(messages)[-1].resumes_at is not None)
    told = reports(messages)
    assert told[-1].resumes_at == MONDAY.replace(day=2, hour=8, minute=0, second=0)
    assert [one.outage_since for one in told] == [None] * len(told)
    states = [one.state for one in told]
    assert [one for n, one in enumerate(states) if states[n - 1 : n] != [one]] == [
        "connecting",
        "paused",
        "connecting",
        "online",
        "paused",
    ]
