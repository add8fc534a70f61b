"""The worker's counts for Prometheus: the tallies of `ports` that `/metrics` of the same process shows."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from shared_kernel.messages import FrameAnalysed
from shared_kernel.vision.rules import Urgency

#: From the frame's capture to its verdict; half a second is the whole budget from camera to event.
DELAY_BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0)

#: Time at the desk: from well within every budget to the budget of a job and beyond.
DESK_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.6, 1.0, 2.0, 5.0, 10.0)

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64)


class PrometheusTally:
    """Counts into a registry; one a process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._analysed = Counter("inference_frames_analysed_total", "Frames whose verdict went out", registry=registry)
        self._skipped = Counter(
            "inference_frames_skipped_total", "Frames that were not analysed", ["reason"], registry=registry
        )
        self._faces = Counter("inference_faces_total", "Faces found in frames, by state", ["state"], registry=registry)
        self._photos = Counter("inference_photos_total", "Photos, by outcome", ["outcome"], registry=registry)
        self._live = Counter(
            "inference_live_total", "Pictures of live sessions, by outcome", ["outcome"], registry=registry
        )
        self._delay = Histogram(
            "inference_frame_delay_seconds", "From capture to verdict", buckets=DELAY_BUCKETS_S, registry=registry
        )
        self._decoders = Counter(
            "inference_decoders_ended_total", "Decoders lost over a file", ["reason"], registry=registry
        )

    def frame_analysed(self, frame: FrameAnalysed) -> None:
        """See `inference_service.ports.Tally`."""
        self._analysed.inc()
        self._delay.observe(max(0.0, (frame.analysed_at - frame.captured_at).total_seconds()))
        for face in frame.faces:
            self._faces.labels(face.state.value).inc()

    def frame_skipped(self, reason: str) -> None:
        """See `inference_service.ports.Tally`."""
        self._skipped.labels(reason).inc()

    def photo_done(self, outcome: str) -> None:
        """See `inference_service.ports.Tally`."""
        self._photos.labels(outcome).inc()

    def live_done(self, outcome: str) -> None:
        """See `inference_service.ports.Tally`."""
        self._live.labels(outcome).inc()

    def decoder_ended(self, reason: str) -> None:
        """See `shared_kernel.vision.ports.DecoderTally`."""
        self._decoders.labels(reason).inc()


class PrometheusDeskTally:
    """Counts what happens at the desk into a registry; one a process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        which = ["model", "urgency"]
        self._waiting = Gauge("inference_queue_length", "Pictures that wait for a model", which, registry=registry)
        self._refused = Counter("inference_queue_refused_total", "Found the queue full", which, registry=registry)
        self._batch = Histogram(
            "inference_batch_size", "Pictures read together", ["model"], buckets=BATCH_BUCKETS, registry=registry
        )
        self._queued = Histogram(
            "inference_queue_seconds", "Waited for a model", which, buckets=DESK_BUCKETS_S, registry=registry
        )
        self._total = Histogram(
            "inference_latency_seconds", "Waited and was read", which, buckets=DESK_BUCKETS_S, registry=registry
        )

    def waiting(self, model: str, urgency: Urgency, pictures: int) -> None:
        """See `inference_service.ports.DeskTally`."""
        self._waiting.labels(model, urgency).set(pictures)

    def refused(self, model: str, urgency: Urgency) -> None:
        """See `inference_service.ports.DeskTally`."""
        self._refused.labels(model, urgency).inc()

    def batch_read(self, model: str, pictures: int) -> None:
        """See `inference_service.ports.DeskTally`."""
        self._batch.labels(model).observe(pictures)

    def picture_read(self, model: str, urgency: Urgency, queued_s: float, total_s: float) -> None:
        """See `inference_service.ports.DeskTally`."""
        self._queued.labels(model, urgency).observe(queued_s)
        self._total.labels(model, urgency).observe(total_s)
