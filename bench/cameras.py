"""Processor time of one 1080p25 camera: stream-service and the inference worker together, as the stack runs them.

Compared with what one would write first: OpenCV reads every frame and the same detector looks at each. Busy is the
clip of the end-to-end tests, enlarged; quiet is its first picture without anybody, with sensor noise.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from bench.figure import Figure
from inference_service.ports import Picture
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES, WEIGHTS
from xunshi.testing import RunningStack

WIDTH, HEIGHT, FPS = 1920, 1080, 25
CLIP_S = 8.0
#: The start of a service is not what a camera costs.
SETTLED_AFTER_S = 12.0
MEASURED_S = 24.0
#: What the baseline's detector looks at: as large as our analysis frames.
DETECTED = (640, 360)
PARTS = ("stream", "inference")


def figures() -> Iterator[Figure]:
    """Processor seconds a second of video, busy and quiet."""
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("busy", "quiet"):
            path = write(Path(folder) / f"{name}.mp4", clip, moving=name == "busy")
            yield Figure(f"camera CPU, {name}", ours(path, Path(folder) / name), baseline(path), "cores")


def write(path: Path, clip: demo.Clip, *, moving: bool) -> Path:
    """`clip` at 1080p25, or its first picture without anybody standing still, with the noise of a sensor."""
    chance, still = np.random.default_rng(1), None if moving else _deserted(clip)
    with av.open(str(clip.path), "r") as frames, av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "g": str(2 * FPS), "bf": "0", "crf": "23"}
        for number, frame in enumerate(frames.decode(video=0)):
            if number >= CLIP_S * FPS:
                break
            shown = frame.to_ndarray(format="bgr24") if still is None else still
            large = cv2.resize(shown, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
            noise = chance.integers(0, 7, (HEIGHT, WIDTH, 1), np.uint8)
            noisy = np.asarray(cv2.add(large, np.repeat(noise, 3, 2)), np.uint8)
            coded = av.VideoFrame.from_ndarray(noisy, format="bgr24")
            coded.pts = number
            out.mux(stream.encode(coded))
        out.mux(stream.encode())
    return path


def _deserted(clip: demo.Clip) -> Picture:
    with av.open(str(clip.path), "r") as frames:
        for frame, truth in zip(frames.decode(video=0), demo.read(clip.truth), strict=False):
            if not truth.faces:
                return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    raise ValueError(f"{clip.path.name}: expected a picture without anybody")


def ours(clip: Path, data: Path) -> float:
    """Cores that the two services use while they follow the camera, beyond what they use without one."""
    with RtspServer() as camera, RunningStack(data) as stack:
        groups = {part.pid for part in stack.state().parts if part.pid and part.name.startswith(PARTS)}
        time.sleep(SETTLED_AFTER_S / 2)
        idle = used(groups, MEASURED_S / 2)
        stack.client().add_camera("bench", camera.mount("bench", clip))
        wait_until(lambda: camera.plays, 30, "the stack plays the camera")
        time.sleep(SETTLED_AFTER_S)
        return used(groups, MEASURED_S) - idle


def used(groups: set[int], seconds: float) -> float:
    """Cores that these process groups use for the next `seconds`."""
    before, began_s = cpu_s(groups), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(groups) - before) / (time.monotonic() - began_s)


def cpu_s(groups: set[int]) -> float:
    ticks = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                # after the name, which may hold blanks: state, parent, group, …, user and system time
                values = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:  # it ended
                continue
            ticks += int(values[11]) + int(values[12]) if int(values[2]) in groups else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def baseline(clip: Path) -> float:
    """Processor seconds a second of video of OpenCV reading and detecting on every frame; the file, not the network."""
    detector = cv2.FaceDetectorYN.create(str(WEIGHTS / "face_detection_yunet_2023mar.onnx"), "", DETECTED, 0.6)
    capture, frames = cv2.VideoCapture(str(clip)), 0
    began_s = time.process_time()
    while True:
        found, frame = capture.read()
        if not found:
            break
        detector.detect(cv2.resize(frame, DETECTED, interpolation=cv2.INTER_AREA))
        frames += 1
    return (time.process_time() - began_s) / (frames / FPS)
