"""Footage of one camera with a bus, a store and a converter of our own, for its unit tests."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from shared_kernel.errors import Unavailable
from shared_kernel.messages import FootageRecorded, MaskState, PassObserved, derived_id
from stream_service.footage.converting import ConvertingTap
from stream_service.footage.film import Film, Shown
from stream_service.footage.keeping import Footage, FootageConversion
from stream_service.footage.room import Room, Usage
from stream_service.footage.spool import FootageSpool
from stream_service.ports import CameraEntry, Packet, StreamInfo
from stream_service.rules import CameraFailed, ClipWindow
from stream_service.rules import Footage as Mode
from tests.unit.stream_service.doubles import START, KeptBus, KeptOutgoing, face, film, followed, packet

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
