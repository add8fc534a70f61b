"""The index follows SQL: through crashes at every step, outages, a Milvus that forgot, two writers, another model."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, update

from face_search.adapters.milvus import MilvusIndex
from face_search.indexing import compare, heal, rebuild
from face_search.ports import IndexFilter, VectorIndex
from face_search.worker import HELD
from shared_kernel.clock import now
from shared_kernel.messages import MaskState, PassObserved, PatrolPhotoTaken, PersonSighted
from shared_kernel.tables import FaceSample, Sighting
from shared_kernel.testing.milvus import MilvusServer
from shared_kernel.testing.waiting import wait_until
from tests.integration.face_search.canned import Portrait, scene
from tests.integration.face_search.recognising import FailingIndex, Recogniser, ids, is_like_sql, seen
from tests.integration.face_search.world import World

ADA, BOB, EVE = 5, 17, 40


@pytest.fixture
def works(world: World) -> Recogniser:
    return Recogniser(world)


@pytest.fixture
def quick(small_world: World) -> Recogniser:
    return Recogniser(small_world)


def test_what_is_pending_goes_in_with_what_filters_ask_for(works: Recogniser) -> None:
    ada = works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1, covered=True))
    works.sync()
    camera = works.world.camera()
    sighting_id = seen(works, camera, Portrait(ADA, look=2))
    works.sync()
    assert is_like_sql(works)
    assert works.state() == "serving"
    [vector] = [row for row in works.vectors() if row.subject_id == sighting_id]
    [face] = works.parts.reader.read(scene(Portrait(ADA, look=2)))
    [row] = works.sightings()
    at = round(row.seen_at.timestamp() * 1000)
    for only in (
        IndexFilter("sighting", person_ids=frozenset({ada})),
        IndexFilter("sighting", camera_ids=frozenset({camera}), from_ms=at, to_ms=at + 1),
        IndexFilter("sighting", mask_states=frozenset({MaskState.WITHOUT_MASK})),
    ):
        [[hit]] = works.index.search(works.model, face.vector[None], 5, only)
        assert (hit.vector_id, hit.subject_id) == (vector.vector_id, sighting_id)
    assert works.index.search(works.model, face.vector[None], 5, IndexFilter("sighting", from_ms=at + 1)) == [[]]


def test_what_leaves_is_gone_from_both(works: Recogniser) -> None:
    works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1))
    works.sync()
    [one, _] = works.gallery.rows(FaceSample)
    with works.parts.database.write() as store:
        store.vectors.take_out([one.sample_id])
        store._session.execute(delete(FaceSample).where(FaceSample.sample_id == one.sample_id))
    works.sync()
    assert len(works.vectors()) == 1
    assert is_like_sql(works)


def test_a_vector_of_nothing_leaves_by_itself(quick: Recogniser) -> None:
    quick.enrol("Ada", Portrait(ADA))
    with quick.parts.database.write() as store:
        store._session.execute(delete(FaceSample))
    quick.sync()
    assert not quick.vectors()
    assert not ids(quick)


def test_a_new_name_reaches_the_filters(works: Recogniser) -> None:
    ada, bob = works.enrol("Ada", Portrait(ADA)), works.enrol("Bob", Portrait(BOB))
    works.sync()
    sighting_id = seen(works, works.world.camera(), Portrait(ADA, look=1))
    works.sync()
    with works.parts.database.write() as store:
        store._session.execute(update(Sighting).values(person_id=bob))
        store.vectors.again([sighting_id])
    works.sync()
    [face] = works.parts.reader.read(scene(Portrait(ADA, look=1)))
    found = {
        person: works.index.search(
            works.model, face.vector[None], 5, IndexFilter("sighting", person_ids=frozenset({person}))
        )
        for person in (ada, bob)
    }
    assert not found[ada][0]
    assert [hit.subject_id for hit in found[bob][0]] == [sighting_id]


class Meddling(FailingIndex):
    """Something happens in the middle of a round: after the rows were read, before they are marked."""

    def __init__(self) -> None:
        super().__init__()
        self.meddle: Any = None

    def upsert(self, model: str, entries: Any) -> None:
        super().upsert(model, entries)
        if self.meddle is not None:
            meddle, self.meddle = self.meddle, None
            meddle()


@pytest.mark.parametrize("what", ["name", "vector", "removal"])
def test_what_changes_in_the_middle_of_a_round_is_not_lost(world: World, what: str) -> None:
    index = Meddling()
    works = Recogniser(world, index)
    ada = works.enrol("Ada", Portrait(ADA))
    bob = works.enrol("Bob", Portrait(BOB))
    works.sync()
    sighting_id = seen(works, works.world.camera(), Portrait(ADA, look=1))
    [other] = works.parts.reader.read(scene(Portrait(BOB)))

    def meddle() -> None:
        with works.parts.database.write() as store:
            if what == "name":
                store._session.execute(update(Sighting).values(person_id=bob))
                store.vectors.again([sighting_id])
            elif what == "vector":
                store.vectors.add("sighting", sighting_id, works.model, other.vector)
            else:
                store.vectors.take_out([sighting_id])
                store._session.execute(delete(Sighting))

    index.meddle = meddle
    works.sync()
    assert index.meddle is None
    assert is_like_sql(works)
    hits = works.index.search(works.model, other.vector[None], 3, IndexFilter("sighting"))[0]
    named = {
        person: bool(
            works.index.search(works.model, other.vector[None], 3, IndexFilter("sighting", frozenset({person})))[0]
        )
        for person in (ada, bob)
    }
    if what == "name":
        assert named == {ada: False, bob: True}
    elif what == "vector":
        assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    else:
        assert hits == []


def test_a_milvus_that_forgot_is_filled_before_anybody_may_search(works: Recogniser) -> None:
    index = works.index
    assert isinstance(index, FailingIndex)
    works.enrol("Ada", *(Portrait(ADA, look=look) for look in range(4)))
    works.sync()
    before = ids(works)
    index.forget()
    works.syncer.distrust()
    works.sync()
    assert ids(works) == before
    assert works.state() == "serving"


def test_an_older_milvus_is_made_good(works: Recogniser) -> None:
    """Restored from a backup: it lacks what came since, and has what was erased since."""
    works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1))
    works.sync()
    kept = works.vectors()
    with works.parts.database.read() as store:
        entries = store.vectors.entries([row.vector_id for row in kept])
    strange = next(iter(entries.values()))
    works.index.remove(works.model, [strange.vector_id])
    ghost = "0" * 26
    works.index.upsert(works.model, [_renamed(strange, ghost)])
    found = compare(works.parts.database, works.index, works.model)
    assert (found.missing, found.strange, found.rows, found.entries) == ((strange.vector_id,), (ghost,), 2, 2)
    assert not found.none
    assert not is_like_sql(works)  # comparing changes nothing
    # a worker that starts compares by itself
    works.syncer = works.make_syncer()
    works.sync()
    assert is_like_sql(works)
    assert compare(works.parts.database, works.index, works.model).none


def _renamed(entry: Any, vector_id: str) -> Any:
    return dataclasses.replace(entry, vector_id=vector_id)


def test_away_for_long(works: Recogniser) -> None:
    """Passes wait on the bus and people who are enrolled in SQL; then everything comes, once each."""
    index = works.index
    assert isinstance(index, FailingIndex)
    works.sync()
    bus = works.parts.bus
    camera = works.world.camera()
    with works.running():
        index.away = True
        ada = works.enrol("Ada", Portrait(ADA))
        messages = [works.world.observed(camera, Portrait(ADA, look=number % 4)) for number in range(12)]
        for message in messages:
            bus.publish(message)
        bus.publish(works.photo_taken(Portrait(EVE)))
        wait_until(lambda: bus.pending(type(messages[0]), "face-search") > 0, 20, "a worker holds them")
        assert not works.sightings()
        assert works.vectors("pending")
        index.away = False
        wait_until(lambda: len(works.sightings()) == 13, 30, "all are sightings")
        wait_until(lambda: is_like_sql(works), 30, "all are in the index")
    rows = works.sightings()
    assert {row.source_id for row in rows if row.source == "pass"} == {one.pass_id for one in messages}
    # who was enrolled while the index was away may be recognised a moment after the first of them
    assert {row.person_id for row in rows if row.source == "pass"} <= {ada, None}
    assert not bus.dead_letters(type(messages[0]))
    assert len({told.sighting_id for told in works.told}) == 13


def test_what_waits_for_long_waits_on_the_bus_and_a_worker_holds_a_few(quick: Recogniser) -> None:
    """Nothing of it is dropped, however much it is: these topics have no length. The catch-up takes a few at a time."""
    assert [kind.retention.max_len for kind in (PassObserved, PatrolPhotoTaken, PersonSighted)] == [None] * 3
    index, bus = quick.index, quick.parts.bus
    assert isinstance(index, FailingIndex)
    quick.sync()
    camera, count = quick.world.camera(), 3 * HELD
    most: list[int] = []
    index.away = True
    for number in range(count):
        bus.publish(quick.world.observed(camera, Portrait(number)))
    with quick.running():
        wait_until(lambda: bus.pending(PassObserved, "face-search") == HELD, 20, "a worker has its hands full")
        bus.trim(PassObserved)
        assert bus.backlog(PassObserved) == count
        index.away = False
        while len(quick.sightings()) < count:
            most.append(bus.pending(PassObserved, "face-search"))
        wait_until(lambda: bus.pending(PassObserved, "face-search") == 0, 20, "all are acknowledged")
    assert max(most, default=0) <= HELD
    assert len(quick.sightings()) == count
    assert not bus.dead_letters(PassObserved)


def test_two_workers_on_one_queue(world: World) -> None:
    first = Recogniser(world)
    second = Recogniser(world, first.index)
    first.sync()
    camera = world.camera()
    first.enrol("Ada", Portrait(ADA))
    first.sync()
    with first.running(), second.running():
        messages = [world.observed(camera, Portrait(number % 64)) for number in range(30)]
        for message in messages:
            for phase in ("opened", "closed"):
                world.parts.bus.publish(message.model_copy(update={"phase": phase}))
        wait_until(lambda: len(first.sightings()) == 30, 30, "each is a sighting")
        wait_until(lambda: is_like_sql(first), 30, "each is in the index")
    told = [one.sighting_id for one in (*first.told, *second.told)]
    assert set(told) == {row.sighting_id for row in first.sightings()}


def test_a_rebuild_puts_everything_in_again_while_serving(works: Recogniser) -> None:
    ada = works.enrol("Ada", Portrait(ADA))
    works.sync()
    assert rebuild(works.parts.database, works.model) == 1
    works.identifier.see_pass(works.world.observed(works.world.camera(), Portrait(ADA, look=1)))
    assert [row.person_id for row in works.sightings()] == [ada]
    works.sync()
    assert is_like_sql(works)


def test_thousands_at_once(quick: Recogniser) -> None:
    """More than a round takes."""
    person = quick.gallery.person()
    rng = np.random.default_rng(1)
    quick.sync()
    given = {"source": "import", "quality": 0.9, "quality_reasons": "", "mask_state": "without_mask", "covered": False}
    given |= {"person_id": person, "crop_key": "x", "aligned_key": "x", "created_at": now()}
    rows = [FaceSample(sample_id=f"{one:026d}", content_sha256=one.to_bytes(32), **given) for one in range(1100)]
    quick.gallery.add(*rows)
    with quick.parts.database.write() as store:
        for each in rows:
            vector = rng.standard_normal(quick.dimension).astype(np.float32)
            store.vectors.add("sample", each.sample_id, quick.model, vector / np.linalg.norm(vector))
    quick.sync()
    assert is_like_sql(quick)
    assert heal(quick.parts.database, quick.index, quick.model).none


def test_with_a_real_milvus(small_world: World, tmp_path: Path) -> None:
    """The whole way over a real index that is killed and loses its folder."""
    with MilvusServer(tmp_path / "milvus") as server:
        index: VectorIndex = MilvusIndex(server.url)
        works = Recogniser(small_world, index)
        ada = works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1))
        with works.running():
            wait_until(lambda: works.vectors("indexed"), 30, "Ada is in the index")
            wait_until(lambda: works.state() == "serving", 30, "the index is complete")
            camera = small_world.camera()
            small_world.parts.bus.publish(small_world.observed(camera, Portrait(ADA, look=2)))
            wait_until(lambda: len(works.sightings()) == 1, 30, "she is seen")
            server.kill()
            small_world.parts.bus.publish(small_world.observed(camera, Portrait(ADA, look=3)))
            _empty(tmp_path / "milvus" / "data")
            server.start()
            wait_until(lambda: len(works.sightings()) == 2, 60, "she is seen again")
            wait_until(lambda: is_like_sql(works), 60, "the index is like SQL")
        assert {row.person_id for row in works.sightings()} == {ada}
        assert compare(works.parts.database, index, works.model).none


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
