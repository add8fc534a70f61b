"""Alerts about people on watch lists stay: listed for those who may see the camera, and seen to once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import new_id
from shared_kernel.tables import WatchAlert
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.people import People
from tests.integration.face_search.recognising import Recogniser
from tests.integration.face_search.world import SERVICE_TOKEN, World

ADA, BOB, EVE = 5, 17, 40


def listed(people: People, token: str, query: str = "") -> list[dict[str, Any]]:
    return list(people.world.call("GET", f"/watch-alerts{query}", token).get_json()["items"])


def ids(people: People, token: str, query: str = "") -> list[str]:
    return [one["alert_id"] for one in listed(people, token, query)]


def watched(people: People, *, camera_id: str | None = None, **columns: Any) -> str:
    """An alert about somebody of whom there is a picture."""
    person = columns.pop("person", None) or people.person("Ada", Portrait(ADA))
    sighting = people.sighting(Portrait(ADA), camera_id, person_id=person, **columns)
    return people.gallery.watch_alert(sighting, person)


def test_what_was_told_live_is_listed_with_both_pictures(world: World) -> None:
    works = Recogniser(world)
    ada = works.enrol("Ada", Portrait(ADA))
    works.gallery.face_list(ada, name="Barred", alerts=True)
    works.gallery.face_list(ada, name="Staff")
    works.sync()
    camera = world.camera(name="东门")
    message = world.observed(camera, Portrait(ADA, look=1))
    works.identifier.see_pass(message)
    works.identifier.see_pass(message)
    [told, _] = works.told
    token = world.token("officer")
    [one] = world.call("GET", "/watch-alerts", token).get_json()["items"]
    assert (told.alerts, told.alert_id) == (True, one["alert_id"])
    assert (one["person_id"], one["person_name"], one["list_names"]) == (ada, "Ada", ["Barred"])
    assert (one["score"], one["threshold"], one["near_tie"]) == (told.score, told.threshold, False)
    assert (one["sighting"]["camera_name"], one["sighting"]["decision"]) == ("东门", "auto")
    assert (one["acknowledged_at"], one["acknowledged_by"], one["acknowledged_by_name"]) == (None, None, None)
    assert one["seen_at"] == one["sighting"]["seen_at"]
    for url in (one["person_crop_url"], one["sighting"]["crop_url"]):
        assert "?ticket=" in url
        assert world.call("GET", url).status_code == 200
    same = world.call("GET", f"/watch-alerts/{one['alert_id']}", token).get_json()
    assert {name: same[name] for name in ("alert_id", "person_id")} == {"alert_id": one["alert_id"], "person_id": ada}


def test_nobody_on_such_a_list_is_no_alert(small_world: World) -> None:
    works = Recogniser(small_world)
    works.gallery.face_list(works.enrol("Ada", Portrait(ADA)), name="Staff")
    works.gallery.face_list(works.enrol("Bob", Portrait(BOB)), name="Barred", alerts=True)
    works.sync()
    camera = small_world.camera()
    for portrait in (Portrait(ADA, look=1), Portrait(EVE)):
        works.identifier.see_pass(small_world.observed(camera, portrait))
    assert works.gallery.count(WatchAlert) == 0
    assert [one.alert_id for one in works.told] == [None, None]


def test_with_a_near_tie_it_is_about_who_is_on_the_list(small_world: World) -> None:
    works = Recogniser(small_world)
    twins = {works.enrol("Ada", Portrait(ADA)), works.enrol("Her twin", Portrait(ADA))}
    barred = max(twins)
    works.gallery.face_list(barred, name="Barred", alerts=True)
    works.sync()
    works.identifier.see_pass(small_world.observed(small_world.camera(), Portrait(ADA, look=1)))
    [row] = works.gallery.rows(WatchAlert)
    assert (row.person_id, row.near_tie) == (barred, True)
    assert [one.alert_id for one in works.told] == [row.alert_id]


def test_newest_first_and_every_one_once(people: People) -> None:
    token, camera, moment = people.world.token(), people.world.camera(), now()
    ada = people.person("Ada")
    made = [watched(people, camera_id=camera, person=ada, seen_at=moment - timedelta(seconds=n // 3)) for n in range(7)]
    seen: list[dict[str, Any]] = []
    after = ""
    while True:
        page = people.world.call("GET", f"/watch-alerts?limit=3{after}", token).get_json()
        seen += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(one["alert_id"] for one in seen) == sorted(made)
    assert seen == sorted(seen, key=lambda one: (one["seen_at"], one["alert_id"]), reverse=True)


def test_filters_narrow_the_list(people: People) -> None:
    token, here, there = people.world.token(), people.world.camera(), people.world.camera()
    ada = people.person("Ada")
    was_ada = people.person("A. Ada", merged_into=ada)
    old = watched(people, camera_id=here, person=was_ada, age=timedelta(hours=2))
    new, far = watched(people, camera_id=here), watched(people, camera_id=there)
    people.world.call("POST", f"/watch-alerts/{new}/acknowledge", token, json={})
    hour_ago = quote(rfc3339(now() - timedelta(hours=1)))
    for query, expected in (
        ("", {old, new, far}),
        (f"?camera_id={here}", {old, new}),
        (f"?person_id={ada}", {old}),
        ("?acknowledged=true", {new}),
        ("?acknowledged=false", {old, far}),
        (f"?to={hour_ago}", {old}),
        (f"?from={hour_ago}&camera_id={here}", {new}),
    ):
        assert set(ids(people, token, query)) == expected, query
    [one] = listed(people, token, f"?person_id={ada}")
    assert (one["person_id"], one["person_name"]) == (ada, "Ada")


def test_others_cameras_are_neither_listed_nor_acknowledged(few: People) -> None:
    here, there = few.world.camera(), few.world.camera()
    some = few.world.token("officer", cameras=[here])
    mine, foreign = watched(few, camera_id=here), watched(few, camera_id=there)
    taken = watched(few, taken_by=some, source="photo")
    hidden = watched(few, taken_by=few.world.token(), source="photo")
    assert set(ids(few, some)) == {mine, taken}
    for alert in (foreign, hidden, new_id()):
        assert few.world.call("GET", f"/watch-alerts/{alert}", some).status_code == 404
        assert few.world.call("POST", f"/watch-alerts/{alert}/acknowledge", some, json={}).status_code == 404
    assert [row.acknowledged_at for row in few.gallery.rows(WatchAlert)] == [None] * 4
    assert few.world.call("GET", "/watch-alerts", few.world.token("guard")).status_code == 403


def test_the_first_who_has_seen_to_it_stays(people: People) -> None:
    alert = watched(people, camera_id=people.world.camera())
    first, second = people.world.token("officer"), people.world.token()
    answers = [
        people.world.call("POST", f"/watch-alerts/{alert}/acknowledge", one, json={}).get_json()
        for one in (first, first, second)
    ]
    assert {one["acknowledged_by"] for one in answers} == {first}
    assert {one["acknowledged_by_name"] for one in answers} == {people.world.users.users[first].username}
    assert len({one["acknowledged_at"] for one in answers}) == 1
    assert listed(people, second)[0]["acknowledged_at"] == answers[0]["acknowledged_at"]


def test_another_service_may_acknowledge(few: People) -> None:
    alert = watched(few)
    told = few.world.call("POST", f"/watch-alerts/{alert}/acknowledge", SERVICE_TOKEN, json={}).get_json()
    assert told["acknowledged_by"] is None
    assert told["acknowledged_at"] is not None


def test_whose_person_or_sighting_went_is_gone(few: People) -> None:
    erased, kept = watched(few), watched(few)
    [row] = few.gallery.rows(WatchAlert, WatchAlert.alert_id == erased)
    with few.world.database.write() as store:
        store.traces.remove_sightings([row.sighting_id])
    [other] = few.gallery.rows(WatchAlert)
    assert other.alert_id == kept
    with few.world.database.write() as store:
        store.traces.remove_samples([one.sample_id for one in store.traces.samples([other.person_id])])
        store.traces.remove_persons([other.person_id])
    assert few.gallery.count(WatchAlert) == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("acknowledged=perhaps", "acknowledged"),
        ("limit=0", "limit"),
        ("from=x", "from"),
        ("after=x", "after"),
        ("camera_id=1", "camera_id"),
        ("x=1", "x"),
    ],
)
def test_wrong_parameters_are_named(quiet_world: World, query: str, field: str) -> None:
    answer = quiet_world.call("GET", f"/watch-alerts?{query}", quiet_world.token())
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, field)
