"""Accepted means exactly one row: order, outages, restarts, crashes at every step, damaged files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from shared_kernel.errors import Conflict, Unavailable
from shared_kernel.messages import PassObserved
from shared_kernel.testing import wait_until
from stream_service.outbox import Entry, Outbox
from stream_service.ports import Progress
from tests.unit.stream_service.doubles import (
    START,
    KeptBus,
    KeptObjects,
    KeptOutgoing,
    face,
    film,
    followed,
)


def observed(size: float = 60) -> list[tuple[PassObserved, dict[str, bytes]]]:
    """(message, pictures) of a pass: opened and closed."""
    kept = KeptOutgoing()
    followed(film([[face(400, size=size)]] * 10), outgoing=kept)
    first, last = kept.messages
    return [(first, kept.pictures), (last, {})]


class Parts:
    """A spool folder with a bus and an object store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bus, self.objects = KeptBus(), KeptObjects()

    @contextmanager
    def running(self) -> Iterator[Outbox]:
        outbox = Outbox(self.folder, self.bus, self.objects)
        outbox.start()
        try:
            yield outbox
        finally:
            outbox.stop()

    def phases(self) -> list[str]:
        return [message.phase for message in self.bus.messages if isinstance(message, PassObserved)]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path / "spool")


def test_what_is_accepted_is_sent_in_order_with_its_pictures(parts: Parts) -> None:
    with parts.running() as outbox:
        for message, pictures in observed():
            outbox.accept(message, pictures)
        wait_until(lambda: outbox.waiting() == 0)
    assert parts.phases() == ["opened", "closed"]
    sent = parts.bus.messages[0]
    assert isinstance(sent, PassObserved)
    assert len(parts.objects.objects[sent.face.key]) == sent.face.bytes
    assert not list((parts.folder / "open").iterdir())


@pytest.mark.parametrize("away", ["bus", "objects"])
def test_an_outage_keeps_everything_and_goes_on_by_itself(parts: Parts, away: str) -> None:
    getattr(parts, away).away = True
    with parts.running() as outbox:
        for message, pictures in observed():
            outbox.accept(message, pictures)
        wait_until(lambda: outbox.waiting() == 2)
        assert parts.phases() == []
        getattr(parts, away).away = False
        wait_until(lambda: outbox.waiting() == 0)
    assert parts.phases() == ["opened", "closed"]


def test_a_restart_sends_what_was_left_with_the_same_ids(parts: Parts) -> None:
    parts.bus.away = True
    (first, pictures), (last, _) = observed()
    with parts.running() as outbox:
        outbox.accept(first, pictures)
        outbox.accept(last, {})
    parts.bus.away = False
    with parts.running() as outbox:
        wait_until(lambda: outbox.waiting() == 0)
    assert parts.bus.messages == [first, last]


def test_a_pass_that_a_crash_left_open_is_closed_with_its_last_known_time(parts: Parts) -> None:
    first, pictures = observed()[0]
    with parts.running() as outbox:
        outbox.accept(first, pictures)
        wait_until(lambda: outbox.waiting() == 0)
        outbox.remember([Progress(first.pass_id, START + timedelta(seconds=60), 300)])
    with parts.running() as outbox:
        wait_until(lambda: parts.phases() == ["opened", "closed"] and outbox.waiting() == 0)
    last = parts.bus.messages[-1]
    assert isinstance(last, PassObserved)
    assert last.pass_id == first.pass_id
    assert last.last_seen_at == last.closed_at == START + timedelta(seconds=60)
    assert last.frames == 300
    with parts.running() as outbox:
        wait_until(lambda: outbox.waiting() == 0)
    assert parts.phases() == ["opened", "closed"]


def test_a_crash_before_the_opening_was_sent_gives_both_messages(parts: Parts) -> None:
    first, pictures = observed()[0]
    parts.bus.away = True
    with parts.running() as outbox:
        outbox.accept(first, pictures)
    parts.bus.away = False
    with parts.running():
        wait_until(lambda: parts.phases() == ["opened", "closed"])
    assert set(pictures) <= set(parts.objects.objects)


def test_a_half_written_entry_was_never_accepted(parts: Parts) -> None:
    (parts.folder / "queue").mkdir(parents=True)
    (parts.folder / "queue" / ".000000000001-x-opened").write_bytes(b"{")
    with parts.running() as outbox:
        wait_until(lambda: outbox.waiting() == 0)
    assert parts.bus.messages == []
    assert not list((parts.folder / "queue").iterdir())


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]\n", b"not json\n", b'{"message": {}, "pictures": [["a", 5]]}\nxx'])
def test_a_damaged_entry_is_put_aside_and_blocks_nobody(parts: Parts, damage: bytes) -> None:
    (parts.folder / "queue").mkdir(parents=True)
    (parts.folder / "queue" / "000000000001-x-opened").write_bytes(damage)
    first, pictures = observed()[0]
    with parts.running() as outbox:
        outbox.accept(first, pictures)
        wait_until(lambda: parts.phases() == ["opened"])
    assert [path.name for path in (parts.folder / "bad").iterdir()] == ["000000000001-x-opened"]


@pytest.mark.parametrize("progress", ["", "[]", '{"a": 1}', '{"a": {"last_seen_at": "x", "frames": 1}}'])
def test_a_damaged_progress_file_is_ignored(parts: Parts, progress: str) -> None:
    first, pictures = observed()[0]
    with parts.running() as outbox:
        outbox.accept(first, pictures)
        wait_until(lambda: outbox.waiting() == 0)
    (parts.folder / "progress.json").write_text(progress)
    with parts.running():
        wait_until(lambda: parts.phases() == ["opened", "closed"])


def test_two_processes_do_not_share_a_spool(parts: Parts) -> None:
    with parts.running():
        second = Outbox(parts.folder, parts.bus, parts.objects)
        with pytest.raises(Conflict, match="another stream-service"):
            second.start()


def test_a_full_disk_is_said_and_accepts_nothing(parts: Parts) -> None:
    first, pictures = observed()[0]
    with parts.running() as outbox:
        queue = parts.folder / "queue"
        queue.rmdir()
        queue.write_text("not a folder")
        with pytest.raises(Unavailable, match="spool"):
            outbox.accept(first, pictures)
        queue.unlink()
        queue.mkdir()
        outbox.accept(first, pictures)
        wait_until(lambda: parts.phases() == ["opened"])


def test_an_entry_survives_its_file() -> None:
    first, pictures = observed()[0]
    assert Entry.from_bytes(Entry(first, pictures).to_bytes()) == Entry(first, pictures)
