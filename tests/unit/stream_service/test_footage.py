"""What is kept of a camera's packets, and how it leaves: clips, pieces, outages, full disks, kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared_kernel.messages import derived_id
from shared_kernel.testing import wait_until
from stream_service.footage.reel import Reel
from stream_service.footage.tap import MAX_CLIPS
from tests.unit.stream_service.doubles import WITH, KeptBus, analysed, face
from tests.unit.stream_service.footage_parts import (
    INFO,
    OTHER_FORMAT,
    KeptFiles,
    Parts,
    at,
    entry,
    observed,
    play,
    span,
    tapped,
)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path / "footage", KeptBus(), KeptFiles())


def test_a_clip_has_the_seconds_before_and_after_its_pass_and_its_boxes(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry())
    tap.begin(INFO)
    play(tap, 0, 10)
    footage.analysed(analysed(1, 8.0, face(400)))
    footage.observed(observed(8.0))
    play(tap, 10, 12)
    footage.observed(observed(8.0, 9.5))
    play(tap, 12, 20)
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.stop(2)
    [message] = parts.recorded()
    assert message.kind == "clip"
    assert message.pass_id == derived_id("pass", 1)
    assert span(message) == (6.0, 11.5)
    assert parts.files.files[message.key].startswith(b"h264 138\n")
    assert message.boxes_key is not None
    assert b"without_mask" in parts.files.files[message.boxes_key]
    assert message.bytes == sum(len(data) for data in parts.files.files.values())
    assert [parts.left(name) for name in ("open", "queue", "work", "bad")] == [[], [], [], []]


def test_who_is_protected_has_no_clip_until_the_verdict_says_otherwise(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry())
    tap.begin(INFO)
    play(tap, 0, 5)
    footage.observed(observed(4.0, state=WITH))
    footage.observed(observed(4.0, 4.5, state=WITH))
    footage.observed(observed(4.0, state=WITH, number=2))
    footage.observed(observed(4.0, 4.5, number=2))
    play(tap, 5, 12)
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.stop(2)
    assert [message.pass_id for message in parts.recorded()] == [derived_id("pass", 2)]


def test_whoever_stands_there_for_long_has_one_clip_of_the_longest_length(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry())
    tap.begin(INFO)
    play(tap, 0, 5)
    footage.observed(observed(4.0))
    play(tap, 5, 60)
    footage.observed(observed(4.0, 59.0))
    play(tap, 60, 66)
    tap.end()
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.stop(2)
    assert [span(message) for message in parts.recorded()] == [(2.0, 24.0)]


def test_in_a_crowd_the_oldest_clip_ends_early_and_none_is_missing(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry())
    tap.begin(INFO)
    play(tap, 0, 5)
    for number in range(MAX_CLIPS + 3):
        footage.observed(observed(4.0, number=number))
    tap.end()
    wait_until(lambda: len(parts.recorded()) == MAX_CLIPS + 3)
    footage.stop(2)


def test_a_recording_is_cut_at_key_frames_without_a_gap(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry("continuous"))
    tap.begin(INFO)
    play(tap, 0.6, 150)
    tap.end()
    wait_until(lambda: len(parts.recorded()) == 3)
    footage.stop(2)
    spans = sorted(span(message) for message in parts.recorded())
    assert [begin for begin, _ in spans] == [1.0, 61.0, 121.0]
    assert [end for _, end in spans] == [61.0, 121.0, 150.0]
    assert all(message.pass_id is None and message.boxes_key is None for message in parts.recorded())


def test_another_connection_or_format_never_joins_a_file(parts: Parts) -> None:
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry("continuous"))
    tap.begin(INFO)
    play(tap, 0, 3)
    play(tap, 3, 6, OTHER_FORMAT)
    tap.end()
    tap.begin(INFO)
    play(tap, 6, 9)
    footage.observed(observed(7.0))
    tap.end()
    wait_until(lambda: len(parts.recorded()) == 4)
    footage.stop(2)
    assert sorted(span(one) for one in parts.recorded() if one.kind == "recording") == [
        (0.0, 3.0),
        (3.0, 6.0),
        (6.0, 9.0),
    ]
    [clip] = [one for one in parts.recorded() if one.kind == "clip"]
    assert span(clip)[0] == 6.0


def test_nothing_is_kept_of_a_camera_that_is_switched_off(parts: Parts) -> None:
    assert parts.make().tap(entry("off")) is None


def test_recordings_stop_on_a_full_disk_and_clips_go_on(parts: Parts) -> None:
    parts.free = 0.05
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry("continuous"))
    tap.begin(INFO)
    play(tap, 0, 5)
    footage.observed(observed(4.0))
    tap.end()
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.stop(2)
    assert [message.kind for message in parts.recorded()] == ["clip"]


@pytest.mark.parametrize("away", ["bus", "files"])
def test_an_outage_keeps_everything_and_goes_on_by_itself(parts: Parts, away: str) -> None:
    getattr(parts, away).away = True
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry("continuous"))
    tap.begin(INFO)
    play(tap, 0, 130)
    tap.end()
    wait_until(lambda: len(parts.left("queue")) == 3)
    assert parts.recorded() == []
    getattr(parts, away).away = False
    wait_until(lambda: len(parts.recorded()) == 3)
    footage.stop(2)
    begins = [message.started_at for message in parts.recorded()]
    assert begins == sorted(begins)


def test_after_a_kill_what_was_written_is_finished_with_the_same_ids(parts: Parts) -> None:
    parts.bus.away = True
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry("continuous"))
    tap.begin(INFO)
    play(tap, 0, 70)
    wait_until(lambda: len(parts.left("open")) == 1 and len(parts.left("queue")) == 1)
    wait_until(lambda: len(list(Reel.open(parts.left("open")[0]).packets())) == 250)
    # no stop: from here on everything is as the dead process left it, down to a half-written record
    [left] = parts.left("open")
    left.write_bytes(left.read_bytes()[:-3])
    again = Parts(parts.folder, KeptBus(), parts.files)
    second = again.make()
    second.start()
    wait_until(lambda: len(again.recorded()) == 2)
    second.stop(2)
    parts.bus.away = False
    assert [span(message) for message in again.recorded()] == [
        (0.0, 60.0),
        (60.0, 70.0),
    ]
    assert again.recorded()[0].footage_id == derived_id("cam", f"recording/{at(0).isoformat()}")
    footage.stop(2)


def test_a_reel_without_a_picture_stops_nobody(parts: Parts) -> None:
    (parts.folder / "open").mkdir(parents=True)
    (parts.folder / "open" / "0000000000001-clip-x").write_bytes(b"")
    footage = parts.make()
    footage.start()
    tap = tapped(footage, entry("continuous"))
    tap.begin(INFO)
    play(tap, 0, 5)
    tap.end()
    wait_until(lambda: len(parts.recorded()) == 1)
    footage.stop(2)
    assert [path.name for path in parts.left("bad")] == ["0000000000001-clip-x"]
