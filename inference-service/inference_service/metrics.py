"""The worker's counts for Prometheus: a `Tally` that `/metrics` of the same process shows."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from shared_kernel.messages import FrameAnalysed

#: From the frame's capture to its verdict; half a second is the whole budget from camera to event.
DELAY_BUCKETS_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0)


class PrometheusTally:
    """Counts into a registry; one a process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._analysed = Counter("inference_frames_analysed_total", "Frames whose verdict went out", registry=registry)
        self._skipped = Counter(
            "inference_frames_skipped_total", "Frames that were not analysed", ["reason"], registry=registry
        )
        self._faces = Counter("inference_faces_total", "Faces found in frames, by state", ["state"], registry=registry)
        self._photos = Counter("inference_photos_total", "Photos, by outcome", ["outcome"], registry=registry)
        self._delay = Histogram(
            "inference_frame_delay_seconds", "From capture to verdict", buckets=DELAY_BUCKETS_S, registry=registry
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
