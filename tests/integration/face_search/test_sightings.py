"""What was seen: lists, single ones, and what a human decides about them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from face_search import deciding
from shared_kernel.clock import now, rfc3339
from shared_kernel.errors import Conflict
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceVector, GalleryChange, NotThisPerson
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.people import People
from tests.integration.face_search.world import World

ADA, BOB = 5, 17


def listed(people: People, token: str, query: str = "") -> list[dict[str, Any]]:
    return list(people.world.call("GET", f"/sightings{query}", token).get_json()["items"])


def decide(people: People, token: str, sighting_id: str, verb: str, **body: str) -> dict[str, Any]:
    answer = people.world.call("POST", f"/sightings/{sighting_id}/{verb}", token, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def test_a_sighting_is_shown_as_it_is(people: People) -> None:
    token = people.world.token()
    camera = people.world.camera(name="东门", lon=113.5, lat=23.25)
    ada, bob = people.person("Ada", Portrait(ADA)), people.person("Bob", Portrait(BOB))
    seen = people.sighting(
        Portrait(ADA),
        camera,
        person_id=ada,
        decision="near_tie",
        score=0.71,
        threshold=0.5,
        runner_up_id=bob,
        runner_up_score=0.69,
        quality_reasons="turned,dark",
    )
    [one] = listed(people, token)
    urls = {name: one.pop(name) for name in ("crop_url", "person_crop_url", "runner_up_crop_url")}
    assert all(url.startswith("/faces/pictures/") and "?ticket=" in url for url in urls.values())
    assert one | people.world.call("GET", f"/sightings/{seen}", token).get_json() | urls == one | urls
    assert (one["camera_name"], one["lon"], one["lat"]) == ("东门", 113.5, 23.25)
    assert (one["person_name"], one["runner_up_name"], one["decision"]) == ("Ada", "Bob", "near_tie")
    assert (one["score"], one["threshold"], one["runner_up_score"]) == (0.71, 0.5, 0.69)
    assert one["quality_reasons"] == ["turned", "dark"]


def test_newest_first_and_every_one_once(people: People) -> None:
    token, camera, moment = people.world.token(), people.world.camera(), now()
    made = [people.sighting(Portrait(ADA), camera, seen_at=moment - timedelta(seconds=n // 3)) for n in range(8)]
    seen: list[dict[str, Any]] = []
    after = ""
    while True:
        page = people.world.call("GET", f"/sightings?limit=3{after}", token).get_json()
        seen += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert [one["sighting_id"] for one in seen] == [
        one["sighting_id"] for one in sorted(seen, key=lambda one: (one["seen_at"], one["sighting_id"]), reverse=True)
    ]
    assert {one["sighting_id"] for one in seen} == set(made)
    assert len(seen) == 8


def test_filters_narrow_the_list(people: People) -> None:
    token, here, there = people.world.token(), people.world.camera(), people.world.camera()
    ada = people.person("Ada")
    old = people.sighting(Portrait(ADA), here, age=timedelta(hours=2), person_id=ada)
    new = people.sighting(Portrait(BOB), here)
    far = people.sighting(Portrait(BOB), there)
    hour_ago = quote(rfc3339(now() - timedelta(hours=1)))
    for query, expected in (
        ("", {old, new, far}),
        (f"?camera_id={here}", {old, new}),
        (f"?person_id={ada}", {old}),
        ("?decision=unknown", {new, far}),
        (f"?to={hour_ago}", {old}),
        (f"?from={hour_ago}&camera_id={here}", {new}),
    ):
        assert {one["sighting_id"] for one in listed(people, token, query)} == expected


def test_others_cameras_are_not_listed(few: People) -> None:
    here, there = few.world.camera(), few.world.camera()
    some = few.world.token("officer", cameras=[here])
    seen = few.sighting(Portrait(ADA), here)
    few.sighting(Portrait(ADA), there)
    taken = few.sighting(Portrait(ADA), taken_by=some, source="photo")
    few.sighting(Portrait(ADA), taken_by=few.world.token(), source="photo")
    assert {one["sighting_id"] for one in listed(few, some)} == {seen, taken}
    assert listed(few, some, f"?camera_id={there}") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("decision=sure", "decision"), ("limit=0", "limit"), ("from=x", "from"), ("after=x", "after"), ("x=1", "x")],
)
def test_wrong_parameters_are_named(quiet_world: World, query: str, field: str) -> None:
    answer = quiet_world.call("GET", f"/sightings?{query}", quiet_world.token())
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, field)


def test_confirming_gives_a_name_and_offers_a_sample(people: People) -> None:
    token = people.world.token("officer")
    ada = people.person("Ada", Portrait(ADA))
    seen = people.sighting(Portrait(ADA, look=1), people.world.camera())
    people.gallery.negative(ada, seen)
    told = decide(people, token, seen, "confirm", person_id=ada)
    assert (told["decision"], told["person_id"], told["person_name"], told["offers_sample"]) == (
        "confirmed",
        ada,
        "Ada",
        True,
    )
    assert people.gallery.rows(NotThisPerson) == []
    row = people.row(seen)
    assert (row.decided_by, row.person_id) == (token, ada)
    [change] = people.gallery.rows(GalleryChange)
    assert (change.kind, change.person_id, change.other_id, change.change_id) == (
        "confirm",
        ada,
        seen,
        told["change_id"],
    )
    # the index filters by person, so it has to be told
    [vector] = people.gallery.rows(FaceVector, FaceVector.subject_id == seen)
    assert vector.index_state == "pending"


def test_confirming_twice_is_one_change(few: People) -> None:
    token = few.world.token()
    ada = few.person("Ada")
    seen = few.sighting(Portrait(ADA))
    first, second = (decide(few, token, seen, "confirm", person_id=ada) for _ in range(2))
    assert second["change_id"] is None
    assert second["decided_at"] == first["decided_at"]
    assert few.gallery.count(GalleryChange) == 1


@pytest.mark.parametrize(
    "columns", [{"quality": 0.4}, {"covered": True}, {"aligned_key": None}], ids=["poor", "covered", "no face"]
)
def test_a_face_that_is_not_good_is_no_sample(few: People, columns: dict[str, Any]) -> None:
    ada = few.person("Ada")
    seen = few.sighting(Portrait(ADA))
    with few.world.database.write() as store:
        row = store.decisions.sighting(seen)
        assert row is not None
        for name, value in columns.items():
            setattr(row, name, value)
    assert decide(few, few.world.token(), seen, "confirm", person_id=ada)["offers_sample"] is False


def test_rejecting_keeps_a_negative(people: People) -> None:
    token = people.world.token("officer")
    ada = people.person("Ada", Portrait(ADA))
    seen = people.sighting(Portrait(ADA), people.world.camera(), person_id=ada, score=0.8, threshold=0.5)
    told = decide(people, token, seen, "reject")
    assert (told["decision"], told["person_id"]) == ("rejected", None)
    [negative] = people.gallery.rows(NotThisPerson)
    assert (negative.person_id, negative.sighting_id, negative.created_by) == (ada, seen, token)
    assert decide(people, token, seen, "reject")["change_id"] is None
    assert people.gallery.count(NotThisPerson) == 1


def test_nobody_can_be_rejected_who_was_not_named(few: People) -> None:
    answer = few.world.call("POST", f"/sightings/{few.sighting(Portrait(ADA))}/reject", few.world.token(), json={})
    assert answer.status_code == 409


def test_a_person_who_is_gone_cannot_be_confirmed(few: People) -> None:
    seen = few.sighting(Portrait(ADA))
    ended = few.person("Ada", expires_at=now() - timedelta(seconds=1))
    for person_id in (ended, new_id()):
        answer = few.world.call("POST", f"/sightings/{seen}/confirm", few.world.token(), json={"person_id": person_id})
        assert (answer.status_code, answer.get_json()["type"]) == (404, "#no_person")
    assert few.row(seen).decision == "unknown"


def test_confirming_a_merged_person_means_the_one_they_are(few: People) -> None:
    ada = few.person("Ada")
    old = few.person("A. L.", merged_into=ada)
    seen = few.sighting(Portrait(ADA))
    assert decide(few, few.world.token(), seen, "confirm", person_id=old)["person_id"] == ada


def test_a_decision_is_taken_back_to_how_it_was(people: People) -> None:
    token = people.world.token()
    ada, bob = people.person("Ada"), people.person("Bob")
    seen = people.sighting(Portrait(ADA), people.world.camera(), person_id=ada, decision="auto")
    before = people.row(seen)
    rejected = decide(people, token, seen, "reject")["change_id"]
    confirmed = decide(people, token, seen, "confirm", person_id=bob)["change_id"]

    def take_back(change_id: str) -> None:
        def work(store: Any) -> None:
            [change] = [one for one in people.gallery.rows(GalleryChange) if one.change_id == change_id]
            deciding.take_back(store, change)

        people.world.database.run(work)

    with pytest.raises(Conflict, match="no later decision"):
        take_back(rejected)
    take_back(confirmed)
    assert (people.row(seen).decision, people.row(seen).person_id) == ("rejected", None)
    take_back(rejected)
    after = people.row(seen)
    for name in ("decision", "person_id", "decided_by", "decided_at", "score"):
        assert getattr(after, name) == getattr(before, name)
    assert people.gallery.rows(NotThisPerson) == []


def test_two_who_decide_at_once_decide_one_after_the_other(people: People) -> None:
    tokens = [people.world.token() for _ in range(4)]
    names = [people.person(f"P{n}") for n in range(4)]
    seen = people.sighting(Portrait(ADA), people.world.camera())
    barrier, statuses = threading.Barrier(4), list[int]()

    def confirm(n: int) -> None:
        barrier.wait()
        body = {"person_id": names[n]}
        statuses.append(people.world.call("POST", f"/sightings/{seen}/confirm", tokens[n], json=body).status_code)

    threads = [threading.Thread(target=confirm, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    changes = sorted(people.gallery.rows(GalleryChange), key=lambda one: one.created_at)
    assert people.row(seen).person_id == changes[-1].person_id
    assert people.row(seen).decided_by == changes[-1].created_by
