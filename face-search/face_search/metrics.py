"""What this service counts beside requests and messages."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

_decoders_ended: Final = Counter("face_decoders_ended_total", "Decoders lost over a stranger's file", ["reason"])


class PrometheusDecoderTally:
    """See `shared_kernel.vision.ports.DecoderTally`."""

    def decoder_ended(self, reason: str) -> None:
        """See the port."""
        _decoders_ended.labels(reason).inc()
