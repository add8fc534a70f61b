"""Packets become an MP4 file that plays and seeks in a browser while it is still arriving. Nothing is decoded.

`footage.spool` uses it. Live viewers get theirs from `pyav_mux`, which writes fragments.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from shared_kernel.messages import CameraReason
from stream_service import h264, h265
from stream_service.adapters.pyav_errors import camera_failed
from stream_service.footage.film import Film, Shown
from stream_service.ports import CLOCK_HZ, Packet
from stream_service.rules import CameraFailed

#: The index before the pictures: a player can seek when it has only the beginning.
_OPTIONS: Final = {"movflags": "+faststart"}
_BASE: Final = Fraction(1, CLOCK_HZ)
_DEFAULT_STEP: Final = CLOCK_HZ // 25
_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.ENOENT})


def write_mp4(path: Path, codec: str, extradata: bytes, packets: Iterable[Packet]) -> Film:
    """Write `packets`, of which the first is a key frame; the file is whole when this returns.

    Args:
        path: is made or overwritten.
        codec: h264 or hevc.
        extradata: the stream's header for codecs that are not brought into Annex B form when read.
        packets: of one connection, in the order in which they came.

    Raises:
        CameraFailed: there is no picture, or none that can be read.
        OSError: the disk refuses.
    """
    form = h265.AnnexB(extradata) if codec == "hevc" else None
    coming = ((packet, form.packet(packet.data, key=packet.key) if form else packet.data) for packet in packets)
    first = next(coming, None)
    if first is None:
        raise CameraFailed(CameraReason.INVALID_DATA, "footage: expected a picture, got none")
    try:
        with av.open(io.BytesIO(first[1]), "r", format=codec) as template:
            source = template.streams.video[0]
            with av.open(str(path), "w", format="mp4", options=_OPTIONS) as out:
                stream = out.add_stream_from_template(source)
                if codec == "hevc":
                    stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other
                stream.time_base = _BASE
                shown = list(_muxed(out, stream, chain([first], coming)))
            size = source.width, source.height
    except IndexError:
        raise CameraFailed(CameraReason.INVALID_DATA, "footage: the first key frame cannot be read") from None
    except (FFmpegError, ValueError) as error:
        if getattr(error, "errno", None) in _DISK:
            raise OSError(error.errno, "footage: the file cannot be written") from error  # type: ignore[union-attr]
        raise camera_failed(error) from None
    return Film(*size, _mime(codec, first[1]), max(one.at_s for one in shown) + 1 / 25, shown)


def _mime(codec: str, keyframe: bytes) -> str:
    if codec == "hevc":
        return h265.mime(keyframe)
    sps = h264.sps_of(h264.parameter_sets(keyframe))
    return h264.mime(sps) if sps else "video/mp4"


def _muxed(out: OutputContainer, stream: VideoStream, packets: Iterable[tuple[Packet, bytes]]) -> Iterator[Shown]:
    """Write all packets, each with its time from the first picture on."""
    start: int | None = None
    last_dts: int | None = None
    step = _DEFAULT_STEP
    for packet, data in packets:
        start = packet.pts if start is None else start
        if packet.pts < start:
            continue  # shown before the first picture, and made from one that is not here
        step = step if last_dts is None else packet.dts - last_dts
        last_dts = packet.dts
        coded = av.Packet(data)
        coded.stream, coded.time_base = stream, _BASE
        coded.pts, coded.dts, coded.duration = packet.pts - start, packet.dts - start, step
        coded.is_keyframe = packet.key
        out.mux_one(coded)
        yield Shown(packet.arrived_at, (packet.pts - start) / CLOCK_HZ)
