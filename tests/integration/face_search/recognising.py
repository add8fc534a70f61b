"""The worker's part of a world: passes in, sightings out, with everything real but the networks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from face_search.adapters.exact import ExactIndex
from face_search.identify import Identifier
from face_search.indexing import Embedder
from face_search.ports import VectorIndex
from face_search.rules import SERVICE
from face_search.syncing import Syncer
from face_search.worker import HELD
from shared_kernel.bus import Worker
from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.messages import Message, PassObserved, PatrolPhotoTaken, PersonSighted, new_id
from shared_kernel.tables import FaceModel, FaceVector, Sighting
from tests.integration.face_search.canned import Portrait, photo, scene
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World


class FailingIndex(ExactIndex):
    """An index that can be away, and can forget everything."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    def forget(self) -> None:
        """As a Milvus whose folder was removed."""
        self._models.clear()

    def _collection(self, model: str) -> Any:
        if self.away:
            raise Unavailable("face index", "away")
        return super()._collection(model)

    def ensure(self, model: str, dimension: int) -> bool:
        if self.away:
            raise Unavailable("face index", "away")
        return super().ensure(model, dimension)

    def has(self, model: str) -> bool:
        if self.away:
            raise Unavailable("face index", "away")
        return super().has(model)

    def remove(self, model: str, vector_ids: Any) -> None:
        if self.away:
            raise Unavailable("face index", "away")
        super().remove(model, vector_ids)


class Recogniser:
    """Identifies and syncs over a world; `told` is what others were told."""

    def __init__(self, world: World, index: VectorIndex | None = None) -> None:
        self.world = world
        self.parts = world.parts
        self.index = FailingIndex() if index is None else index
        self.gallery = Gallery(world.database, world.parts.blobs)
        self.model, self.dimension = world.reader.model, world.reader.dimension
        self.told: list[PersonSighted] = []
        self.identifier = self.make_identifier(self._hear)
        self.syncer = self.make_syncer()

    def make_identifier(self, publish: Any, **others: Any) -> Identifier:
        given = {"database": self.parts.database, "blobs": self.parts.blobs, **others}
        return Identifier(
            given["database"],
            given["blobs"],
            self.index,
            self.parts.reader,
            self.parts.decoder,
            thresholds=self.parts.thresholds,
            publish=publish,
        )

    def make_syncer(self) -> Syncer:
        """A syncer as a process that has just started has it."""
        return Syncer(self.parts.database, self.index, self.model, self.dimension)

    def sync(self) -> None:
        """Until nothing moves. A round in which everything changed meanwhile moves nothing either."""
        while self.syncer.step() or self.syncer.step():
            pass

    def enrol(self, name: str, *portraits: Portrait, **columns: Any) -> str:
        """Id of somebody whose samples wait for the index as enrolling leaves them."""
        person_id = self.gallery.person(name, **columns)
        for portrait in portraits:
            sample_id = self.gallery.sample(person_id, covered=portrait.covered)
            [face] = self.parts.reader.read(scene(portrait))
            self.parts.blobs.put(f"faces/samples/{sample_id}/face.png", _png(face.aligned))
            with self.parts.database.write() as store:
                store._session.delete(store._session.scalars(select(FaceVector).filter_by(subject_id=sample_id)).one())
                store._session.flush()
                store.vectors.add("sample", sample_id, self.model, face.vector)
        return person_id

    def photo_taken(self, *portraits: Portrait, **fields: Any) -> PatrolPhotoTaken:
        photo_id = new_id()
        key = f"patrol-photos/{photo_id}.png"
        self.parts.blobs.put(key, photo(*portraits))
        given = {"photo_id": photo_id, "key": key, "taken_at": now(), "taken_by": new_id(), **fields}
        return PatrolPhotoTaken(**given)

    def sightings(self) -> list[Sighting]:
        rows = self.gallery.rows(Sighting)
        return sorted(rows, key=lambda row: (row.seen_at, row.face_no))

    def vectors(self, *states: str) -> list[FaceVector]:
        return [row for row in self.gallery.rows(FaceVector) if not states or row.index_state in states]

    def state(self) -> str:
        [row] = self.gallery.rows(FaceModel, FaceModel.model == self.model)
        return str(row.state)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The worker's loops run in threads."""
        stop = threading.Event()
        bus = self.parts.bus
        threads = [
            threading.Thread(target=Worker(bus.subscribe(kind, SERVICE), handle, batch=HELD).run, args=(stop,))  # type: ignore[arg-type]
            for kind, handle in (
                (PassObserved, self.identifier.see_pass),
                (PatrolPhotoTaken, self.identifier.see_photo),
            )
        ]
        threads.append(threading.Thread(target=self.syncer.run, args=(lambda: bus.alone("t", ttl_s=5), stop)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _hear(self, message: Message) -> None:
        assert isinstance(message, PersonSighted)
        self.told.append(message)


def embedder(recogniser: Recogniser, reader: Any) -> Embedder:
    return Embedder(recogniser.parts.database, recogniser.parts.blobs, reader)


def _png(picture: Any) -> bytes:
    import cv2

    return cv2.imencode(".png", picture)[1].tobytes()


def ids(works: Recogniser, model: str | None = None) -> set[str]:
    return set(works.index.ids(model or works.model))


def is_like_sql(works: Recogniser) -> bool:
    return ids(works) == {row.vector_id for row in works.vectors()} and not works.vectors("pending", "removing")


def seen(works: Recogniser, camera: str, *portraits: Portrait) -> str:
    message = works.world.observed(camera, *portraits)
    works.identifier.see_pass(message)
    [row] = works.gallery.rows(Sighting, Sighting.source_id == message.pass_id)
    return str(row.sighting_id)
