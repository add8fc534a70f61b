"""A clip as FLV tags and as HLS pieces; JPEG pictures. Used by `http` and `rtmp`."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

_FLV_HEAD_BYTES, _TAG_HEAD_BYTES, _BACK_BYTES = 9, 11, 4


@dataclass(frozen=True)
class Tag:
    """One FLV tag: 9 video, 8 sound, 18 script; its time in milliseconds."""

    kind: int
    at_ms: int
    body: bytes

    def packed(self, shift_ms: int = 0) -> bytes:
        at = self.at_ms + shift_ms
        head = struct.pack(">B", self.kind) + struct.pack(">I", len(self.body))[1:]
        head += struct.pack(">I", at & 0xFFFFFF)[1:] + bytes([at >> 24 & 0xFF]) + b"\0\0\0"
        return head + self.body + struct.pack(">I", len(head) + len(self.body))


def remuxed(clip: Path, container: str, **options: str) -> bytes:
    """The whole video of a clip in another container, unchanged."""
    sink = io.BytesIO()
    with av.open(str(clip)) as source, av.open(sink, "w", format=container, options=options) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return sink.getvalue()


def flv_tags(clip: Path) -> list[Tag]:
    """All tags of a clip; the first video tag has the decoder's parameters."""
    data = remuxed(clip, "flv", flvflags="no_duration_filesize")
    at, tags = _FLV_HEAD_BYTES + _BACK_BYTES, []
    while at + _TAG_HEAD_BYTES <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        time_ms = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        body = data[at + _TAG_HEAD_BYTES : at + _TAG_HEAD_BYTES + size]
        tags.append(Tag(data[at], time_ms, body))
        at += _TAG_HEAD_BYTES + size + _BACK_BYTES
    return tags


def flv_head() -> bytes:
    """What a stream with video only begins with."""
    return b"FLV\x01\x01" + struct.pack(">I", _FLV_HEAD_BYTES) + b"\0\0\0\0"


def endless_tags(tags: list[Tag]) -> Iterator[tuple[Tag, int]]:
    """The pictures again and again, each with the milliseconds to add to its time; parameters come once."""
    videos = [tag for tag in tags if tag.kind == 9]
    length_ms = videos[-1].at_ms + (videos[-1].at_ms - videos[-2].at_ms)
    parameters, pictures = videos[0], [tag for tag in videos if tag.body[1] != 0 or tag is videos[0]]
    yield parameters, 0
    shift_ms = 0
    while True:
        for tag in pictures[1:]:
            if tag.body[1] == 1:
                yield tag, shift_ms
        shift_ms += length_ms


def pieces(clip: Path, folder: Path, *, fragmented: bool) -> list[tuple[str, float]]:
    """HLS pieces of a second in `folder`: names and seconds; with `fragmented` also init.mp4."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {"hls_time": "1", "hls_list_size": "0", "hls_segment_filename": str(folder / "piece%03d.seg")}
    if fragmented:
        options |= {"hls_segment_type": "fmp4", "hls_fmp4_init_filename": "init.mp4"}
    listed = folder / "made.m3u8"
    with av.open(str(clip)) as source, av.open(str(listed), "w", format="hls", options=options) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    lines = listed.read_text().splitlines()
    seconds = [float(line.partition(":")[2].rstrip(",")) for line in lines if line.startswith("#EXTINF")]
    names = [line for line in lines if line and not line.startswith("#")]
    return list(zip(names, seconds, strict=True))


def jpegs(count: int, width: int = 320, height: int = 240) -> list[bytes]:
    """Pictures that differ."""
    found = []
    for number in range(count):
        picture = np.full((height, width, 3), number * 37 % 255, np.uint8)
        context: Any = av.CodecContext.create("mjpeg", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuvj420p"
        context.time_base = Fraction(1, 25)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuvj420p")
        frame.pts = 0
        found.append(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))
    return found
