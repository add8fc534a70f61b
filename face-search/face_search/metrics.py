"""What this service counts beside requests and messages."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

_decoders_ended: Final = Counter("face_decoders_ended_total", "Decoders lost over a stranger's file", ["reason"])
#: `with sighting_seconds.time():` from a pass or photo in the worker's hand to its rows and the word to others.
sighting_seconds: Final = Histogram(
    "face_sighting_seconds", "From a pass or photo to its sightings", buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30)
)


class PrometheusDecoderTally:
    """See `shared_kernel.vision.ports.DecoderTally`."""

    def decoder_ended(self, reason: str) -> None:
        """See the port."""
        _decoders_ended.labels(reason).inc()
