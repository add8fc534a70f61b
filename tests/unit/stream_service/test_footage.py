"""What is kept of a camera's packets, and how it leaves: clips, pieces, outages, full disks, kills."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared_kernel.errors import Unavailable
from shared_kernel.messages import FootageRecorded, MaskState, PassObserved, derived_id
from shared_kernel.testing import wait_until
from stream_service.footage.converting import ConvertingTap
from stream_service.footage.film import Film, Shown
from stream_service.footage.keeping import Footage, FootageConversion
from stream_service.footage.reel import Reel
from stream_service.footage.room import Room, Usage
from stream_service.footage.spool import FootageSpool
from stream_service.footage.tap import MAX_CLIPS
from stream_service.ports import CameraEntry, Packet, StreamInfo
from stream_service.rules import CameraFailed, ClipWindow
from stream_service.rules import Footage as Mode
from tests.unit.stream_service.doubles import START, WITH, KeptBus, KeptOutgoing, analysed, face, film, followed, packet

INFO = StreamInfo("h264", 640, 360, 25.0, b"")
#: SPS and PPS of two formats, as they stand before a key frame.
FORMAT, OTHER_FORMAT = (bytes([0, 0, 1, 0x67, 0x64, 0, level, 0xAC, 0, 0, 1, 0x68, 0xEE]) for level in (0x1E, 0x28))


def write_text(path: Path, codec: str, extradata: bytes, packets: Iterable[Packet]) -> Film:
    """A film of which everybody can read what is in it."""
    shown, data = [], []
    for one in packets:
        shown.append(Shown(one.arrived_at, one.pts / 90_000))
        data.append(one.data)
    if not shown:
        raise CameraFailed("invalid_data", "no picture")  # type: ignore[arg-type]
    path.write_bytes(f"{codec} {len(shown)}\n".encode() + b"\n".join(data))
    seconds = (shown[-1].arrived_at - shown[0].arrived_at).total_seconds() + 0.04
    return Film(640, 360, "video/mp4", seconds, shown)


class KeptFiles:
    """Object storage in memory. Refuses while `away`."""

    def __init__(self) -> None:
        self.away = False
        self.files: dict[str, bytes] = {}

    def put_file(self, key: str, path: Path, *, content_type: str = "") -> None:  # noqa: ARG002
        if self.away:
            raise Unavailable("object storage", "connection refused")
        self.files[key] = path.read_bytes()


class Covering:
    """A transcoder that marks what it made; slow ones fall behind."""

    def __init__(self, info: StreamInfo, masks: Sequence[object]) -> None:
        self._mark = f"{info.codec} with {len(masks)} masks".encode()

    def feed(self, packet: Packet, *, show: bool = True) -> list[Packet]:
        assert show
        return [replace(packet, data=packet.data + self._mark)]

    def flush(self) -> list[Packet]:
        return []


@dataclass
class Parts:
    folder: Path
    bus: KeptBus
    files: KeptFiles
    free: float = 0.5

    def make(self) -> Footage:
        spool = FootageSpool(self.folder, self.bus, self.files, write_text)

        def usage(_: Path) -> Usage:
            return Usage(100, 100 - int(self.free * 100), int(self.free * 100))

        conversion = FootageConversion(Covering, threading.BoundedSemaphore(1))
        return Footage(self.folder, spool, ClipWindow(2, 2, 20), Room(self.folder, 0.1, usage), conversion)

    def recorded(self) -> list[FootageRecorded]:
        return [message for message in self.bus.messages if isinstance(message, FootageRecorded)]

    def left(self, name: str) -> list[Path]:
        return sorted((self.folder / name).iterdir())


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path / "footage", KeptBus(), KeptFiles())


def entry(mode: Mode = "clips", **fields: object) -> CameraEntry:
    return replace(CameraEntry("cam", "rtsp://camera", enabled=True), footage=mode, **fields)  # type: ignore[arg-type]


def tapped(footage: Footage, given: CameraEntry) -> ConvertingTap:
    tap = footage.tap(given)
    assert tap is not None
    return tap


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def play(tap: ConvertingTap, begin_s: float, end_s: float, data: bytes = FORMAT) -> None:
    """Packets of 25 a second, a key frame each second."""
    for number in range(round(begin_s * 25), round(end_s * 25)):
        tap.feed(packet(number, key=number % 25 == 0, data=data + b"\x00\x00\x01\x65" if number % 25 == 0 else b"p"))


def observed(
    opened_s: float, last_s: float | None = None, *, state: MaskState = MaskState.WITHOUT_MASK, number: int = 1
) -> PassObserved:
    """A pass as it opens, or closes when `last_s` is given."""
    kept = KeptOutgoing()
    followed(film([[face(400)]] * 10), outgoing=kept)
    message = kept.messages[0 if last_s is None else 1]
    last_seen_at = at(opened_s if last_s is None else last_s)
    changes = {"pass_id": derived_id("pass", number), "opened_at": at(opened_s), "last_seen_at": last_seen_at}
    return message.model_copy(update={**changes, "state": state})


def span(message: FootageRecorded) -> tuple[float, float]:
    """Begin and end, to a tenth of a second."""
    begin_s, end_s = ((moment - START).total_seconds() for moment in (message.started_at, message.ended_at))
    return round(begin_s, 1), round(end_s, 1)


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
