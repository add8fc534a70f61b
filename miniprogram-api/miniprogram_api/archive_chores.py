"""What the clock does for archived frames: end batches of which nothing more can come, remove what is old.

Run by `timetable`; every chore may run twice without harm.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from miniprogram_api.adapters.database import Database
from miniprogram_api.archive import end, is_overdue
from shared_kernel.archive import FOLDER
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.orphans import remove_orphans

#: Days before the oldest kept one in which objects without a row are looked for: a clock that slept catches up.
SWEPT_DAYS: Final = 30


def end_overdue_batches(database: Database) -> int:
    """End what was stopped, or should have ended, and whose owner never said so. Returns how many."""
    moment, ended = now(), 0
    with database.read() as store:
        running = [batch.batch_id for batch in store.batches.running()]
    for batch_id in running:
        with database.write() as store:
            batch = store.batches.get(batch_id, lock=True)
            if batch is None or batch.state != "running":
                continue
            camera = store.cameras.get(batch.source_id) if batch.source == "camera" else None
            gone = batch.source == "camera" and (camera is None or camera.deleted_at is not None)
            if is_overdue(batch, moment, camera_gone=gone):
                end(store, batch)
                ended += 1
    return ended


def remove_old_frames(database: Database, blobs: Blobs, before: datetime) -> int:
    """Forget frames taken before `before`, then the objects that no frame has any more. Returns how many objects."""
    with database.read() as store:
        begun = [(batch.batch_id, batch.ended_at) for batch in store.batches.begun_before(before)]
    for batch_id, ended_at in begun:
        with database.write() as store:
            store.frames.delete_before(batch_id, before)
            if ended_at is not None and not store.frames.page(batch_id, None, None, 1):
                store.batches.delete(batch_id)
    removed = 0
    for days in range(SWEPT_DAYS):
        old = blobs.older_than(f"{FOLDER}/{before - timedelta(days=days):%Y/%m/%d}", before)
        removed += remove_orphans(database, blobs, old, lambda store, keys: store.frames.keys_in_use(keys))
    return removed
