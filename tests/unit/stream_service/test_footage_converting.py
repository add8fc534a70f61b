"""Footage of cameras with privacy masks, or of codecs that no film can have: converted, or not kept at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared_kernel.messages import derived_id
from shared_kernel.testing import wait_until
from stream_service.footage.converting import ConvertingTap
from stream_service.footage.keeping import Footage
from stream_service.rules import Footage as Mode
from tests.unit.stream_service.doubles import KeptBus, analysed, face
from tests.unit.stream_service.footage_parts import (
    INFO,
    KeptFiles,
    Parts,
    entry,
    observed,
    play,
    span,
    tapped,
)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path / "footage", KeptBus(), KeptFiles())


MASKS = (((0.1, 0.1), (0.2, 0.1), (0.2, 0.2)),)


@pytest.mark.parametrize("mode", ["clips", "continuous"])
def test_no_picture_of_a_camera_with_masks_is_written_unmasked(parts: Parts, mode: Mode) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry(mode, privacy_masks=MASKS))
    tap.begin(INFO)
    play(tap, 0, 8)
    footage.analysed(analysed(1, 7.0, face(400)))
    footage.observed(observed(7.0))
    play(tap, 8, 9)
    footage.observed(observed(7.0, 8.0))
    play(tap, 9, 14)
    if mode == "continuous":
        tap.end()
    kinds = {"clip"} if mode == "clips" else {"clip", "recording"}
    wait_until(lambda: {message.kind for message in parts.recorded()} == kinds)
    footage.stop(2)
    for message in parts.recorded():
        assert message.boxes_key is not None
        pictures = parts.files.files[message.key].split(b"\n")[1:]
        assert all(picture.endswith(b"h264 with 1 masks") for picture in pictures)
        if message.kind == "clip":
            assert span(message) == (5.0, 10.0)
    assert [parts.left(name) for name in ("open", "queue", "bad")] == [[], [], []]


def test_one_pass_of_a_camera_with_masks_has_one_clip_and_gives_its_place_back(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry(privacy_masks=MASKS))
    tap.begin(INFO)
    play(tap, 0, 5)
    footage.observed(observed(4.0))
    play(tap, 5, 30)
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.observed(observed(4.0, 29.0))
    play(tap, 30, 35)
    wait_until(lambda: begun(footage, tap, 2), what="the place is free again")
    play(tap, 35, 70)
    wait_until(lambda: len(parts.recorded()) == 2)
    footage.stop(2)
    assert [message.pass_id for message in parts.recorded()] == [derived_id("pass", 1), derived_id("pass", 2)]


def begun(footage: Footage, tap: ConvertingTap, number: int) -> bool:
    refused = tap.refused
    footage.observed(observed(34.0, number=number))
    return tap.refused == refused


def test_without_a_place_to_convert_there_is_no_footage_rather_than_an_unmasked_one(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    first, second = (
        tapped(footage, replace(entry("continuous", privacy_masks=MASKS), camera_id=one)) for one in ("cam", "other")
    )
    for tap in (first, second):
        tap.begin(INFO)
        play(tap, 0, 5)
        tap.end()
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.stop(2)
    assert second.refused > 0
    assert [message.camera_id for message in parts.recorded()] == ["cam"]


def test_a_codec_that_no_film_can_have_is_converted(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry("continuous"))
    tap.begin(replace(INFO, codec="mjpeg"))
    play(tap, 0, 5)
    tap.end()
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.stop(2)
    [message] = parts.recorded()
    assert parts.files.files[message.key].endswith(b"mjpeg with 0 masks")
