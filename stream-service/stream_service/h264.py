"""The few bytes of H.264 that this service must understand: parameter sets, Annex B form, the name browsers want."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared_kernel.messages import CameraReason
from stream_service.rules import CameraFailed

START_CODE: Final = b"\x00\x00\x00\x01"
_SHORT_CODE: Final = b"\x00\x00\x01"
_SLICE, _IDR, _SPS, _PPS = 1, 5, 7, 8
#: `profile_idc` that browsers play: baseline, main, high. The others are 10 bit, 4:2:2 or 4:4:4.
_PLAYABLE_PROFILES: Final = frozenset({66, 77, 100})
_MIN_SPS_BYTES: Final = 4
_MIN_AVCC_BYTES: Final = 7


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of Annex B bytes, without start codes."""
    start = data.find(_SHORT_CODE)
    while start >= 0:
        begin = start + len(_SHORT_CODE)
        start = data.find(_SHORT_CODE, begin)
        nal = data[begin : start if start >= 0 else len(data)]
        nal = nal.rstrip(b"\x00") if start >= 0 else nal  # the zero of a four-byte start code belongs to the next one
        if nal:
            yield nal


def parameter_sets(data: bytes) -> bytes:
    """The SPS and PPS of one Annex B picture, in Annex B form; b"" when it carries none."""
    found = []
    for nal in nal_units(data):
        kind = nal[0] & 31
        if kind in (_SPS, _PPS):
            found.append(nal)
        elif _SLICE <= kind <= _IDR:
            break  # parameter sets come before the picture
    return b"".join(START_CODE + nal for nal in found)


def sps_of(sets: bytes) -> bytes | None:
    """The first SPS among parameter sets."""
    return next((nal for nal in nal_units(sets) if nal[0] & 31 == _SPS and len(nal) >= _MIN_SPS_BYTES), None)


def is_playable(sps: bytes) -> bool:
    """Whether browsers play this profile."""
    return sps[1] in _PLAYABLE_PROFILES


def mime(sps: bytes) -> str:
    """RFC 6381 name for `MediaSource.addSourceBuffer`: `avc1.PPCCLL` from profile, constraints and level."""
    return f'video/mp4; codecs="avc1.{sps[1:4].hex()}"'


class AnnexB:
    """Brings the packets of one stream into Annex B form, with the parameter sets before every keyframe.

    `h265` does the same with its own header and parameter sets.
    """

    def __init__(self, extradata: bytes) -> None:
        """Read the stream's header, in either of its two forms.

        Raises:
            CameraFailed: it is neither.
        """
        self._length_bytes = 0
        self._sets = b""
        if extradata[:1] == b"\x01":
            self._length_bytes, self._sets = self._header(extradata)
        elif extradata:
            self._sets = self._whole_sets(extradata)

    def packet(self, data: bytes, *, key: bool) -> bytes:
        """One picture in Annex B form."""
        if self._length_bytes:
            data = with_start_codes(data, self._length_bytes)
        if not key:
            return data
        sets = self._whole_sets(data)
        if sets:
            self._sets = sets
            return data
        return self._sets + data

    @staticmethod
    def _header(extradata: bytes) -> tuple[int, bytes]:
        """Length size and parameter sets of the codec's configuration record."""
        return _avcc(extradata)

    @staticmethod
    def _whole_sets(data: bytes) -> bytes:
        """The parameter sets of a picture that can be decoded with them alone; else b""."""
        sets = parameter_sets(data)
        return sets if sps_of(sets) is not None else b""


def _avcc(extradata: bytes) -> tuple[int, bytes]:
    """Length size and parameter sets of an AVCDecoderConfigurationRecord."""
    if len(extradata) < _MIN_AVCC_BYTES:
        raise CameraFailed(CameraReason.INVALID_DATA, "H.264 header: expected 7 bytes or more")
    sets, at = [], 5
    for mask in (31, 255):
        count, at = (extradata[at] & mask if at < len(extradata) else 0), at + 1
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2], "big")
            sets.append(extradata[at + 2 : at + 2 + length])
            at += 2 + length
    return (extradata[4] & 3) + 1, b"".join(START_CODE + nal for nal in sets if nal)


def with_start_codes(data: bytes, length_bytes: int) -> bytes:
    """NAL units that carry their length, in Annex B form."""
    parts, at = [], 0
    while at + length_bytes <= len(data):
        length = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        parts.append(START_CODE + data[at : at + length])
        at += length
    return b"".join(parts)
