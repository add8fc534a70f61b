"""Erasing: what goes, what stays, what a crash at any step and a database from a backup change (nothing)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from face_search.adapters.store import Store
from face_search.erasing import Eraser, ask, ask_for_person, preview, request_of
from face_search.ledger import Ledger
from face_search.rules import photo_key
from miniprogram_api.adapters.migrations import upgrade
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.messages import Message, PersonErased, new_id
from shared_kernel.tables import (
    Base,
    FaceAnswer,
    FaceErasure,
    FaceImportLine,
    FaceSample,
    FaceVector,
    GalleryChange,
    Person,
    PersonOnList,
    Sighting,
    WatchAlert,
)
from shared_kernel.testing.mariadb import MariadbServer
from tests.integration.face_search.dying import Countdown, DyingBlobs, DyingBus, DyingDatabase, Killed
from tests.integration.face_search.gallery import Gallery


@dataclass
class Scene:
    """Ada is enrolled twice (merged), was seen three times; Bob is somebody else."""

    url: str
    folder: Path
    published: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database: Database[Store] = Database(self.url, Store)
        self.blobs = Blobs.open(f"file://{self.folder}/blobs")
        self.gallery = Gallery(self.database, self.blobs)
        self.eraser = Eraser(self.database, self.blobs, self.published.append)

    def fill(self) -> None:
        add = self.gallery
        self.ada = add.person("Ada Lovelace")
        self.also_ada = add.person("A. Lovelace", merged_into=self.ada)
        self.bob = add.person("Bob")
        self.listed = add.face_list(self.ada, self.bob)
        self.samples = [add.sample(self.ada), add.sample(self.ada), add.sample(self.also_ada)]
        self.bobs = add.sample(self.bob)
        self.seen = [add.sighting(self.ada), add.sighting(self.ada), add.sighting(self.also_ada, source="photo")]
        [photographed] = add.rows(Sighting, Sighting.sighting_id == self.seen[2])
        self.photo = photo_key(photographed.seen_at, photographed.source_id)
        self.blobs.put(self.photo, b"both of them")
        self.bob_seen = add.sighting(self.bob, runner_up_id=self.ada, runner_up_score=0.3)
        self.stranger = add.sighting()
        add.negative(self.ada, self.stranger)
        add.negative(self.bob, self.seen[0])
        add.change(self.ada, self.also_ada)
        add.change(self.bob, self.seen[1], kind="not_this_person")
        add.watch_alert(self.seen[0], self.ada)
        add.watch_alert(self.bob_seen, self.ada)
        self.bobs_alert = add.watch_alert(self.bob_seen, self.bob)
        self.bobs_change = add.change(self.bob, self.bob_seen, kind="confirm")
        answer = FaceAnswer(user_id=new_id(), route="POST /faces/persons", idempotency_key="k", created_at=now())
        answer.request_hash, answer.answer = bytes(32), f'{{"person_id": "{self.ada}", "name": "Ada Lovelace"}}'
        add.add(answer)
        self.imported = add.import_line(self.ada, self.samples[0], "Ada Lovelace/1.jpg")

    def at(self, folder: Path) -> Scene:
        """The same people, with a database and objects in another folder."""
        there = Scene(f"sqlite:///{folder}/xunshi.db", folder)
        there.__dict__.update({name: value for name, value in self.__dict__.items() if name not in there.__dict__})
        return there

    def ask(self, person_id: str, reason: str = "she asked") -> str:
        return self.database.run(
            lambda store: ask_for_person(store, person_id, cause="request", reason=reason, requested_by=None)
        ).erasure_id

    def receipt(self, erasure_id: str) -> FaceErasure:
        [row] = self.gallery.rows(FaceErasure, FaceErasure.erasure_id == erasure_id)
        assert isinstance(row, FaceErasure)
        return row

    def everything(self) -> str:
        """All of the tables of face search but the receipts, as text."""
        words: list[str] = []
        with self.database.read() as store:
            for table in Base.metadata.sorted_tables:
                if table.name in TABLES:
                    words += [str(tuple(row)) for row in store._session.execute(table.select())]
        return "\n".join(words)

    def assert_erased(self) -> None:
        """Nothing names Ada, and Bob is whole."""
        left = self.everything()
        for word in (self.ada, self.also_ada, *self.samples, *self.seen, "Lovelace"):
            assert word not in left
            assert not [key for key in self.gallery.objects() if word in key]
        assert [row.person_id for row in self.gallery.rows(Person)] == [self.bob]
        assert [row.sample_id for row in self.gallery.rows(FaceSample)] == [self.bobs]
        assert {row.sighting_id for row in self.gallery.rows(Sighting)} == {self.bob_seen, self.stranger}
        assert [row.person_id for row in self.gallery.rows(PersonOnList)] == [self.bob]
        assert [row.change_id for row in self.gallery.rows(GalleryChange)] == [self.bobs_change]
        assert [row.alert_id for row in self.gallery.rows(WatchAlert)] == [self.bobs_alert]
        assert len(self.gallery.objects()) == 2 * 3
        assert self.photo not in self.gallery.objects("patrol-photos")
        assert self.gallery.count(FaceVector) == 3
        [line] = self.gallery.rows(FaceImportLine)
        assert (line.file, line.person_id, line.sample_id) == ("", None, None)


#: Tables in which face search could name somebody.
TABLES = (
    "persons",
    "person_lists",
    "face_lists",
    "face_samples",
    "face_vectors",
    "gallery_changes",
    "sightings",
    "face_negatives",
    "watch_alerts",
    "face_queries",
    "face_imports",
    "face_import_lines",
    "face_answers",
)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "xunshi.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def make_scene(template: Path, tmp_path: Path) -> Iterator[Callable[[], Scene]]:
    """Gives scenes that are alike to the last id."""
    made: list[Scene] = []

    def make() -> Scene:
        folder = tmp_path / str(len(made))
        if made:
            shutil.copytree(tmp_path / "0", folder)
            made.append(made[0].at(folder))
            return made[-1]
        folder.mkdir()
        shutil.copy(template, folder / "xunshi.db")
        made.append(Scene(f"sqlite:///{folder}/xunshi.db", folder))
        made[0].fill()
        made[0].database.close()
        return made[0]

    yield make
    for scene in made:
        scene.database.close()


@pytest.fixture
def scene(make_scene: Callable[[], Scene]) -> Scene:
    return make_scene()


def erase(scene: Scene, erasure_id: str) -> None:
    assert not scene.eraser.erase(erasure_id)  # the index still has vectors
    scene.gallery.sync()
    assert scene.eraser.erase(erasure_id)


def check_erased_with_receipt(scene: Scene) -> None:
    passes = {row.source_id for row in scene.gallery.rows(Sighting, Sighting.person_id == scene.ada)}
    erasure_id = scene.ask(scene.also_ada, "Frau A. Lovelace asked")
    erase(scene, erasure_id)
    scene.assert_erased()
    receipt = scene.receipt(erasure_id)
    assert receipt.state == "done"
    assert receipt.done_at is not None
    assert receipt.reason == "Frau … asked"
    assert receipt.removed == (
        '{"persons": 2, "samples": 3, "sightings": 3, "passes": 2, "vectors": 6, "pictures": 13}'
    )
    said = [message for message in scene.published if isinstance(message, PersonErased)]
    assert {one for message in said for one in message.pass_ids} == passes
    assert {one for message in said for one in message.sighting_ids} == set(scene.seen)
    removed = scene.eraser.ledger.removed(erasure_id)
    assert set(removed.persons) == {scene.ada, scene.also_ada}
    assert set(removed.sightings) == set(scene.seen)


def test_everything_that_names_a_person_goes_and_the_receipt_says_what(scene: Scene) -> None:
    check_erased_with_receipt(scene)


def test_it_is_the_same_on_mariadb(mariadb_server: MariadbServer, tmp_path: Path) -> None:
    url = mariadb_server.make_database()
    upgrade(url)
    scene = Scene(url, tmp_path)
    scene.fill()
    check_erased_with_receipt(scene)
    scene.database.close()
    mariadb_server.drop_database(url)


def test_who_asks_twice_gets_the_same_receipt(scene: Scene) -> None:
    first = scene.ask(scene.ada)
    assert scene.ask(scene.ada) == first
    erase(scene, first)
    assert scene.ask(scene.ada) == first
    assert scene.eraser.erase(first)
    with pytest.raises(NotFound, match="enrolled"):
        scene.ask(new_id())
    with pytest.raises(NotFound, match="asked for"):
        scene.eraser.erase(new_id())


def test_a_preview_counts_and_touches_nothing(scene: Scene) -> None:
    before = scene.everything()
    with scene.database.read() as store:
        assert preview(store, [scene.also_ada]) == {"persons": 2, "samples": 3, "sightings": 3}
    assert scene.everything() == before


def test_the_faces_of_a_photo_go_although_nobody_is_enrolled(scene: Scene) -> None:
    row = scene.database.run(lambda store: ask(store, new_id(), cause="request", reason="photo", requested_by=None))
    scene.eraser.ledger.ask(request_of(row, sighting_ids=[scene.stranger]))
    erase(scene, row.erasure_id)
    assert scene.stranger not in scene.everything()
    assert scene.gallery.count(Person) == 3


def test_nameless_sightings_of_the_same_face_go_with_the_person(scene: Scene) -> None:
    asked: list[set[str]] = []

    def find_alike(person_ids: Sequence[str]) -> list[str]:
        asked.append(set(person_ids))
        return [scene.stranger]

    scene.eraser = Eraser(scene.database, scene.blobs, scene.published.append, find_alike)
    erase(scene, scene.ask(scene.ada))
    assert asked == [{scene.ada, scene.also_ada}]
    assert {row.sighting_id for row in scene.gallery.rows(Sighting)} == {scene.bob_seen}


def test_a_crash_at_any_step_is_made_good_by_the_next_try(make_scene: Callable[[], Scene]) -> None:
    make_scene()
    crashes = 0
    while True:
        scene = make_scene()
        erasure_id = scene.ask(scene.ada)
        countdown = Countdown(crashes)
        database = DyingDatabase(scene.url, countdown)
        blobs = DyingBlobs(f"{scene.folder}/blobs", countdown)
        dying = Eraser(database, blobs, DyingBus(countdown, scene.published).publish)
        try:
            dying.erase(erasure_id)
            scene.gallery.sync()
            dying.erase(erasure_id)
        except Killed:
            crashes += 1
        database.close()
        scene.gallery.sync()
        if not scene.eraser.erase(erasure_id):
            scene.gallery.sync()
            assert scene.eraser.erase(erasure_id)
        scene.assert_erased()
        assert scene.receipt(erasure_id).removed.startswith('{"persons": 2, "samples": 3, "sightings": 3, "passes": 2')
        assert {one for m in scene.published if isinstance(m, PersonErased) for one in m.sighting_ids} == set(
            scene.seen
        )
        if not countdown.reached:
            break
    assert crashes > 40


def test_a_database_from_a_backup_is_told_again(make_scene: Callable[[], Scene]) -> None:
    backup, scene = make_scene(), make_scene()
    erase(scene, scene.ask(scene.ada))
    shutil.rmtree(backup.folder / "blobs")
    shutil.copytree(scene.folder / "blobs", backup.folder / "blobs")

    restored = backup
    assert restored.ada in restored.everything()
    assert restored.eraser.reapply() == 1
    assert restored.eraser.reapply() == 0
    [erasure_id] = restored.eraser.running()
    erase(restored, erasure_id)
    restored.assert_erased()
    assert '"sightings": 3' in restored.receipt(erasure_id).removed


def test_nothing_is_begun_again_when_the_database_knows(scene: Scene) -> None:
    erase(scene, scene.ask(scene.ada))
    scene.ask(scene.bob)
    assert scene.eraser.reapply() == 0


def test_what_arrives_late_goes_too(scene: Scene) -> None:
    [source] = {row.source_id for row in scene.gallery.rows(Sighting, Sighting.sighting_id == scene.seen[0])}
    erase(scene, scene.ask(scene.ada))
    late = scene.gallery.sighting(source_id=source)
    dangling = scene.gallery.sighting(scene.ada)
    del scene.published[:]
    assert scene.eraser.erase_late() == 2
    assert not {late, dangling} & {row.sighting_id for row in scene.gallery.rows(Sighting)}
    assert source in {one for m in scene.published if isinstance(m, PersonErased) for one in m.pass_ids}
    assert scene.eraser.erase_late(within=timedelta(0)) == 0


def test_an_object_store_that_is_away_stops_it_before_anything_is_removed(scene: Scene) -> None:
    erasure_id = scene.ask(scene.ada)
    before = scene.everything()
    (scene.folder / "blobs").rename(scene.folder / "away")
    (scene.folder / "blobs").write_text("no folder")
    with pytest.raises(Unavailable):
        scene.eraser.erase(erasure_id)
    assert scene.everything() == before
    (scene.folder / "blobs").unlink()
    (scene.folder / "away").rename(scene.folder / "blobs")
    erase(scene, erasure_id)
    scene.assert_erased()


def test_two_at_one_erasure_do_no_harm(scene: Scene) -> None:
    import threading

    erasure_id = scene.ask(scene.ada)
    others = [Eraser(scene.database, scene.blobs, scene.published.append) for _ in range(3)]
    threads = [threading.Thread(target=one.erase, args=(erasure_id,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scene.gallery.sync()
    assert scene.eraser.erase(erasure_id)
    scene.assert_erased()
    assert '"sightings": 3' in scene.receipt(erasure_id).removed


def test_every_column_that_can_name_somebody_is_known_to_traces() -> None:
    """A new column with an id of a person, sample or sighting must be looked at here and in `Traces`."""
    named = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        if table.name in TABLES
        for column in table.columns
        if column.name
        in {"person_id", "sample_id", "sighting_id", "subject_id", "other_id", "runner_up_id", "merged_into"}
    }
    assert named == {
        "persons.person_id",
        "persons.merged_into",
        "person_lists.person_id",
        "face_samples.sample_id",
        "face_samples.person_id",
        "face_samples.sighting_id",
        "face_vectors.subject_id",
        "gallery_changes.person_id",
        "gallery_changes.other_id",
        "sightings.sighting_id",
        "sightings.person_id",
        "sightings.runner_up_id",
        "face_negatives.person_id",
        "face_negatives.sighting_id",
        "watch_alerts.sighting_id",
        "watch_alerts.person_id",
        "face_import_lines.person_id",
        "face_import_lines.sample_id",
    }


def test_the_ledger_holds_ids_only(scene: Scene) -> None:
    erasure_id = scene.ask(scene.ada)
    erase(scene, erasure_id)
    ledger = Ledger(scene.blobs)
    assert list(ledger.ids()) == [erasure_id]
    for key in scene.gallery.objects("erasures"):
        assert b"Lovelace" not in scene.blobs.get(key)
