"""Frames in, settled frames out: in any order, within limits, never blocking, each written once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from shared_kernel.archive import Archive, Frame, Limits, object_key
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.messages import LostFrame

AT = datetime(2026, 3, 2, 8, 20, tzinfo=UTC)
#: Nothing waits for long in a test.
QUICK = Limits(deadline_s=10, first_pause_s=0.001, longest_pause_s=0.002)


class Store:
    """Keeps what is put; fails as often as it is told; holds uploads while `gate` is closed."""

    def __init__(self, *failures: Exception) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.failures = list(failures)
        self.gate = threading.Event()
        self.gate.set()
        self.at_once = self.most_at_once = 0

    async def put_soon(self, key: str, data: bytes, *, content_type: str = "") -> None:
        assert content_type == "image/jpeg"
        self.puts.append(key)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            while not self.gate.is_set():  # noqa: ASYNC110 - another thread opens it
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)
            if self.failures:
                raise self.failures.pop()
            self.objects[key] = data
        finally:
            self.at_once -= 1


@contextmanager
def archive(store: Store, limits: Limits = QUICK) -> Iterator[Archive]:
    made = Archive(store, limits)
    yield made
    store.gate.set()
    made.stop()


def frame(seq: int, jpeg: bytes | None = None) -> Frame:
    return Frame(seq, AT + timedelta(seconds=seq), b"picture %d" % seq if jpeg is None else jpeg)


def test_the_key_is_the_content() -> None:
    day = object_key(AT, b"abc")
    assert day == "frames/2026/03/02/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.jpg"
    east = AT.astimezone(tz=None)
    assert object_key(east, b"abc") == day
    assert object_key(AT, b"abd") != day


def test_every_frame_keeps_its_place_whatever_order_the_store_answers_in() -> None:
    store = Store()
    with archive(store) as one:
        coming = [one.offer(frame(seq)) for seq in range(50)]
        settled = [future.result(10) for future in coming if future is not None]
    assert [each.seq for each in settled] == list(range(50))
    assert all(each.key in store.objects and each.attempts == 1 and each.reason is None for each in settled)
    assert [store.objects[str(each.key)] for each in settled] == [b"picture %d" % seq for seq in range(50)]


def test_uploads_run_beside_each_other_up_to_the_limit() -> None:
    store = Store()
    store.gate.clear()
    with archive(store, Limits(parallel=5)) as one:
        coming = [one.offer(frame(seq)) for seq in range(12)]
        while store.at_once < 5:
            pass
        assert one.waiting == 12
        store.gate.set()
        assert all(future is not None and future.result(10).key for future in coming)
    assert store.most_at_once == 5


def test_a_full_queue_refuses_at_once_and_takes_again_when_there_is_room() -> None:
    store = Store()
    store.gate.clear()
    with archive(store, Limits(frames=2)) as one:
        kept = [one.offer(frame(0)), one.offer(frame(1))]
        assert one.offer(frame(2)) is None
        store.gate.set()
        assert all(future is not None and future.result(10).key for future in kept)
        again = one.offer(frame(2))
        assert again is not None
        assert again.result(10).key is not None


def test_a_queue_full_of_bytes_refuses_too() -> None:
    with archive(Store(), Limits(bytes=10)) as one:
        assert one.offer(frame(0, b"x" * 11)) is None
        fits = one.offer(frame(0, b"x" * 10))
        assert fits is not None
        fits.result(10)


def test_a_full_disk_refuses_without_trying_and_takes_again_when_there_is_room() -> None:
    store, room = Store(), [False]
    one = Archive(store, has_room=lambda: room[0])
    refused = one.offer(frame(0))
    assert refused is not None
    assert (refused.result(0).key, refused.result(0).reason) == (None, LostFrame.DISK_FULL)
    assert store.puts == []
    room[0] = True
    taken = one.offer(frame(0))
    assert taken is not None
    assert taken.result(10).key is not None
    one.stop()


def test_what_failed_is_tried_again_under_the_same_key() -> None:
    store = Store(Unavailable("s3", "first"), Unavailable("s3", "second"))
    with archive(store) as one:
        coming = one.offer(frame(7))
        assert coming is not None
        settled = coming.result(10)
    assert (settled.attempts, settled.reason) == (3, None)
    assert len(set(store.puts)) == 1
    assert list(store.objects) == [settled.key]


def test_an_equal_picture_writes_no_second_object() -> None:
    store = Store()
    with archive(store) as one:
        coming = [one.offer(frame(seq, b"same")) for seq in range(3)]
        keys = {future.result(10).key for future in coming if future is not None}
    assert len(keys) == len(store.objects) == 1


@pytest.mark.parametrize("error", [Unavailable("s3", "away"), NotFound("bucket: gone")])
def test_a_frame_is_given_up_at_its_deadline_with_the_reason(error: Exception) -> None:
    store = Store(*[error] * 10_000)
    with archive(store, Limits(deadline_s=0.05, first_pause_s=0.001, longest_pause_s=0.002)) as one:
        coming = one.offer(frame(3))
        assert coming is not None
        settled = coming.result(10)
    assert settled.key is None
    assert settled.attempts > 1
    assert (settled.reason, settled.detail) == ("store_away", str(error))
    assert store.objects == {}


def test_a_store_that_hangs_is_left_and_asked_again() -> None:
    store = Store()
    store.gate.clear()
    with archive(store, Limits(deadline_s=0.1, attempt_s=0.02, first_pause_s=0.001)) as one:
        coming = one.offer(frame(0))
        assert coming is not None
        settled = coming.result(10)
    assert settled.key is None
    assert settled.attempts > 1
    assert settled.reason == "store_slow"


def test_a_frame_that_waited_too_long_is_not_even_tried() -> None:
    store = Store()
    with archive(store, Limits(deadline_s=0.0)) as one:
        coming = one.offer(frame(0))
        assert coming is not None
        assert (coming.result(10).attempts, coming.result(10).reason) == (0, "too_late")
    assert store.puts == []


def test_an_error_of_ours_settles_the_frame_and_spares_the_others() -> None:
    store = Store(ValueError("a defect"))
    with archive(store) as one:
        coming = [one.offer(frame(seq)) for seq in range(3)]
        settled = [future.result(10) for future in coming if future is not None]
    assert sorted(each.key is None for each in settled) == [False, False, True]


def test_stopping_settles_everything_and_takes_nothing_more() -> None:
    store = Store()
    store.gate.clear()
    one = Archive(store, QUICK)
    coming = [one.offer(frame(seq)) for seq in range(3)]
    one.stop(0.05)
    assert [future.result(1).reason for future in coming if future is not None] == ["stopped"] * 3
    assert one.offer(frame(4)) is None
    Archive(store).stop()  # one that never began
