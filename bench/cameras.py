"""Processor time of one 1080p25 camera: stream-service and the inference worker together, as the stack runs them.

Compared with what one would write first: OpenCV reads every frame and the same detector looks at each, and with the
thriftier form that detects five times a second; both from the file, without a network. The floor is what cannot be left
out: taking the stream and decoding as the mode in use does (everything while somebody is there, key frames while nobody
is), and the networks on the pictures that were analysed.
Busy is the clip of the end-to-end tests, enlarged; quiet is its first picture without anybody, with sensor noise;
normal is a third of the one and two thirds of the other.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import av
import cv2
import numpy as np

from bench.figure import Figure
from bench.mask import ours as networks
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from shared_kernel.vision.ports import Picture
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES, WEIGHTS
from xunshi.testing import RunningStack

WIDTH, HEIGHT, FPS = 1920, 1080, 25
CLIP_S = 8.0
#: The start of a service is not what a camera costs.
SETTLED_AFTER_S = 12.0
#: A whole number of rounds of every clip.
MEASURED_S = 24.0
#: What the baseline's detector looks at: as large as our analysis frames.
DETECTED = (640, 360)
THRIFTY_FPS = 5
PARTS = ("stream", "inference")

Scene = Literal["busy", "normal", "quiet"]
SCENES: tuple[Scene, ...] = ("busy", "normal", "quiet")


class Cost(NamedTuple):
    """What the stack spends on a camera: cores, and the pictures a second that it analysed for it."""

    cores: float
    analysed_per_s: float


def figures() -> Iterator[Figure]:
    """Processor seconds a second of video, for each scene beside both baselines, then beside the floor."""
    clip = demo.compose_short(SAMPLES, DEMO_CLIPS)
    with tempfile.TemporaryDirectory() as folder:
        for scene in SCENES:
            path = write(Path(folder) / f"{scene}.mp4", clip, scene)
            cost = ours(path, Path(folder) / scene)
            yield Figure(f"camera CPU, {scene}", cost.cores, baseline(path), "cores")
            yield Figure(
                f"  detecting {THRIFTY_FPS} a second, {scene}", cost.cores, baseline(path, THRIFTY_FPS), "cores"
            )
            if scene != "normal":
                whole = scene == "busy"
                floor = decoding(path, key_frames=not whole) + cost.analysed_per_s * looking(path)
                words = "decoding all" if whole else "decoding key frames"
                yield Figure(f"  {words} and the networks, {scene}", cost.cores, floor, "cores")


def write(path: Path, clip: demo.Clip, scene: Scene) -> Path:
    """The scene at 1080p25 with the noise of a sensor: `clip`, its first picture without anybody, or both in turn."""
    chance, still = np.random.default_rng(1), deserted(clip)
    moving = [] if scene == "quiet" else list(frames(clip))
    stills = {"busy": 0, "normal": 2 * len(moving), "quiet": int(CLIP_S * FPS)}[scene]
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "g": str(2 * FPS), "bf": "0", "crf": "23"}
        for number, shown in enumerate([*moving, *[still] * stills]):
            large = cv2.resize(shown, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
            noise = chance.integers(0, 7, (HEIGHT, WIDTH, 1), np.uint8)
            noisy = np.asarray(cv2.add(large, np.repeat(noise, 3, 2)), np.uint8)
            coded = av.VideoFrame.from_ndarray(noisy, format="bgr24")
            coded.pts = number
            out.mux(stream.encode(coded))
        out.mux(stream.encode())
    return path


def frames(clip: demo.Clip) -> Iterator[Picture]:
    """The first `CLIP_S` seconds of the clip, H x W x 3 uint8, blue-green-red."""
    with av.open(str(clip.path), "r") as frames:
        for number, frame in enumerate(frames.decode(video=0)):
            if number >= CLIP_S * FPS:
                return
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def deserted(clip: demo.Clip) -> Picture:
    """The first picture of the clip without anybody."""
    with av.open(str(clip.path), "r") as frames:
        for frame, truth in zip(frames.decode(video=0), demo.read(clip.truth), strict=False):
            if not truth.faces:
                return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    raise ValueError(f"{clip.path.name}: expected a picture without anybody")


def ours(clip: Path, data: Path) -> Cost:
    """What the two services use while they follow the camera, beyond what they use without one."""
    with RtspServer() as camera, RunningStack(data) as stack:
        groups = {part.pid for part in stack.state().parts if part.pid and part.name.startswith(PARTS)}
        time.sleep(SETTLED_AFTER_S / 2)
        idle = used(groups, MEASURED_S / 2)
        client = stack.client()
        camera_id = client.add_camera("bench", camera.mount("bench", clip))
        wait_until(lambda: camera.plays, 30, "the stack plays the camera")
        time.sleep(SETTLED_AFTER_S)
        cores = used(groups, MEASURED_S) - idle
        return Cost(cores, client.camera(camera_id)["analysed_per_s"] or 0.0)


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


def baseline(clip: Path, detect_fps: int = FPS) -> float:
    """Processor seconds a second of video of OpenCV reading every frame and detecting on so many; from the file."""
    detector = cv2.FaceDetectorYN.create(str(WEIGHTS / "face_detection_yunet_2023mar.onnx"), "", DETECTED, 0.6)
    capture, frames = cv2.VideoCapture(str(clip)), 0
    began_s = time.process_time()
    while True:
        found, frame = capture.read()
        if not found:
            break
        if frames * detect_fps // FPS != (frames - 1) * detect_fps // FPS:
            detector.detect(cv2.resize(frame, DETECTED, interpolation=cv2.INTER_AREA))
        frames += 1
    return (time.process_time() - began_s) / (frames / FPS)


def decoding(clip: Path, *, key_frames: bool) -> float:
    """Processor seconds a second of libav taking the clip from a camera and decoding all frames, or only key frames."""
    with RtspServer() as camera:
        options = {"rtsp_transport": "tcp"}
        with av.open(camera.mount("bench", clip), "r", options=options) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            if key_frames:
                stream.codec_context.skip_frame = "NONKEY"
            # of this thread: the camera's threads run in this process, too
            until_s, began_s, spent_s = time.monotonic() + MEASURED_S, time.monotonic(), time.thread_time()
            for packet in container.demux(stream):
                packet.decode()
                if time.monotonic() > until_s:
                    break
            return (time.thread_time() - spent_s) / (time.monotonic() - began_s)


def looking(clip: Path) -> float:
    """Processor seconds of the model on one picture of the clip, as large as analysis frames are."""
    model = networks.model(networks.sessions(), networks.DEFAULT_SCORE)
    with av.open(str(clip), "r") as container:
        pictures = [
            cv2.resize(frame.to_ndarray(format="bgr24"), DETECTED, interpolation=cv2.INTER_AREA)
            for number, frame in enumerate(container.decode(video=0))
            if number % (FPS // THRIFTY_FPS) == 0
        ]
    marks = [time.process_time()]
    for picture in pictures:
        model.read([np.asarray(picture, np.uint8)])
        marks.append(time.process_time())
    return float(np.median([after - before for before, after in pairwise(marks)]))
