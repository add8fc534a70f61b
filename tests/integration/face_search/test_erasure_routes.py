"""Erasing, receipts, export and the legal report over HTTP, with faces that are read and an index that is searched."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from face_search.adapters.exact import ExactIndex
from face_search.app import create_app
from face_search.erasing import Eraser
from face_search.finding import Finder
from face_search.indexing import heal
from face_search.ports import Hit, IndexEntry
from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.messages import MaskState, derived_id, new_id
from shared_kernel.tables import FaceErasure, FaceQuery, FaceVector, Person, Sighting
from tests.integration.face_search.canned import Portrait, scene
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World

ADA, BOB, EVE = Portrait(1), Portrait(2), Portrait(3)


class Town:
    """Ada and Bob are enrolled; they and Eve were seen, also before they were enrolled."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gallery = Gallery(world.database, world.parts.blobs)
        self.token = world.token()
        world.index.ensure(world.reader.model, world.reader.dimension)
        self.ada, self.bob = self.gallery.person("Ada Lovelace"), self.gallery.person("Bob")
        self.samples = {who: self.gallery.sample(who) for who in (self.ada, self.bob)}
        self.face(self.samples[self.ada], ADA, "sample", self.ada)
        self.face(self.samples[self.bob], BOB, "sample", self.bob)
        self.seen = self.sighted(Portrait(1, look=1), self.ada)
        self.before = self.sighted(Portrait(1, look=2))
        self.bobs = self.sighted(Portrait(2, look=1), self.bob)
        self.eves = [self.sighted(Portrait(3, look=look)) for look in (1, 2)]

    def sighted(self, who: Portrait, person_id: str | None = None) -> str:
        sighting_id = self.gallery.sighting(person_id)
        self.face(sighting_id, who, "sighting", person_id or "")
        return sighting_id

    def face(self, subject_id: str, who: Portrait, kind: Any, person_id: str) -> None:
        """Give a row the vector of this portrait, here and in the index."""
        model, vector = self.world.reader.model, self.world.reader.read(scene(who))[0].vector
        with self.world.database.write() as store:
            query = select(FaceVector).where(FaceVector.subject_id == subject_id)
            [row] = store._session.scalars(query)
            store._session.delete(row)
            store._session.flush()
            made = FaceVector(vector_id=derived_id(subject_id, model), kind=kind, subject_id=subject_id, model=model)
            made.vector, made.index_state, made.updated_at = vector.astype("<f4").tobytes(), "indexed", now()
            store._session.add(made)
        at_ms = round(now().timestamp() * 1000)
        entry = IndexEntry(
            made.vector_id, vector, kind, subject_id, person_id, "", at_ms, MaskState.WITHOUT_MASK, covered=False
        )
        self.world.index.upsert(model, [entry])

    def sync(self) -> None:
        going = [row.vector_id for row in self.gallery.rows(FaceVector, FaceVector.index_state == "removing")]
        self.world.index.remove(self.world.reader.model, going)
        self.gallery.sync()

    @property
    def finder(self) -> Finder:
        return self.world.parts.finder()

    def finish(self) -> None:
        """What the worker does."""
        parts = self.world.parts
        eraser = Eraser(parts.database, parts.blobs, parts.bus.publish, self.finder.alike)
        for erasure_id in eraser.running():
            eraser.erase(erasure_id)
            self.sync()
            assert eraser.erase(erasure_id)

    def by_photo(self, *who: Portrait, **fields: str) -> Any:
        given = {"reason": "asked by Ada Lovelace", **fields}
        return self.world.call("POST", "/erasures/by-photo", self.token, data=self.world.form(*who, **given))

    def sightings(self) -> set[str]:
        return {row.sighting_id for row in self.gallery.rows(Sighting)}


@pytest.fixture
def town(world: World) -> Town:
    return Town(world)


@pytest.fixture
def small_town(small_world: World) -> Town:
    return Town(small_world)


def test_a_person_is_previewed_erased_and_receipted(town: Town) -> None:
    path = f"/persons/{town.ada}/erasure"
    preview = town.world.call("POST", path, town.token, json={"reason": "asked", "dry_run": True})
    assert preview.status_code == 202
    assert preview.get_json()["removed"] == {"persons": 1, "samples": 1, "sightings": 1}
    assert preview.get_json()["erasure_id"] is None
    assert town.gallery.count(FaceErasure) == 0

    answer = town.world.call("POST", path, town.token, json={"reason": "asked by Ada Lovelace"})
    assert (answer.status_code, answer.get_json()["state"]) == (202, "running")
    erasure_id = answer.get_json()["erasure_id"]
    assert town.world.call("POST", path, town.token, json={"reason": "again"}).get_json()["erasure_id"] == erasure_id
    town.finish()

    receipt = town.world.call("GET", f"/erasures/{erasure_id}", town.token).get_json()
    assert (receipt["state"], receipt["reason"], receipt["requested_by"]) == ("done", "asked by …", town.token)
    assert receipt["removed"] == {
        "persons": 1,
        "samples": 1,
        "sightings": 2,  # she was seen before she was enrolled, too
        "passes": 2,
        "vectors": 3,
        "pictures": 6,
    }
    assert receipt["ids"]["persons"] == [town.ada]
    assert set(receipt["ids"]["sightings"]) == {town.seen, town.before}
    assert receipt["listed_all"]
    assert town.sightings() == {town.bobs, *town.eves}
    assert {row.person_id for row in town.gallery.rows(Person)} == {town.bob}
    [listed] = town.world.call("GET", "/erasures", town.token).get_json()["items"]
    assert listed["erasure_id"] == erasure_id
    vector = town.world.reader.read(scene(ADA))[0].vector
    ids = set(town.world.index.ids(town.world.reader.model))
    assert not {derived_id(one, town.world.reader.model) for one in (town.seen, town.before)} & ids
    assert np.isfinite(vector).all()


def test_erased_stays_erased_when_an_old_index_comes_back(small_town: Town) -> None:
    town, model = small_town, small_town.world.reader.model
    town.world.call("POST", f"/persons/{town.ada}/erasure", town.token, json={"reason": "asked"})
    town.finish()
    vector = town.world.reader.read(scene(ADA))[0].vector
    sample_id = town.samples[town.ada]
    old = derived_id(sample_id, model)
    face = IndexEntry(old, vector, "sample", sample_id, town.ada, "", 0, MaskState.WITHOUT_MASK, covered=False)
    town.world.index.upsert(model, [face])
    search = town.world.call("POST", "/search", town.token, data=town.world.form(ADA, purpose="is she back"))
    assert (search.get_json()["verdict"], search.get_json()["hits"]) == ("unknown", [])
    heal(town.world.database, town.world.index, model)
    assert old not in set(town.world.index.ids(model))


def test_who_is_on_a_photo_is_found_and_erased(town: Town) -> None:
    looked = town.by_photo(Portrait(1, look=3), dry_run="true")
    assert looked.status_code == 202, looked.text
    found = looked.get_json()
    assert [one["person_id"] for one in found["persons"]] == [town.ada]
    assert (found["state"], found["near_tie"]) == ("preview", False)
    assert found["removed"] == {"persons": 1, "samples": 1, "sightings": 2}
    assert town.gallery.count(FaceErasure) == 0
    answer = town.by_photo(Portrait(1, look=3)).get_json()
    assert (answer["reason"], answer["subject_id"]) == ("asked by …", town.ada)
    path = f"/persons/{town.ada}/erasure"
    again = town.world.call("POST", path, town.token, json={"reason": "by name"}).get_json()
    assert again["erasure_id"] == answer["erasure_id"]
    town.finish()
    assert town.sightings() == {town.bobs, *town.eves}
    assert {row.name for row in town.gallery.rows(Person)} == {"Bob"}


def test_somebody_who_is_not_enrolled_is_erased_by_photo_too(town: Town) -> None:
    first = town.by_photo(EVE).get_json()
    assert first["persons"] == []
    assert town.by_photo(EVE).get_json()["erasure_id"] == first["erasure_id"]  # it runs already
    town.finish()
    assert town.sightings() == {town.seen, town.before, town.bobs}
    again = town.sighted(Portrait(3, look=3))
    second = town.by_photo(EVE).get_json()
    assert second["erasure_id"] != first["erasure_id"]
    town.finish()
    assert again not in town.sightings()


def test_of_two_who_are_alike_a_human_says_who(small_town: Town) -> None:
    town = small_town
    twin = town.gallery.person("Twin")
    town.face(town.gallery.sample(twin), ADA, "sample", twin)
    assert {one["person_id"] for one in town.by_photo(ADA, dry_run="true").get_json()["persons"]} == {town.ada, twin}
    assert town.by_photo(ADA).status_code == 409
    assert town.by_photo(ADA, person_ids=town.bob).status_code == 422
    assert town.by_photo(ADA, person_ids=twin).status_code == 202
    town.finish()
    assert {row.name for row in town.gallery.rows(Person)} == {"Ada Lovelace", "Bob"}


@pytest.mark.parametrize(
    ("faces", "fields", "code"),
    [
        pytest.param((), {}, "no_face", id="nobody on it"),
        pytest.param((ADA, BOB), {}, "several_faces", id="two on it"),
        pytest.param((ADA,), {"reason": " "}, "reason", id="no reason"),
        pytest.param((ADA,), {"dry_run": "maybe"}, "dry_run", id="neither yes nor no"),
        pytest.param((ADA,), {"purpose": "x"}, "purpose", id="a field too much"),
    ],
)
def test_a_bad_photo_or_form_is_refused(
    small_town: Town, faces: tuple[Portrait, ...], fields: dict[str, str], code: str
) -> None:
    answer = small_town.by_photo(*faces, **fields)
    assert answer.status_code == 422
    assert code in answer.text
    assert small_town.gallery.count(FaceErasure) == 0


class AwayIndex(ExactIndex):
    """An index that does not answer."""

    def search(self, *_: Any) -> list[list[Hit]]:
        raise Unavailable("index", "away")


def test_without_its_index_nobody_is_erased_by_photo(small_town: Town) -> None:
    small_town.world.app = create_app(replace(small_town.world.parts, index=AwayIndex()))
    assert small_town.by_photo(ADA).status_code == 503
    assert small_town.gallery.count(FaceErasure) == 0


def test_an_export_has_everything_of_one_person_and_nothing_of_others(town: Town) -> None:
    town.gallery.face_list(town.ada, name="Guests")
    town.gallery.negative(town.ada, town.bobs)
    town.gallery.watch_alert(town.seen, town.ada)
    look = FaceQuery(query_id=new_id(), user_id=new_id(), kind="search", purpose="lost child", subject="photo")
    look.parameters, look.shown, look.created_at = "{}", json.dumps([town.ada]), now()
    town.gallery.add(look)
    answer = town.world.call("GET", f"/persons/{town.ada}/export?purpose=she asked", town.token, buffered=True)
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    assert archive.testzip() is None
    assert set(archive.namelist()) == {
        "person.json",
        f"samples/{town.samples[town.ada]}.jpg",
        f"sightings/{town.seen}.jpg",
    }
    document = json.loads(archive.read("person.json"))
    assert (document["persons"][0]["name"], document["persons"][0]["lists"]) == ("Ada Lovelace", ["Guests"])
    assert [one["sighting_id"] for one in document["sightings"]] == [town.seen]
    assert [(one["sighting_id"], one["lists"]) for one in document["alerts"]] == [(town.seen, ["Barred"])]
    assert document["said_not_to_be"] == [town.bobs]
    assert [one["purpose"] for one in document["looked_for"]] == ["lost child"]
    assert look.user_id not in archive.read("person.json").decode()
    assert "Bob" not in archive.read("person.json").decode()
    [noted] = town.gallery.rows(FaceQuery, FaceQuery.kind == "export")
    assert (noted.user_id, noted.subject, noted.purpose) == (town.token, town.ada, "she asked")
    assert town.world.call("GET", f"/persons/{new_id()}/export", town.token).status_code == 404


def test_the_legal_report_counts(town: Town) -> None:
    town.gallery.person("Soon", basis="contract", expires_at=now() + timedelta(days=10))
    town.gallery.person("Later", basis="duty", expires_at=now() + timedelta(days=40))
    town.gallery.person("Alias", merged_into=town.ada)
    listed = town.gallery.face_list(town.ada, town.bob, name="Staff")
    empty = town.gallery.face_list(name="Visitors")
    town.world.call("POST", f"/persons/{town.bob}/erasure", town.token, json={"reason": "asked"})
    report = town.world.call("GET", "/legal-report", town.token).get_json()
    assert report["enrolled"] == 4
    assert report["by_basis"] == {"consent": 2, "contract": 1, "duty": 1, "safety": 0}
    counted = {one["list_id"]: one["persons"] for one in report["by_list"]}
    assert (counted[listed], counted[empty], sum(counted.values())) == (2, 0, 2)  # there are lists from the beginning
    assert [one["name"] for one in report["ending"]] == ["Soon"]
    assert (report["sightings"], report["nameless"], report["without_end"]) == (5, 3, 2)
    assert (report["erased"], report["erasing"], report["limit"]) == (0, 1, 100_000)


def test_an_empty_installation_reports_nothing(small_world: World) -> None:
    report = small_world.call("GET", "/legal-report", small_world.token()).get_json()
    assert (report["enrolled"], report["sightings"], report["oldest_seen_at"]) == (0, 0, None)


def test_nobody_but_who_may_erases_exports_or_audits(small_town: Town) -> None:
    world, ada = small_town.world, small_town.ada
    for role in ("officer", "guard"):
        token = world.token(role)
        assert world.call("POST", f"/persons/{ada}/erasure", token, json={"reason": "x"}).status_code == 403
        assert world.call("POST", "/erasures/by-photo", token, data=world.form(ADA, reason="x")).status_code == 403
        for path in ("/erasures", f"/erasures/{new_id()}", f"/persons/{ada}/export", "/legal-report"):
            assert world.call("GET", path, token).status_code == 403
    assert world.call("GET", f"/erasures/{new_id()}", small_town.token).status_code == 404
    missing = world.call("POST", f"/persons/{new_id()}/erasure", small_town.token, json={"reason": "x"})
    assert missing.status_code == 404
    preview = {"reason": "x", "dry_run": True}
    assert world.call("POST", f"/persons/{new_id()}/erasure", small_town.token, json=preview).status_code == 404
