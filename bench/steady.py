"""An hour of sixteen cameras in one stack: does the memory of its parts stay flat, and are results still in time?

Twelve quiet cameras and four with somebody in a third of the time, all small, so that the machine is not what is
measured. The first fifth is warm-up. Runs only when named; `--minutes N` for less.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from bench.cameras import FPS, Scene, deserted, frames
from bench.figure import Figure
from bench.sustained import counting
from shared_kernel.testing.rtsp import RtspServer
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES
from xunshi.stack import process
from xunshi.stack.parts import redis_url
from xunshi.testing import RunningStack

MINUTES: Final = 60
CAMERAS: Final = 16
#: Every so many cameras one is not quiet.
NORMAL_EVERY: Final = 4
SIDE: Final = (640, 360)
LOOK_EVERY_S: Final = 10.0
WARM_UP: Final = 0.2
#: What is promised: flat. As much is noise of allocators and of Redis, whose log grows and is written anew.
PROMISED_MIB: Final = 16.0
SHARE: Final = 0.95
_MIB: Final = 1024 * 1024


def figures(minutes: int | None = None) -> Iterator[Figure]:
    """Growth of each part over the time after the warm-up, and the share of results in time."""
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    with tempfile.TemporaryDirectory() as folder:
        clips = {scene: small(Path(folder) / f"{scene}.mp4", clip, scene) for scene in ("quiet", "normal")}
        with RtspServer() as camera, RunningStack(Path(folder) / "data") as stack:
            client = stack.client()
            for number in range(CAMERAS):
                shown = clips["quiet" if number % NORMAL_EVERY else "normal"]
                client.add_camera(f"bench {number}", camera.mount(f"bench-{number}", shown))
            with counting(redis_url(stack.folder.secrets(), stack.state().redis_port)) as seen:
                looks = watched(stack, (minutes or MINUTES) * 60.0)
    late = looks[int(len(looks) * WARM_UP) :]
    total = np.array([sum(look.values()) for look in late]) / _MIB
    yield Figure(f"memory growth over {minutes or MINUTES} minutes", growth(total), PROMISED_MIB, "MiB")
    yield Figure("  of which in the second half", growth(total[len(total) // 2 :]), PROMISED_MIB / 2, "MiB")
    yield Figure("  the stack at the end", float(total[-1]), float(total[0]), "MiB")
    for name in late[-1]:
        part = np.array([look.get(name, 0) for look in late]) / _MIB
        yield Figure(f"  {name}, growth", growth(part), float(part[0]), "MiB")
    yield Figure("  results in time", seen.in_time / max(1, seen.captured), SHARE, "")


def watched(stack: RunningStack, seconds: float) -> list[dict[str, int]]:
    """Bytes of every part, looked at in even distances."""
    looks, until_s = [], time.monotonic() + seconds
    while time.monotonic() < until_s:
        time.sleep(LOOK_EVERY_S)
        names = {part.pid: part.name for part in stack.state().parts if part.pid} | {stack.state().pid: "up"}
        looks.append({names[pid]: size for pid, size in process.memory_bytes(set(names)).items()})
    return looks


def growth(mebibytes: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """By how much a line through all looks rises from the first to the last."""
    slope, _ = np.polyfit(np.arange(len(mebibytes)), mebibytes, 1)
    return float(slope * (len(mebibytes) - 1))


def small(path: Path, clip: demo.Clip, scene: Scene) -> Path:
    """The scene, see `cameras`, at 640 x 360 with a key frame every two seconds."""
    still, moving = deserted(clip), [] if scene == "quiet" else list(frames(clip))
    chance = np.random.default_rng(2)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIDE, "yuv420p"
        stream.options = {"preset": "veryfast", "g": str(2 * FPS), "bf": "0"}
        for number, shown in enumerate([*moving, *[still] * max(2 * len(moving), 8 * FPS)]):
            noise = chance.integers(0, 5, (SIDE[1], SIDE[0], 1), np.uint8)
            picture = cv2.add(cv2.resize(shown, SIDE, interpolation=cv2.INTER_AREA), np.repeat(noise, 3, 2))
            coded = av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="bgr24")
            coded.pts = number
            out.mux(stream.encode(coded))
        out.mux(stream.encode())
    return path
