"""Stand-ins for the ports of stream-service, and builders of what passes through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import cv2
import numpy as np

from shared_kernel.errors import Unavailable
from shared_kernel.messages import Box, Face, FrameAnalysed, MaskState, Message, PassObserved
from stream_service.cells import Cells, cells_of
from stream_service.follow import Limits, follow
from stream_service.ports import FullFrame, Luma, Packet, Picture, Progress

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WIDTH, HEIGHT = 1280, 720
WITH, WITHOUT, WRONG = MaskState.WITH_MASK, MaskState.WITHOUT_MASK, MaskState.MASK_WORN_INCORRECTLY


class SyntheticFrame:
    """A full frame of one texture; `seed` tells scenes apart."""

    def __init__(
        self,
        at_s: float = 0.0,
        *,
        width: int = WIDTH,
        height: int = HEIGHT,
        seed: int = 0,
        arrived_s: float | None = None,
    ) -> None:
        self.width, self.height = width, height
        self.arrived_at = START + timedelta(seconds=at_s)
        self.arrived_s = time.monotonic() if arrived_s is None else arrived_s
        self._grey = _texture(width, height, seed)

    def small_jpeg(self, side: int, quality: int = 85) -> bytes:
        scale = min(1.0, side / max(self.width, self.height))
        size = round(self.width * scale), round(self.height * scale)
        return cv2.imencode(".jpg", cv2.resize(self._grey, size), [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()

    def luma(self, x0: int, y0: int, x1: int, y1: int) -> Luma:
        return np.asarray(self._grey[y0:y1, x0:x1], np.uint8)

    def cells(self) -> Cells:
        return cells_of(self.luma(0, 0, self.width, self.height))

    def pixels(self) -> Picture:
        return np.asarray(cv2.cvtColor(self._grey, cv2.COLOR_GRAY2BGR), np.uint8)


@cache
def _texture(width: int, height: int, seed: int) -> Luma:
    small = np.random.default_rng(seed).integers(0, 255, (18, 32), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


class OneRing:
    """Rings of running cameras, as `follow` sees them: every frame is still there."""

    def __init__(self, *cameras: str, seed_of: Mapping[str, int] | None = None) -> None:
        self.cameras = set(cameras or ("cam",))
        self.frames_gone = False
        self.attended: list[str] = []
        self._seed_of = seed_of or {}
        self._frame: FullFrame = SyntheticFrame()

    def take(self, camera_id: str, frame_id: str) -> FullFrame | None:  # noqa: ARG002
        if self.frames_gone:
            return None
        seed = self._seed_of.get(frame_id)
        return self._frame if seed is None else SyntheticFrame(seed=seed)

    def runs(self, camera_id: str) -> bool:
        return camera_id in self.cameras

    def attend(self, camera_id: str) -> None:
        self.attended.append(camera_id)


class KeptOutgoing:
    """Keeps what was accepted. Refuses while `away`."""

    def __init__(self) -> None:
        self.away = False
        self.messages: list[PassObserved] = []
        self.pictures: dict[str, bytes] = {}
        self.remembered: list[Sequence[Progress]] = []

    def accept(self, message: PassObserved, pictures: Mapping[str, bytes]) -> None:
        if self.away:
            raise Unavailable("spool", "no space left")
        self.messages.append(message)
        self.pictures.update(pictures)

    def remember(self, open_passes: Sequence[Progress]) -> None:
        self.remembered.append(open_passes)


class KeptBus:
    """Keeps what was published. Refuses while `away`."""

    def __init__(self) -> None:
        self.away = False
        self.messages: list[Message] = []

    def publish(self, message: Message, *, route: str | None = None) -> str:  # noqa: ARG002
        if self.away:
            raise Unavailable("redis", "connection refused")
        self.messages.append(message)
        return f"{len(self.messages)}-0"

    def publish_held(self, message: Message, *, kind: str, thing: str, fence: int) -> bool:  # noqa: ARG002
        self.publish(message)
        return True


class KeptObjects:
    """Object storage in memory. Refuses while `away`."""

    def __init__(self) -> None:
        self.away = False
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, data: bytes, *, content_type: str = "") -> None:  # noqa: ARG002
        if self.away:
            raise Unavailable("object storage", "connection refused")
        self.objects[key] = data


def face(
    x: float, y: float = 360, size: float = 60, state: MaskState = WITHOUT, *, score: float = 0.9, sure: float = 0.95
) -> Face:
    """A face whose centre and side are pixels of a WIDTH x HEIGHT frame."""
    half = size / 2
    box = Box(
        x0=_in((x - half) / WIDTH), y0=_in((y - half) / HEIGHT), x1=_in((x + half) / WIDTH), y1=_in((y + half) / HEIGHT)
    )
    return Face(box=box, score=score, state=state, state_score=sure)


def _in(value: float) -> float:
    return min(1.0, max(0.0, value))


def analysed(seq: int, at_s: float, *faces: Face, camera_id: str = "cam") -> FrameAnalysed:
    at = START + timedelta(seconds=at_s)
    return FrameAnalysed(
        frame_id=f"f{seq}",
        camera_id=camera_id,
        owner="stream-1",
        seq=seq,
        captured_at=at,
        analysed_at=at,
        width=WIDTH,
        height=HEIGHT,
        faces=faces,
    )


def film(pictures: Iterable[Sequence[Face]], fps: float = 5.0) -> list[FrameAnalysed]:
    """One analysed frame for each list of faces."""
    return [analysed(number + 1, number / fps, *faces) for number, faces in enumerate(pictures)]


def followed(
    frames: Iterable[FrameAnalysed | None],
    rings: OneRing | None = None,
    outgoing: KeptOutgoing | None = None,
    show: Callable[[FrameAnalysed], None] = lambda _: None,
) -> list[PassObserved]:
    """What `follow` makes of `frames`, whose time is the time of the frames. Everything is closed at the end."""
    clock = [START.timestamp()]

    def ticking() -> Iterable[FrameAnalysed | None]:
        for frame in frames:
            if frame is not None:
                clock[0] = max(clock[0], frame.captured_at.timestamp())
            yield frame

    limits = Limits(analysis_side=640, max_age_s=4.0)
    story = follow(
        ticking(), rings or OneRing(), outgoing or KeptOutgoing(), limits, show=show, seconds_now=lambda: clock[0]
    )
    return list(story)


def opened(messages: Iterable[PassObserved]) -> list[PassObserved]:
    return [message for message in messages if message.phase == "opened"]


def closed(messages: Iterable[PassObserved]) -> list[PassObserved]:
    return [message for message in messages if message.phase == "closed"]


def packet(number: int = 0, *, key: bool = True, data: bytes = b"x", at_s: float | None = None) -> Packet:
    arrived_s = number / 25 if at_s is None else at_s
    return Packet(data, number * 3600, number * 3600, key, START + timedelta(seconds=arrived_s), arrived_s)
