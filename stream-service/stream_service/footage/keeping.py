"""All footage of this service: a tap for each camera, and the way of finished reels to store and bus.

`bootstrap` makes one, gives its taps to the cameras, and tells it what was analysed and which passes were made durable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from shared_kernel.messages import FrameAnalysed, PassObserved
from stream_service.footage.converting import ConvertingTap
from stream_service.footage.room import Room
from stream_service.footage.spool import FootageSpool
from stream_service.footage.tap import FootageTap
from stream_service.footage.writing import Writing
from stream_service.ports import CameraEntry, StreamInfo, Transcoder
from stream_service.rules import ClipWindow
from stream_service.zones import Polygon


@dataclass(frozen=True)
class FootageConversion:
    """How packets that may not be kept as they are become some that may: the masks burnt in; how many at once."""

    transcoder: Callable[[StreamInfo, Sequence[Polygon]], Transcoder]
    places: threading.Semaphore


class Footage(Collector):
    """Thread safe. Also what `/metrics` says of it."""

    def __init__(
        self, folder: Path, spool: FootageSpool, window: ClipWindow, room: Room, conversion: FootageConversion
    ) -> None:
        self._window, self._room, self._conversion = window, room, conversion
        self._spool = spool
        self._writing = Writing(folder, spool.wake)
        # a tap lives as long as its camera's worker
        self._taps: WeakValueDictionary[str, ConvertingTap] = WeakValueDictionary()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Finish what a crash left, and begin.

        Raises:
            OSError: the spool cannot be written.
        """
        self._spool.start()
        self._writing.start()

    def stop(self, timeout_s: float) -> None:
        """Finish open reels. What could not be sent is sent after the next start."""
        self._writing.stop(timeout_s / 2)
        self._spool.stop(timeout_s / 2)

    def tap(self, entry: CameraEntry) -> ConvertingTap | None:
        """What listens to the packets of this camera. Nothing of a camera with privacy masks is kept unmasked."""
        if entry.footage == "off":
            return None
        tap = ConvertingTap(
            lambda: FootageTap(entry.camera_id, entry.footage, self._window, self._writing, self._room),
            lambda info: self._conversion.transcoder(info, entry.privacy_masks),
            self._conversion.places,
            masked=bool(entry.privacy_masks),
            lasting=entry.footage == "continuous",
            before_s=self._window.before_s,
        )
        with self._lock:
            self._taps[entry.camera_id] = tap
        return tap

    def analysed(self, frame: FrameAnalysed) -> None:
        """The faces of one picture, for the boxes."""
        tap = self._tap_of(frame.camera_id)
        if tap is not None:
            tap.analysed(frame)

    def observed(self, message: PassObserved) -> None:
        """A pass that was made durable."""
        tap = self._tap_of(message.camera_id)
        if tap is not None:
            tap.observed(message)

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        yield GaugeMetricFamily("stream_footage_open", "Clips and recordings being written", self._writing.open_reels())
        yield GaugeMetricFamily("stream_footage_waiting", "Finished, not stored yet", self._spool.waiting())
        yield CounterMetricFamily(
            "stream_footage_packets_lost", "Not kept: the disk refused", self._writing.lost_packets
        )
        refused = CounterMetricFamily("stream_footage_refused", "No place to convert", labels=["camera_id"])
        with self._lock:
            taps = list(self._taps.items())
        for camera_id, tap in taps:
            refused.add_metric([camera_id], tap.refused)
        yield refused

    def _tap_of(self, camera_id: str) -> ConvertingTap | None:
        with self._lock:
            return self._taps.get(camera_id)
