"""Thousands of reconnects of several cameras in one process: do memory, threads and open files stay flat?

Each connection is opened, read, decoded, sampled and shown to the live hub as stream-service does, and left after a few
pictures; the camera is a process of its own. A quarter of an hour for 10,000; runs only when named.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from bench.figure import Figure
from bench.frames import resident
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.adapters.pyav_mux import PyavMuxer
from stream_service.addresses import Reach
from stream_service.capture import Sampling, capture
from stream_service.gate import Attention, Gate
from stream_service.live.hub import LiveHub
from stream_service.ports import Packet
from stream_service.pull import Pull
from stream_service.ring import FrameRing
from stream_service.rules import CameraFailed
from xunshi import demo
from xunshi.places import DEMO_CLIPS, ROOT, SAMPLES

RECONNECTS: Final = 10_000
CAMERAS: Final = 8
#: Pictures of a connection that is left in the middle.
PICTURES: Final = 3
#: Share after which buffers and caches are taken to be complete, and how often is looked.
WARM_UP, SAMPLES_TAKEN = 0.2, 50
#: A busy machine may be too slow for some connections; they count as failed ones do in the service.
GOOD_SHARE: Final = 0.9
#: What is promised: flat. As much as one frame in 10,000 connections is noise of the allocator.
PROMISED_MIB: Final = 5.0
_MIB: Final = 1024 * 1024


class Look(NamedTuple):
    """How the process is after so many connections."""

    connections: int
    mebibytes: float
    threads: int
    files: int


def figures(reconnects: int | None = None) -> Iterator[Figure]:
    """Growth of memory over the connections after a warm-up; threads and files at the end beside those after it."""
    wanted = reconnects or RECONNECTS
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    command = [sys.executable, "-m", "shared_kernel.testing.rtsp", f"gate={clip.path}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as camera:
        try:
            said = iter(camera.stdout or ())
            url = next(said, "").removeprefix("URL ").strip()
            # it tells of each connection: with nobody to hear it, the pipe would be full after some 1,700 of them
            threading.Thread(target=deque, args=(said, 0), daemon=True).start()
            seen = connected(url, wanted)
        finally:
            camera.terminate()
    late = [one for one in seen if one.connections >= WARM_UP * wanted]
    slope, _ = np.polyfit([one.connections for one in late], [one.mebibytes for one in late], 1)
    yield Figure(f"memory growth over {wanted:,} reconnects", float(slope) * wanted, PROMISED_MIB, "MiB")
    yield Figure("  resident at the end", late[-1].mebibytes, late[0].mebibytes, "MiB")
    yield Figure("  threads at the end", late[-1].threads, late[0].threads, "")
    yield Figure("  open files at the end", late[-1].files, late[0].files, "")


def connected(url: str, wanted: int) -> list[Look]:
    """Connect so often, several at a time; looks in even distances."""
    numbers, lock, seen, good = count(1), threading.Lock(), [look(0)], list[bool]()

    def camera(name: str) -> None:
        parts = Camera(name, url)
        while (number := next(numbers)) <= wanted:
            seen_well = parts.connect(PICTURES)
            with lock:
                good.append(seen_well)
                if number * SAMPLES_TAKEN >= len(seen) * wanted:
                    seen.append(look(number))

    threads = [threading.Thread(target=camera, args=(f"bench-{number}",)) for number in range(CAMERAS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if sum(good) < len(good) * GOOD_SHARE:
        raise RuntimeError(
            f"reconnects: expected pictures from {GOOD_SHARE:.0%}, got them from {sum(good)} of {len(good)}"
        )
    return seen


def look(connections: int) -> Look:
    files = len(list(Path("/proc/self/fd").iterdir()))
    return Look(connections, resident() / _MIB, threading.active_count(), files)


class Camera:
    """What `camera.CameraWorker` keeps over connections, and one connection of it without its pauses."""

    def __init__(self, name: str, url: str) -> None:
        self._name, self._url = name, url
        self._reach = Reach(allowed=(ip_network("127.0.0.0/8"),))
        self._hub, self._ring = LiveHub(name, PyavMuxer), FrameRing(seconds=1.0, megabytes=16)
        self._sampling = Sampling(name, "bench", fps=25.0, side=640)

    def connect(self, pictures: int) -> bool:
        """Open, take so many pictures, leave. Whether there were any."""
        pull = Pull(
            PyavFeed(self._url, self._reach),
            self._name,
            on_open=self._hub.begin,
            on_packet=self._hub.feed,
        )
        packets = pull.watched(lambda: False)
        taken = 0
        try:
            first = next(one for one in packets if one is not None)
            if pull.info is None:
                raise RuntimeError("camera: expected to know its stream with its first packet")
            gate = Gate("all", 25.0, Attention())
            for message in capture(_chained(first, packets), PyavDecoder(pull.info), self._ring, self._sampling, gate):
                taken += message is not None
                if taken == pictures:
                    break
        except CameraFailed as error:
            self._hub.end(error.reason, error.detail)
        finally:
            packets.close()
        return taken > 0


def _chained(first: Packet, others: Iterator[Packet | None]) -> Iterator[Packet | None]:
    yield first
    yield from others
