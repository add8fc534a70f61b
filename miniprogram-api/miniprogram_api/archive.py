"""Archived frames become rows: batches, their counts and their state. Used by the recorder, the routes and the clock.

A frame is settled once: the first row of a place in the order stays, only one that was given up may still be stored by
a later try. So a message that comes twice changes nothing, and messages may come in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared_kernel.archive import FOLDER
from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.messages import FramesArchived, FrameSettled, LostFrame
from shared_kernel.tables import ArchivedFrame, FrameBatch
from shared_kernel.wire import is_ulid

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store

#: A camera's batch that was stopped, or whose last frame was due so long ago, ends with what there is.
OVERDUE: Final = timedelta(minutes=2)
#: A batch of a client or a job of which nothing came for so long ends with what there is.
SILENT: Final = timedelta(hours=24)
#: Places without any word are named one by one in batches of the last day, and no more of them than this.
NAMED_WITHIN: Final = timedelta(days=1)
MAX_NAMED: Final = 1000
_MAX_KEY_CHARS: Final = 255
_REASON_CHARS, _DETAIL_CHARS = 32, 200


def new_batch(batch_id: str, source: str, source_id: str, started_at: datetime, *, expected: int = 0) -> FrameBatch:
    """A batch without frames. `expected` 0: nobody said how many it will have."""
    row = FrameBatch(batch_id=batch_id, source=source, source_id=source_id, started_at=started_at)
    row.expected, row.stored, row.failed, row.state, row.heard_at = expected, 0, 0, "running", now()
    return row


def record_frames(store: Store, message: FramesArchived) -> None:
    """Make the frames of this message rows, and its batch what they say.

    Raises:
        Poison: it can never be rows.
    """
    _checked(message)
    batch = store.batches.get(message.batch_id, lock=True)
    if batch is None:
        batch = new_batch(message.batch_id, message.source, message.source_id, message.started_at)
        batch.expected = message.expected
        store.batches.add(batch)
    settle(store, batch, message.frames)
    if message.ended:
        end(store, batch)


def settle(store: Store, batch: FrameBatch, frames: Sequence[FrameSettled]) -> None:
    """Add what became of these frames to a batch that is locked."""
    known = dict(store.frames.several(batch.batch_id, {frame.seq for frame in frames}))
    new = []
    for frame in frames:
        row = known.get(frame.seq)
        if row is None:
            row = known[frame.seq] = _filled(ArchivedFrame(batch_id=batch.batch_id, seq=frame.seq), frame)
            new.append(row)
            batch.stored += frame.key is not None
            batch.failed += frame.key is None
        elif row.state == "failed" and frame.key is not None:
            _filled(row, frame)
            batch.stored, batch.failed = batch.stored + 1, max(0, batch.failed - 1)
    store.frames.add(new)
    batch.heard_at = now()
    if batch.state != "running" or 0 < batch.expected <= batch.stored + batch.failed:
        end(store, batch)


def end(store: Store, batch: FrameBatch) -> None:
    """No more frames are awaited: what was expected and never came has failed. A late one is counted then."""
    if batch.ended_at is None:
        batch.ended_at = now()
        batch.expected = max(batch.expected, batch.stored + batch.failed)
        if batch.source == "camera":
            _name_absent(store, batch)
    batch.expected = max(batch.expected, batch.stored)
    batch.failed = batch.expected - batch.stored
    batch.state = ended_state(batch.stored, batch.failed)


def _name_absent(store: Store, batch: FrameBatch) -> None:
    """Give the places that nobody told of a row: the service was away, or the camera moved to another instance."""
    places = store.frames.places(batch.batch_id)
    batch.expected = max(batch.expected, max(places, default=-1) + 1)
    if now() - batch.started_at > NAMED_WITHIN:  # of a long one the first frames may be gone already
        return
    absent = [place for place in range(batch.expected) if place not in places]
    rows = []
    for place in absent[:MAX_NAMED]:
        at = batch.started_at + timedelta(seconds=place * (batch.every_s or 0.0))
        frame = FrameSettled(seq=place, captured_at=at, reason=LostFrame.ABSENT)
        rows.append(_filled(ArchivedFrame(batch_id=batch.batch_id, seq=place), frame))
    store.frames.add(rows)


def ended_state(stored: int, failed: int) -> str:
    """`done`, `partial` or `failed`. A batch that was stopped before its first frame is done."""
    if not failed:
        return "done"
    return "partial" if stored else "failed"


def stop(store: Store, batch: FrameBatch) -> None:
    """Somebody wants no more frames; those under way still come, and nobody awaits a number of them any more."""
    if batch.state != "running" or batch.stop_at is not None:
        return
    batch.stop_at, batch.expected = now(), 0
    if batch.source != "camera":
        end(store, batch)


def is_overdue(batch: FrameBatch, moment: datetime, *, camera_gone: bool) -> bool:
    """Whether nothing more can come of a running batch."""
    if batch.source != "camera":
        return batch.heard_at < moment - SILENT
    if batch.stop_at is not None:
        return batch.stop_at < moment - OVERDUE
    if camera_gone:
        return batch.heard_at < moment - OVERDUE
    last_due_at = batch.started_at + timedelta(seconds=batch.expected * (batch.every_s or 0.0))
    return batch.expected > 0 and last_due_at < moment - OVERDUE


def _filled(row: ArchivedFrame, frame: FrameSettled) -> ArchivedFrame:
    row.state = "failed" if frame.key is None else "stored"
    row.captured_at, row.object_key, row.bytes = frame.captured_at, frame.key, frame.bytes
    row.attempts, row.took_ms = frame.attempts, frame.took_ms
    row.reason = None if frame.reason is None else frame.reason[:_REASON_CHARS]
    row.detail = None if frame.detail is None else frame.detail[:_DETAIL_CHARS]
    return row


def _checked(message: FramesArchived) -> None:
    for name, value in (("batch_id", message.batch_id), ("source_id", message.source_id)):
        if not is_ulid(value):
            raise Poison(f"FramesArchived {name}: expected a ULID, got {value[:40]!r}")
    for frame in message.frames:
        key = frame.key
        if key is not None and (not key.isascii() or len(key) > _MAX_KEY_CHARS or not key.startswith(f"{FOLDER}/")):
            raise Poison(f"FramesArchived {message.batch_id}: expected keys below {FOLDER}/, got {key[:60]!r}")
