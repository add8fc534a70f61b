"""Wires the service: which adapter stands behind which port, which threads run, in which order they stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from apiflask import APIFlask
from prometheus_client import REGISTRY

from shared_kernel.archive import Archive
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus, Replica
from shared_kernel.clock import now
from shared_kernel.disk import DiskGuard, disk_of
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraChanged, CameraReason, CameraReported, FrameAnalysed, new_id
from stream_service.adapters.api import HttpApi
from stream_service.adapters.examining import examine_address
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.adapters.pyav_mp4 import write_mp4
from stream_service.adapters.pyav_mux import PyavMuxer
from stream_service.adapters.pyav_transcode import PyavTranscoder
from stream_service.adapters.rtsp_transport import Transports
from stream_service.app import make_app
from stream_service.archiving.archivist import Archivist
from stream_service.archiving.metrics import ArchiveCollector
from stream_service.archiving.reports import Reports
from stream_service.camera import CameraWorker, Parts
from stream_service.capture import Sampling
from stream_service.fleet import Fleet
from stream_service.follow import Limits, follow
from stream_service.footage.keeping import Footage, FootageConversion
from stream_service.footage.room import Room
from stream_service.footage.spool import FootageSpool
from stream_service.leases import KIND, Leases
from stream_service.live import Conversion, LiveHub, Slots
from stream_service.mailbox import Mailbox
from stream_service.metrics import FleetCollector, passes_total
from stream_service.outbox import Outbox
from stream_service.plan import local_clock
from stream_service.ports import CameraEntry, Feed
from stream_service.rights import RightsWatch
from stream_service.ring import FrameRing
from stream_service.settings import Settings
from stream_service.web.parts import LiveParts
from stream_service.zones import counted

log = get_logger(__name__)

#: Name of this service's consumer group.
GROUP = "stream-service"
#: Pause after an unexpected error or while the bus is away, seconds.
RETRY_S = 1.0
#: All parts together have this long to end, seconds; the web server kills what takes longer than three.
STOP_S = 2.8
#: The reader of analyses waits this long for one, milliseconds.
BLOCK_MS = 500
#: Converted live video is at most this high, pixels: the cost grows with it.
CONVERTED_HEIGHT = 720
#: The same for footage, which proves something.
FOOTAGE_HEIGHT = 1080


class StreamService:
    """All threads of the service but the web server's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bus = Bus(settings.redis_url)
        self._api = HttpApi(settings.api_url, settings.service_token.get_secret_value())
        self._leases = Leases(self._forget, self._report_roomless)
        self._mailbox = Mailbox(self._bus, self._leases.fence)
        blobs = Blobs.open(settings.blobs_url)
        self._outbox = Outbox(settings.spool_dir, self._bus, blobs)
        self._footage = self._make_footage(settings, blobs)
        self._fleet = Fleet(self._api, self._leases, self._camera)
        guard = DiskGuard(settings.disk_reserve_percent / 100, lambda: disk_of(settings.blobs_url))
        archive, reports = Archive(blobs, has_room=guard.has_room), Reports(self._bus)
        self._archivist = Archivist(self._api, self._fleet, archive, reports)
        self._archived = ArchiveCollector(archive, reports)
        self._conversion = Conversion(
            lambda info, masks: PyavTranscoder(info, masks, CONVERTED_HEIGHT), Slots(settings.transcodings)
        )
        self._rights = RightsWatch(self._api, self._fleet.viewers)
        self._collector = FleetCollector(self._fleet, self._mailbox, self._outbox)
        self._transports = Transports()
        self._stopping = threading.Event()
        self._stop_once = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._forever, args=(self._follow,), name="follow", daemon=True),
            threading.Thread(target=self._forever, args=(self._hear_changes,), name="changes", daemon=True),
        ]

    def _make_footage(self, settings: Settings, blobs: Blobs) -> Footage:
        folder = settings.spool_dir / "footage"
        spool = FootageSpool(folder, self._bus, blobs, write_mp4)
        room = Room(folder, settings.disk_reserve_percent / 100)
        conversion = FootageConversion(
            lambda info, masks: PyavTranscoder(info, masks, FOOTAGE_HEIGHT),
            threading.BoundedSemaphore(settings.transcodings),
        )
        return Footage(folder, spool, settings.clip_seconds, room, conversion)

    def app(self) -> APIFlask:
        return make_app(
            LiveParts(
                fleet=self._fleet,
                rights=self._rights,
                examine=partial(examine_address, self._settings.reach),
                ticket_key=self._settings.ticket_key.get_secret_value(),
                service_token=self._settings.service_token.get_secret_value(),
                checks={
                    "redis": self._ping,
                    "api": self._api.check,
                    "spool": self._outbox.check,
                    "name": self._leases.check,
                },
            )
        )

    def start(self) -> None:
        """Begin to work.

        Raises:
            Conflict: another process has the spool.
        """
        self._outbox.start()
        self._footage.start()
        self._mailbox.start()
        self._leases.start(self._bus.leases(KIND, self._replica()), self._fleet.leases_changed)
        self._fleet.start()
        self._archivist.start()
        self._rights.start()
        for thread in self._threads:
            thread.start()
        REGISTRY.register(self._collector)
        REGISTRY.register(self._archived)
        REGISTRY.register(self._footage)

    def stop(self) -> None:
        """End within `STOP_S`: cameras first, then what they left open, then the ways out.

        What hangs (a camera, Redis) is left behind; what could not be sent is sent after the next start.
        """
        if not self._stop_once.acquire(blocking=False):
            self._stopped.wait(STOP_S)  # somebody is at it
            return
        until_s = time.monotonic() + STOP_S
        self._stopping.set()
        self._rights.stop()
        self._archivist.stop(0.5)
        self._fleet.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.1, until_s - 1.0 - time.monotonic()))
        self._footage.stop(max(0.1, until_s - 0.7 - time.monotonic()))
        self._mailbox.stop(max(0.1, until_s - 0.5 - time.monotonic()))
        self._leases.stop()
        self._outbox.stop(max(0.1, until_s - time.monotonic()))
        REGISTRY.unregister(self._collector)
        REGISTRY.unregister(self._archived)
        REGISTRY.unregister(self._footage)
        self._api.close()
        self._bus.close()
        self._stopped.set()

    def _replica(self) -> Replica:
        """Who we are for the other replicas. Whoever has the spool has its name."""
        settings = self._settings
        return Replica(
            self._outbox.identity(), new_id(), settings.name, settings.reached_at, capacity=settings.capacity
        )

    def _forget(self, name: str) -> None:
        """A replica will not come back: what was meant for it goes."""
        self._bus.forget_route(FrameAnalysed, name)

    def _report_roomless(self, camera_ids: Sequence[str]) -> None:
        """Cameras that nobody runs have nobody else to speak for them; every replica that is full does."""
        detail = "every stream service runs as many cameras as it may; start another or raise STREAM_CAPACITY"
        for camera_id in camera_ids:
            report = CameraReported(
                camera_id=camera_id, at=now(), state="offline", reason=CameraReason.NO_ROOM, detail=detail
            )
            self._bus.publish(report)

    def _ping(self) -> None:
        self._bus.ping()

    def _feed(self, url: str) -> Feed:
        return PyavFeed(url, self._settings.reach, transports=self._transports)

    def _camera(self, entry: CameraEntry) -> CameraWorker:
        settings = self._settings
        return CameraWorker(
            entry,
            Sampling(
                entry.camera_id,
                settings.name,
                entry.analysed_fps or settings.sample_fps,
                settings.analysis_side,
                entry.decode or settings.decode,
            ),
            FrameRing(seconds=settings.ring_seconds, megabytes=settings.ring_megabytes),
            LiveHub(entry.camera_id, PyavMuxer, masks=entry.privacy_masks, conversion=self._conversion),
            Parts(
                self._feed,
                partial(PyavDecoder, masks=entry.privacy_masks),
                self._mailbox,
                self._footage.tap,
                local_clock(settings.time_zone),
            ),
        )

    def _forever(self, work: Callable[[], None]) -> None:
        """The worker loop: whatever goes wrong is logged, and work begins again."""
        while not self._stopping.is_set():
            try:
                work()
            except Unavailable as error:
                log.warning("work waits", extra=fields(work=work.__name__, reason=str(error)))
            except Exception:
                log.exception("work failed", extra=fields(work=work.__name__))
            self._stopping.wait(RETRY_S)

    def _follow(self) -> None:
        limits = Limits(self._settings.analysis_side, self._settings.ring_seconds)
        frames, sharpen = self._analysed(), self._fleet.sharpen
        for message in follow(frames, self._fleet, self._outbox, limits, show=self._show, sharpen=sharpen):
            self._footage.observed(message)
            passes_total.labels(message.phase, message.state).inc()
            log.info(
                "pass observed",
                extra=fields(
                    pass_id=message.pass_id, phase=message.phase, camera_id=message.camera_id, state=message.state
                ),
            )

    def _analysed(self) -> Iterator[FrameAnalysed | None]:
        """Analyses of our frames with the faces that count, None at least every second; waits while the bus is away."""
        subscription = self._bus.subscribe(FrameAnalysed, GROUP, route=self._settings.name)
        ticked_s = 0.0
        while not self._stopping.is_set():
            try:
                deliveries = subscription.receive(count=64, block_ms=BLOCK_MS)
                subscription.ack(*deliveries)  # at once: a frame is worth nothing a second time
            except Unavailable as error:
                log.warning("analyses wait", extra=fields(reason=str(error)))
                deliveries = []
                self._stopping.wait(RETRY_S)
            for delivery in deliveries:
                yield counted(delivery.message, self._fleet.zones(delivery.message.camera_id))
            if not deliveries or time.monotonic() - ticked_s >= 1.0:
                ticked_s = time.monotonic()
                yield None

    def _show(self, message: FrameAnalysed) -> None:
        """Boxes for those who watch this camera live, or later what is recorded."""
        self._footage.analysed(message)
        hub = self._fleet.hub(message.camera_id)
        if hub is not None:
            hub.show_faces(message)

    def _hear_changes(self) -> None:
        for change in self._bus.follow(CameraChanged, block_ms=BLOCK_MS):
            if change is not None:
                self._fleet.reload()
                self._archivist.reload()
            if self._stopping.is_set():
                return
