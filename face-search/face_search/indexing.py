"""Is the index like SQL, and what makes it so again: for the worker's `syncing` and for `xunshi index`.

Nothing here stops searches: a rebuild puts every vector in once more beside what is there, and another model gets
vectors of its own, from the stored upright faces, while the old one goes on answering.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from face_search.adapters.store import Store
from face_search.adapters.vectors import Upright
from face_search.models.upright import UPRIGHT_PX
from face_search.ports import FaceReader, Picture, VectorIndex, VectorKind
from shared_kernel.blobs import Blobs
from shared_kernel.database import Database
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.vision.pictures import UnreadablePicture, decode_frame

log = get_logger(__name__)

#: Upright faces that are embedded at once.
_FACES: Final = 64
#: Ids that are taken out or marked at once.
_IDS: Final = 1_000
#: Pause while a part is away, seconds.
_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How the index differs from SQL.

    Attributes:
        rows: vectors that the index should have.
        entries: that it has.
        missing: ids of vectors that it should have and has not.
        strange: ids of entries that no row speaks of.
        waiting: vectors that are on their way in or out.
    """

    rows: int
    entries: int
    missing: tuple[str, ...]
    strange: tuple[str, ...]
    waiting: int

    @property
    def none(self) -> bool:
        """Whether the index is like SQL."""
        return not (self.missing or self.strange or self.waiting)


@dataclass(frozen=True, slots=True)
class Embedded:
    """What became of stored faces that had no vector of a model."""

    done: int
    unreadable: int


def compare(database: Database[Store], index: VectorIndex, model: str) -> Difference:
    """Compare ids. What moves at the same time may look different though it is well: `heal` does it no harm.

    Raises:
        Unavailable: the index or the database is away.
    """
    # the index first: what is put in afterwards has its row by then
    entries = _sorted(index.ids(model))
    with database.read() as store:
        settled = _sorted(store.vectors.ids(model, "indexed"))
        others = _sorted(store.vectors.ids(model, "pending", "removing"))
    missing = np.setdiff1d(settled, entries, assume_unique=True)
    strange = np.setdiff1d(np.setdiff1d(entries, settled, assume_unique=True), others, assume_unique=True)
    return Difference(len(settled), len(entries), _words(missing), _words(strange), len(others))


def heal(database: Database[Store], index: VectorIndex, model: str) -> Difference:
    """Compare, take strange entries out, and mark the missing ones so that `syncing` puts them in.

    Only whoever holds the lock of `syncing` may call it: between its two halves nobody else may put entries in.

    Raises:
        Unavailable: the index or the database is away.
    """
    found = compare(database, index, model)
    for ids in _batches(found.strange):
        index.remove(model, ids)
    for ids in _batches(found.missing):
        database.run(partial(_put_in_again, vector_ids=ids))
    if found.missing or found.strange:
        differs = fields(model=model, missing=len(found.missing), strange=len(found.strange))
        log.warning("face index differed from the database", extra=differs)
    return found


def rebuild(database: Database[Store], model: str) -> int:
    """Have every vector of a model put in once more; give how many. `syncing` does it, searches go on meanwhile."""
    return database.run(lambda store: store.vectors.put_all_in_again(model))


def retire(database: Database[Store], model: str) -> int:
    """Have every vector of a model leave, in SQL too, and its collection go; give how many.

    Raises:
        NotFound: there is no such model.
    """

    def work(store: Store) -> int:
        row = store.vectors.model(model, lock=True)
        if row is None:
            raise NotFound(f"model {model}: expected one that has vectors here, found none", code="no_model")
        row.state = "retired"
        return store.vectors.take_all_out(model)

    return database.run(work)


class Embedder:
    """Gives stored faces the vectors of a model that they have none of.

    Args:
        database: the truth.
        blobs: has the upright faces.
        reader: whose vectors.
    """

    def __init__(self, database: Database[Store], blobs: Blobs, reader: FaceReader) -> None:
        self._database = database
        self._blobs = blobs
        self._reader = reader

    def run(self, stop: threading.Event, progress: Callable[[int], None] = lambda _done: None) -> Embedded:
        """Go through all faces once, samples first. Begun again it goes on where it was.

        Args:
            stop: ends it early.
            progress: is told after each step how many are done.

        Raises:
            Unavailable: a part is away; call again.
        """
        self._database.run(lambda store: store.vectors.know(self._reader.model, self._reader.dimension).model)
        done = unreadable = 0
        kinds: tuple[VectorKind, ...] = ("sample", "sighting")
        for kind in kinds:
            after = ""
            while not stop.is_set():
                with self._database.read() as store:
                    faces = store.vectors.without(self._reader.model, kind, after, _FACES)
                if not faces:
                    break
                after = faces[-1].subject_id
                made = self._step(faces)
                done, unreadable = done + made, unreadable + len(faces) - made
                progress(done)
        return Embedded(done, unreadable)

    def keep_on(self, embedded: threading.Event, stop: threading.Event) -> None:
        """Go through all faces, however often a part is away; say so by `embedded`, then wait for `stop`."""
        while not stop.is_set() and not embedded.is_set():
            try:
                found = self.run(stop)
            except Unavailable as error:
                log.warning("embedding waits", extra=fields(part=error.part))
                stop.wait(_PAUSE_S)
                continue
            if not stop.is_set():
                embedded.set()
                if found.done or found.unreadable:
                    log.info("stored faces embedded", extra=fields(done=found.done, unreadable=found.unreadable))
        stop.wait()

    def _step(self, faces: Sequence[Upright]) -> int:
        read = [(face, picture) for face in faces if (picture := self._picture(face)) is not None]
        if not read:
            return 0
        vectors = self._reader.embed([picture for _, picture in read])
        self._database.run(lambda store: self._keep(store, [face for face, _ in read], vectors))
        return len(read)

    def _keep(self, store: Store, faces: Sequence[Upright], vectors: NDArray[np.float32]) -> None:
        for face, vector in zip(faces, vectors, strict=True):
            if store.vectors.is_there(face):  # else somebody was erased while the network looked
                store.vectors.add(face.kind, face.subject_id, self._reader.model, vector)

    def _picture(self, face: Upright) -> Picture | None:
        """The stored upright face, which we wrote ourselves; None when it is gone or is none."""
        try:
            picture = decode_frame(self._blobs.get(face.aligned_key))
        except (NotFound, UnreadablePicture):
            picture = None
        if picture is None or picture.shape != (UPRIGHT_PX, UPRIGHT_PX, 3):
            log.warning("stored face cannot be read", extra=fields(kind=face.kind, subject_id=face.subject_id))
            return None
        return picture


def _put_in_again(store: Store, vector_ids: Sequence[str]) -> int:
    return store.vectors.put_in_again(vector_ids)


def _sorted(ids: Iterable[str]) -> NDArray[np.bytes_]:
    """Put ids into an array, each once: a tenth of the memory that a set of texts takes."""
    return np.unique(np.fromiter((one.encode() for one in ids), dtype="S26"))


def _words(ids: NDArray[np.bytes_]) -> tuple[str, ...]:
    return tuple(one.decode() for one in ids.tolist())


def _batches(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(ids), _IDS):
        yield ids[start : start + _IDS]
