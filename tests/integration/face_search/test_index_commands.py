"""What `xunshi index` does, with a real Milvus beside the database."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from face_search.adapters.milvus import MilvusIndex
from face_search.index_commands import IndexDesk
from shared_kernel.errors import ArtifactError, NotFound, Unavailable
from shared_kernel.messages import new_id
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.recognising import Recogniser
from tests.integration.face_search.world import World

if TYPE_CHECKING:
    from shared_kernel.testing.milvus import MilvusServer


@pytest.fixture
def desk(small_world: World, milvus_server: MilvusServer) -> IndexDesk:
    settings = small_world.settings
    folder = Path("nowhere")
    return IndexDesk(settings.database_url.get_secret_value(), settings.blobs_url, milvus_server.url, folder, folder)


@pytest.fixture
def works(small_world: World, milvus_server: MilvusServer) -> Recogniser:
    small_world.reader.model = f"canned-{new_id().lower()}"[:32]
    return Recogniser(small_world, MilvusIndex(milvus_server.url))


def test_what_is_missing_and_strange_is_counted_and_healed_by_a_rebuild(desk: IndexDesk, works: Recogniser) -> None:
    for number in range(3):
        works.enrol(f"person {number}", Portrait(number))
    works.sync()
    [(model, alike)] = desk.verify().items()
    assert (alike.rows, alike.entries, alike.none) == (3, 3, True)
    works.index.remove(model, [works.vectors()[0].vector_id])
    assert len(desk.verify(model)[model].missing) == 1

    told: list[tuple[int, int]] = []
    ended = threading.Event()
    syncing = threading.Thread(target=_sync_until, args=(works, ended))
    syncing.start()
    assert desk.rebuild(None, lambda done, total: told.append((done, total))) == 3
    ended.set()
    syncing.join()
    assert told[-1] == (3, 3)
    assert desk.verify(model)[model].none


def _sync_until(works: Recogniser, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        works.sync()


def test_a_retired_model_is_named_no_more(desk: IndexDesk, works: Recogniser) -> None:
    works.enrol("somebody", Portrait(1))
    works.sync()
    [model] = desk.verify()
    assert desk.retire(model) == 1
    assert desk.verify() == {}
    with pytest.raises(NotFound, match="none"):
        desk.verify(model)


def test_models_that_nobody_has_are_named(desk: IndexDesk, works: Recogniser) -> None:
    with pytest.raises(NotFound, match="no-such-model"):
        desk.verify("no-such-model")
    with pytest.raises(ArtifactError, match="no-such-model"):
        desk.rebuild("no-such-model", lambda _done, _total: None)
    with pytest.raises(NotFound):
        desk.retire("no-such-model")


def test_without_a_running_stack_a_rebuild_waits_for_one(desk: IndexDesk, works: Recogniser) -> None:
    works.enrol("somebody", Portrait(1))
    works.sync()
    alone = IndexDesk(desk.database_url, desk.blobs_url, None, desk.weights_dir, desk.models_dir)
    with pytest.raises(Unavailable, match="does not run"):
        alone.verify()
    assert alone.rebuild(None, lambda _done, _total: None) == 1
    assert [one.index_state for one in works.vectors()] == ["pending"]
