"""Fragmented MP4 for live viewers through PyAV: a fragment a picture, nothing decoded.

Independent of the camera's connection: the stream's template is read from one keyframe.
"""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from typing import Final

import av
from av.error import FFmpegError

from stream_service.adapters.pyav_errors import camera_failed
from stream_service.ports import CLOCK_HZ, Packet

_OPTIONS: Final = {
    "movflags": "empty_moov+default_base_moof+frag_every_frame+omit_tfhd_offset+skip_trailer",
    "flush_packets": "1",
}


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

    def __init__(self, keyframe: bytes) -> None:
        """Write the header for the stream that `keyframe` (with parameter sets) belongs to.

        Raises:
            CameraFailed: the keyframe cannot be read.
        """
        self._sink = _Sink()
        self._base = Fraction(1, CLOCK_HZ)
        try:
            with av.open(io.BytesIO(keyframe), "r", format="h264") as template:
                self._out = av.open(self._sink, "w", format="mp4", options=_OPTIONS)
                self._stream = self._out.add_stream_from_template(template.streams.video[0])
            self._stream.time_base = self._base
            self._out.start_encoding()
        except (FFmpegError, ValueError, IndexError) as error:
            raise camera_failed(error if not isinstance(error, IndexError) else ValueError()) from None
        self.header = self._sink.take()

    def mux(self, packet: Packet) -> bytes:
        coded = av.Packet(packet.data)
        coded.time_base = self._base
        coded.pts, coded.dts, coded.is_keyframe = packet.pts, packet.dts, packet.key
        coded.stream = self._stream
        try:
            self._out.mux_one(coded)
        except (FFmpegError, ValueError) as error:
            raise camera_failed(error) from None
        return self._sink.take()

    def close(self) -> None:
        with contextlib.suppress(FFmpegError, ValueError):
            self._out.close()
        self._sink.take()
