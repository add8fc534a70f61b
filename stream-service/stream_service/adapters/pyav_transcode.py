"""Packets of any codec become H.264 that every browser plays, with privacy masks burnt in. The one place that encodes.

On demand only: `live` uses it while somebody watches, footage when a clip is written. Decoding and encoding a picture
of 1080p costs about ten times as much as decoding it; `height_limit` bounds that.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final, cast

import av
from av.codec.context import CodecContext
from av.error import FFmpegError
from av.video.frame import PictureType, VideoFrame

from stream_service.adapters.pyav_decoder import decoding_context
from stream_service.adapters.pyav_masking import Masks
from stream_service.ports import CLOCK_HZ, Packet, StreamInfo
from stream_service.zones import Polygon

#: How many packets a picture may lag behind; beyond that its arrival time is forgotten.
_MAX_LAG_PACKETS: Final = 64
#: A key frame at least after so many pictures.
_GROUP: Final = 50
_MAX_PIXELS: Final = 7680 * 4320
_ENCODER: Final = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "profile": "high",
    "crf": "26",
    "forced-idr": "1",
    "x264-params": "log-level=none",
}


class PyavTranscoder:
    """See `ports.Transcoder`. Used by one thread. `seconds` is the processor time spent so far."""

    def __init__(self, info: StreamInfo, masks: Sequence[Polygon], height_limit: int) -> None:
        """Prepare for one connection.

        Raises:
            CameraFailed: the codec is not known here, or is none for video.
        """
        self._decoder = decoding_context(info, threads=1)
        self._masks, self._height_limit = Masks(masks), height_limit
        self._encoder: Any = None
        self._size = (0, 0)
        self._last_pts = -1
        self._arrivals: OrderedDict[int, tuple[datetime, float]] = OrderedDict()
        self.seconds = 0.0

    def feed(self, packet: Packet, *, show: bool = True) -> list[Packet]:
        """What came of the next packet, in Annex B form; mostly one packet, at first none.

        Args:
            packet: The next one; the first should be a key frame.
            show: False to catch up: the picture is decoded, because others refer to it, but not encoded.
        """
        self._arrivals[packet.pts] = (packet.arrived_at, packet.arrived_s)
        while len(self._arrivals) > _MAX_LAG_PACKETS:
            self._arrivals.popitem(last=False)
        coded = av.Packet(packet.data)
        coded.pts, coded.dts = packet.pts, packet.dts
        return self._made(coded, show=show)

    def flush(self) -> list[Packet]:
        """The last pictures, which the decoder held back to bring them in order. Ends the work."""
        return self._made(None, show=True)

    def _made(self, coded: av.Packet[Any] | None, *, show: bool) -> list[Packet]:
        began_s = time.thread_time()
        try:
            frames = self._decoder.decode(coded)
            return [made for frame in frames if show and self._fits(frame) for made in self._encoded(frame)]
        except (FFmpegError, ValueError):
            return []  # damaged: the next key frame heals it
        finally:
            self.seconds += time.thread_time() - began_s

    @staticmethod
    def _fits(frame: VideoFrame) -> bool:
        return 0 < frame.width * frame.height <= _MAX_PIXELS and frame.pts is not None

    def _encoded(self, frame: VideoFrame) -> list[Packet]:
        pts = cast("int", frame.pts)
        if pts <= self._last_pts:
            return []  # after a jump of the clock; the encoder wants rising times
        self._last_pts = pts
        scale = min(1.0, self._height_limit / frame.height)
        size = max(2, round(frame.width * scale) & ~1), max(2, round(frame.height * scale) & ~1)
        first = self._encoder is None or size != self._size
        if first:
            self._encoder, self._size = _new_encoder(*size, frame), size
        picture = self._masks.burnt_in(frame, *size)
        picture.pts, picture.time_base = pts, Fraction(1, CLOCK_HZ)
        picture.pict_type = PictureType.I if first or frame.key_frame else PictureType.NONE
        made = []
        for out in self._encoder.encode(picture):
            at, at_s = self._arrivals.pop(out.pts, (datetime.now(UTC), time.monotonic()))
            made.append(Packet(bytes(out), out.pts, out.dts, bool(out.is_keyframe), at, at_s))
        return made


def _new_encoder(width: int, height: int, like: VideoFrame) -> Any:
    encoder: Any = CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, CLOCK_HZ), Fraction(25)
    encoder.gop_size, encoder.max_b_frames, encoder.thread_count = _GROUP, 0, 1
    encoder.colorspace, encoder.color_range = like.colorspace, like.color_range
    encoder.options = _ENCODER
    return encoder
