"""One camera: connect, watch, capture, report, and connect again. A thread each; others are never affected.

Ties `pull` (reading), `capture` (step 1), `live` (viewers), `condition` (how it is) and the reports together. `fleet`
starts and stops it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain

from shared_kernel.clock import now
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason, CameraReported, CameraState, Face
from stream_service.capture import INTRA_CODECS, Sampling, capture
from stream_service.condition import Condition, Failure, Verdict
from stream_service.gate import Attention, Gate
from stream_service.live import LiveHub
from stream_service.load import Load, LoadMeter, Spent
from stream_service.mailbox import Mailbox
from stream_service.main_stream import RESTS, STOPPED, Audience, MainStream, Nobody, People
from stream_service.opening import Transport
from stream_service.plan import is_open, local_clock, next_opening
from stream_service.ports import CameraEntry, Feed, FullFrame, Packet, StreamInfo, Tap
from stream_service.pull import Pull
from stream_service.ring import FrameRing
from stream_service.rules import STEADY_AFTER_S, CameraFailed, pause_s, redacted
from stream_service.sharpening import Sharpening
from stream_service.vitals import TimedDecoder, Vitals
from stream_service.zones import Zone

log = get_logger(__name__)

#: A camera reports at least this often, so that a lost report heals itself, seconds.
REPORT_EVERY_S = 10.0
#: How often the camera is judged, seconds.
LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Parts:
    """What a camera is made of; given by `bootstrap`."""

    feed: Callable[[str], Feed]
    decoder: Callable[[StreamInfo], TimedDecoder]
    mailbox: Mailbox
    tap: Callable[[CameraEntry], Tap | None] = lambda _: None
    #: The time in the zone of the plans.
    local_time: Callable[[], datetime] = field(default_factory=lambda: local_clock(""))


class CameraWorker:
    """Runs one camera until it is stopped. Other threads read its attributes."""

    def __init__(self, entry: CameraEntry, sampling: Sampling, ring: FrameRing, hub: LiveHub, parts: Parts) -> None:
        self.entry, self.ring, self.hub = entry, ring, hub
        self.reconnects = 0
        self.attention = Attention(self._rouse)
        self.vitals = Vitals()
        self._condition = Condition(time.monotonic(), now())
        self._pull: Pull | None = None
        self._gate: Gate | None = None
        self._is_wanted = True
        self._dropped = 0
        self._size: tuple[int, int] | None = None
        self._meter = LoadMeter()
        self._looked_s = self._reported_s = 0.0
        self._reported_facts: tuple[object, ...] = ()
        self._sampling, self._parts = sampling, parts
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera-{entry.camera_id}", daemon=True)
        #: Who hears the packets that are analysed: nobody, when people see another stream.
        self._audience: Audience = People(hub, parts.tap(entry))
        self._main: MainStream | None = None
        if entry.detect_url is not None:
            feed = partial(parts.feed, entry.url)
            self._main = MainStream(entry.camera_id, feed, parts.decoder, self._audience, self._wanted)
            self._audience = Nobody()
        hub.joined = self._main.rouse if self._main else self._rouse

    @property
    def verdict(self) -> Verdict:
        return self._condition.verdict

    @property
    def state(self) -> CameraState:
        return self.verdict.state

    @property
    def reason(self) -> CameraReason | None:
        return self.verdict.reason

    @property
    def fps(self) -> float | None:
        return self.vitals.fps if self.state in ("online", "degraded") else None

    @property
    def analysed_frames(self) -> int:
        """Frames sent to be analysed; not all of them are."""
        return self.vitals.sampled

    @property
    def decoded_frames(self) -> int:
        return self.vitals.pictures

    @property
    def decode_seconds(self) -> float:
        return self.vitals.decode_seconds

    @property
    def damaged_packets(self) -> int:
        return self.vitals.damaged

    @property
    def dropped_packets(self) -> int:
        pull = self._pull
        return self._dropped + (pull.dropped_packets if pull else 0)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def adopts(self, entry: CameraEntry) -> bool:
        """Take `entry` over if it differs only in what needs no new connection: zones and plan."""
        fits = replace(self.entry, zones=entry.zones, plan=entry.plan) == entry
        if fits:
            self.entry = entry
        return fits

    def _zones(self) -> tuple[Zone, ...]:
        return self.entry.zones

    def start(self) -> None:
        self._thread.start()
        if self._main:
            self._main.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()
        if self._main:
            self._main.ask_to_stop()

    def join(self, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        for one in (self._thread, self._main):
            if one and one.is_alive():
                one.join(max(0.0, until_s - time.monotonic()))

    def sharpen(self, frame: FullFrame, face: Face, quality: float) -> Sharpening | None:
        """Look for a better picture of a face in the main stream, when another one is analysed."""
        return self._main.sharpen(frame, face, quality) if self._main else None

    def _run(self) -> None:
        """Connect while the plan wants it. An unexpected error is logged and counts as a failed connection."""
        failures = 0
        self._report()
        while not self._stopping.is_set():
            if not self._wanted():
                failures = 0
                self._wait(1.0)
                continue
            began_s = time.monotonic()
            try:
                self._connect_once()
                self._rest()
                continue
            except CameraFailed as error:
                self._failed(error.reason, error.detail)
            except Exception:
                log.exception("camera thread failed", extra=fields(camera_id=self.entry.camera_id))
                self._failed(CameraReason.INVALID_DATA, "camera: handling it failed; the log has the reason")
            failures = 1 if time.monotonic() - began_s > STEADY_AFTER_S else failures + 1
            self._wait(pause_s(failures))

    def _wanted(self) -> bool:
        self._is_wanted = self.entry.plan is None or is_open(self.entry.plan, self._parts.local_time())
        return self._is_wanted

    def _rouse(self) -> None:
        if (pull := self._pull) is not None:
            pull.rouse()

    def _resumes_at(self) -> datetime | None:
        return next_opening(self.entry.plan, self._parts.local_time()) if self.state == "paused" else None

    def _connect_once(self) -> None:
        """Read what is analysed until the connection fails, or nobody wants it any more."""
        feed = self._parts.feed(self.entry.detect_url or self.entry.url)
        self._pull = pull = Pull(
            feed, self.entry.camera_id, on_open=self._opened, on_packet=self._arrived, patience=self._patience
        )
        packets = self._looking(pull.watched(lambda: self._stopping.is_set() or not self._is_wanted))
        try:
            for packet in packets:
                if packet is not None and pull.info is not None:
                    self._capture(chain([packet], packets), pull.info)
        finally:
            packets.close()
            self.vitals.closed()
            self._dropped, self._pull, self._gate = self.dropped_packets, None, None

    def _patience(self) -> int:
        """See `Pull`. Who watches live wants every packet at once."""
        return 0 if self._gate is None or self._audience.watches else self._gate.patient_bytes

    def _looking(self, packets: Generator[Packet | None]) -> Generator[Packet | None]:
        """The same packets; between them the camera is judged, also while none becomes a frame."""
        try:
            for packet in packets:
                self._look()
                yield packet
        finally:
            packets.close()

    def _capture(self, packets: Iterable[Packet | None], info: StreamInfo) -> None:
        decoder = self.vitals.watched(self._parts.decoder(info))
        self._gate = gate = Gate(self._sampling.mode, self._sampling.fps, self.attention, self._zones)
        for message in capture(packets, decoder, self.ring, self._sampling, gate, intra=info.codec in INTRA_CODECS):
            if message is not None:
                self._size = (message.width, message.height)
                self.vitals.sampled += 1
                self._parts.mailbox.post(message)

    def _opened(self, info: StreamInfo) -> None:
        self._size = None
        self.vitals.opened(info)
        self._audience.begin(info)

    def _arrived(self, packet: Packet) -> None:
        self.vitals.arrived(packet)
        self._audience.feed(packet)

    def _failed(self, reason: CameraReason, detail: str) -> None:
        self.reconnects += 1
        detail = f"second stream: {detail}" if self._main else detail
        self._audience.end(reason, detail)
        self.ring.show(None)
        self._condition.failed(reason, detail)
        self._look(at_once=True)

    def _rest(self) -> None:
        """The plan closed. When somebody stops the camera, the last report stands."""
        if self._stopping.is_set():
            self._audience.end("stopped", STOPPED)
        else:
            self._audience.end("paused", RESTS)
            self.ring.show(None)
            self._look(at_once=True)

    def _look(self, *, at_once: bool = False) -> None:
        """Judge how the camera is, now and then; report what changed, and that it is still so."""
        moment_s = time.monotonic()
        if moment_s - self._looked_s < LOOK_EVERY_S and not at_once:
            return
        self._looked_s = moment_s
        signs = self.vitals.signs(
            wanted=self._wanted(),
            skipped=self.ring.skipped,
            dropped=self.dropped_packets,
            lacking=self._lacking(),
        )
        if self._condition.look(signs):
            is_now, address = self.verdict, redacted(self.entry.url)
            known = fields(camera_id=self.entry.camera_id, state=is_now.state, reason=is_now.reason, address=address)
            log.info("camera state", extra=known)
            self._report()
        self._report_if_due()

    def _lacking(self) -> Failure | None:
        """Why people see nothing, when they see another stream than the one that is analysed."""
        failed = self._main.lacking() if self._main else None
        return Failure(failed.reason, f"main stream: {failed.detail}"[:500]) if failed else None

    def _load(self) -> Load:
        """What the camera costs. Called by its own thread, whose processor time it reads."""
        cpu_s = time.thread_time() + (self._main.cpu_s if self._main else 0.0)
        return self._meter.read(Spent(time.monotonic(), cpu_s, self.decoded_frames, self.analysed_frames))

    def _shown(self) -> tuple[int | None, int | None, str | None]:
        """Width, height and codec of what people see."""
        info = self._main.info if self._main and self._main.info else self.vitals.info
        if self._main and info and info.width and info.height:
            return info.width, info.height, info.codec
        width, height = self._size or (None, None)
        return width, height, info.codec if info else None

    def _transport(self) -> Transport | None:
        """Over what people's pictures come."""
        info = self._main.info if self._main and self._main.info else self.vitals.info
        return info.transport if info else None

    def _wait(self, seconds: float) -> None:
        """Pause before the next attempt; reports go on."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0 and not self._stopping.wait(min(left_s, LOOK_EVERY_S)):
            self._look()

    def _report_if_due(self) -> None:
        if time.monotonic() - self._reported_s >= REPORT_EVERY_S or self._facts() != self._reported_facts:
            self._report()

    def _facts(self) -> tuple[object, ...]:
        """What screens want to know at once when it changes or becomes known."""
        return *self._shown(), self.fps is not None

    def _report(self) -> None:
        self._reported_s, self._reported_facts = time.monotonic(), self._facts()
        width, height, codec = self._shown()
        is_now, load = self.verdict, self._load()
        self._parts.mailbox.post(
            CameraReported(
                camera_id=self.entry.camera_id,
                at=now(),
                state=is_now.state,
                since=is_now.since,
                reason=is_now.reason,
                detail=is_now.detail,
                width=width,
                height=height,
                fps=self.fps,
                codec=codec,
                transport=self._transport(),
                last_frame_at=self.vitals.picture_at,
                skipped_frames=self.ring.skipped,
                analysed_frames=self.ring.analysed,
                decoded_per_s=load.decoded_per_s,
                analysed_per_s=load.analysed_per_s,
                cpu_share=load.cpu_share,
                picture_since=is_now.picture_since,
                outage_since=is_now.outage_since,
                resumes_at=self._resumes_at(),
            )
        )
