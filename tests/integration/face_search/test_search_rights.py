"""What nobody may learn by looking for a face, and what is kept of each look."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any

import pytest

from shared_kernel.messages import new_id
from shared_kernel.tables import FaceQuery
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.people import People, sightings
from tests.integration.face_search.world import World, settings

ADA, BOB, EVE = 5, 17, 40


class Rights:
    """Two cameras, one granted; the same face before both."""

    def __init__(self, people: People) -> None:
        world = people.world
        self.people = people
        self.mine, self.other = world.camera(name="mine"), world.camera(name="other")
        self.all = world.token("officer")
        self.some = world.token("officer", cameras=[self.mine])
        self.none = world.token("officer", cameras=[])
        self.shown = people.sighting(Portrait(ADA), self.mine)
        self.hidden = [people.sighting(Portrait(ADA, look=n), self.other) for n in range(4)]
        self.photo = people.sighting(Portrait(ADA, look=1), taken_by=self.all, source="photo")


@pytest.fixture
def rights(people: People) -> Rights:
    return Rights(people)


def test_only_the_callers_cameras_are_searched(rights: Rights) -> None:
    found = rights.people.look(rights.some, Portrait(ADA), of="sightings")
    assert sightings(found) == [rights.shown]
    assert len(sightings(rights.people.look(rights.all, Portrait(ADA), of="sightings"))) == 6
    assert sightings(rights.people.look(rights.none, Portrait(ADA), of="sightings")) == []
    # asking for a camera by name does not open it
    assert sightings(rights.people.look(rights.some, Portrait(ADA), of="sightings", camera_ids=rights.other)) == []


def test_hidden_sightings_change_no_count_score_threshold_or_cursor(people: People) -> None:
    world = people.world
    mine, other = world.camera(), world.camera()
    some = world.token("officer", cameras=[mine])
    for n in range(3):
        people.sighting(Portrait(ADA, look=n), mine, age=timedelta(minutes=n))

    def ask() -> dict[str, Any]:
        return people.look(some, Portrait(ADA, look=3), of="sightings", top_k="2")

    before = ask()
    for n in range(40):
        people.sighting(Portrait(ADA, look=n % 4), other)
        people.sighting(Portrait(n, look=1), other)
    after = ask()
    for answer in (before, after):
        del answer["query_id"], answer["faces"]
        for hit in answer["hits"]:
            del hit["sighting"]["crop_url"]
    assert after == before
    assert before["next"] is not None


@pytest.mark.parametrize("which", ["hidden", "photo", "absent"])
def test_a_sighting_of_another_camera_is_like_none(rights: Rights, which: str) -> None:
    sighting_id = {"hidden": rights.hidden[0], "photo": rights.photo, "absent": new_id()}[which]
    world = rights.people.world
    asked = [
        world.call("POST", "/search", rights.some, json={"purpose": "why not", "sighting_id": sighting_id}),
        world.call("GET", f"/sightings/{sighting_id}", rights.some),
        world.call("POST", f"/sightings/{sighting_id}/confirm", rights.some, json={"person_id": new_id()}),
        world.call("POST", f"/sightings/{sighting_id}/reject", rights.some, json={}),
        world.call("GET", f"/sightings/{sighting_id}/trajectory?purpose=why", rights.some),
        world.call(
            "POST",
            "/compare",
            rights.some,
            json={"purpose": "why not", "first_sighting_id": sighting_id, "second_sighting_id": rights.shown},
        ),
    ]
    problems = [(answer.status_code, answer.get_json()["type"], answer.get_json()["detail"]) for answer in asked]
    expected = f"sighting {sighting_id}: expected one that you may see, found none"
    assert problems == [(404, "#no_sighting", expected)] * 6


def test_who_took_a_photo_may_see_its_faces(people: People) -> None:
    world = people.world
    own, others = world.token("officer", cameras=[]), world.token("officer", cameras=[])
    seen = people.sighting(Portrait(ADA), taken_by=own, source="photo")
    assert world.call("GET", f"/sightings/{seen}", own).status_code == 200
    assert world.call("GET", f"/sightings/{seen}", others).status_code == 404


def test_who_took_a_photo_finds_its_faces(people: People) -> None:
    world = people.world
    mine = world.camera()
    own, others, everybody = world.token("officer", cameras=[mine]), world.token("officer", cameras=[]), world.token()
    passed = people.sighting(Portrait(ADA), mine)
    taken = [people.sighting(Portrait(ADA, look=n), taken_by=own, source="photo") for n in (1, 2)]
    foreign = people.sighting(Portrait(ADA, look=3), taken_by=others, source="photo")
    for token, expected in ((own, {passed, *taken}), (others, {foreign}), (everybody, {passed, *taken, foreign})):
        found = people.look(token, Portrait(ADA), of="sightings")
        assert set(sightings(found)) == expected
    # a narrower question than one's rights stays as narrow: no camera took the photos
    for camera in (mine, own):
        found = people.look(own, Portrait(ADA), of="sightings", camera_ids=camera)
        assert sightings(found) == ([passed] if camera == mine else [])
    assert sightings(people.look(everybody, Portrait(ADA), of="sightings", camera_ids=own)) == []
    way = world.call("GET", f"/sightings/{taken[0]}/trajectory?purpose=why", own).get_json()
    assert {one["sighting_id"] for one in way["sightings"]} == {passed, *taken}
    assert world.call("GET", f"/sightings/{foreign}/trajectory?purpose=why", own).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("administrator", 200), ("officer", 200), ("guard", 403)])
def test_the_role_decides_who_searches(few: People, role: str, status: int) -> None:
    token = few.world.token(role)
    for path in ("/search", "/search/batch"):
        form = few.world.form(Portrait(ADA), purpose="why not")
        assert few.world.call("POST", path, token, data=form).status_code == status


def test_every_look_is_written_down(people: People) -> None:
    world = people.world
    token, auditor = world.token("officer"), world.token("administrator")
    ada = people.person("Ada", Portrait(ADA))
    seen = people.sighting(Portrait(ADA), world.camera())
    search = people.look(token, Portrait(ADA, look=1), purpose="  lost child ", top_k="5")
    compared = world.call(
        "POST", "/compare", token, json={"purpose": "is it her", "first_person_id": ada, "second_sighting_id": seen}
    ).get_json()
    page = world.call("GET", "/queries", auditor).get_json()
    by_kind = {one["kind"]: one for one in page["items"]}
    told = by_kind["search"]
    assert told["query_id"] == search["query_id"]
    assert (told["user_id"], told["user_name"]) == (token, world.users.users[token].username)
    assert (told["purpose"], told["subject"], told["address"]) == ("lost child", "photo", "127.0.0.1")
    assert (told["shown"], told["shown_ids"]) == (1, [ada])
    assert told["parameters"]["top_k"] == 5
    assert by_kind["compare"]["query_id"] == compared["query_id"]
    assert by_kind["compare"]["subject"] == f"{ada}+{seen}"
    assert world.call("GET", "/queries", token).status_code == 403


def test_the_record_is_paged_and_narrowed(few: People) -> None:
    world = few.world
    one, other, auditor = world.token(), world.token(), world.token()
    for number in range(5):
        few.look(one, Portrait(ADA), purpose=f"reason {number}")
    few.look(other, Portrait(ADA), purpose="another")
    first = world.call("GET", f"/queries?limit=3&user_id={one}", auditor).get_json()
    second = world.call("GET", f"/queries?limit=3&user_id={one}&after={first['next']}", auditor).get_json()
    purposes = [item["purpose"] for item in first["items"] + second["items"]]
    assert sorted(purposes) == [f"reason {number}" for number in range(5)]
    assert second["next"] is None
    assert [
        item["purpose"] for item in world.call("GET", f"/queries?user_id={other}", auditor).get_json()["items"]
    ] == ["another"]
    assert world.call("GET", "/queries?kind=batch", auditor).get_json()["items"] == []


def test_what_cannot_be_written_down_is_not_answered(few: People) -> None:
    token = few.world.token()
    few.person("Ada", Portrait(ADA))
    with few.world.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE face_queries RENAME TO gone")
    answer = few.world.call("POST", "/search", token, data=few.world.form(Portrait(ADA), purpose="why not"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "Ada" not in answer.text


def test_looks_are_counted_by_user(
    sqlite_url: str, redis_url: str, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    world = World(settings(tmp_path, sqlite_url, redis_url, searches_per_minute=3))
    request.addfinalizer(world.parts.close)
    few, token = People(world), world.token()
    for _ in range(3):
        few.look(token, Portrait(ADA))
    answer = world.call("POST", "/search", token, data=world.form(Portrait(ADA), purpose="why not"))
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 21
    seen = few.sighting(Portrait(ADA))
    assert world.call("GET", f"/sightings/{seen}/trajectory?purpose=why", token).status_code == 429
    assert len(few.gallery.rows(FaceQuery)) == 3
    few.look(world.token(), Portrait(ADA))  # others have their own


def test_nobody_looks_uncounted(sqlite_url: str, tmp_path: Any, request: pytest.FixtureRequest) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        world = World(settings(tmp_path, sqlite_url, f"redis://127.0.0.1:{closed.getsockname()[1]}/0"))
    request.addfinalizer(world.parts.close)
    token = world.token()
    ada = People(world).person("Ada", Portrait(ADA))
    answers = [
        world.call("POST", "/search", token, json={"purpose": "why not", "person_id": ada}),
        world.call("GET", f"/persons/{ada}/trajectory?purpose=why", token),
    ]
    assert [(one.status_code, one.headers["Retry-After"]) for one in answers] == [(503, "2")] * 2
