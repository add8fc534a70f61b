"""An H.264 or H.265 MP4 file as RTP payloads (RFC 6184, RFC 7798). Used by `server` for SDP and by `sending`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

#: Payload bytes of one RTP packet.
MAX_PAYLOAD_BYTES = 1400
_H264_SKIPPED = {6, 9}  # SEI, access unit delimiter
_H264_PARAMETERS = (7, 8)  # SPS, PPS
_HEVC_SKIPPED = {35, 39, 40}
_HEVC_PARAMETERS = (32, 33, 34)  # VPS, SPS, PPS
_H264_FRAGMENT, _HEVC_FRAGMENT = 28, 49
_START, _END = 0x80, 0x40


@dataclass(frozen=True)
class AccessUnit:
    """One coded picture. Times count from the start of its clip."""

    send_at_s: float
    shown_at_s: float
    nals: tuple[bytes, ...]


@dataclass(frozen=True)
class Clip:
    """A whole file in memory; keyframes carry the parameter sets, so a client may join and resolutions may change."""

    path: Path
    codec: str
    duration_s: float
    parameters: tuple[bytes, ...]
    units: tuple[AccessUnit, ...]

    @classmethod
    def read(cls, path: Path) -> Clip:
        """Demux the first video stream.

        Raises:
            ValueError: it is neither H.264 nor H.265, or has no pictures.
        """
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            codec = stream.codec_context.name
            extradata = bytes(stream.codec_context.extradata or b"")
            if codec not in ("h264", "hevc") or not extradata:
                raise ValueError(f"{path}: expected H.264 or H.265 in MP4, got {codec}")
            parameters, length_bytes = _avc_header(extradata) if codec == "h264" else _hevc_header(extradata)
            time_base = float(stream.time_base or 0)
            units, end_s, first_s = [], 0.0, None
            for packet in container.demux(stream):
                if packet.size == 0 or packet.dts is None or packet.pts is None:
                    continue
                first_s = packet.dts * time_base if first_s is None else first_s
                send_at_s = packet.dts * time_base - first_s
                nals = [nal for nal in _split(bytes(packet), length_bytes) if _kind(codec, nal) not in _left_out(codec)]
                if packet.is_keyframe:
                    nals = [*parameters, *nals]
                units.append(AccessUnit(send_at_s, packet.pts * time_base - first_s, tuple(nals)))
                end_s = max(end_s, send_at_s + (packet.duration or 0) * time_base)
        if not units:
            raise ValueError(f"{path}: expected pictures, got none")
        return cls(path, codec, end_s, tuple(parameters), tuple(units))

    def sdp(self, *, sound: bool = False) -> str:
        """The description a client asks for first."""
        video = ["m=video 0 RTP/AVP 96", *self._format(), "a=control:trackID=0"]
        audio = ["m=audio 0 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=control:trackID=1"] if sound else []
        return "\r\n".join([*_SESSION_LINES, *video, *audio, ""])

    def _format(self) -> list[str]:
        sets = [base64.b64encode(parameter).decode() for parameter in self.parameters]
        if self.codec == "hevc":
            named = zip(("sprop-vps", "sprop-sps", "sprop-pps"), sets, strict=True)
            return ["a=rtpmap:96 H265/90000", "a=fmtp:96 " + "; ".join(f"{key}={value}" for key, value in named)]
        level = self.parameters[0][1:4].hex().upper()
        details = f"packetization-mode=1;profile-level-id={level};sprop-parameter-sets={','.join(sets)}"
        return ["a=rtpmap:96 H264/90000", f"a=fmtp:96 {details}"]

    def payloads(self, unit: AccessUnit) -> Iterator[tuple[bytes, bool]]:
        """RTP payloads of one picture, each with its marker: whether it is the picture's last."""
        for index, nal in enumerate(unit.nals):
            last_nal = index == len(unit.nals) - 1
            if len(nal) <= MAX_PAYLOAD_BYTES:
                yield nal, last_nal
                continue
            for fragment, last in _fragments(self.codec, nal):
                yield fragment, last_nal and last


_SESSION_LINES = (
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=test",
    "c=IN IP4 0.0.0.0",
    "t=0 0",
    "a=control:*",
    "a=range:npt=now-",
)

#: A description without pictures.
SOUND_ONLY_SDP = "\r\n".join(
    [*_SESSION_LINES, "m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=control:trackID=0", ""]
)


def _kind(codec: str, nal: bytes) -> int:
    return nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63


def _left_out(codec: str) -> set[int]:
    """What need not travel, and parameter sets, which are put before each keyframe instead."""
    return _H264_SKIPPED | {*_H264_PARAMETERS} if codec == "h264" else _HEVC_SKIPPED | {*_HEVC_PARAMETERS}


def _split(packet: bytes, length_bytes: int) -> Iterator[bytes]:
    position = 0
    while position + length_bytes <= len(packet):
        length = int.from_bytes(packet[position : position + length_bytes], "big")
        position += length_bytes
        if length:
            yield packet[position : position + length]
        position += length


def _avc_header(extradata: bytes) -> tuple[list[bytes], int]:
    """Parameter sets and size of the length prefix, from an avcC box."""
    position, sets = 5, []
    for mask in (31, 255):
        count = extradata[position] & mask
        position += 1
        for _ in range(count):
            length = int.from_bytes(extradata[position : position + 2], "big")
            sets.append(extradata[position + 2 : position + 2 + length])
            position += 2 + length
    return sets[:2], (extradata[4] & 3) + 1


def _hevc_header(extradata: bytes) -> tuple[list[bytes], int]:
    """The same from an hvcC box."""
    position, sets = 23, dict[int, bytes]()
    for _ in range(extradata[22]):
        kind, count = extradata[position] & 63, int.from_bytes(extradata[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            length = int.from_bytes(extradata[position : position + 2], "big")
            sets.setdefault(kind, extradata[position + 2 : position + 2 + length])
            position += 2 + length
    return [sets[kind] for kind in _HEVC_PARAMETERS], (extradata[21] & 3) + 1


def _fragments(codec: str, nal: bytes) -> Iterator[tuple[bytes, bool]]:
    if codec == "h264":
        head, kind, body = bytes([nal[0] & 0xE0 | _H264_FRAGMENT]), nal[0] & 31, nal[1:]
    else:
        head, kind, body = bytes([nal[0] & 0x81 | _HEVC_FRAGMENT << 1, nal[1]]), nal[0] >> 1 & 63, nal[2:]
    step = MAX_PAYLOAD_BYTES - len(head) - 1
    for start in range(0, len(body), step):
        last = start + step >= len(body)
        flags = (_START if start == 0 else 0) | (_END if last else 0)
        yield head + bytes([flags | kind]) + body[start : start + step], last
