"""Cameras through PyAV, one connection each: RTSP, RTMP, HTTP, files that play at their own speed, video devices.

`sources` says what libav opens; `capture` and the doctor use this through the port `Feed`. Packets leave with a clock
of ours (`_Timeline`): cameras jump, loop and omit times. Decoding is in `pyav_decoder`, remuxing in `pyav_mux`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from shared_kernel.messages import CameraReason
from stream_service.adapters.hls_body import close_quietly
from stream_service.adapters.pyav_errors import camera_failed, device_failed
from stream_service.adapters.rtsp_transport import Transports, takes_no_tcp
from stream_service.adapters.sources import TIMEOUTS_S, Entrance, Source
from stream_service.addresses import Reach
from stream_service.h264 import AnnexB
from stream_service.opening import Opening, Stage, TimeFaults, Transport
from stream_service.ports import CLOCK_HZ, Packet, StreamInfo
from stream_service.rules import CameraFailed

#: A jump of the camera's clock beyond this is not believed, ticks.
_MAX_JUMP: Final = 2 * CLOCK_HZ
_DEFAULT_STEP: Final = CLOCK_HZ // 25
#: The first packets of many cameras have no time and come together; whoever sends more of them has no clock.
_MISSING_AT_FIRST: Final = 8
#: JPEG pictures one after the other: libav makes their times up.
_TIMELESS: Final = frozenset({"mpjpeg", "mjpeg"})
#: What is shown at its own speed never waits longer for one picture: its clock has jumped, seconds.
_MAX_WAIT_S: Final = 10.0
#: Packets of one camera that are read at most a second, and at once: what it kept since a key frame comes in a burst.
_MOST_PER_S, _BURST = 250, 500
#: The second transport has at least this long, seconds.
_LEAST_S: Final = 2.0


class PyavFeed:
    """One connection; see `ports.Feed`. Not used again after it ended.

    Args:
        url: of the camera.
        reach: where cameras may be.
        opening: is told how it goes.
        transports: remembers over connections what a camera takes.
    """

    def __init__(
        self, url: str, reach: Reach, opening: Opening | None = None, transports: Transports | None = None
    ) -> None:
        self._url, self._transports = url, transports or Transports()
        self._opening = opening or Opening()
        self._entrance = Entrance(url, reach, self._opening)
        self._closing = threading.Event()
        self._source = Source("")
        self._container: InputContainer | None = None
        self._timeless = False
        self._gave_pictures = False
        self._annex_b: AnnexB | None = None

    def open(self) -> StreamInfo:
        self._source = source = self._entrance.enter()
        try:
            container = self._over_rtsp(source) if source.is_rtsp else self._straight(source)
        except (FFmpegError, OSError, ValueError) as error:
            self._free()
            raise self._failed(error) from None  # the original text has the address, with its password
        except CameraFailed:
            self._free()
            raise
        self._container = container
        self._timeless = container.format.name in _TIMELESS
        if self._opening.kind in ("HTTP", "HTTPS"):
            self._opening.kind += f" {container.format.name.partition(',')[0].upper()}"
        stream = self._stream()
        context = stream.codec_context
        extradata = bytes(context.extradata or b"")
        self._annex_b = AnnexB(extradata) if context.name == "h264" else None
        if self._opening.audio is None:
            sound = container.streams.audio[0] if container.streams.audio else None
            self._opening.audio = sound.codec_context.name.upper() if sound is not None else "none"
        self._opening.done(Stage.DESCRIBE)
        rate = stream.average_rate
        return StreamInfo(
            codec=context.name,
            width=stream.width,
            height=stream.height,
            fps=float(rate) if rate else None,
            extradata=b"" if self._annex_b else extradata,
            transport=self._opening.transport,
        )

    def _failed(self, error: FFmpegError | OSError | ValueError) -> CameraFailed:
        return camera_failed(error) if self._source.format is None else device_failed(error)

    @staticmethod
    def _straight(source: Source) -> InputContainer:
        return av.open(source.file, "r", format=source.format, options=source.options, timeout=TIMEOUTS_S)

    def _over_rtsp(self, source: Source) -> InputContainer:
        """The stream over TCP; over UDP when the camera takes no TCP, or took none before."""
        until_s = time.monotonic() + TIMEOUTS_S[0]
        if self._transports.first(self._url) == "udp":
            return self._over("udp", source, until_s)
        try:
            return self._over("tcp", source, until_s)
        except (FFmpegError, OSError, ValueError) as error:
            if not takes_no_tcp(error) or self._closing.is_set():
                raise
            refusal = error
        try:
            return self._over("udp", source, until_s)
        except (av.error.ExitError, av.error.TimeoutError):
            raise CameraFailed(CameraReason.TIMEOUT, "camera: takes no TCP, and nothing comes over UDP") from None
        except (FFmpegError, OSError, ValueError):
            raise refusal from None

    def _over(self, transport: Transport, source: Source, until_s: float) -> InputContainer:
        options = {**source.options, "rtsp_transport": transport}
        left_s = max(_LEAST_S, until_s - time.monotonic())
        try:
            container = av.open(source.file, "r", options=options, timeout=(left_s, TIMEOUTS_S[1]))
        except (FFmpegError, OSError, ValueError):
            self._transports.failed(self._url)
            raise
        self._opening.transport = transport
        return container

    def packets(self) -> Iterator[Packet]:
        container = cast("InputContainer", self._container)
        # a file that begins again goes back in time, and nothing is wrong with it
        faultless = self._source.replays or self._timeless
        timeline = _Timeline(TimeFaults() if faultless else self._opening.times)
        try:
            while not self._closing.is_set():
                yield from self._once(container, timeline, paced=self._source.paced)
                if not self._source.replays or self._closing.is_set():
                    break
                container.seek(0)
            if not self._closing.is_set():
                raise CameraFailed(CameraReason.CLOSED, "camera: ended the stream")
        except (FFmpegError, OSError, ValueError) as error:
            raise self._failed(error) from None
        finally:
            if not self._gave_pictures:
                self._transports.failed(self._url)
            self._free()

    def close(self) -> None:
        self._closing.set()
        self._entrance.close()

    def _free(self) -> None:
        if self._container is not None:
            self._container.close()
        if not isinstance(self._source.file, str):
            close_quietly(self._source.file)

    def _stream(self) -> VideoStream:
        container = cast("InputContainer", self._container)
        if not container.streams.video:
            self._free()
            raise CameraFailed(CameraReason.NO_VIDEO, "camera: sends no video")
        stream = container.streams.video[0]
        if getattr(stream, "codec_context", None) is None:
            self._free()
            raise CameraFailed(CameraReason.UNSUPPORTED_CODEC, "camera: uses a codec that is not known here")
        return stream

    def _once(self, container: InputContainer, timeline: _Timeline, *, paced: bool) -> Iterator[Packet]:
        """All packets up to the end of the peer's data, at the speed of their times when `paced`."""
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, CLOCK_HZ)
        pace, brake, count = _Pace(), _Brake(), 0
        for packet in container.demux(stream):
            if self._closing.is_set():
                return
            if packet.size == 0:
                continue  # the end of the data
            count += 1
            if (wait_s := brake.wait_s()) > 0 and self._closing.wait(wait_s):
                return
            if not self._gave_pictures:
                self._gave_pictures = True
                self._transports.worked(self._url, self._opening.transport)
            dts, pts = (None, None) if self._timeless else (_ticks(packet.dts, base), _ticks(packet.pts, base))
            if paced and dts is not None and self._closing.wait(pace.wait_s(dts)):
                return
            data, key = bytes(packet), bool(packet.is_keyframe)
            if self._annex_b is not None:
                data = self._annex_b.packet(data, key=key)
            yield timeline.packet(data, pts, dts, key=key, step=_ticks(packet.duration, base) or _DEFAULT_STEP)
        if count == 0:
            reason = CameraReason.INVALID_DATA if self._source.replays else CameraReason.CLOSED
            raise CameraFailed(reason, "camera: ended the stream before its first picture")
        if paced:  # the last picture is shown as long as the others, or a loop would run fast
            self._closing.wait(_DEFAULT_STEP / CLOCK_HZ)


class _Pace:
    """Says how long to wait before a packet, so that what comes in bursts leaves at its own speed."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._first: int | None = None
        self._last = 0

    def wait_s(self, dts: int) -> float:
        now_s = time.monotonic()
        wait_s = self._began_s + (dts - (self._first or 0)) / CLOCK_HZ - now_s
        if self._first is None or dts < self._last or wait_s > _MAX_WAIT_S:  # begun, or its clock jumped
            self._began_s, self._first, wait_s = now_s, dts, 0.0
        self._last = dts
        return max(0.0, wait_s)


class _Brake:
    """Says how long to wait after a packet of a camera that floods: its own connection slows it down, nobody else."""

    def __init__(self) -> None:
        self._due_s = time.monotonic() - _BURST / _MOST_PER_S

    def wait_s(self) -> float:
        now_s = time.monotonic()
        self._due_s = max(self._due_s, now_s - _BURST / _MOST_PER_S) + 1 / _MOST_PER_S
        return max(0.0, self._due_s - now_s)


class _Timeline:
    """A clock that only goes forward, made from a camera's times where they make sense and from arrival where not."""

    def __init__(self, faults: TimeFaults | None = None) -> None:
        self.faults = faults or TimeFaults()
        self._shift: int | None = None
        self._last = 0
        self._last_s = 0.0

    def packet(self, data: bytes, pts: int | None, dts: int | None, *, key: bool, step: int) -> Packet:
        arrived_s, arrived_at = time.monotonic(), datetime.now(UTC)
        if self._last_s == 0.0:
            out = 0
        elif dts is None or self._shift is None:
            self.faults.missing += dts is None
            few = self.faults.missing <= _MISSING_AT_FIRST
            out = self._last + (step if few else max(1, int((arrived_s - self._last_s) * CLOCK_HZ)))
        else:
            out = dts + self._shift
            if not self._last < out <= self._last + _MAX_JUMP:  # looped, jumped, or paused
                self._count(out)
                out = self._last + max(1, int((arrived_s - self._last_s) * CLOCK_HZ))
        if dts is not None:
            self._shift = out - dts
        self._last, self._last_s = out, arrived_s
        # the first packets of a connection may lack dts: shown when decoded, for those few
        shown = out if pts is None or dts is None else max(out, out + pts - dts)
        return Packet(data, shown, out, key, arrived_at, arrived_s)

    def _count(self, out: int) -> None:
        if out <= self._last:
            self.faults.backward += 1
        else:
            self.faults.jumps += 1


def _ticks(value: int | None, base: Fraction) -> int | None:
    return None if value is None else value * base.numerator * CLOCK_HZ // base.denominator
