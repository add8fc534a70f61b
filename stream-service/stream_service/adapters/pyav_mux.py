"""Containers for live viewers through PyAV: fragmented MP4 with a fragment a picture, and FLV. Nothing is decoded.

Independent of the camera's connection: the stream's template is read from one keyframe. Times in MP4 are those of the
packets, whenever the muxer began: what is said about a picture (boxes) is found by them.
"""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from typing import Final, Literal

import av
from av.error import FFmpegError

from stream_service.adapters.pyav_errors import camera_failed
from stream_service.ports import CLOCK_HZ, Fragment, Packet

_OPTIONS: Final[dict[str, dict[str, str]]] = {
    "mp4": {
        "movflags": "empty_moov+default_base_moof+frag_every_frame+frag_discont+omit_tfhd_offset+skip_trailer",
        "use_editlist": "0",
        "avoid_negative_ts": "disabled",
        "flush_packets": "1",
    },
    "flv": {"flvflags": "no_duration_filesize+no_metadata", "flush_packets": "1"},
}
#: The container writes a packet when the next one comes, because only then its duration is known.
_LATE: Final = frozenset({"mp4"})


class _Sink:
    """Write-only file for libav; without seek() it is treated as a stream."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class PyavMuxer:
    """See `ports.Muxer`. H.264 in Annex B form only."""

    def __init__(self, kind: Literal["mp4", "flv"], keyframe: bytes) -> None:
        """Write the header for the stream that `keyframe` (with parameter sets) belongs to.

        Raises:
            CameraFailed: the keyframe cannot be read.
        """
        self._sink = _Sink()
        self._late = kind in _LATE
        self._before: Packet | None = None
        self._base = Fraction(1, CLOCK_HZ)
        try:
            with av.open(io.BytesIO(keyframe), "r", format="h264") as template:
                self._out = av.open(self._sink, "w", format=kind, options=_OPTIONS[kind])
                self._stream = self._out.add_stream_from_template(template.streams.video[0])
            self._stream.time_base = self._base
            self._out.start_encoding()
        except (FFmpegError, ValueError, IndexError) as error:
            raise camera_failed(error if not isinstance(error, IndexError) else ValueError()) from None
        self.header = self._sink.take()

    def mux(self, packet: Packet) -> Fragment | None:
        coded = av.Packet(packet.data)
        coded.time_base = self._base
        coded.pts, coded.dts, coded.is_keyframe = packet.pts, packet.dts, packet.key
        coded.stream = self._stream
        try:
            self._out.mux_one(coded)
        except (FFmpegError, ValueError) as error:
            raise camera_failed(error) from None
        written = self._before if self._late else packet
        self._before = packet
        data = self._sink.take()
        return Fragment(data, written.key, written.dts, written.arrived_at) if written and data else None

    def close(self) -> None:
        with contextlib.suppress(FFmpegError, ValueError):
            self._out.close()
        self._sink.take()
