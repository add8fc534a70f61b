"""From a face that appears in the RTSP stream to the event at a client of server-sent events; and of that the part
from the capture of the deciding frame, which is what the machine adds to the time that a decision needs to be sure.
The rest is said too: how long until the detector finds the face at all, and from there until the verdict is sure.

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
    timelines = measure(clip)
    for name, spans, promised_s in (
        ("event latency", [one.in_all_s for one in timelines], PROMISED_S),
        ("  appearance to first sighting", [one.found_s for one in timelines], None),
        ("  first sighting to deciding frame", [one.decided_s for one in timelines], None),
        ("capture to event", [one.told_s for one in timelines], PROMISED_AFTER_CAPTURE_S),
    ):
        yield Figure(f"{name} p50", statistics.median(spans), promised_s, "s")
        yield Figure(f"{name} p95", statistics.quantiles(spans, n=20)[-1], promised_s, "s")


class Timeline(NamedTuple):
    """Of one pass, seconds from its appearance on: until the face was found (negative: before it was large), until the
    deciding frame was captured, until the event was there.
    """

    found_s: float
    decided_s: float
    told_s: float

    @property
    def in_all_s(self) -> float:
        return self.found_s + self.decided_s + self.told_s


def measure(clip: demo.Clip) -> list[Timeline]:
    """One timeline a person and round."""
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
    return [
        Timeline(
            told.found_at - nearest(moments, told.at), told.captured_at - told.found_at, told.at - told.captured_at
        )
        for told in first_told
    ]


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
    """When a pass was first told, and when its deciding and its first frame were captured, Unix seconds."""

    at: float
    captured_at: float
    found_at: float


def opened(events: list[LiveEvent]) -> list[Told]:
    """The first event of each pass, in order."""
    first: dict[str, Told] = {}
    for event in events:
        if event.kind == "pass":
            told = event.data["pass"]
            captured_at, found_at = (datetime.fromisoformat(told[one]) for one in ("last_seen_at", "opened_at"))
            moments = (event.received_at, captured_at.timestamp(), found_at.timestamp())
            first.setdefault(told["pass_id"], Told(*moments))
    return sorted(first.values())
