"""One camera: connect, watch, capture, report, and connect again. A thread each; others are never affected.

Ties `pull` (reading), `capture` (step 1), `live` (viewers) and the reports together. `fleet` starts and stops it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Protocol

from shared_kernel.clock import now
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason, CameraReported, CameraState
from stream_service.capture import INTRA_CODECS, Sampling, capture
from stream_service.gate import Attention, Gate
from stream_service.live import LiveHub
from stream_service.mailbox import Mailbox
from stream_service.ports import CameraEntry, Decoder, Feed, Packet, StreamInfo, Tap
from stream_service.pull import Pull
from stream_service.ring import FrameRing
from stream_service.rules import STEADY_AFTER_S, CameraFailed, pause_s, redacted

log = get_logger(__name__)

#: A camera reports at least this often, so that a lost report heals itself, seconds.
REPORT_EVERY_S = 10.0
#: The frame rate is measured over this long, seconds.
_RATE_WINDOW_S = 5.0


class TimedDecoder(Decoder, Protocol):
    """A decoder that says what it cost."""

    seconds: float
    pictures: int
    damaged: int


@dataclass(frozen=True)
class Parts:
    """What a camera is made of; given by `bootstrap`."""

    feed: Callable[[str], Feed]
    decoder: Callable[[StreamInfo], TimedDecoder]
    mailbox: Mailbox
    tap: Callable[[CameraEntry], Tap]


class _Rate:
    """Packets per second over the last few seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def add(self, at_s: float) -> None:
        self._times.append(at_s)
        while self._times[0] < at_s - _RATE_WINDOW_S:
            self._times.popleft()

    def per_second(self) -> float | None:
        times = tuple(self._times)
        if len(times) < 2 or times[-1] - times[0] < 1.0:  # noqa: PLR2004 - a rate needs two times
            return None
        return round((len(times) - 1) / (times[-1] - times[0]), 1)


class CameraWorker:
    """Runs one camera until it is stopped. Other threads read its attributes."""

    def __init__(self, entry: CameraEntry, sampling: Sampling, ring: FrameRing, hub: LiveHub, parts: Parts) -> None:
        self.entry, self.ring, self.hub = entry, ring, hub
        self.state: CameraState = "connecting"
        self.reason: CameraReason | None = None
        self.reconnects = 0
        self.attention = Attention()
        self.analysed_frames = 0
        self.decoded_frames = 0
        self.decode_seconds = 0.0
        self.damaged_packets = 0
        self.dropped_packets = 0
        self._detail: str | None = None
        self._info: StreamInfo | None = None
        self._size: tuple[int, int] | None = None
        self._last_frame_at: datetime | None = None
        self._rate = _Rate()
        self._reported_s = 0.0
        self._reported_facts: tuple[object, ...] = ()
        self._sampling, self._parts = sampling, parts
        self._tap = parts.tap(entry)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera-{entry.camera_id}", daemon=True)

    @property
    def fps(self) -> float | None:
        return self._rate.per_second() if self.state == "online" else None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        """Connect for ever. An unexpected error is logged and counts as a failed connection."""
        failures = 0
        while not self._stopping.is_set():
            began_s = time.monotonic()
            try:
                self._become("connecting", self.reason, self._detail)
                self._connect_once()
            except CameraFailed as error:
                self._failed(error.reason, error.detail)
            except Exception:
                log.exception("camera thread failed", extra=fields(camera_id=self.entry.camera_id))
                self._failed(CameraReason.INVALID_DATA, "camera: handling it failed; the log has the reason")
            failures = 1 if time.monotonic() - began_s > STEADY_AFTER_S else failures + 1
            self._wait(pause_s(failures))

    def _connect_once(self) -> None:
        feed = self._parts.feed(self.entry.url)
        pull = Pull(feed, self.entry.camera_id, on_open=self._opened, on_packet=self._arrived)
        packets = pull.watched(self._stopping.is_set)
        try:
            for packet in packets:
                if packet is not None and pull.info is not None:
                    self._capture(chain([packet], packets), pull.info)
                self._report_if_due()
        finally:
            packets.close()
            self._tap.end()
            self.dropped_packets += pull.dropped_packets

    def _capture(self, packets: Iterable[Packet | None], info: StreamInfo) -> None:
        decoder, before_s, before = self._parts.decoder(info), self.decode_seconds, self.decoded_frames
        gate = Gate(self._sampling.mode, self._sampling.fps, self.attention)
        try:
            for message in capture(packets, decoder, self.ring, self._sampling, gate, intra=info.codec in INTRA_CODECS):
                self.decode_seconds, self.decoded_frames = before_s + decoder.seconds, before + decoder.pictures
                if message is not None:
                    self._size, self._last_frame_at = (message.width, message.height), message.captured_at
                    self.analysed_frames += 1
                    self._become("online", None, None)
                    self._parts.mailbox.post(message)
                self._report_if_due()
        finally:
            self.damaged_packets += decoder.damaged

    def _opened(self, info: StreamInfo) -> None:
        self._info, self._size, self._rate = info, None, _Rate()
        self.hub.begin(info)
        self._tap.begin(info)

    def _arrived(self, packet: Packet) -> None:
        self._rate.add(packet.arrived_s)
        self.hub.feed(packet)
        self._tap.feed(packet)

    def _failed(self, reason: CameraReason, detail: str) -> None:
        self.reconnects += 1
        self.hub.end(reason, detail)
        self.ring.show(None)
        self._become("offline", reason, detail)

    def _become(self, state: CameraState, reason: CameraReason | None, detail: str | None) -> None:
        changed = (state, reason) != (self.state, self.reason)
        self.state, self.reason, self._detail = state, reason, detail
        if changed:
            where = redacted(self.entry.url)
            known = fields(camera_id=self.entry.camera_id, state=state, reason=reason, address=where)
            log.info("camera state", extra=known)
        if changed or not self._reported_s:
            self._report()

    def _wait(self, seconds: float) -> None:
        """Pause before the next attempt; reports go on."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0 and not self._stopping.wait(min(left_s, 1.0)):
            self._report_if_due()

    def _report_if_due(self) -> None:
        if time.monotonic() - self._reported_s >= REPORT_EVERY_S or self._facts() != self._reported_facts:
            self._report()

    def _facts(self) -> tuple[object, ...]:
        """What screens want to know at once when it changes or becomes known."""
        return self._size, self._info and self._info.codec, self.fps is not None

    def _report(self) -> None:
        self._reported_s, self._reported_facts = time.monotonic(), self._facts()
        width, height = self._size or (None, None)
        self._parts.mailbox.post(
            CameraReported(
                camera_id=self.entry.camera_id,
                at=now(),
                state=self.state,
                reason=self.reason,
                detail=self._detail,
                width=width,
                height=height,
                fps=self.fps,
                codec=self._info.codec if self._info else None,
                last_frame_at=self._last_frame_at,
                skipped_frames=self.ring.skipped,
            )
        )
