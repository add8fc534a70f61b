"""H.265: both forms of a stream become Annex B with parameter sets, and have the name that browsers want."""

from __future__ import annotations

import pytest

from stream_service.h264 import START_CODE
from stream_service.h265 import AnnexB, mime, parameter_sets
from stream_service.rules import CameraFailed

#: Main profile, level 3; with the bytes that keep three zeros apart.
VPS, PPS = bytes.fromhex("40010c01ffff"), bytes.fromhex("4401c172")
SPS = bytes.fromhex("42010101600000030090000003000003005aa0")
SETS = b"".join(START_CODE + nal for nal in (VPS, SPS, PPS))
KEY_PICTURE, PICTURE = b"\x26\x01key", b"\x02\x01picture"


def hvcc(length_bytes: int = 4) -> bytes:
    """An HEVCDecoderConfigurationRecord with these parameter sets."""
    arrays = b"".join(
        bytes([0x80 | nal[0] >> 1]) + b"\x00\x01" + len(nal).to_bytes(2, "big") + nal for nal in (VPS, SPS, PPS)
    )
    return b"\x01" + bytes(20) + bytes([0xFC | length_bytes - 1, 3]) + arrays


@pytest.mark.parametrize("length_bytes", [1, 2, 4])
def test_packets_that_carry_lengths_get_start_codes_and_sets(length_bytes: int) -> None:
    def carried(nal: bytes) -> bytes:
        return len(nal).to_bytes(length_bytes, "big") + nal

    form = AnnexB(hvcc(length_bytes))
    assert form.packet(carried(KEY_PICTURE), key=True) == SETS + START_CODE + KEY_PICTURE
    assert form.packet(carried(PICTURE), key=False) == START_CODE + PICTURE


def test_sets_of_a_description_stand_before_key_frames_that_lack_them() -> None:
    form = AnnexB(SETS)
    assert form.packet(START_CODE + KEY_PICTURE, key=True) == SETS + START_CODE + KEY_PICTURE
    whole = SETS + START_CODE + KEY_PICTURE
    assert form.packet(whole, key=True) == whole
    assert parameter_sets(whole) == SETS


def test_a_header_that_is_none_is_refused() -> None:
    with pytest.raises(CameraFailed, match="expected 23 bytes"):
        AnnexB(b"\x01short")


def test_a_name_has_profile_level_and_constraints() -> None:
    assert mime(SETS) == 'video/mp4; codecs="hvc1.1.6.L90.90"'
    assert mime(START_CODE + KEY_PICTURE) == 'video/mp4; codecs="hvc1"'
