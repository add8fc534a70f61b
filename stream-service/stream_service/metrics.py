"""What `/metrics` says of the cameras, read when it is asked for, so that a removed camera leaves no series behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from stream_service.camera import CameraWorker
from stream_service.fleet import Fleet
from stream_service.mailbox import Mailbox
from stream_service.outbox import Outbox

passes_total = Counter("stream_passes_total", "Passes made durable", ["phase", "state"])


class FleetCollector(Collector):
    """One set of series per running camera, and the two ways out."""

    def __init__(self, fleet: Fleet, mailbox: Mailbox, outbox: Outbox) -> None:
        self._fleet, self._mailbox, self._outbox = fleet, mailbox, outbox

    def collect(self) -> Iterator[Metric]:
        workers = self._fleet.workers()
        yield _states(workers)
        yield _gauge("stream_camera_fps", "Pictures per second that arrive", ((w, w.fps or 0.0) for w in workers))
        yield _gauge("stream_live_viewers", "Open live views", ((w, w.hub.viewers) for w in workers))
        yield _gauge("stream_transcodings", "Live video converted now", ((w, w.hub.transcodings) for w in workers))
        yield _counter("stream_frames_skipped", "Never analysed", ((w, w.ring.skipped) for w in workers))
        yield _counter("stream_reconnects", "Connections that failed or ended", ((w, w.reconnects) for w in workers))
        yield _counter("stream_frames_decoded", "Decoded", ((w, w.decoded_frames) for w in workers))
        yield _counter("stream_frames_analysed", "Sent to be analysed", ((w, w.analysed_frames) for w in workers))
        yield _counter("stream_decode_seconds", "Processor time of decoding", ((w, w.decode_seconds) for w in workers))
        yield _counter("stream_packets_damaged", "Not decodable", ((w, w.damaged_packets) for w in workers))
        yield _counter("stream_packets_dropped", "Processor too slow", ((w, w.dropped_packets) for w in workers))
        dropped = CounterMetricFamily("stream_messages_dropped", "Lost while the bus was away", labels=["topic"])
        for topic, count in list(self._mailbox.dropped.items()):
            dropped.add_metric([topic], count)
        yield dropped
        refused = CounterMetricFamily(
            "stream_messages_refused", "Not sent: another replica holds the camera", labels=["topic"]
        )
        for topic, count in list(self._mailbox.refused.items()):
            refused.add_metric([topic], count)
        yield refused
        yield GaugeMetricFamily("stream_cameras_roomless", "No replica has room for them", len(self._fleet.roomless()))
        yield GaugeMetricFamily("stream_outbox_waiting", "Passes that the bus has not yet", self._outbox.waiting())


def _states(workers: Iterable[CameraWorker]) -> Metric:
    family = GaugeMetricFamily("stream_camera_state", "1 for the state a camera is in", labels=["camera_id", "state"])
    for worker in workers:
        family.add_metric([worker.entry.camera_id, worker.state], 1)
    return family


def _gauge(name: str, text: str, values: Iterable[tuple[CameraWorker, float]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["camera_id"])
    for worker, value in values:
        family.add_metric([worker.entry.camera_id], value)
    return family


def _counter(name: str, text: str, values: Iterable[tuple[CameraWorker, float]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=["camera_id"])
    for worker, value in values:
        family.add_metric([worker.entry.camera_id], value)
    return family
