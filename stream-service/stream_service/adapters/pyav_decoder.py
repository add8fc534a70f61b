"""Packets become frames through PyAV, independent of the connection they came from.

A frame stays in the decoder's own form (mostly YUV 4:2:0: half the bytes of BGR) until somebody needs pixels: only
sampled frames are scaled, and only evidence is converted in full. This is also where privacy masks are burnt in:
whoever asks a frame for anything gets the covered picture, there is no way to the other one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import av
import cv2
import numpy as np
from av.codec.context import CodecContext
from av.error import FFmpegError
from av.stream import Stream
from av.video.frame import VideoFrame

from shared_kernel.messages import CameraReason
from stream_service.adapters.pyav_errors import camera_failed
from stream_service.adapters.pyav_masking import Masks
from stream_service.cells import Cells, cells_of
from stream_service.ports import FullFrame, Luma, Packet, Picture, StreamInfo
from stream_service.rules import CameraFailed
from stream_service.zones import Polygon

#: How many packets a frame may lag behind; beyond that its arrival time is forgotten.
_MAX_LAG_PACKETS = 64
#: Pictures beyond this are refused before they are scaled, pixels (8K).
_MAX_PIXELS = 7680 * 4320
_LARGE_PIXELS = 2560 * 1440
#: Of one conversion. By itself libav takes one a CPU for every frame, which cost twice the time and live as long as it.
_THREADS = 1
#: Formats whose first plane is the brightness, a byte a pixel.
_PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray"})


class PyavFrame:
    """See `ports.FullFrame`. Masks are drawn when somebody looks: most frames are never looked at.

    Several threads look at the newest frame (analysis, snapshots, MJPEG), and libav's scaler belongs to the frame: two
    conversions of one frame at the same time crash the process, so they wait for each other.
    """

    def __init__(self, frame: VideoFrame, arrived_at: datetime, arrived_s: float, masks: Masks | None = None) -> None:
        self.width, self.height = (frame.width & ~1, frame.height & ~1) if masks else (frame.width, frame.height)
        self.arrived_at, self.arrived_s = arrived_at, arrived_s
        self._uncovered: VideoFrame | None = frame
        self._masks = masks
        self._converting = threading.RLock()
        self._covered: VideoFrame | None = None
        self._pixels: Picture | None = None
        self._grey: Luma | None = None
        self._cells: Cells | None = None

    def small_jpeg(self, side: int, quality: int = 85) -> bytes:
        scale = min(1.0, side / max(self.width, self.height))
        width, height = max(2, round(self.width * scale)), max(2, round(self.height * scale))
        with self._converting:
            scaled = self._frame().reformat(width, height, "bgr24", interpolation="AREA", threads=_THREADS)
        picture = scaled.to_ndarray()
        done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise CameraFailed(CameraReason.INVALID_DATA, f"frame of {width} x {height}: cannot be written as JPEG")
        return jpeg.tobytes()

    def luma(self, x0: int, y0: int, x1: int, y1: int) -> Luma:
        with self._converting:
            if self._grey is None:
                self._grey = self._luma_plane()
        return self._grey[y0:y1, x0:x1]

    def cells(self) -> Cells:
        with self._converting:
            if self._cells is None:
                self._cells = cells_of(self.luma(0, 0, self.width, self.height))
        return self._cells

    def pixels(self) -> Picture:
        with self._converting:
            if self._pixels is None:
                self._pixels = cast("Picture", self._frame().reformat(format="bgr24", threads=_THREADS).to_ndarray())
        return self._pixels

    def _frame(self) -> VideoFrame:
        """The picture as anybody may see it."""
        with self._converting:
            if self._covered is None:
                frame = cast("VideoFrame", self._uncovered)
                self._covered, self._uncovered = self._masks.burnt_in(frame) if self._masks else frame, None
            return self._covered

    def _luma_plane(self) -> Luma:
        frame = self._frame()
        if frame.format.name not in _PLANAR:
            return cast("Luma", frame.reformat(format="gray", threads=_THREADS).to_ndarray())
        plane = frame.planes[0]
        rows: Luma = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * self.height]
        return rows.reshape(self.height, plane.line_size)[:, : self.width]


def decoding_context(info: StreamInfo, threads: int) -> av.VideoCodecContext:
    """What decodes the packets of a stream.

    Raises:
        CameraFailed: the codec is not known here, or is none for video.
    """
    try:
        context = CodecContext.create(info.codec, "r")
        if context.type != "video":
            raise CameraFailed(CameraReason.NO_VIDEO, "camera: sends no video")
        if info.extradata:
            context.extradata = info.extradata
        context.thread_count = threads
    except (FFmpegError, ValueError) as error:
        raise camera_failed(error) from None
    return cast("av.VideoCodecContext", context)


class PyavDecoder:
    """See `ports.Decoder`. `seconds` is the processor time spent so far, `pictures` what came of it."""

    def __init__(self, info: StreamInfo, masks: Sequence[Polygon] = ()) -> None:
        """Prepare a decoder whose frames are covered by `masks`.

        Raises:
            CameraFailed: the codec is not known here, or is none for video.
        """
        # one thread up to 1440p: more threads cost more in all and delay each picture
        self._context = decoding_context(info, 1 if info.width * info.height <= _LARGE_PIXELS else 2)
        self._context.skip_frame = "NONREF"
        self._masks = Masks(masks)
        self._arrivals: OrderedDict[int, tuple[datetime, float]] = OrderedDict()
        self.seconds = 0.0
        self.pictures = 0
        self.damaged = 0

    def decode_all(self) -> None:
        self._context.skip_frame = "DEFAULT"

    def decode_alone(self, packet: Packet) -> list[FullFrame]:
        # Some decoders give a picture only when the next one comes, so this one is asked to finish, and begins again.
        found = [*self._decoded(packet), *self._decoded(None)]
        self._context.flush_buffers()
        return found

    def decode(self, packet: Packet) -> list[FullFrame]:
        return self._decoded(packet)

    def _decoded(self, packet: Packet | None) -> list[FullFrame]:
        began = time.thread_time()
        try:
            coded = self._coded(packet) if packet else None
            found = [self._framed(frame) for frame in self._context.decode(coded) if self._fits(frame)]
        except (FFmpegError, ValueError):
            self.damaged += 1  # the next keyframe heals it
            return []
        finally:
            self.seconds += time.thread_time() - began
        self.pictures += len(found)
        return found

    def _coded(self, packet: Packet) -> av.Packet[Stream]:
        self._arrivals[packet.pts] = (packet.arrived_at, packet.arrived_s)
        while len(self._arrivals) > _MAX_LAG_PACKETS:
            self._arrivals.popitem(last=False)
        coded = av.Packet(packet.data)
        coded.pts, coded.dts = packet.pts, packet.dts
        return coded

    @staticmethod
    def _fits(frame: VideoFrame) -> bool:
        return 0 < frame.width * frame.height <= _MAX_PIXELS

    def _framed(self, frame: VideoFrame) -> FullFrame:
        default = (datetime.now(UTC), time.monotonic())
        arrived_at, arrived_s = self._arrivals.pop(frame.pts, default) if frame.pts is not None else default
        return PyavFrame(frame, arrived_at, arrived_s, self._masks)
