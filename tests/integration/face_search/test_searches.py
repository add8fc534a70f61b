"""Looking for faces over HTTP: who is it, and where else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceErasure, FaceSample, Sighting
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.people import People, sightings

ADA, BOB, EVE = 5, 17, 40


def test_a_photo_finds_the_person(people: People) -> None:
    token = people.world.token("officer")
    ada = people.person("Ada", Portrait(ADA), Portrait(ADA, look=1), external_ref="S-7")
    people.person("Bob", Portrait(BOB))
    on = people.gallery.face_list(ada)
    found = people.look(token, Portrait(ADA, look=2))
    assert (found["verdict"], found["covered"]) == ("match", False)
    [hit] = [hit for hit in found["hits"] if hit["accepted"]]
    assert hit["score"] > found["threshold"]
    assert hit["sighting"] is None
    person = hit["person"]
    assert (person["person_id"], person["name"], person["external_ref"], person["list_ids"]) == (
        ada,
        "Ada",
        "S-7",
        [on],
    )
    assert 0 < found["false_match_rate"] < 0.01
    assert [face["chosen"] for face in found["faces"]] == [True]


def test_unknown_is_an_answer(people: People) -> None:
    people.person("Ada", Portrait(ADA))
    found = people.look(people.world.token(), Portrait(EVE))
    assert found["verdict"] == "unknown"
    assert not any(hit["accepted"] for hit in found["hits"])


def test_nobody_enrolled_is_unknown_too(few: People) -> None:
    token = few.world.token()
    assert few.look(token, Portrait(ADA)) | {"query_id": ""} == {
        "query_id": "",
        "verdict": "unknown",
        "threshold": pytest.approx(0.5),
        "false_match_rate": pytest.approx(0.001),
        "covered": False,
        "faces": few.look(token, Portrait(ADA))["faces"],
        "hits": [],
        "next": None,
    }


def test_two_alike_are_a_near_tie(few: People) -> None:
    token = few.world.token()
    for name in ("Ada", "Her twin"):
        few.person(name, Portrait(ADA))
    few.person("Bob", Portrait(BOB))
    found = few.look(token, Portrait(ADA, look=1))
    assert found["verdict"] == "near_tie"
    assert sorted(hit["person"]["name"] for hit in found["hits"] if hit["near_tie"]) == ["Ada", "Her twin"]
    # it is one even when only the best is asked for
    assert few.look(token, Portrait(ADA, look=1), top_k="1")["verdict"] == "near_tie"


def test_of_several_faces_the_largest_or_the_one_in_the_box(few: People) -> None:
    token = few.world.token()
    ada, bob = few.person("Ada", Portrait(ADA)), few.person("Bob", Portrait(BOB))
    both = Portrait(ADA, side_px=120), Portrait(BOB, side_px=60)
    found = few.look(token, *both)
    assert found["hits"][0]["person"]["person_id"] == ada
    assert [face["chosen"] for face in found["faces"]] == [True, False]
    small = found["faces"][1]["box"]
    found = few.look(token, *both, box=",".join(map(str, small)))
    assert found["hits"][0]["person"]["person_id"] == bob
    assert [face["chosen"] for face in found["faces"]] == [False, True]


def test_a_stricter_threshold_accepts_less(few: People) -> None:
    token = few.world.token()
    few.person("Ada", Portrait(ADA))
    assert few.look(token, Portrait(ADA, look=1))["verdict"] == "match"
    found = few.look(token, Portrait(ADA, look=1), threshold="0.99")
    assert (found["verdict"], found["threshold"]) == ("unknown", 0.99)


def test_the_threshold_grows_with_the_gallery(few: People) -> None:
    token = few.world.token()
    few.person("Ada", Portrait(ADA))
    alone = few.look(token, Portrait(ADA))["threshold"]
    for number in range(30):
        few.person(f"P{number}", Portrait(number + 20))
    assert few.look(token, Portrait(ADA))["threshold"] > alone
    on = few.gallery.face_list(few.person("Lone", Portrait(3)))
    assert few.look(token, Portrait(ADA), list_ids=on)["threshold"] == pytest.approx(alone)


def test_a_covered_face_is_compared_by_its_own_threshold(few: People) -> None:
    token = few.world.token()
    few.person("Ada", Portrait(ADA))
    bare, covered = few.look(token, Portrait(ADA)), few.look(token, Portrait(ADA, covered=True))
    assert (bare["covered"], covered["covered"]) == (False, True)
    assert covered["threshold"] > bare["threshold"]


def test_lists_and_mask_state_narrow(few: People) -> None:
    token = few.world.token()
    ada, bob = few.person("Ada", Portrait(ADA)), few.person("Bob", Portrait(BOB))
    staff, watch = few.gallery.face_list(ada, name="Staff"), few.gallery.face_list(bob, name="Watch")
    assert few.look(token, Portrait(ADA), list_ids=staff)["verdict"] == "match"
    assert few.look(token, Portrait(ADA), list_ids=watch)["verdict"] == "unknown"
    assert few.look(token, Portrait(ADA), list_ids=[staff, watch])["verdict"] == "match"
    assert few.look(token, Portrait(ADA), list_ids=new_id())["hits"] == []
    assert few.look(token, Portrait(ADA), mask_state="with_mask")["verdict"] == "unknown"


def test_a_merged_person_is_found_as_the_one_they_are(few: People) -> None:
    token = few.world.token()
    ada = few.person("Ada", Portrait(BOB))
    few.person("A. L.", Portrait(ADA), merged_into=ada)
    assert few.look(token, Portrait(ADA))["hits"][0]["person"]["person_id"] == ada


def test_whose_consent_has_ended_is_not_found(few: People) -> None:
    few.person("Ada", Portrait(ADA), expires_at=now() - timedelta(seconds=1))
    assert few.look(few.world.token(), Portrait(ADA))["hits"] == []


def test_who_is_being_erased_is_not_found(few: People) -> None:
    ada = few.person("Ada", Portrait(ADA))
    receipt = FaceErasure(erasure_id=new_id(), subject_id=ada, cause="request", reason="she asked", state="running")
    receipt.removed, receipt.requested_at = "{}", now()
    few.gallery.add(receipt)
    assert few.look(few.world.token(), Portrait(ADA))["hits"] == []


def test_what_the_index_still_has_and_sql_has_not_is_not_shown(few: People) -> None:
    token = few.world.token()
    ada = few.person("Ada", Portrait(ADA))
    seen = few.sighting(Portrait(ADA))
    with few.world.database.write() as store:
        store._session.execute(delete(Sighting).where(Sighting.sighting_id == seen))
        store._session.execute(delete(FaceSample).where(FaceSample.person_id == ada))
    assert few.look(token, Portrait(ADA))["hits"] == []
    assert few.look(token, Portrait(ADA), of="sightings")["hits"] == []


def test_a_rejected_face_is_not_offered_again(people: People) -> None:
    token = people.world.token()
    ada = people.person("Ada", Portrait(ADA))
    # somebody who looks like Ada: seen, taken for her, and rejected by a human
    seen = people.sighting(Portrait(ADA, look=3), people.world.camera(), person_id=ada, score=0.8, threshold=0.5)
    assert people.by_id(token, sighting_id=seen)["verdict"] == "match"
    assert people.world.call("POST", f"/sightings/{seen}/reject", token, json={}).status_code == 200
    found = people.look(token, Portrait(ADA, look=3))
    assert found["verdict"] == "unknown"
    assert [(hit["contradicted"], hit["accepted"]) for hit in found["hits"]] == [(True, False)]
    # another picture that is more like Ada's own sample is still hers
    assert people.look(token, Portrait(ADA))["verdict"] == "match"


def test_where_else_was_it_seen(people: People) -> None:
    token = people.world.token()
    gate, yard = people.world.camera(name="gate"), people.world.camera(name="yard")
    first = people.sighting(Portrait(ADA), gate, age=timedelta(hours=3))
    second = people.sighting(Portrait(ADA, look=1), yard, age=timedelta(hours=1))
    masked = people.sighting(Portrait(ADA, look=2, covered=True), yard, mask_state="with_mask")
    people.sighting(Portrait(BOB), gate)
    found = people.by_id(token, sighting_id=first, of="sightings")
    assert found["verdict"] == "match"
    assert {hit["sighting"]["sighting_id"] for hit in found["hits"] if hit["accepted"]} == {second, masked}

    def ask(**more: Any) -> set[str]:
        return set(sightings(people.look(token, Portrait(ADA), of="sightings", threshold="0.6", **more)))

    assert ask() == {first, second, masked}
    assert ask(camera_ids=yard) == {second, masked}
    assert ask(mask_state="with_mask") == {masked}
    assert ask(**{"from": rfc3339(now() - timedelta(hours=2))}) == {second, masked}
    assert ask(to=rfc3339(now() - timedelta(hours=2))) == {first}
    # the same in JSON
    recent = people.by_id(token, sighting_id=first, of="sightings", **{"from": rfc3339(now() - timedelta(hours=2))})
    assert set(sightings(recent)) <= {second, masked}


def test_lists_narrow_sightings_by_what_is_true_now(few: People) -> None:
    token = few.world.token()
    ada = few.person("Ada", Portrait(ADA))
    on = few.gallery.face_list(ada)
    hers, other = few.sighting(Portrait(ADA, look=1), person_id=ada), few.sighting(Portrait(ADA, look=2))
    ask = {"of": "sightings", "threshold": "0.6"}
    assert sightings(few.look(token, Portrait(ADA), list_ids=on, **ask)) == [hers]
    # the index has not heard of it yet
    few.world.call("POST", f"/sightings/{hers}/reject", token, json={})
    assert sightings(few.look(token, Portrait(ADA), list_ids=on, **ask)) == []
    assert set(sightings(few.look(token, Portrait(ADA), **ask))) == {hers, other}


def test_by_person_all_samples_count_and_the_person_is_no_hit(few: People) -> None:
    token = few.world.token()
    ada = few.person("Ada", Portrait(ADA), Portrait(EVE))
    twin = few.person("Enrolled twice", Portrait(EVE, look=1))
    seen = [few.sighting(Portrait(ADA, look=1)), few.sighting(Portrait(EVE, look=2))]
    found = few.by_id(token, person_id=ada)
    assert [hit["person"]["person_id"] for hit in found["hits"] if hit["accepted"]] == [twin]
    found = few.by_id(token, person_id=ada, of="sightings")
    assert {hit["sighting"]["sighting_id"] for hit in found["hits"] if hit["accepted"]} == set(seen)


def test_older_sightings_come_page_by_page(people: People) -> None:
    token = people.world.token()
    camera = people.world.camera()
    made = {people.sighting(Portrait(ADA, look=n % 4), camera, age=timedelta(minutes=n)) for n in range(11)}
    seen: list[str] = []
    scores: list[float] = []
    after: dict[str, str] = {}
    while True:
        page = people.look(token, Portrait(ADA), of="sightings", top_k="4", **after)
        seen += sightings(page)
        scores += [hit["score"] for hit in page["hits"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert len(seen) == len(set(seen)) == 11
    assert set(seen) == made
    assert scores == sorted(scores, reverse=True)
