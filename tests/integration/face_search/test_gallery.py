"""Who is who: merging, splitting, other lists, and taking each back so that everything is as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from shared_kernel.messages import new_id
from shared_kernel.tables import (
    FaceSample,
    GalleryChange,
    NotThisPerson,
    Person,
    Sighting,
)
from tests.integration.face_search.gallery import ago
from tests.integration.face_search.two_entries import Scene
from tests.integration.face_search.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.fixture
def small(small_world: World) -> Scene:
    return Scene(small_world)


def test_two_entries_become_one_person(scene: Scene) -> None:
    scene.merge()
    samples, seen = scene.of(scene.ada)
    assert samples == {*scene.a_samples, *scene.b_samples}
    assert seen == {*scene.a_seen, *scene.b_seen, scene.tie}
    assert scene.of(scene.bob) == (set(), set())
    assert {*scene.b_samples, *scene.b_seen} <= scene.waiting()
    shown = scene.world.call("GET", f"/persons/{scene.ada}", scene.token).get_json()
    assert (shown["samples"], set(shown["list_ids"])) == (4, {scene.shared, scene.only_bob})
    assert scene.world.call("GET", f"/persons/{scene.bob}", scene.token).get_json()["merged_into"] == scene.ada
    listed = scene.world.call("GET", "/persons", scene.token).get_json()["items"]
    assert {one["name"] for one in listed} == {"Ada", "Eve"}
    negatives = {(one.person_id, one.sighting_id) for one in scene.gallery.rows(NotThisPerson)}
    assert (scene.ada, scene.unknown) in negatives
    assert (scene.ada, scene.b_seen[0]) not in negatives
    tie = scene.sighting(scene.tie)
    assert (tie.decision, tie.runner_up_id) == ("auto", None)
    assert scene.sighting(scene.beside).runner_up_id == scene.ada
    [former] = scene.gallery.rows(Person, Person.name == "Former")
    assert former.merged_into == scene.ada


def test_a_merge_taken_back_leaves_everything_as_it_was(scene: Scene) -> None:
    before = scene.everything()
    change = scene.merge()
    assert scene.everything() != before
    undone = scene.undo(change)
    assert undone.status_code == 200, undone.text
    assert (undone.get_json()["undone_by"], undone.get_json()["kind"]) == (scene.token, "merge")
    assert scene.everything() == before
    assert {*scene.b_samples, *scene.b_seen} <= scene.waiting()
    again = scene.undo(change)
    assert (again.status_code, again.get_json()["type"]) == (409, "#already_undone")
    assert scene.everything() == before


def test_a_split_makes_a_new_person_who_has_not_consented(scene: Scene) -> None:
    change, new = scene.split(scene.a_samples[:1], scene.a_seen[:1], "Ada's sister")
    assert scene.of(new) == ({scene.a_samples[0]}, {scene.a_seen[0]})
    shown = scene.world.call("GET", f"/persons/{new}", scene.token).get_json()
    assert (shown["name"], shown["consented_at"], shown["list_ids"]) == ("Ada's sister", None, [scene.shared])
    moved = scene.sighting(scene.a_seen[0])
    assert (moved.decision, moved.decided_by) == ("confirmed", scene.token)
    assert scene.gallery.rows(NotThisPerson, NotThisPerson.sighting_id == scene.a_seen[0])[0].person_id == scene.ada
    changes = scene.world.call("GET", "/changes", scene.token, query_string={"person_id": new}).get_json()["items"]
    assert [(one["change_id"], one["person_id"], one["other_id"]) for one in changes] == [(change, scene.ada, new)]


def test_a_split_taken_back_leaves_everything_as_it_was(scene: Scene) -> None:
    before = scene.everything()
    change, _ = scene.split(scene.a_samples[:1], [scene.a_seen[0], scene.tie])
    assert scene.undo(change).status_code == 200
    assert scene.everything() == before


def test_other_lists_taken_back_are_the_former(scene: Scene) -> None:
    before = scene.everything()
    watch = scene.gallery.face_list(name="Watch")
    path = f"/persons/{scene.ada}"
    assert scene.call("PATCH", path, list_ids=[watch, scene.only_bob]).get_json()["list_ids"] == sorted(
        [watch, scene.only_bob]
    )
    [change] = scene.gallery.rows(GalleryChange)
    assert scene.undo(change.change_id).status_code == 200
    assert scene.everything() == before
    scene.call("PATCH", path, list_ids=[scene.shared])  # they are: no change
    assert len(scene.gallery.rows(GalleryChange)) == 1


def test_a_confirmation_and_a_rejection_are_taken_back(scene: Scene) -> None:
    before = scene.everything()
    for path, given in (
        (f"/sightings/{scene.unknown}/confirm", {"person_id": scene.bob}),
        (f"/sightings/{scene.a_seen[0]}/reject", {}),
    ):
        change = scene.call("POST", path, **given).get_json()["change_id"]
        assert scene.everything() != before
        assert scene.undo(change).status_code == 200
        assert scene.everything() == before


def _decide_about_moved(scene: Scene) -> None:
    scene.call("POST", f"/sightings/{scene.b_seen[1]}/reject")


def _split_again(scene: Scene) -> None:
    scene.split(scene.b_samples[:1], [])


def _take_off_list(scene: Scene) -> None:
    scene.call("PATCH", f"/persons/{scene.ada}", list_ids=[scene.shared])


SINCE: list[tuple[Callable[[Scene], None], str]] = [
    (_decide_about_moved, "sighting_ids"),
    (_split_again, "change_id"),
    (_take_off_list, "list_ids"),
]


def test_a_merge_stays_when_something_was_decided_since(small_world: World) -> None:
    for decide, named in SINCE:
        scene = Scene(small_world)
        change = scene.merge()
        decide(scene)
        since = scene.everything()
        refused = scene.undo(change)
        assert (refused.status_code, refused.get_json()["type"]) == (409, "#changed_since"), named
        assert refused.get_json()["errors"][0]["field"] == named
        assert scene.everything() == since


def test_what_was_decided_last_is_taken_back_first(scene: Scene) -> None:
    before = scene.everything()
    first = scene.merge()
    second = scene.merge(scene.eve, scene.ada)
    refused = scene.undo(first)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "#merged")
    assert refused.get_json()["errors"] == [{"field": "person_id", "message": scene.eve}]
    assert scene.undo(second).status_code == 200
    assert scene.undo(first).status_code == 200
    assert scene.everything() == before


def test_what_went_by_itself_stays_gone_and_what_came_stays(small: Scene) -> None:
    change = small.merge()
    with small.world.database.write() as store:
        store.traces.remove_sightings([small.b_seen[0]])  # its time was over
    small.world.call("DELETE", f"/samples/{small.b_samples[0]}", small.token)
    new_sample, new_seen = small.gallery.sample(small.ada), small.gallery.sighting(small.ada)
    assert small.undo(change).status_code == 200
    assert small.of(small.bob) == ({small.b_samples[1]}, set(small.b_seen[1:]))
    samples, seen = small.of(small.ada)
    assert samples == {*small.a_samples, new_sample}
    assert seen == {*small.a_seen, small.tie, new_seen}
    assert small.gallery.rows(NotThisPerson, NotThisPerson.sighting_id == small.b_seen[0]) == []


def test_a_split_stays_when_the_new_person_has_more_since(small_world: World) -> None:
    def sample(scene: Scene, new: str) -> None:
        scene.gallery.sample(new)

    def confirmed(scene: Scene, new: str) -> None:
        scene.call("POST", f"/sightings/{scene.unknown}/confirm", person_id=new)

    def rejected(scene: Scene, new: str) -> None:
        scene.call("POST", f"/sightings/{scene.gallery.sighting(new)}/reject")

    def decided_anew(scene: Scene, _new: str) -> None:
        scene.call("POST", f"/sightings/{scene.a_seen[0]}/confirm", person_id=scene.eve)

    def merged(scene: Scene, new: str) -> None:
        scene.merge(scene.eve, new)

    for happen in (sample, confirmed, rejected, decided_anew, merged):
        scene = Scene(small_world)
        change, new = scene.split(scene.a_samples[:1], scene.a_seen[:1])
        happen(scene, new)
        since = scene.everything()
        refused = scene.undo(change)
        assert (refused.status_code, refused.get_json()["type"]) == (409, "#changed_since"), happen.__name__
        assert scene.everything() == since


def test_what_was_recognised_since_goes_back_with_a_split(small: Scene) -> None:
    change, new = small.split(small.a_samples[:1], small.a_seen[:1])
    seen = small.gallery.sighting(new)
    other = small.gallery.sighting(small.eve, decision="near_tie", runner_up_id=new, runner_up_score=0.5)
    assert small.undo(change).status_code == 200
    assert small.sighting(seen).person_id == small.ada
    assert (small.sighting(other).runner_up_id, small.sighting(other).decision) == (None, "auto")


def test_pictures_that_both_have_stay_with_their_entry(small: Scene) -> None:
    [twin] = small.gallery.rows(FaceSample, FaceSample.sample_id == small.a_samples[0])
    double = small.gallery.sample(small.bob)
    with small.world.database.write() as store:
        row = store._session.get(FaceSample, double)
        assert row is not None
        row.content_sha256 = twin.content_sha256
    before = small.everything()
    change = small.merge()
    assert small.of(small.bob)[0] == {double}
    assert small.undo(change).status_code == 200
    assert small.everything() == before


def test_the_basis_of_who_stays_counts(small: Scene) -> None:
    end = ago(days=-1)
    visitor = small.gallery.person("Visitor", expires_at=end)
    change = small.merge(small.ada, visitor)
    assert small.gallery.rows(Person, Person.person_id == visitor)[0].expires_at is None
    assert small.undo(change).status_code == 200
    assert small.gallery.rows(Person, Person.person_id == visitor)[0].expires_at == end


def test_whoever_turned_out_to_be_another_takes_nothing_more(small: Scene) -> None:
    small.merge()
    refusals = [
        small.call("PATCH", f"/persons/{small.bob}", name="Robert"),
        small.call("POST", f"/persons/{small.bob}/merge", other_id=small.eve),
        small.call("POST", f"/persons/{small.eve}/merge", other_id=small.bob),
        small.call("POST", f"/persons/{small.bob}/split", sample_ids=[], sighting_ids=[], name="x"),
    ]
    for answer in refusals:
        assert (answer.status_code, answer.get_json()["type"]) == (409, "#merged")
        assert answer.get_json()["errors"] == [{"field": "person_id", "message": small.ada}]


def test_what_cannot_be_is_refused_and_changes_nothing(small: Scene) -> None:
    before, ada = small.everything(), f"/persons/{small.ada}"
    hidden = small.gallery.sighting(small.ada, camera_id=small.world.camera())
    before = small.everything()
    blind = small.world.token(cameras=[])
    cases: list[tuple[str, dict[str, Any], int]] = [
        (f"{ada}/merge", {"other_id": small.ada}, 422),
        (f"{ada}/merge", {"other_id": new_id()}, 404),
        (f"{ada}/merge", {"other_id": "Bob"}, 422),
        (f"{ada}/merge", {}, 422),
        (f"/persons/{new_id()}/merge", {"other_id": small.bob}, 404),
        (f"{ada}/split", {"name": "x"}, 422),
        (f"{ada}/split", {"name": "", "sample_ids": small.a_samples[:1]}, 422),
        (f"{ada}/split", {"name": "x", "sample_ids": small.a_samples}, 422),
        (f"{ada}/split", {"name": "x", "sample_ids": small.b_samples[:1]}, 422),
        (f"{ada}/split", {"name": "x", "sighting_ids": small.b_seen[:1]}, 422),
        (f"{ada}/split", {"name": "x", "sighting_ids": [new_id()]}, 422),
        (f"{ada}/split", {"name": "x", "sighting_ids": [small.a_seen[0]] * 1001}, 422),
        (f"/changes/{new_id()}/undo", {}, 404),
    ]
    for path, given, status in cases:
        assert small.call("POST", path, **given).status_code == status, (path, given)
    unseen = small.world.call("POST", f"{ada}/split", blind, json={"name": "x", "sighting_ids": [hidden]})
    assert unseen.status_code == 422
    assert small.everything() == before


def test_two_who_merge_against_each_other_make_one_person(scene: Scene) -> None:
    statuses = []

    def merge(stays: str, goes: str) -> None:
        statuses.append(scene.call("POST", f"/persons/{stays}/merge", other_id=goes).status_code)

    threads = [threading.Thread(target=merge, args=pair) for pair in ((scene.ada, scene.bob), (scene.bob, scene.ada))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(statuses) == [200, 409]
    [change] = scene.gallery.rows(GalleryChange)
    assert len(scene.of(change.person_id)[0]) == 4


def test_two_who_take_the_same_back_do_it_once(scene: Scene) -> None:
    before, change, statuses = scene.everything(), scene.merge(), []

    def undo() -> None:
        statuses.append(scene.undo(change).status_code)

    threads = [threading.Thread(target=undo) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(statuses) == [200, 409]
    assert scene.everything() == before


def test_a_split_sent_twice_happens_once(small: Scene) -> None:
    given = {"sample_ids": small.a_samples[:1], "name": "New"}
    answers = [
        small.world.call(
            "POST", f"/persons/{small.ada}/split", small.token, json=given, headers={"Idempotency-Key": "k"}
        )
        for _ in range(2)
    ]
    assert answers[0].get_json() == answers[1].get_json()
    assert len(small.gallery.rows(Person, Person.name == "New")) == 1


def test_changes_are_listed_newest_first_in_pages(small: Scene) -> None:
    ids = [small.merge()]
    small.undo(ids[0])
    ids += [small.merge(), small.split(small.b_samples[:1], [])[0]]
    page = small.world.call("GET", "/changes", small.token, query_string={"limit": 2}).get_json()
    rest = small.world.call("GET", "/changes", small.token, query_string={"limit": 2, "after": page["next"]}).get_json()
    assert [one["change_id"] for one in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    of_eve = small.world.call("GET", "/changes", small.token, query_string={"person_id": small.eve}).get_json()
    assert of_eve["items"] == []


def test_a_decision_keeps_ids_and_no_names(small: Scene) -> None:
    small.merge()
    small.split(small.a_samples[:1], small.a_seen[:1], "Somebody")
    for row in small.gallery.rows(GalleryChange):
        assert all(word not in row.before for word in ("Ada", "Bob", "Somebody", "faces/"))


def test_a_person_seen_thousands_of_times_is_merged_and_back(scene: Scene) -> None:
    rows = [
        Sighting(
            sighting_id=new_id(),
            person_id=scene.bob,
            source="pass",
            source_id=new_id(),
            face_no=0,
            seen_at=ago(1),
            crop_key="x/y.jpg",
            mask_state="without_mask",
            covered=False,
            quality=0.5,
            quality_reasons="",
            model="test-1",
            decision="auto",
            recorded_at=ago(1),
        )
        for _ in range(2500)
    ]
    scene.gallery.add(*rows)
    before = scene.everything()
    change = scene.merge()
    assert len(scene.of(scene.ada)[1]) == 2500 + 6
    assert scene.undo(change).status_code == 200
    assert scene.everything() == before
