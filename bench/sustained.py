"""How many 1080p25 cameras this machine sustains: 95 % of the frames that are due have a result younger than a second.

Cameras are added to one stack step by step until that fails. Busy: five frames a second of each camera are due; normal
and quiet: those that the stack chose to look at. Compared with as many as fit into the processors when every frame, or
five a second, are detected (`cameras`), which is more than that would really sustain. Half an hour; only when named.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cameras import SCENES, THRIFTY_FPS, baseline, write
from bench.figure import Figure
from shared_kernel.bus import Bus
from shared_kernel.messages import FrameAnalysed, FrameCaptured
from shared_kernel.testing.rtsp import RtspServer
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES
from xunshi.stack.parts import redis_url
from xunshi.testing import RunningStack

STEPS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64)
SETTLED_AFTER_S, MEASURED_S = 10.0, 20.0
DUE_FPS = 5.0
SHARE, YOUNGER_THAN_S = 0.95, 1.0
#: A group of our own, beside the one of the services.
GROUP = "bench"


def figures(cameras: int | None = None) -> Iterator[Figure]:
    """Cameras sustained in each scene; at most `cameras` are tried."""
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    with tempfile.TemporaryDirectory() as folder:
        for name in SCENES:
            path = write(Path(folder) / f"{name}.mp4", clip, name)
            reached = 0
            for number, share in shares(path, Path(folder) / name, busy=name == "busy", most=cameras or STEPS[-1]):
                yield Figure(f"  due frames in time, {name}, {number} cameras", share, SHARE, "")
                reached = number if share >= SHARE else reached
            cores = os.cpu_count() or 1
            yield Figure(f"cameras sustained, {name}", reached, cores // baseline(path), "")
            yield Figure(
                f"  detecting {THRIFTY_FPS} a second, {name}", reached, cores // baseline(path, THRIFTY_FPS), ""
            )


def shares(clip: Path, data: Path, *, busy: bool, most: int) -> Iterator[tuple[int, float]]:
    """Numbers of cameras, and the share of the due frames with a result in time, up to the first that is too low."""
    added = 0
    with RtspServer() as camera, RunningStack(data, environment={"STREAM_CAPACITY": "64"}) as stack:
        client, state = stack.client(), stack.state()
        with counting(redis_url(stack.folder.secrets(), state.redis_port)) as seen:
            for number in (step for step in STEPS if step <= most):
                for one in range(added, number):
                    client.add_camera(f"bench {one}", camera.mount(f"bench-{one}", clip))
                added = number
                time.sleep(SETTLED_AFTER_S)
                seen.clear()
                time.sleep(MEASURED_S)
                share = seen.in_time / (number * DUE_FPS * MEASURED_S if busy else max(1, seen.captured))
                yield number, share
                if share < SHARE:
                    return


class Seen:
    """What went over the bus since `clear`."""

    def __init__(self) -> None:
        self.captured = self.in_time = 0

    def clear(self) -> None:
        self.captured = self.in_time = 0


@contextmanager
def counting(url: str) -> Iterator[Seen]:
    """Counts captured frames and results in time, in a thread."""
    seen, stop = Seen(), threading.Event()
    thread = threading.Thread(target=_count, args=(url, seen, stop), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(5)


def _count(url: str, seen: Seen, stop: threading.Event) -> None:
    bus = Bus(url)
    captured = bus.subscribe(FrameCaptured, GROUP)
    analysed = {}
    while not stop.is_set():
        for delivery in captured.receive(count=256, block_ms=100):
            seen.captured += 1
            owner = delivery.message.owner
            if owner not in analysed:
                analysed[owner] = bus.subscribe(FrameAnalysed, GROUP, route=owner)
            captured.ack(delivery)
        for results in analysed.values():
            for result in results.receive(count=256, block_ms=1):
                age_s = (result.message.analysed_at - result.message.captured_at).total_seconds()
                seen.in_time += age_s < YOUNGER_THAN_S
                results.ack(result)
    bus.close()
