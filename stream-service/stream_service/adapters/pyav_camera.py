"""Cameras through PyAV: RTSP over TCP, HTTP, RTMP, and files that play at their own speed, round and round.

`capture` and the probe use it through the port `Feed`. Packets leave with a clock of ours (`_Timeline`): cameras jump,
loop and omit times. Decoding is in `pyav_decoder`, remuxing in `pyav_mux`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from shared_kernel.messages import CameraReason
from stream_service.adapters.pyav_errors import camera_failed
from stream_service.h264 import AnnexB
from stream_service.ports import CLOCK_HZ, Packet, StreamInfo
from stream_service.rules import FROZEN_AFTER_S, OPEN_TIMEOUT_S, CameraFailed, checked_address

#: libav looks this long and this far into a stream for what the header did not say.
_ANALYSE: Final = {"analyzeduration": "200000", "probesize": "500000", "fpsprobesize": "0"}
#: libav gives up this much later than our own watchdog, seconds: the watchdog names the reason, libav frees the thread.
_LATER_S: Final = 3.0
_SOCKET_TIMEOUT_US: Final = str(int((OPEN_TIMEOUT_S + _LATER_S) * 1_000_000))
_FORMATS: Final = "mov,mp4,matroska,webm,avi,flv,mpegts,mpeg,h264,hevc,mpjpeg,mjpeg"
#: A file or an HTTP stream may not lead to further addresses: no playlists, no redirects to files.
_OPTIONS: Final[dict[str, dict[str, str]]] = {
    "rtsp": {
        "rtsp_transport": "tcp",
        "allowed_media_types": "video",
        "protocol_whitelist": "rtp,tcp,udp",
        "format_whitelist": "rtsp,sdp,rtp",
        "timeout": _SOCKET_TIMEOUT_US,
    },
    "rtsps": {
        "rtsp_transport": "tcp",
        "allowed_media_types": "video",
        "protocol_whitelist": "rtp,tcp,tls,crypto,udp",
        "format_whitelist": "rtsp,sdp,rtp",
        "timeout": _SOCKET_TIMEOUT_US,
    },
    "http": {"protocol_whitelist": "http,tcp", "format_whitelist": _FORMATS, "max_redirects": "0"},
    "https": {"protocol_whitelist": "https,tls,tcp,crypto", "format_whitelist": _FORMATS, "max_redirects": "0"},
    "rtmp": {"protocol_whitelist": "rtmp,tcp", "format_whitelist": "flv", "rtmp_live": "live"},
    "rtmps": {"protocol_whitelist": "rtmps,tls,tcp,crypto", "format_whitelist": "flv", "rtmp_live": "live"},
    "file": {"protocol_whitelist": "file", "format_whitelist": _FORMATS},
}
#: A jump of the camera's clock beyond this is not believed, ticks.
_MAX_JUMP: Final = 2 * CLOCK_HZ
_DEFAULT_STEP: Final = CLOCK_HZ // 25


class PyavFeed:
    """One connection; see `ports.Feed`. Not used again after it ended."""

    def __init__(self, url: str, file_roots: Sequence[Path]) -> None:
        self._url = url
        self._roots = file_roots
        self._scheme = urlsplit(url).scheme
        self._closing = threading.Event()
        self._container: InputContainer | None = None
        self._annex_b: AnnexB | None = None

    def open(self) -> StreamInfo:
        address = checked_address(self._url, self._roots, resolved)
        try:
            container = av.open(
                address,
                options={**_ANALYSE, **_OPTIONS[self._scheme]},
                timeout=(OPEN_TIMEOUT_S - 1.0, FROZEN_AFTER_S + _LATER_S),
            )
        except (FFmpegError, OSError, ValueError) as error:
            raise camera_failed(error) from None  # the original text has the address, with its password
        self._container = container
        stream = self._stream()
        context = stream.codec_context
        extradata = bytes(context.extradata or b"")
        self._annex_b = AnnexB(extradata) if context.name == "h264" else None
        rate = stream.average_rate
        return StreamInfo(
            codec=context.name,
            width=stream.width,
            height=stream.height,
            fps=float(rate) if rate else None,
            extradata=b"" if self._annex_b else extradata,
        )

    def packets(self) -> Iterator[Packet]:
        container, timeline = cast("InputContainer", self._container), _Timeline()
        replays = self._scheme == "file"
        paced = replays or container.duration is not None
        try:
            while not self._closing.is_set():
                yield from self._once(container, timeline, paced=paced)
                if not replays or self._closing.is_set():
                    break
                container.seek(0)
            if not self._closing.is_set():
                raise CameraFailed(CameraReason.CLOSED, "camera: ended the stream")
        except (FFmpegError, OSError, ValueError) as error:
            raise camera_failed(error) from None
        finally:
            container.close()

    def close(self) -> None:
        self._closing.set()

    def _stream(self) -> VideoStream:
        container = cast("InputContainer", self._container)
        if not container.streams.video:
            container.close()
            raise CameraFailed(CameraReason.NO_VIDEO, "camera: sends no video")
        stream = container.streams.video[0]
        if getattr(stream, "codec_context", None) is None:
            container.close()
            raise CameraFailed(CameraReason.UNSUPPORTED_CODEC, "camera: uses a codec that is not known here")
        return stream

    def _once(self, container: InputContainer, timeline: _Timeline, *, paced: bool) -> Iterator[Packet]:
        """All packets up to the end of the peer's data, at the speed of their times when `paced`."""
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, CLOCK_HZ)
        began_s, first_ticks, count = time.monotonic(), None, 0
        for packet in container.demux(stream):
            if self._closing.is_set():
                return
            if packet.size == 0:
                continue  # the end of the data
            count += 1
            dts, pts = _ticks(packet.dts, base), _ticks(packet.pts, base)
            if paced and dts is not None:
                first_ticks = dts if first_ticks is None else first_ticks
                if self._closing.wait(max(0.0, began_s + (dts - first_ticks) / CLOCK_HZ - time.monotonic())):
                    return
            data, key = bytes(packet), bool(packet.is_keyframe)
            if self._annex_b is not None:
                data = self._annex_b.packet(data, key=key)
            yield timeline.packet(data, pts, dts, key=key, step=_ticks(packet.duration, base) or _DEFAULT_STEP)
        if count == 0:
            raise CameraFailed(CameraReason.INVALID_DATA, "camera: sent no packet")
        if paced:  # the last picture is shown as long as the others, or a loop would run fast
            self._closing.wait(_DEFAULT_STEP / CLOCK_HZ)


def resolved(host: str, port: int) -> set[str]:
    """See `rules.Resolve`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {str(entry[4][0]) for entry in found}


class _Timeline:
    """A clock that only goes forward, made from a camera's times where they make sense and from arrival where not."""

    def __init__(self) -> None:
        self._shift: int | None = None
        self._last = 0
        self._last_s = 0.0

    def packet(self, data: bytes, pts: int | None, dts: int | None, *, key: bool, step: int) -> Packet:
        arrived_s, arrived_at = time.monotonic(), datetime.now(UTC)
        if self._last_s == 0.0:
            out = 0
        elif dts is None or self._shift is None:
            out = self._last + step
        else:
            out = dts + self._shift
            if not self._last < out <= self._last + _MAX_JUMP:  # looped, jumped, or paused
                out = self._last + max(1, int((arrived_s - self._last_s) * CLOCK_HZ))
        if dts is not None:
            self._shift = out - dts
        self._last, self._last_s = out, arrived_s
        # the first packets of a connection may lack dts: shown when decoded, for those few
        shown = out if pts is None or dts is None else max(out, out + pts - dts)
        return Packet(data, shown, out, key, arrived_at, arrived_s)


def _ticks(value: int | None, base: Fraction) -> int | None:
    return None if value is None else value * base.numerator * CLOCK_HZ // base.denominator
