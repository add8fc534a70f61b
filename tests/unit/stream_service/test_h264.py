"""Annex B form, parameter sets, and the names that browsers want."""

from __future__ import annotations

import pytest

from stream_service.h264 import START_CODE, AnnexB, is_playable, mime, nal_units, parameter_sets, sps_of
from stream_service.rules import CameraFailed

SPS = bytes.fromhex("67640028acb403c0113f2c")
PPS = bytes.fromhex("68ee3cb0")
IDR, SLICE, SEI = b"\x65\x88\x80", b"\x41\x9a", b"\x06\x05"
SETS = START_CODE + SPS + START_CODE + PPS
AVCC = b"\x01\x64\x00\x28\xff\xe1" + len(SPS).to_bytes(2, "big") + SPS + b"\x01" + len(PPS).to_bytes(2, "big") + PPS


def with_lengths(*nals: bytes) -> bytes:
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def test_nal_units_are_found_behind_long_and_short_start_codes() -> None:
    assert list(nal_units(START_CODE + SPS + b"\x00\x00\x01" + PPS + START_CODE + IDR)) == [SPS, PPS, IDR]
    assert list(nal_units(b"")) == []
    assert list(nal_units(b"\x00\x00")) == []


def test_parameter_sets_end_where_the_picture_begins() -> None:
    assert parameter_sets(START_CODE + SEI + SETS + START_CODE + IDR + START_CODE + SPS) == SETS
    assert parameter_sets(START_CODE + IDR) == b""


def test_packets_of_a_file_become_annex_b_with_parameter_sets_before_keyframes() -> None:
    stream = AnnexB(AVCC)
    assert stream.packet(with_lengths(IDR), key=True) == SETS + START_CODE + IDR
    assert stream.packet(with_lengths(SEI, SLICE), key=False) == START_CODE + SEI + START_CODE + SLICE


def test_keyframes_of_a_camera_keep_their_own_parameter_sets() -> None:
    stream, other = AnnexB(SETS), START_CODE + SPS[:-1] + b"\xff" + START_CODE + PPS
    assert stream.packet(START_CODE + IDR, key=True) == SETS + START_CODE + IDR
    assert stream.packet(other + START_CODE + IDR, key=True) == other + START_CODE + IDR
    assert stream.packet(START_CODE + IDR, key=True) == other + START_CODE + IDR


@pytest.mark.parametrize("extradata", [b"\x01", b"\x01\x64\x00"])
def test_a_torn_header_is_refused(extradata: bytes) -> None:
    with pytest.raises(CameraFailed):
        AnnexB(extradata)


@pytest.mark.parametrize("size", range(7, len(AVCC)))
def test_a_cut_header_and_cut_packets_do_no_harm(size: int) -> None:
    stream = AnnexB(AVCC[:size])
    for length in range(12):
        stream.packet(with_lengths(SPS, IDR)[:length], key=True)


def test_the_codec_is_named_as_browsers_want_it() -> None:
    assert mime(SPS) == 'video/mp4; codecs="avc1.640028"'
    assert sps_of(SETS) == SPS
    assert sps_of(START_CODE + b"\x67\x64") is None


@pytest.mark.parametrize(("profile", "playable"), [(66, True), (77, True), (100, True), (110, False), (244, False)])
def test_ten_bit_and_444_are_not_playable(profile: int, playable: bool) -> None:
    assert is_playable(bytes([0x67, profile, 0, 40])) is playable
