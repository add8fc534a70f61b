"""How long faces are kept: what ends by itself, and what must be done again after a crash. Run by the worker.

Each chore may run twice without harm; of several workers one does it, the one that got the lock in Redis.

    erasures   goes on with those that were asked for, and what arrived late for those that are done
    expiry     persons whose consent, contract or other basis has ended are erased, with a receipt
    sightings  older than the service keeps them, or than the shortest time of a list their person is on; patrol photos
               that they came from, as long
    queries    the record of searches, and answers that would be given again
    imports    reports of imports that ended long ago; bundles that a killed process left
    orphans    objects that no row names: a process was killed between storing a picture and committing its row
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from prometheus_client import Counter

from face_search.adapters.store import Store
from face_search.erasing import FACES, PORTION, Eraser, ask_for_person, pictures_of, remove_rows
from face_search.importing import PREFIX as IMPORTS
from face_search.rules import PHOTOS
from shared_kernel import orphans
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import XunshiError
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import derived_id, new_id
from shared_kernel.tables import FaceErasure, Sighting

log = get_logger(__name__)

#: Reports of imports name files, which name people: they are kept this long.
REPORTS_KEPT: Final = timedelta(days=90)
ANSWERS_KEPT: Final = timedelta(hours=24)
#: A picture is stored before its row is committed, by at most this.
ORPHANS_AFTER: Final = timedelta(days=1)
_LOCK_S: Final = 120

_runs = Counter("face_chores_total", "Chores by outcome", ["chore", "outcome"])


@dataclass(frozen=True)
class Limits:
    """How long what is kept."""

    sightings: timedelta
    queries: timedelta


def go_on_erasing(eraser: Eraser) -> int:
    """Go on with every erasure that is not done. Returns how many became so."""
    return sum(eraser.erase(erasure_id) for erasure_id in eraser.running())


def erase_expired(database: Database[Store]) -> int:
    """Ask for the erasure of everybody whose basis has ended. Returns how many there were."""
    with database.read() as store:
        expired = store.traces.expired(now(), PORTION)
    for person_id in expired:
        database.run(
            lambda store, person_id=person_id: ask_for_person(  # type: ignore[misc]
                store, person_id, cause="expiry", reason="the basis for keeping it ended", requested_by=None
            )
        )
    return len(expired)


def remove_old_sightings(database: Database[Store], blobs: Blobs, kept: timedelta) -> int:
    """Remove sightings beyond their time. Returns how many; the day's receipt says so too."""
    moment = now()

    def oldest(store: Store) -> Sequence[Sighting]:
        found = store.traces.old_sightings(moment - kept, PORTION)
        for list_id, days in () if found else store.traces.lists_that_keep():
            found = found or store.traces.old_sightings_of_list(list_id, moment - timedelta(days=days), PORTION)
        return found

    removed = 0
    while True:
        with database.read() as store:
            rows = oldest(store)
        if not rows:
            return removed
        pictures = pictures_of(rows)
        for key in pictures:
            blobs.delete(key)
        database.run(lambda store, rows=rows: _forget(store, rows))  # type: ignore[misc]
        removed += len(rows)


def remove_old_photos(blobs: Blobs, kept: timedelta) -> int:
    """Remove patrol photos beyond the time of what was seen on them. Returns how many."""
    removed = 0
    for key in list(blobs.older_than(PHOTOS, now() - kept)):
        blobs.delete(key)
        removed += 1
    return removed


def remove_old_queries(database: Database[Store], kept: timedelta) -> int:
    """Remove the record of searches beyond its time, and answers that nobody asks for again."""
    removed = 0
    while True:
        with database.write() as store:
            found = store.queries.delete_before(now() - kept, PORTION)
            store.traces.remove_answers(now() - ANSWERS_KEPT)
        removed += found
        if found < PORTION:
            return removed


def remove_old_imports(database: Database[Store], blobs: Blobs) -> int:
    """Remove reports beyond their time, and bundles that a killed process left. Returns how many reports."""
    left = blobs.older_than(IMPORTS, now() - ORPHANS_AFTER)
    orphans.remove_orphans(database, blobs, left, lambda store, keys: store.imports.keys_in_use(keys))
    with database.write() as store:
        ended = store.imports.ended_before(now() - REPORTS_KEPT, PORTION)
        store.imports.delete(ended)
    return len(ended)


def remove_orphans(database: Database[Store], blobs: Blobs) -> int:
    """Remove pictures of faces that no row names. Returns how many."""
    old = blobs.older_than(FACES, now() - ORPHANS_AFTER)
    return orphans.remove_orphans(database, blobs, old, lambda store, keys: store.traces.keys_in_use(keys))


@dataclass(frozen=True)
class Chore:
    """What is done from time to time."""

    name: str
    every_s: float
    work: Callable[[], int]


def chores(database: Database[Store], blobs: Blobs, eraser: Eraser, limits: Limits) -> tuple[Chore, ...]:
    """Everything that this module does, with how often."""
    return (
        Chore("face_erasures", 1, lambda: go_on_erasing(eraser)),
        Chore("face_ledger", 600, eraser.reapply),
        Chore("face_late", 300, eraser.erase_late),
        Chore("face_expiry", 60, lambda: erase_expired(database)),
        Chore("face_retention", 600, lambda: remove_old_sightings(database, blobs, limits.sightings)),
        Chore("face_photos", 3600, lambda: remove_old_photos(blobs, limits.sightings)),
        Chore("face_queries", 600, lambda: remove_old_queries(database, limits.queries)),
        Chore("face_imports", 3600, lambda: remove_old_imports(database, blobs)),
        Chore("face_orphans", 6 * 3600, lambda: remove_orphans(database, blobs)),
    )


def run(bus: Bus, todo: Sequence[Chore], stop: threading.Event) -> None:
    """Do chores until `stop`: each at once, and again when its time has come."""
    waiting = dict.fromkeys(todo, 0.0)
    while not stop.is_set():
        for chore in todo:
            waiting[chore] -= 1
            if waiting[chore] <= 0:
                waiting[chore] = chore.every_s
                do(bus, chore)
            if stop.is_set():
                return
        stop.wait(1.0)


def do(bus: Bus, chore: Chore) -> int:
    """Do one chore now, unless another worker is at it. Returns what it did; 0 also when it has to be done later."""
    try:
        with bus.alone(chore.name, ttl_s=_LOCK_S) as mine:
            done = chore.work() if mine else 0
    except XunshiError as error:
        _runs.labels(chore.name, "failed").inc()
        log.warning("chore failed, it runs again later", extra=fields(chore=chore.name, reason=error))
        return 0
    _runs.labels(chore.name, "done").inc()
    if done:
        log.info("chore done", extra=fields(chore=chore.name, n=done))
    return done


def _forget(store: Store, rows: Sequence[Sighting]) -> None:
    """Take old sightings out of the tables, and count them in the receipt of the day."""
    sighting_ids, today = [row.sighting_id for row in rows], now()
    with_vectors = len(store.traces.vector_ids(sighting_ids))
    remove_rows(store, sighting_ids)
    subject_id = derived_id("retention", today.date().isoformat())
    receipt = store.erasures.of_subject(subject_id)
    if receipt is None:
        receipt = FaceErasure(erasure_id=new_id(), subject_id=subject_id, cause="retention", removed="{}")
        receipt.reason, receipt.state, receipt.requested_at = "beyond the time they are kept", "done", today
        store.erasures.add(receipt)
    counts = json.loads(receipt.removed)
    for name, n in (("sightings", len(rows)), ("vectors", with_vectors), ("pictures", len(pictures_of(rows)))):
        counts[name] = counts.get(name, 0) + n
    receipt.removed, receipt.done_at = json.dumps(counts), today
