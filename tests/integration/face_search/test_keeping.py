"""What ends by itself: consent, sightings, records of searches, reports, objects that no row names."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from face_search import keeping
from face_search.erasing import Eraser
from face_search.keeping import Chore, Limits
from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceErasure, FaceImport, FaceImportLine, FaceQuery, FaceVector, Person, Sighting
from shared_kernel.testing import wait_until
from tests.integration.face_search.gallery import Gallery, ago
from tests.integration.face_search.world import World


@pytest.fixture
def gallery(world: World) -> Gallery:
    return Gallery(world.database, world.parts.blobs)


def eraser(world: World) -> Eraser:
    return Eraser(world.database, world.parts.blobs, world.parts.bus.publish)


def age(world: World, key: str, days: float) -> None:
    path = Path(world.settings.blobs_url.removeprefix("file://")) / key
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_who_has_not_consented_any_longer_is_erased_with_a_receipt(world: World, gallery: Gallery) -> None:
    gone = gallery.person("Ada", expires_at=ago(0.01))
    stays = gallery.person("Bob", expires_at=now() + timedelta(hours=1))
    for person_id in (gone, stays):
        gallery.sample(person_id)
    assert keeping.erase_expired(world.database) == 1
    assert keeping.erase_expired(world.database) == 0  # asked once
    assert keeping.go_on_erasing(eraser(world)) == 0
    gallery.sync()
    assert keeping.go_on_erasing(eraser(world)) == 1
    assert [row.person_id for row in gallery.rows(Person)] == [stays]
    [receipt] = gallery.rows(FaceErasure)
    assert (receipt.cause, receipt.state, receipt.subject_id) == ("expiry", "done", gone)


def test_sightings_go_after_their_days_and_sooner_when_a_list_says_so(world: World, gallery: Gallery) -> None:
    visitor, both, staff = gallery.person("V"), gallery.person("B"), gallery.person("S")
    gallery.face_list(visitor, both, keep_days=2, name="Visitors")
    gallery.face_list(both, staff, keep_days=20, name="Staff")
    old = [
        gallery.sighting(age=timedelta(days=31)),
        gallery.sighting(visitor, age=timedelta(days=3)),
        gallery.sighting(both, age=timedelta(days=3)),  # the shortest counts
        gallery.sighting(staff, age=timedelta(days=21)),
    ]
    kept = [
        gallery.sighting(age=timedelta(days=29)),
        gallery.sighting(visitor, age=timedelta(days=1)),
        gallery.sighting(staff, age=timedelta(days=19)),
    ]
    assert keeping.remove_old_sightings(world.database, world.parts.blobs, timedelta(days=30)) == len(old)
    assert keeping.remove_old_sightings(world.database, world.parts.blobs, timedelta(days=30)) == 0
    assert {row.sighting_id for row in gallery.rows(Sighting)} == set(kept)
    assert not [key for key in gallery.objects() for one in old if one in key]
    assert {row.subject_id for row in gallery.rows(FaceVector, FaceVector.index_state == "removing")} == set(old)
    late = gallery.sighting(age=timedelta(days=40))
    keeping.remove_old_sightings(world.database, world.parts.blobs, timedelta(days=30))
    assert late not in {row.sighting_id for row in gallery.rows(Sighting)}
    [receipt] = gallery.rows(FaceErasure)
    assert (receipt.cause, receipt.state) == ("retention", "done")
    assert json.loads(receipt.removed) == {"sightings": 5, "vectors": 5, "pictures": 10}


def test_the_evidence_of_a_pass_is_left_to_its_owner(world: World, gallery: Gallery) -> None:
    sighting_id = gallery.sighting(age=timedelta(days=40))
    world.parts.blobs.put("evidence/1/face.jpg", b"x")
    with world.database.write() as store:
        store._session.execute(update(Sighting).values(crop_key="evidence/1/face.jpg"))
    assert keeping.remove_old_sightings(world.database, world.parts.blobs, timedelta(days=30)) == 1
    assert world.parts.blobs.get("evidence/1/face.jpg") == b"x"
    assert sighting_id not in {row.sighting_id for row in gallery.rows(Sighting)}


def test_the_record_of_searches_ends_too(world: World, gallery: Gallery) -> None:
    for days in (1, 400):
        row = FaceQuery(query_id=new_id(), user_id=new_id(), kind="search", purpose="why", subject="photo")
        row.parameters, row.shown, row.created_at = "{}", "[]", ago(days)
        gallery.add(row)
    assert keeping.remove_old_queries(world.database, timedelta(days=365)) == 1
    assert gallery.count(FaceQuery) == 1


def test_reports_of_old_imports_and_left_bundles_go(world: World, gallery: Gallery) -> None:
    person = gallery.person()
    old, young = (gallery.import_line(person, gallery.sample(person), f"{n}.jpg") for n in range(2))
    waiting = gallery.import_line(person, gallery.sample(person), "2.jpg")
    with world.database.write() as store:
        for import_id, values in (
            (old, {"ended_at": ago(91)}),
            (waiting, {"ended_at": None, "state": "waiting"}),
        ):
            store._session.execute(update(FaceImport).where(FaceImport.import_id == import_id).values(**values))
    for import_id, days in ((old, 91), (young, 2), (waiting, 2), ("unknown", 2), ("fresh", 0.1)):
        world.parts.blobs.put(f"face-imports/{import_id}.zip", b"PK")
        age(world, f"face-imports/{import_id}.zip", days)
    assert keeping.remove_old_imports(world.database, world.parts.blobs) == 1
    assert gallery.objects("face-imports") == {f"face-imports/{waiting}.zip", "face-imports/fresh.zip"}
    assert {row.import_id for row in gallery.rows(FaceImport)} == {young, waiting}
    assert {row.import_id for row in gallery.rows(FaceImportLine)} == {young, waiting}


def test_patrol_photos_go_with_what_was_seen_on_them(world: World) -> None:
    for name, days in (("old", 31.0), ("young", 29.0)):
        world.parts.blobs.put(f"patrol-photos/2026/01/02/{name}", b"x")
        age(world, f"patrol-photos/2026/01/02/{name}", days)
    assert keeping.remove_old_photos(world.parts.blobs, timedelta(days=30)) == 1
    assert set(world.parts.blobs.keys("patrol-photos")) == {"patrol-photos/2026/01/02/young"}


def test_pictures_that_no_row_names_go_after_a_day(world: World, gallery: Gallery) -> None:
    gallery.sample(gallery.person())
    used = gallery.objects()
    for key, days in ((f"faces/samples/{new_id()}/crop.jpg", 2.0), (f"faces/samples/{new_id()}/crop.jpg", 0.5)):
        world.parts.blobs.put(key, b"x")
        age(world, key, days)
    for key in used:
        age(world, key, 100)
    assert keeping.remove_orphans(world.database, world.parts.blobs) == 1
    assert used < gallery.objects()
    assert len(gallery.objects()) == len(used) + 1


def test_the_worker_does_all_of_it_and_of_two_one(small_world: World) -> None:
    gallery = Gallery(small_world.database, small_world.parts.blobs)
    gallery.sample(gallery.person("Ada", expires_at=ago(1)))
    gallery.sighting(age=timedelta(days=50))
    limits = Limits(timedelta(days=30), timedelta(days=365))
    chores = keeping.chores(small_world.database, small_world.parts.blobs, eraser(small_world), limits)

    def forgotten() -> bool:
        gallery.sync()
        return gallery.count(Person) + gallery.count(Sighting) == 0 and {
            row.state for row in gallery.rows(FaceErasure)
        } == {"done"}

    with small_world.working(
        *((f"keeping-{n}", lambda stop: keeping.run(small_world.parts.bus, chores, stop)) for n in range(2))
    ):
        wait_until(forgotten)
    assert sorted(row.cause for row in gallery.rows(FaceErasure)) == ["expiry", "retention"]


def test_a_chore_that_fails_is_done_again_later(small_world: World) -> None:
    def fail() -> int:
        raise Unavailable("object storage", "away")

    assert keeping.do(small_world.parts.bus, Chore("failing", 1, fail)) == 0
    with small_world.parts.bus.alone("mine", ttl_s=10):
        assert keeping.do(small_world.parts.bus, Chore("mine", 1, lambda: 7)) == 0
    assert keeping.do(small_world.parts.bus, Chore("mine", 1, lambda: 7)) == 7
