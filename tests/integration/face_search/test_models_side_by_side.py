"""Another embedding model gets vectors of the stored faces while the old one answers."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import delete

from face_search.indexing import retire
from face_search.ports import IndexFilter
from face_search.syncing import Syncer
from shared_kernel.errors import Conflict, NotFound, Unavailable
from shared_kernel.tables import FaceModel, FaceSample, FaceVector
from tests.integration.face_search.canned import CannedReader, Portrait, scene
from tests.integration.face_search.recognising import Recogniser, embedder, ids, seen
from tests.integration.face_search.world import World

ADA, BOB, EVE = 5, 17, 40


@pytest.fixture
def works(world: World) -> Recogniser:
    return Recogniser(world)


@pytest.fixture
def quick(small_world: World) -> Recogniser:
    return Recogniser(small_world)


def test_another_model_side_by_side(works: Recogniser) -> None:
    """New vectors from the stored faces, while the old ones go on answering; then the old ones leave."""
    ada = works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1))
    works.enrol("Bob", Portrait(BOB))
    works.sync()
    camera = works.world.camera()
    seen(works, camera, Portrait(EVE))
    works.identifier.see_pass(works.world.observed(camera))  # no face: it gets no vector of any model
    works.sync()
    newer = CannedReader("canned-2", 48)
    assert embedder(works, newer).run(threading.Event()).done == 4
    assert embedder(works, newer).run(threading.Event()).done == 0
    # the old model answers all the while
    works.identifier.see_pass(works.world.observed(camera, Portrait(ADA, look=2)))
    assert works.sightings()[-1].person_id == ada
    works.sync()
    assert len(ids(works, "canned-2")) == 4
    [row] = works.gallery.rows(FaceModel, FaceModel.model == "canned-2")
    assert (row.state, row.dimension) == ("building", 48)
    # a worker that starts with the new one catches up with what came meanwhile, and only then answers
    syncer = Syncer(works.parts.database, works.index, "canned-2", 48, embedded=lambda: caught_up)
    caught_up = False
    syncer.step()
    with works.parts.database.read() as store, pytest.raises(Unavailable, match="being put in"):
        store.vectors.complete("canned-2")
    assert embedder(works, newer).run(threading.Event()).done == 1
    caught_up = True
    while syncer.step():
        pass
    with works.parts.database.read() as store:
        store.vectors.complete("canned-2")
    assert len(ids(works, "canned-2")) == 5
    [face] = newer.read(scene(Portrait(ADA, look=3)))
    assert works.index.search("canned-2", face.vector[None], 1, IndexFilter("sample", frozenset({ada})))[0]
    assert retire(works.parts.database, works.model) == 5
    while syncer.step():
        pass
    assert not ids(works)
    assert {one.model for one in works.vectors()} == {"canned-2"}


def test_stored_faces_that_cannot_be_read_are_left_out(quick: Recogniser) -> None:
    quick.enrol("Ada", Portrait(ADA))
    quick.enrol("Bob", Portrait(BOB))
    quick.enrol("Eve", Portrait(EVE))
    keys = sorted(quick.gallery.objects("faces/samples"))
    pngs = [key for key in keys if key.endswith(".png")]
    quick.parts.blobs.delete(pngs[0])
    quick.parts.blobs.put(pngs[1], b"torn")
    found = embedder(quick, CannedReader("canned-2", 48)).run(threading.Event())
    assert (found.done, found.unreadable) == (1, 2)


def test_who_is_erased_while_the_network_looks_gets_no_vector(quick: Recogniser) -> None:
    quick.enrol("Ada", Portrait(ADA))

    class Slow(CannedReader):
        def embed(self, aligned: Any) -> Any:
            with quick.parts.database.write() as store:
                store._session.execute(delete(FaceVector))
                store._session.execute(delete(FaceSample))
            return super().embed(aligned)

    embedder(quick, Slow("canned-2", 48)).run(threading.Event())
    assert not quick.vectors()


def test_a_name_is_one_network(quick: Recogniser) -> None:
    quick.sync()
    with pytest.raises(Conflict, match="expected vectors of 32 numbers"):
        Syncer(quick.parts.database, quick.index, quick.model, 64).step()


def test_a_model_nobody_has(quick: Recogniser) -> None:
    with pytest.raises(NotFound, match="expected one that has vectors here"):
        retire(quick.parts.database, "none-1")
