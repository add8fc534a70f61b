"""Memory of the whole stack with one camera that plays, shared pages counted once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure
from shared_kernel.testing.rtsp import RtspServer
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES
from xunshi.stack import process
from xunshi.testing import RunningStack

#: Long enough for buffers and caches to have filled.
SETTLED_AFTER_S = 60.0
PROMISED_MIB = 1536.0
_MIB = 1024 * 1024


def figures() -> Iterator[Figure]:
    """The stack, and each of its parts as a share of it."""
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    with tempfile.TemporaryDirectory() as folder, RtspServer() as camera, RunningStack(Path(folder) / "data") as stack:
        stack.client().add_camera("bench", camera.mount("bench", clip.path))
        time.sleep(SETTLED_AFTER_S)
        names = {part.pid: part.name for part in stack.state().parts if part.pid} | {stack.state().pid: "up"}
        used = process.memory_bytes(set(names))
    total = sum(used.values()) / _MIB
    yield Figure("stack memory", total, PROMISED_MIB, "MiB")
    for pid, size in sorted(used.items(), key=lambda item: -item[1]):
        yield Figure(f"  of which {names[pid]}", size / _MIB, total, "MiB")
