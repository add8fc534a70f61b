"""The main stream of a camera whose second stream is analysed: live view, footage, and evidence in full size.

`camera` runs one beside the connection that it analyses, each with its own fate. Packets go on as they come, and those
of the last seconds are kept: when `follow` finds a face, the picture of its moment is decoded from the key frame before
it, which happens a few times a pass. So the main stream costs next to nothing while nobody is there.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, Protocol

from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason, Face
from stream_service.condition import OFFLINE_AFTER_S
from stream_service.footage.ring import PacketRing
from stream_service.live import LiveHub
from stream_service.ports import Decoder, Feed, FullFrame, Packet, StreamInfo, Tap
from stream_service.pull import Pull
from stream_service.rules import STEADY_AFTER_S, CameraFailed, pause_s
from stream_service.sharpening import PATIENCE_S, WINDOW_S, Sharpening

log = get_logger(__name__)

#: How far back pictures can be looked for: a frame waits for its analysis, and its key frame was before, seconds.
KEPT_S: Final = 5.0
KEPT_MEGABYTES: Final = 48
#: Faces whose pictures are looked for at a time; of more, the oldest keep what they have.
MAX_WAITING: Final = 8
#: More packets than this since the key frame are not decoded for one picture.
MAX_PACKETS: Final = 400


#: Why viewers are closed.
RESTS: Final = "the camera rests by its plan"
STOPPED: Final = "the camera was changed, switched off or removed"


class Audience(Protocol):
    """Who hears what a connection sends. `watches`: somebody looks at it now."""

    @property
    def watches(self) -> bool: ...

    def begin(self, info: StreamInfo) -> None:
        """It is open."""
        ...

    def feed(self, packet: Packet) -> None:
        """The next packet. Called by the reading thread."""
        ...

    def end(self, reason: str, detail: str) -> None:
        """It is gone, for now or for good."""
        ...


class People:
    """Viewers, and footage where it is kept."""

    def __init__(self, hub: LiveHub, tap: Tap | None) -> None:
        self._hub, self._tap = hub, tap

    @property
    def watches(self) -> bool:
        return self._hub.viewers > 0

    def begin(self, info: StreamInfo) -> None:
        self._hub.begin(info)
        if self._tap:
            self._tap.begin(info)

    def feed(self, packet: Packet) -> None:
        self._hub.feed(packet)
        if self._tap:
            self._tap.feed(packet)

    def end(self, reason: str, detail: str) -> None:
        self._hub.end(reason, detail)
        if self._tap:
            self._tap.end()


class Nobody:
    """For a stream that is analysed only."""

    watches = False

    def begin(self, info: StreamInfo) -> None: ...
    def feed(self, packet: Packet) -> None: ...
    def end(self, reason: str, detail: str) -> None: ...


class MainStream:
    """`pull` reads; a thread of its own is the watchdog and decodes what is asked for. Others read attributes."""

    def __init__(
        self,
        camera_id: str,
        feed: Callable[[], Feed],
        decoder: Callable[[StreamInfo], Decoder],
        audience: Audience,
        wanted: Callable[[], bool],
    ) -> None:
        self.info: StreamInfo | None = None
        #: Processor time so far, seconds.
        self.cpu_s = 0.0
        self._failure: CameraFailed | None = None
        self._pull: Pull | None = None
        self._gone_s: float | None = None
        self._camera_id = camera_id
        self._feed, self._decoder, self._audience, self._wanted = feed, decoder, audience, wanted
        self._lock = threading.Lock()
        self._kept = PacketRing(seconds=KEPT_S, megabytes=KEPT_MEGABYTES)
        self._newest_s = 0.0
        self._waiting: deque[Sharpening] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"main-{camera_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def lacking(self) -> CameraFailed | None:
        """Why people have no picture, once that is more than a blink."""
        gone_s, failure = self._gone_s, self._failure
        return failure if gone_s is not None and time.monotonic() - gone_s >= OFFLINE_AFTER_S else None

    def sharpen(self, frame: FullFrame, face: Face, quality: float) -> Sharpening | None:
        """Look for the picture of `face`, found in `frame` of the second stream; None when there is no connection."""
        if self.info is None:
            return None
        asked = Sharpening(frame, face, quality)
        with self._lock:
            while len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft().finish()
            self._waiting.append(asked)
        self.rouse()
        return asked

    def rouse(self) -> None:
        """Somebody looks, or a picture is looked for: every packet counts from now on."""
        if (pull := self._pull) is not None:
            pull.rouse()

    def _patience(self) -> int:
        return 0 if self._waiting or self._audience.watches else sys.maxsize

    def _run(self) -> None:
        """Connect while somebody wants it. An unexpected error is logged and counts as a failed connection."""
        failures = 0
        while not self._stopping.is_set():
            if not self._wanted():
                failures = 0
                self._stopping.wait(1.0)
                continue
            began_s = time.monotonic()
            try:
                self._read()
                continue
            except CameraFailed as error:
                self._failure = error
            except Exception:
                log.exception("main stream failed", extra=fields(camera_id=self._camera_id))
                self._failure = CameraFailed(CameraReason.INVALID_DATA, "camera: handling it failed; see the log")
            self._gone_s = self._gone_s or time.monotonic()
            failures = 1 if time.monotonic() - began_s > STEADY_AFTER_S else failures + 1
            known = fields(camera_id=self._camera_id, reason=self._failure.reason, detail=self._failure.detail)
            log.info("main stream ended", extra=known)
            self._audience.end(self._failure.reason, self._failure.detail)
            self._stopping.wait(pause_s(failures))
        self._audience.end("stopped", STOPPED)

    def _read(self) -> None:
        """Read until the connection fails, or nobody wants it any more."""
        self._pull = pull = Pull(
            self._feed(), self._camera_id, on_open=self._opened, on_packet=self._arrived, patience=self._patience
        )
        packets = pull.watched(lambda: self._stopping.is_set() or not self._wanted())
        try:
            for _ in packets:  # the reading thread hands them on; here they only say that it lives
                self._look_for_pictures()
                self.cpu_s = time.thread_time()
            self._audience.end("paused", RESTS)
        finally:
            packets.close()
            self.info, self._pull = None, None
            with self._lock:
                self._kept.clear()
                gone = list(self._waiting)
                self._waiting.clear()
            for one in gone:
                one.finish()

    def _opened(self, info: StreamInfo) -> None:
        self.info, self._failure, self._gone_s = info, None, None
        self._audience.begin(info)

    def _arrived(self, packet: Packet) -> None:
        self._audience.feed(packet)
        with self._lock:
            self._newest_s = packet.arrived_s
            self._kept.add(packet)

    def _look_for_pictures(self) -> None:
        """Decode once for all faces whose moment has come."""
        now_s = time.monotonic()
        with self._lock:
            due = [
                one
                for one in self._waiting
                if self._newest_s - one.arrived_s >= WINDOW_S or now_s - one.asked_s >= PATIENCE_S / 2
            ]
            if not due or self.info is None:
                return
            for one in due:
                self._waiting.remove(one)
            first, last_s = min(one.arrived_at for one in due), max(one.arrived_s for one in due)
            packets = self._kept.since(first - timedelta(seconds=WINDOW_S))
        try:
            if len(packets) <= MAX_PACKETS:
                self._decode(self._decoder(self.info), packets, due, until_s=last_s + WINDOW_S)
        finally:
            for one in due:
                one.finish()

    @staticmethod
    def _decode(decoder: Decoder, packets: Sequence[Packet], due: Sequence[Sharpening], *, until_s: float) -> None:
        decoder.decode_all()
        for packet in packets:
            for frame in decoder.decode(packet):
                if frame.arrived_s > until_s:
                    return
                for one in due:
                    one.consider(frame)
