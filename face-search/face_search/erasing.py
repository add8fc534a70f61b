"""The right to be forgotten: everything about a person, or of the faces of a photo, goes, and a receipt stays.

The order makes a crash harmless at every step, and `erase` may be called again at any time:

    1  the ledger notes what was asked
    2  the person's pictures go from the object store, then person and samples from the tables: nobody finds them now
    3  sightings in portions: crops, then word to miniprogram-api about the passes, then rows
    4  the vectors that were marked on the way leave the index and then their table (`syncing` does it)
    5  the receipt is closed

Before an object or row goes, the ledger names it. A database that comes back from a backup does not know the erasure,
or not its end; `reapply` begins it again from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final

from face_search.adapters.store import Store
from face_search.ledger import Ledger, Part, Request
from face_search.rules import photo_key
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import NotFound
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Message, PersonErased, new_id
from shared_kernel.tables import FaceErasure, FaceSample, Sighting

log = get_logger(__name__)

#: Folder of the pictures of samples and sightings in object storage.
FACES: Final = "faces"
#: Rows of one step.
PORTION: Final = 200
#: What was under way when somebody was erased (a visit that ends, its clip) has arrived after this time.
LATE: Final = timedelta(minutes=30)

#: Gives the sightings of nobody who is enrolled that show these persons, who are one human. Raises Unavailable.
FindAlike = Callable[[Sequence[str]], Iterable[str]]


def ask(store: Store, subject_id: str, *, cause: str, reason: str, requested_by: str | None) -> FaceErasure:
    """The receipt of an erasure of this subject: a new one, or the one that there is."""
    row = store.erasures.of_subject(subject_id)
    if row is None:
        row = FaceErasure(erasure_id=new_id(), subject_id=subject_id, cause=cause, reason=reason[:200])
        row.state, row.removed, row.requested_by, row.requested_at = "running", "{}", requested_by, now()
        store.erasures.add(row)
    return row


def ask_for_person(store: Store, person_id: str, *, cause: str, reason: str, requested_by: str | None) -> FaceErasure:
    """The receipt of a person's erasure. The person's name is taken out of the reason, because the receipt stays.

    Raises:
        NotFound: nobody of this id was ever here.
    """
    known = store.traces.persons([person_id])
    if not known and store.erasures.of_subject(person_id) is None:
        raise NotFound(f"person {person_id}: expected one who is enrolled, found none", code="no_person")
    for person in known:
        reason = reason.replace(person.name, "…")
    return ask(store, person_id, cause=cause, reason=reason, requested_by=requested_by)


def request_of(row: FaceErasure, *, person_ids: Iterable[str] = (), sighting_ids: Iterable[str] = ()) -> Request:
    """What the ledger notes of a receipt."""
    return Request(
        erasure_id=row.erasure_id,
        subject_id=row.subject_id,
        cause=row.cause,
        reason=row.reason,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        person_ids=tuple(person_ids),
        sighting_ids=tuple(sighting_ids),
    )


def preview(store: Store, person_ids: Iterable[str], sighting_ids: Sequence[str] = ()) -> dict[str, int]:
    """What an erasure would remove as far as the tables tell, in the words of the receipt."""
    persons = store.traces.persons_with(person_ids)
    samples = store.traces.samples(persons)
    sightings = store.traces.count_sightings(persons) + len(sighting_ids)
    return {"persons": len(store.traces.persons(persons)), "samples": len(samples), "sightings": sightings}


def remove_rows(store: Store, sighting_ids: Sequence[str]) -> None:
    """Take sightings, whose objects are gone, out of the tables."""
    store.vectors.take_out(sighting_ids)
    store.traces.remove_sightings(sighting_ids)


def pictures_of(rows: Iterable[FaceSample | Sighting]) -> tuple[str, ...]:
    """Object keys of samples or sightings that are ours: the evidence of a pass is its owner's."""
    keys = (key for row in rows for key in (row.crop_key, row.aligned_key) if key is not None)
    return tuple(key for key in keys if key.startswith(f"{FACES}/"))


class Eraser:
    """Erases. Thread safe; two of them over one erasure do no harm.

    Args:
        database: the truth.
        blobs: pictures, and the ledger.
        publish: says on the bus what others must remove.
        find_alike: see there.

    Raises (every method):
        Unavailable: something is away: call again.
    """

    def __init__(
        self,
        database: Database[Store],
        blobs: Blobs,
        publish: Callable[[Message], object],
        find_alike: FindAlike = lambda _persons: (),
    ) -> None:
        self.ledger = Ledger(blobs)
        self._database = database
        self._blobs = blobs
        self._publish = publish
        self._find_alike = find_alike

    def erase(self, erasure_id: str) -> bool:
        """Go on with an erasure; True when it is done, False while the index still holds vectors of it.

        Raises:
            NotFound: nobody asked for it.
        """
        with self._database.read() as store:
            row = store.erasures.get(erasure_id)
        if row is None:
            raise NotFound(f"erasure {erasure_id}: expected one that was asked for, found none", code="no_erasure")
        if row.state == "done":
            return True
        request = self._noted(row)
        while self._remove_persons(request) or self._remove_portion(request):
            pass
        removed = self.ledger.removed(erasure_id)
        left = self._vectors_left(removed)
        if left:
            log.info("erasure waits for the index", extra=fields(erasure_id=erasure_id, vectors=left))
            return False
        self._close(erasure_id, removed)
        return True

    def running(self) -> Sequence[str]:
        """Erasures that are not done, oldest first."""
        with self._database.read() as store:
            return store.erasures.running()

    def reapply(self) -> int:
        """Begin again what this database never heard of: it is from a backup. Returns how many."""
        ids, begun = list(self.ledger.ids()), 0
        for portion in _portions(ids):
            with self._database.read() as store:
                known = store.erasures.states(portion)
            for erasure_id in portion:
                request = None if erasure_id in known else self.ledger.asked(erasure_id)
                if request is not None:
                    self._restore(request)
                    begun += 1
        if begun:
            log.warning("database is older than the ledger: erasing again", extra=fields(erasures=begun))
        return begun

    def erase_late(self, *, within: timedelta = LATE) -> int:
        """Remove what came after somebody was erased, here and elsewhere. Returns how many sightings."""
        with self._database.read() as store:
            lately = store.erasures.done_since(now() - within)
        found = 0
        for erasure_id in lately:
            removed = self.ledger.removed(erasure_id)
            for portion in _portions(removed.passes):
                with self._database.read() as store:
                    rows = store.traces.sightings_from(portion)
                self._remove_sightings(erasure_id, None, rows, portion)
                found += len(rows)
            found += self._remove_dangling(erasure_id, removed.persons)
        return found

    def _remove_dangling(self, erasure_id: str, person_ids: Sequence[str]) -> int:
        """A sighting that was compared before the person went, and written after."""
        with self._database.read() as store:
            rows = store.traces.sightings_of(person_ids, PORTION)
        if rows:
            passes = [row.source_id for row in rows if row.source == "pass"]
            self._remove_sightings(erasure_id, person_ids[0], rows, passes)
        return len(rows)

    def _noted(self, row: FaceErasure) -> Request:
        """What is to be removed, with everybody who is the same human and every nameless sighting of them."""
        request = self.ledger.asked(row.erasure_id) or request_of(row, person_ids=[row.subject_id])
        with self._database.read() as store:
            persons = store.traces.persons_with(request.person_ids)
            enrolled = bool(store.traces.samples(persons))
        alike = self._find_alike(sorted(persons)) if enrolled else ()
        everything = {
            "person_ids": tuple(sorted(persons)),
            "sighting_ids": tuple(dict.fromkeys((*request.sighting_ids, *alike))),
        }
        request = request.model_copy(update=everything)
        self.ledger.ask(request)
        return request

    def _remove_persons(self, request: Request) -> bool:
        """Remove persons and samples; False when there are none. What is added meanwhile is for the next call."""
        with self._database.read() as store:
            persons = [person.person_id for person in store.traces.persons(request.person_ids)]
            samples = store.traces.samples(request.person_ids)
            sample_ids = tuple(sample.sample_id for sample in samples)
            vectors = store.traces.vector_ids(sample_ids)
        if not persons and not samples:
            return False
        pictures = pictures_of(samples)
        part = Part(persons=tuple(persons), samples=sample_ids, vectors=tuple(vectors), pictures=pictures)
        self.ledger.add(request.erasure_id, part)
        self._delete_objects(pictures)

        def remove(store: Store) -> None:
            store.vectors.take_out(sample_ids)
            store.traces.remove_samples(sample_ids)
            if not store.traces.samples(request.person_ids):
                store.traces.remove_persons(request.person_ids)

        self._database.run(remove)
        return True

    def _remove_portion(self, request: Request) -> bool:
        """Remove some sightings; False when there are none."""
        with self._database.read() as store:
            rows = store.traces.sightings_of(request.person_ids, PORTION)
            if not rows:
                portions = (store.traces.sightings(portion) for portion in _portions(request.sighting_ids))
                rows = next((found for found in portions if found), ())
        if not rows:
            return False
        person_id = request.person_ids[0] if request.person_ids else None
        passes = tuple(dict.fromkeys(row.source_id for row in rows if row.source == "pass"))
        self._remove_sightings(request.erasure_id, person_id, rows, passes)
        return True

    def _remove_sightings(
        self, erasure_id: str, person_id: str | None, rows: Sequence[Sighting], passes: Sequence[str]
    ) -> None:
        sighting_ids = tuple(row.sighting_id for row in rows)
        photos = dict.fromkeys(photo_key(row.seen_at, row.source_id) for row in rows if row.source == "photo")
        pictures = (*pictures_of(rows), *photos)
        if rows:
            with self._database.read() as store:
                vectors = tuple(store.traces.vector_ids(sighting_ids))
            part = Part(sightings=sighting_ids, passes=tuple(passes), vectors=vectors, pictures=pictures)
            self.ledger.add(erasure_id, part)
        self._delete_objects(pictures)
        word = {"person_id": person_id, "pass_ids": tuple(passes), "sighting_ids": sighting_ids}
        self._publish(PersonErased(erasure_id=erasure_id, erased_at=now(), **word))
        if rows:
            self._database.run(lambda store: remove_rows(store, sighting_ids))

    def _delete_objects(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._blobs.delete(key)

    def _vectors_left(self, removed: Part) -> int:
        with self._database.read() as store:
            portions = _portions(removed.samples + removed.sightings)
            return sum(len(store.traces.vector_ids(portion)) for portion in portions)

    def _close(self, erasure_id: str, removed: Part) -> None:
        done_at, counts = now(), removed.counts()
        self.ledger.close(erasure_id, done_at, counts)

        def close(store: Store) -> None:
            row = store.erasures.get(erasure_id, lock=True)
            if row is not None:
                row.state, row.done_at, row.removed = "done", done_at, json.dumps(counts)

        self._database.run(close)
        log.info("erased", extra=fields(erasure_id=erasure_id, **counts))

    def _restore(self, request: Request) -> None:
        def add(store: Store) -> None:
            if store.erasures.of_subject(request.subject_id) is not None:
                return
            row = FaceErasure(erasure_id=request.erasure_id, subject_id=request.subject_id, cause=request.cause)
            row.reason, row.requested_by, row.requested_at = request.reason, request.requested_by, request.requested_at
            row.state, row.removed = "running", "{}"
            store.erasures.add(row)

        self._database.run(add)


def _portions(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + PORTION] for start in range(0, len(ids), PORTION))
