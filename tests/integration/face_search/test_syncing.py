"""The index follows SQL: through crashes at every step, outages, a Milvus that forgot, two writers, another model."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from face_search.adapters.milvus import MilvusIndex
from face_search.indexing import compare, heal, rebuild, retire
from face_search.ports import IndexFilter, VectorIndex
from face_search.syncing import Syncer
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, NotFound, Unavailable
from shared_kernel.messages import MaskState
from shared_kernel.tables import FaceModel, FaceSample, FaceVector, Sighting
from shared_kernel.testing.milvus import MilvusServer
from shared_kernel.testing.waiting import wait_until
from tests.integration.face_search.canned import CannedReader, Portrait, scene
from tests.integration.face_search.dying import Countdown, DyingBlobs, DyingDatabase, Killed
from tests.integration.face_search.recognising import FailingIndex, Recogniser, embedder
from tests.integration.face_search.world import World

ADA, BOB, EVE = 5, 17, 40


@pytest.fixture
def works(world: World) -> Recogniser:
    return Recogniser(world)


@pytest.fixture
def quick(small_world: World) -> Recogniser:
    return Recogniser(small_world)


def ids(works: Recogniser, model: str | None = None) -> set[str]:
    return set(works.index.ids(model or works.model))


def is_like_sql(works: Recogniser) -> bool:
    return ids(works) == {row.vector_id for row in works.vectors()} and not works.vectors("pending", "removing")


def seen(works: Recogniser, camera: str, *portraits: Portrait) -> str:
    message = works.world.observed(camera, *portraits)
    works.identifier.see_pass(message)
    [row] = works.gallery.rows(Sighting, Sighting.source_id == message.pass_id)
    return str(row.sighting_id)


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


def test_kill_at_every_step_of_a_sighting(small_world: World, tmp_path: Path) -> None:
    """Wherever the process ends, the next one makes the same single row, and tells of it."""
    steps = 0
    while True:
        works = Recogniser(small_world)
        works.sync()
        message = small_world.observed(small_world.camera(), Portrait(ADA))
        countdown = Countdown(steps)
        url = small_world.settings.database_url.get_secret_value()
        database = DyingDatabase(url, countdown)
        blobs = DyingBlobs(str(tmp_path / "blobs"), countdown)
        published: list[Any] = []

        def publish(told: Any, countdown: Countdown = countdown, published: list[Any] = published) -> None:
            with countdown.step():
                published.append(told)

        dying = works.make_identifier(publish, database=database, blobs=blobs)
        with contextlib.suppress(Killed):
            dying.see_pass(message)
        database.close()
        works.identifier.see_pass(message)
        [row] = works.gallery.rows(Sighting, Sighting.source_id == message.pass_id)
        assert works.gallery.objects(f"faces/sightings/{row.sighting_id}") == {row.crop_key, row.aligned_key}
        [vector] = [one for one in works.vectors() if one.subject_id == row.sighting_id]
        assert vector.index_state == "pending"
        assert {one.message_id for one in (*published, *works.told)} == {works.told[0].message_id}
        if not countdown.reached:
            break
        steps += 1
    assert steps >= 6  # two pictures, one transaction, one message: each before and after


class DyingIndex(FailingIndex):
    """Changes entries until the end."""

    countdown: Countdown | None = None

    def upsert(self, model: str, entries: Any) -> None:
        self._step(lambda: super(DyingIndex, self).upsert(model, entries))

    def remove(self, model: str, vector_ids: Any) -> None:
        self._step(lambda: super(DyingIndex, self).remove(model, vector_ids))

    def ensure(self, model: str, dimension: int) -> bool:
        made: list[bool] = []
        self._step(lambda: made.append(super(DyingIndex, self).ensure(model, dimension)))
        return made[0]

    def _step(self, do: Any) -> None:
        if self.countdown is None:
            do()
            return
        with self.countdown.step():
            do()


def test_kill_at_every_step_of_a_round(small_world: World) -> None:
    """Enrolled, erased and renamed; the process ends anywhere in the round; the next one makes the index like SQL."""
    steps = 0
    while True:
        index = DyingIndex()
        works = Recogniser(small_world, index)
        works.sync()
        gone = works.enrol("Bob", Portrait(BOB))
        works.sync()
        works.enrol("Ada", Portrait(ADA), Portrait(ADA, look=1))
        with works.parts.database.write() as store:
            samples = list(store._session.scalars(select(FaceSample.sample_id).filter_by(person_id=gone)))
            store.vectors.take_out(samples)
            store._session.execute(delete(FaceSample).where(FaceSample.sample_id.in_(samples)))
        countdown = Countdown(steps)
        index.countdown = countdown
        database = DyingDatabase(small_world.settings.database_url.get_secret_value(), countdown)
        dying = Syncer(database, index, works.model, works.dimension)
        with contextlib.suppress(Killed):
            while dying.step():
                pass
        database.close()
        index.countdown = None
        works.syncer = works.make_syncer()
        works.sync()
        assert is_like_sql(works)
        assert not [row for row in works.vectors() if row.subject_id in samples]
        assert works.state() == "serving"
        if not countdown.reached:
            break
        steps += 1
    assert steps >= 10


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
