"""From a face that appears in the RTSP stream to the event at a client of server-sent events; and of that the part
from the capture of the deciding frame, which is what the machine adds to the time that a decision needs to be sure.

The clip of the end-to-end tests is played in a loop; its truth says in which frame a face is first large enough and in
full sight, the camera server when that frame left. Both clocks are this machine's.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from bench.figure import Figure
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES
from xunshi.testing import LiveEvent, RunningStack

ROUNDS = 12
#: A face counts as there from this height on, pixels of the 720 line picture: half of that is what is analysed.
APPEARS_PX = 30.0
IN_SIGHT = 0.9
#: What is promised: "within a second of walking by"; and of the deciding frame.
PROMISED_S = 1.0
PROMISED_AFTER_CAPTURE_S = 0.5


def figures() -> Iterator[Figure]:
    """Median and 95th percentile, seconds."""
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    seen, captured = measure(clip)
    yield Figure("event latency p50", statistics.median(seen), PROMISED_S, "s")
    yield Figure("event latency p95", statistics.quantiles(seen, n=20)[-1], PROMISED_S, "s")
    yield Figure("capture to event p50", statistics.median(captured), PROMISED_AFTER_CAPTURE_S, "s")
    yield Figure("capture to event p95", statistics.quantiles(captured, n=20)[-1], PROMISED_AFTER_CAPTURE_S, "s")


def measure(clip: demo.Clip) -> tuple[list[float], list[float]]:
    """Seconds from the appearance and from the capture of the deciding frame, one a person and round."""
    appears = appearances(clip)
    with tempfile.TemporaryDirectory() as folder, RtspServer() as camera, RunningStack(Path(folder) / "data") as stack:
        client = stack.client()
        with client.listen() as listener:
            client.add_camera("bench", camera.mount("bench", clip.path))
            wait_until(lambda: camera.plays, 30, "the stack plays the camera")
            began_at = camera.plays[0].started_at
            time.sleep(ROUNDS * clip.duration_s + 3)
            first_told = opened(listener.events)
    moments = [began_at + r * clip.duration_s + at_s for r in range(ROUNDS + 1) for at_s in appears]
    seen = [told.at - nearest(moments, told.at) for told in first_told]
    return seen, [told.at - told.captured_at for told in first_told]


def nearest(moments: list[float], told: float) -> float:
    """The appearance that an event is about: people come seconds apart, and events take less."""
    return min(moments, key=lambda moment: abs(told - moment))


def appearances(clip: demo.Clip) -> list[float]:
    """When each person's face is first there, seconds from the start of the clip."""
    first: dict[str, float] = {}
    for frame in demo.read(clip.truth):
        for face in frame.faces:
            if face.height_px >= APPEARS_PX and face.visible >= IN_SIGHT:
                first.setdefault(face.person, frame.at_s)
    return sorted(first.values())


class Told(NamedTuple):
    """When a pass was first told, and when its deciding frame was captured, Unix seconds."""

    at: float
    captured_at: float


def opened(events: list[LiveEvent]) -> list[Told]:
    """The first event of each pass, in order."""
    first: dict[str, Told] = {}
    for event in events:
        if event.kind == "pass":
            told = event.data["pass"]
            captured_at = datetime.fromisoformat(told["last_seen_at"]).timestamp()
            first.setdefault(told["pass_id"], Told(event.received_at, captured_at))
    return sorted(first.values())
