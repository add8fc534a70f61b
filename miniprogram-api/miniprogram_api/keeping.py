"""How long footage stays: by age and by bytes, for each camera and kind; and what goes when the disk is nearly full.

Run by `timetable`. First the object goes, then the row, so that nothing is left that nobody knows of; every chore may
run twice without harm.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from miniprogram_api.adapters.database import Database
from miniprogram_api.chores import remove_passes
from miniprogram_api.settings import Keep
from shared_kernel import orphans
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.disk import Disk
from shared_kernel.log import fields, get_logger
from shared_kernel.tables import Footage

log = get_logger(__name__)

#: The action in the audit log; its detail is the JSON of `Cleared`.
EMERGENCY: Final = "storage.emergency"
#: Clips and evidence that are younger than this stay even when the disk is full of something else.
NEVER_YOUNGER: Final = timedelta(days=1)
#: Clips go when this part of the reserve is left, evidence when that one is.
_CLIPS_AT: Final = 0.5
_EVIDENCE_AT: Final = 0.25
#: So much more than the limit is made free, share of the disk: else it would be full again at once.
_MARGIN: Final = 0.01
_BATCH: Final = 50
#: Objects without a row are older than everything by this much.
_ORPHANS_AFTER: Final = timedelta(days=2)
GIGABYTE: Final = 10**9


@dataclass
class Cleared:
    """What an emergency took."""

    recordings: int = 0
    clips: int = 0
    passes: int = 0
    bytes: int = 0

    def __bool__(self) -> bool:
        return any(asdict(self).values())


def remove_old_footage(database: Database, blobs: Blobs, limits: dict[str, Keep]) -> int:
    """Footage beyond its time, then what is beyond the bytes of its camera and kind. Returns how many files."""
    removed = 0
    for kind, keep in limits.items():
        before = now() - timedelta(days=keep.days)
        while found := _oldest(database, kind, before=before):
            removed += _remove(database, blobs, found)[0]
    with database.read() as store:
        held = store.footage.held()
    for one in held:
        excess = one.bytes - round(limits[one.kind].gigabytes * GIGABYTE)
        while excess > 0 and (found := _oldest(database, one.kind, camera_id=one.camera_id)):
            going: list[Footage] = []
            while found and excess > 0:
                going.append(found.pop(0))
                excess -= going[-1].bytes
            removed += _remove(database, blobs, going)[0]
    return removed


def clear_full_disk(database: Database, blobs: Blobs, reserve: float, disk: Callable[[], Disk | None]) -> Cleared:
    """Make room when less than `reserve` (share of the disk) is free: recordings first, then clips, evidence last."""
    cleared = Cleared()
    settled = now() - NEVER_YOUNGER
    for kind, at in (("recording", 1.0), ("clip", _CLIPS_AT)):
        while _is_short(disk(), reserve * at, going=bool(cleared)):
            found = _oldest(database, kind, before=None if kind == "recording" else settled)
            if not found:
                break
            files, size = _remove(database, blobs, found)
            cleared.bytes += size
            cleared.recordings += files if kind == "recording" else 0
            cleared.clips += files if kind == "clip" else 0
    while _is_short(disk(), reserve * _EVIDENCE_AT, going=bool(cleared)):
        removed = remove_passes(database, blobs, settled, _BATCH)
        if not removed:
            break
        cleared.passes += removed
    if cleared:
        with database.write() as store:
            store.audit.add(EMERGENCY, actor_id=None, target=("storage", None), detail=json.dumps(asdict(cleared)))
        log.error("disk nearly full: old footage removed", extra=fields(**asdict(cleared)))
    return cleared


def remove_orphans(database: Database, blobs: Blobs, limits: dict[str, Keep]) -> int:
    """Objects whose message was lost with its spool: nobody would ever remove them."""
    before = now() - timedelta(days=max(keep.days for keep in limits.values())) - _ORPHANS_AFTER
    old = blobs.older_than("footage", before)
    return orphans.remove_orphans(database, blobs, old, lambda store, keys: store.footage.keys_in_use(keys))


def _is_short(disk: Disk | None, limit: float, *, going: bool) -> bool:
    return disk is not None and limit > 0 and disk.free_share < limit + (_MARGIN if going else 0)


def _oldest(
    database: Database, kind: str, *, camera_id: str | None = None, before: datetime | None = None
) -> list[Footage]:
    with database.read() as store:
        return list(store.footage.oldest(kind, _BATCH, camera_id=camera_id, before=before))


def _remove(database: Database, blobs: Blobs, rows: Sequence[Footage]) -> tuple[int, int]:
    """Objects, then rows. Returns how many files and bytes."""
    for row in rows:
        for key in (row.object_key, row.boxes_key):
            if key is not None:
                blobs.delete(key)
    with database.write() as store:
        store.footage.delete(row.footage_id for row in rows)
    return len(rows), sum(row.bytes for row in rows)
