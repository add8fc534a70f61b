"""The few bytes of H.265 that this service must understand: parameter sets, Annex B form, the name browsers want.

`h264` does the same for H.264; what both share is there.
"""

from __future__ import annotations

from typing import Final

from shared_kernel.messages import CameraReason
from stream_service import h264
from stream_service.h264 import START_CODE, nal_units
from stream_service.rules import CameraFailed

_SPS: Final = 33
#: VPS, SPS, PPS
_SETS: Final = frozenset({32, _SPS, 34})
#: Where the list of parameter sets begins in an HEVCDecoderConfigurationRecord.
_ARRAYS_AT: Final = 22
#: Bytes of an SPS before its profile: two of the NAL header, one of ids.
_PROFILE_AT: Final = 3
_PROFILE_BYTES: Final = 12


def _kind(nal: bytes) -> int:
    return nal[0] >> 1 & 63


def parameter_sets(data: bytes) -> bytes:
    """The VPS, SPS and PPS of one Annex B picture, in Annex B form; b"" when it carries none."""
    return b"".join(START_CODE + nal for nal in nal_units(data) if _kind(nal) in _SETS)


def mime(data: bytes) -> str:
    """RFC 6381 name of a stream whose key frame is `data`: `hvc1.…`; without level when it has no SPS."""
    sps = next((nal for nal in nal_units(data) if _kind(nal) == _SPS), b"")
    # three zero bytes in the profile are kept apart by a 3, so that they are no start code
    profile = sps.replace(b"\x00\x00\x03", b"\x00\x00")[_PROFILE_AT : _PROFILE_AT + _PROFILE_BYTES]
    if len(profile) < _PROFILE_BYTES:
        return 'video/mp4; codecs="hvc1"'
    space, compatible = "ABC"[(profile[0] >> 6) - 1] if profile[0] >> 6 else "", int.from_bytes(profile[1:5], "big")
    reversed_bits = int(f"{compatible:032b}"[::-1], 2)
    tier = "H" if profile[0] & 32 else "L"
    constraints = "".join(f".{byte:X}" for byte in profile[5:11].rstrip(b"\x00"))
    return f'video/mp4; codecs="hvc1.{space}{profile[0] & 31}.{reversed_bits:X}.{tier}{profile[11]}{constraints}"'


class AnnexB(h264.AnnexB):
    """See `h264.AnnexB`."""

    @staticmethod
    def _header(extradata: bytes) -> tuple[int, bytes]:
        return _hvcc(extradata)

    @staticmethod
    def _whole_sets(data: bytes) -> bytes:
        return parameter_sets(data)


def _hvcc(extradata: bytes) -> tuple[int, bytes]:
    """Length size and parameter sets of an HEVCDecoderConfigurationRecord."""
    if len(extradata) <= _ARRAYS_AT:
        raise CameraFailed(CameraReason.INVALID_DATA, f"H.265 header: expected {_ARRAYS_AT + 1} bytes or more")
    sets, at = [], _ARRAYS_AT + 1
    for _ in range(extradata[_ARRAYS_AT]):
        count, at = int.from_bytes(extradata[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2], "big")
            sets.append(extradata[at + 2 : at + 2 + length])
            at += 2 + length
    return (extradata[_ARRAYS_AT - 1] & 3) + 1, b"".join(START_CODE + nal for nal in sets if nal)
