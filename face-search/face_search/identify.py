"""Step 3 of 4, the story of face search. PassObserved and PatrolPhotoTaken in; sightings and PersonSighted out.

A picture comes from the object store, `reader` finds the face, `searching` says who it is like, and a row says so with
the score and what it had to reach. Then others are told. The row is committed before anything is published, and both
before the message is acknowledged; ids are derived from the source, so that a repeat finds its row and tells again what
was told. Nothing waits for this: an alert about a mask is raised by the pass itself.

A pass comes twice, opened and closed, in any order. Its sighting is made by whichever comes first, and shows the better
of the two pictures in the end. What a human has decided stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from face_search.comparing import Limits
from face_search.noting import describe, judge, locate, message_of
from face_search.ports import FaceRead, FaceReader, Picture, VectorIndex
from face_search.searching import Found, Probe, Searcher, Wanted
from face_search.seen import Origin, Seen, central, is_better, is_decided, is_of
from face_search.watching import raise_alerts
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import NotFound, Poison
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Message, PassObserved, PatrolPhotoTaken, derived_id
from shared_kernel.tables import Sighting
from shared_kernel.vision.encoding import jpeg, png
from shared_kernel.vision.pictures import UnreadablePicture
from shared_kernel.vision.ports import Decoder
from shared_kernel.wire import is_ulid

log = get_logger(__name__)

#: Faces of one photo that become sightings, the largest.
MAX_FACES: Final = 50
_EVERYBODY: Final = Viewer("", None)


class Identifier:
    """Makes sightings. Thread safe; two of them over one message do no harm.

    Args:
        database: rows.
        blobs: pictures.
        index: finds who is alike.
        reader: finds faces.
        decoder: turns files into pictures.
        thresholds: how alike is enough.
        publish: tells others.

    Raises (every method):
        Unavailable: a part is away: call again with the same message.
        Poison: this message will never be a sighting.
    """

    def __init__(
        self,
        database: Database[Store],
        blobs: Blobs,
        index: VectorIndex,
        reader: FaceReader,
        decoder: Decoder,
        *,
        thresholds: Limits,
        publish: Callable[[Message], object],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._index = index
        self._reader = reader
        self._decoder = decoder
        self._thresholds = thresholds
        self._publish = publish
        #: What was read last: while the index is away the same message comes again and again.
        self._last: tuple[str, tuple[FaceRead, ...], Picture] | None = None

    def see_pass(self, message: PassObserved) -> None:
        """Make or better the sighting of a pass."""
        _check(message.pass_id, message.camera_id)
        origin = Origin(
            sighting_id=derived_id(message.pass_id, "sighting"),
            source="pass",
            source_id=message.pass_id,
            face_no=0,
            camera_id=message.camera_id,
            taken_by=None,
            seen_at=message.opened_at,
            place=None,
            picture_key=message.face.key,
            phase=message.phase,
        )
        with self._database.read() as store:
            row = store.sightings.get(origin.sighting_id)
        if row is not None and (is_of(row, origin) or is_decided(row)):
            self._tell(row, origin)
            return
        read = self._read(message.face.key)
        if read is None:
            log.warning("evidence of a pass is gone", extra=fields(pass_id=message.pass_id))
            return
        faces, picture = read
        state = message.state
        self._keep([Seen(origin, central(faces, picture), picture, state)])

    def see_photo(self, message: PatrolPhotoTaken) -> None:
        """Make a sighting of every face of a photo."""
        _check(message.photo_id, message.taken_by)
        read = self._read(message.key)
        if read is None:
            raise Poison(f"photo {message.photo_id}: expected it in the object store or readable, found none")
        faces, picture = read
        place = None if message.lon is None or message.lat is None else (message.lon, message.lat)
        seen = []
        for number, face in enumerate(faces[:MAX_FACES]):
            origin = Origin(
                sighting_id=derived_id(message.photo_id, f"face/{number}"),
                source="photo",
                source_id=message.photo_id,
                face_no=number,
                camera_id=None,
                taken_by=message.taken_by,
                seen_at=message.taken_at,
                place=place,
                picture_key=message.key,
            )
            seen.append(Seen(origin, face, picture, face.mask_state))
        self._keep(seen)

    def _read(self, key: str) -> tuple[tuple[FaceRead, ...], Picture] | None:
        """Read the faces of a stored picture; None when it is gone or is none."""
        last = self._last  # once: another thread may put its own there at any time
        if last is not None and last[0] == key:
            return last[1:]
        try:
            picture = self._decoder.decode(self._blobs.get(key), "live")
        except (NotFound, UnreadablePicture) as error:
            log.warning("picture cannot be read", extra=fields(key=key, reason=error.detail[:200]))
            return None
        faces = tuple(self._reader.read(picture))
        self._last = key, faces, picture
        return faces, picture

    def _keep(self, seen: list[Seen]) -> None:
        """Compare, store pictures, write rows in one transaction, tell."""
        found = self._compare(seen)
        for one in seen:
            self._store_pictures(one)
        rows = self._database.run(lambda store: [self._write(store, one, found.get(id(one))) for one in seen])
        for one, (row, obsolete) in zip(seen, rows, strict=True):
            self._tell(row, one.origin)
            for key in obsolete:
                self._blobs.delete(key)

    def _compare(self, seen: list[Seen]) -> dict[int, Found]:
        found: dict[int, Found] = {}
        with self._database.read() as store:
            for one in seen:
                if one.face is not None and one.comparable:
                    searcher = Searcher(store, self._index, self._thresholds, self._reader.model, _EVERYBODY, now())
                    probe = Probe(one.face.vector[None], one.face.covered)
                    found[id(one)] = searcher.search(probe, Wanted("persons", 2))
        return found

    def _store_pictures(self, seen: Seen) -> None:
        crop = seen.picture if seen.face is None else seen.face.crop
        self._blobs.put(seen.origin.crop_key, jpeg(crop), content_type="image/jpeg")
        if seen.face is not None:
            self._blobs.put(seen.origin.aligned_key, png(seen.face.aligned), content_type="image/png")

    def _write(self, store: Store, seen: Seen, found: Found | None) -> tuple[Sighting, tuple[str, ...]]:
        """Write the row, unless the one that is there is as good; give it, and the keys that nobody names any more."""
        row = store.sightings.get(seen.origin.sighting_id, lock=True)
        ours = seen.origin.crop_key, seen.origin.aligned_key
        if row is not None and (is_of(row, seen.origin) or is_decided(row) or not is_better(seen, row)):
            return row, tuple(key for key in ours if key not in (row.crop_key, row.aligned_key))
        written = row or Sighting(sighting_id=seen.origin.sighting_id, recorded_at=now())
        theirs = (written.crop_key, written.aligned_key) if row is not None else ()
        if found is not None:
            # asked again: the index may have lost everything just before it was searched
            store.vectors.complete(self._reader.model)
        describe(written, seen, self._reader.model)
        locate(store, written, seen.origin.place)
        judge(store, written, found)
        if row is None:
            store.sightings.add(written)
        raise_alerts(store, written)
        if found is not None and seen.face is not None:
            store.vectors.add("sighting", written.sighting_id, self._reader.model, seen.face.vector)
        return written, tuple(key for key in theirs if key is not None and key not in ours)

    def _tell(self, row: Sighting, origin: Origin) -> None:
        """Publish what the row says, if it was made of the picture of this message: a repeat tells it again."""
        if not row.crop_key.startswith(origin.name):
            return
        with self._database.read() as store:
            message = message_of(store, row, origin)
        self._publish(message)


def _check(*ids: str) -> None:
    for one in ids:
        if not is_ulid(one):
            raise Poison(f"id: expected a ULID, got {one[:40]!r}")
