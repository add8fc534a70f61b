"""One behaviour, every vector index: numpy, Milvus that looks at everything, Milvus that walks a graph."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from face_search.adapters.exact import ExactIndex
from face_search.adapters.milvus import IndexType, MilvusIndex, collection_name, expression
from face_search.ports import IndexEntry, IndexFilter, VectorIndex, VectorKind
from shared_kernel.errors import Unavailable
from shared_kernel.messages import MaskState, derived_id
from shared_kernel.testing.milvus import MilvusServer
from shared_kernel.testing.parts import PartFailed
from shared_kernel.testing.waiting import wait_until

DIMENSION = 32
_numbers = count()


@pytest.fixture(params=["exact", "FLAT", "HNSW"])
def index(request: pytest.FixtureRequest) -> Iterator[VectorIndex]:
    if request.param == "exact":
        yield ExactIndex()
        return
    server: MilvusServer = request.getfixturevalue("milvus_server")
    index_type: IndexType = request.param
    made = MilvusIndex(server.url, index_type=index_type)
    yield made
    made.close()


@pytest.fixture
def model(index: VectorIndex) -> Iterator[str]:
    """A model of this test alone, with an empty collection."""
    name = f"test-{next(_numbers)}"
    index.ensure(name, DIMENSION)
    yield name
    index.drop(name)


def vectors(number: int, seed: int = 0) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).standard_normal((number, DIMENSION)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def entry(number: int, vector: NDArray[np.float32], kind: VectorKind = "sample") -> IndexEntry:
    """Sighting n: camera n % 5, seen at n milliseconds, person n % 7, every third masked."""
    return IndexEntry(
        vector_id=derived_id("vector", number),
        vector=vector,
        kind=kind,
        subject_id=derived_id("subject", number),
        person_id=derived_id("person", number % 7),
        camera_id="" if kind == "sample" else derived_id("camera", number % 5),
        seen_at_ms=0 if kind == "sample" else number,
        mask_state=MaskState.WITHOUT_MASK if number % 3 else MaskState.WITH_MASK,
        covered=number % 3 == 0,
    )


SAMPLES = IndexFilter("sample")
SIGHTINGS = IndexFilter("sighting")


def test_the_nearest_come_first_with_their_cosine(index: VectorIndex, model: str) -> None:
    stored = vectors(200)
    index.upsert(model, [entry(number, vector) for number, vector in enumerate(stored)])
    asked = vectors(3, seed=1)
    found = index.search(model, asked, 10, SAMPLES)
    for hits, cosines in zip(found, asked @ stored.T, strict=True):
        order = np.argsort(-cosines)[:10]
        assert [hit.vector_id for hit in hits] == [derived_id("vector", int(number)) for number in order]
        assert [hit.subject_id for hit in hits] == [derived_id("subject", int(number)) for number in order]
        assert [hit.score for hit in hits] == pytest.approx([float(cosines[number]) for number in order], abs=1e-5)


FILTERS = [
    SIGHTINGS,
    IndexFilter("sighting", camera_ids=frozenset({derived_id("camera", 2)})),
    IndexFilter("sighting", camera_ids=frozenset({derived_id("camera", 0), derived_id("camera", 9)})),
    IndexFilter("sighting", from_ms=100, to_ms=140),
    IndexFilter("sighting", person_ids=frozenset(derived_id("person", one) for one in (1, 4))),
    IndexFilter("sighting", mask_states=frozenset({MaskState.WITH_MASK})),
    IndexFilter(
        "sighting",
        person_ids=frozenset({derived_id("person", 3)}),
        camera_ids=frozenset({derived_id("camera", 1)}),
        from_ms=10,
        to_ms=290,
        mask_states=frozenset({MaskState.WITHOUT_MASK, MaskState.MASK_WORN_INCORRECTLY}),
    ),
    IndexFilter("sighting", from_ms=5_000),
    IndexFilter("sighting", camera_ids=frozenset()),
    IndexFilter("sighting", mask_states=frozenset()),
    IndexFilter("sighting", person_ids=frozenset()),
]


def test_a_filter_lets_through_what_it_says_and_loses_nothing(index: VectorIndex, model: str) -> None:
    stored = [entry(number, vector, "sighting") for number, vector in enumerate(vectors(300))]
    index.upsert(model, stored)
    index.upsert(model, [entry(1000 + number, vector) for number, vector in enumerate(vectors(20, seed=2))])
    twin = ExactIndex()
    twin.ensure(model, DIMENSION)
    twin.upsert(model, stored)
    asked = vectors(2, seed=3)
    for only in FILTERS:
        found, true = (one.search(model, asked, 300, only) for one in (index, twin))
        assert [[hit.vector_id for hit in hits] for hits in found] == [
            [hit.vector_id for hit in hits] for hits in true
        ], only


HOSTILE = ['" or vector_id != "', '"] or kind == "sample', "\\", "'", "\n", "%", "", "0" * 500]


def test_what_is_no_id_lets_nothing_through(index: VectorIndex, model: str) -> None:
    index.upsert(model, [entry(number, vector, "sighting") for number, vector in enumerate(vectors(20))])
    for text in HOSTILE:
        _lets_nothing_through(index, model, text)


def _lets_nothing_through(index: VectorIndex, model: str, text: str) -> None:
    asked = vectors(1, seed=1)
    for only in (
        IndexFilter("sighting", camera_ids=frozenset({text})),
        IndexFilter("sighting", person_ids=frozenset({text})),
    ):
        assert index.search(model, asked, 5, only) == [[]]
    both = IndexFilter("sighting", camera_ids=frozenset({text, derived_id("camera", 3)}))
    assert len(index.search(model, asked, 20, both)[0]) == 4
    index.remove(model, [text])
    assert len(set(index.ids(model))) == 20


def test_the_same_id_is_replaced(index: VectorIndex, model: str) -> None:
    first, second = vectors(2)
    index.upsert(model, [entry(1, first, "sighting")])
    changed = dataclasses.replace(entry(1, second, "sighting"), person_id=derived_id("person", 99))
    index.upsert(model, [changed])
    index.upsert(model, [changed])
    assert list(index.ids(model)) == [changed.vector_id]
    assert [hit.score for hit in index.search(model, second[None], 5, SIGHTINGS)[0]] == pytest.approx([1.0])
    assert (
        index.search(model, first[None], 5, IndexFilter("sighting", person_ids=frozenset({entry(1, first).person_id})))[
            0
        ]
        == []
    )


def test_what_is_removed_is_not_found(index: VectorIndex, model: str) -> None:
    stored = [entry(number, vector) for number, vector in enumerate(vectors(30))]
    index.upsert(model, stored)
    index.remove(model, [one.vector_id for one in stored[::2]])
    index.remove(model, [derived_id("vector", 12345), stored[0].vector_id])
    left = {one.vector_id for one in stored[1::2]}
    assert set(index.ids(model)) == left
    assert {hit.vector_id for hit in index.search(model, vectors(1, seed=1), 30, SAMPLES)[0]} == left
    index.upsert(model, stored[:1])
    assert set(index.ids(model)) == left | {stored[0].vector_id}


def test_every_id_comes_once_however_many(index: VectorIndex, model: str) -> None:
    stored = [entry(number, vector) for number, vector in enumerate(vectors(2345))]
    index.upsert(model, stored)
    found = list(index.ids(model))
    assert len(found) == 2345
    assert set(found) == {one.vector_id for one in stored}


def test_many_faces_at_once(index: VectorIndex, model: str) -> None:
    stored = vectors(64)
    index.upsert(model, [entry(number, vector) for number, vector in enumerate(stored)])
    found = index.search(model, stored, 1, SAMPLES)
    assert [hits[0].vector_id for hits in found] == [derived_id("vector", number) for number in range(64)]
    assert index.search(model, stored[:0], 1, SAMPLES) == []


def test_models_live_side_by_side(index: VectorIndex, model: str) -> None:
    other = f"{model}.b"
    index.ensure(other, 16)
    try:
        index.upsert(model, [entry(1, vectors(1)[0])])
        short = vectors(1)[0][:16] / np.linalg.norm(vectors(1)[0][:16])
        index.upsert(other, [entry(2, short)])
        assert list(index.ids(model)) == [derived_id("vector", 1)]
        assert [hit.vector_id for hit in index.search(other, short[None], 5, SAMPLES)[0]] == [derived_id("vector", 2)]
        index.drop(other)
        assert list(index.ids(other)) == []
        assert list(index.ids(model)) == [derived_id("vector", 1)]
    finally:
        index.drop(other)


def test_ensure_says_whether_the_collection_is_new(index: VectorIndex, model: str) -> None:
    assert index.ensure(model, DIMENSION) is False
    assert index.has(model)
    index.upsert(model, [entry(1, vectors(1)[0])])
    assert index.ensure(model, DIMENSION) is False
    index.drop(model)
    assert not index.has(model)
    assert index.ensure(model, DIMENSION) is True
    assert list(index.ids(model)) == []


def test_without_a_collection_nobody_is_told_that_nobody_is_there(index: VectorIndex) -> None:
    nowhere = "test-nowhere"
    with pytest.raises(Unavailable):
        index.search(nowhere, vectors(1), 5, SAMPLES)
    with pytest.raises(Unavailable):
        index.upsert(nowhere, [entry(1, vectors(1)[0])])
    index.remove(nowhere, [derived_id("vector", 1)])
    assert list(index.ids(nowhere)) == []
    index.drop(nowhere)


def test_threads_share_it(index: VectorIndex, model: str) -> None:
    stored = vectors(80)
    wrong: list[object] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 10):
                index.upsert(model, [entry(number, stored[number])])
                (hits,) = index.search(model, stored[number][None], 1, SAMPLES)
                if hits[0].vector_id != derived_id("vector", number):
                    wrong.append(hits)
        except Exception as error:  # noqa: BLE001 - a thread's error would be lost
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(set(index.ids(model))) == 80


def test_names_of_collections_never_meet() -> None:
    names = [collection_name(model) for model in ("a-1", "a_1", "a.1", "a 1", "A-1", "张-1", "x" * 300, '";drop')]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isascii() and name.replace("_", "").isalnum() for name in names)


def test_a_filter_is_made_of_literals() -> None:
    camera = derived_id("camera", 1)
    only = IndexFilter("sighting", camera_ids=frozenset({camera, '"] or true or x in ["'}), from_ms=5, to_ms=-1)
    expected = f'camera_id in ["{camera}"] and seen_at_ms >= 5 and seen_at_ms < -1'
    assert expression(only) == expected


def answers(index: VectorIndex) -> bool:
    try:
        return bool(index.search("test", vectors(1), 1, SAMPLES)[0])
    except Unavailable:
        return False


def test_away_hanging_and_back(tmp_path: Path) -> None:
    """Killed, started again and frozen: Unavailable while it lasts, and then as before, without being told."""
    with MilvusServer(tmp_path) as server:
        index = MilvusIndex(server.url)
        index.ensure("test", DIMENSION)
        stored = vectors(50)
        index.upsert("test", [entry(number, vector) for number, vector in enumerate(stored)])
        server.kill()
        for ask in (
            lambda: index.search("test", stored[:1], 1, SAMPLES),
            lambda: index.upsert("test", [entry(1, stored[1])]),
            lambda: index.remove("test", [derived_id("vector", 1)]),
            lambda: list(index.ids("test")),
            lambda: index.ensure("test", DIMENSION),
            lambda: index.has("test"),
            lambda: index.drop("test"),
        ):
            with pytest.raises(Unavailable, match="face index"):
                ask()
        server.start()
        # no collection is in memory after a restart
        wait_until(lambda: answers(index), 30, "Milvus is found again")
        assert index.search("test", stored[7:8], 1, SAMPLES)[0][0].vector_id == derived_id("vector", 7)
        assert len(list(index.ids("test"))) == 50
        server.restart()
        wait_until(lambda: answers(index), 30, "Milvus is found again")
        assert len(list(index.ids("test"))) == 50
        server.freeze()
        with pytest.raises(Unavailable):
            index.search("test", stored[:1], 1, SAMPLES)
        server.thaw()
        wait_until(lambda: answers(index), 30, "Milvus goes on")
        index.close()


def test_what_milvus_has_indexed_is_still_found_exactly(tmp_path: Path) -> None:
    """Milvus Lite compares few rows one by one and makes its index of many behind our back."""
    stored, asked = vectors(3000), vectors(20, seed=1)
    with MilvusServer(tmp_path) as server:
        index = MilvusIndex(server.url)
        index.ensure("test", DIMENSION)
        index.upsert("test", [entry(number, vector) for number, vector in enumerate(stored)])

        def indexed() -> bool:
            index.ensure("test", DIMENSION)  # as `syncing` does every few seconds: what is loose is written
            return any(tmp_path.rglob("*.ivf_flat.idx"))

        wait_until(indexed, 30, "an index of the rows")
        found = index.search("test", asked, 10, SAMPLES)
        index.close()
    for hits, cosines in zip(found, asked @ stored.T, strict=True):
        order = np.argsort(-cosines)[:10]
        assert [hit.vector_id for hit in hits] == [derived_id("vector", int(number)) for number in order]


def test_nobody_at_start(tmp_path: Path) -> None:
    server = MilvusServer(tmp_path)
    index = MilvusIndex(server.url)
    with pytest.raises(Unavailable, match="face index"):
        index.ensure("test", DIMENSION)
    with server:
        assert index.ensure("test", DIMENSION) is True
        with pytest.raises(PartFailed, match="somebody listens there"):
            MilvusServer(tmp_path / "other", server.port).start()
    index.close()
    with pytest.raises(Unavailable):
        index.search("test", vectors(1), 1, SAMPLES)
