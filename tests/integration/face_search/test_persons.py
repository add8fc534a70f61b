"""Persons and lists over HTTP."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import new_id
from shared_kernel.tables import Person
from tests.integration.face_search.gallery import Gallery, ago
from tests.integration.face_search.world import World

ADA = {"name": "Ada 王", "basis": "consent", "note": "两行\nwords"}


def added(world: World, token: str, **fields: Any) -> dict[str, Any]:
    answer = world.call("POST", "/persons", token, json={**ADA, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def listed(world: World, token: str, **fields: Any) -> dict[str, Any]:
    answer = world.call("POST", "/lists", token, json={"name": "Night shift", **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def test_a_person_is_as_it_was_added(world: World) -> None:
    token = world.token()
    on = listed(world, token)["list_id"]
    given = {
        "name": "  Ada 王 ",
        "external_ref": "S-7",
        "note": "knows\nthe code",
        "basis": "contract",
        "basis_detail": "cabinet 3",
        "consented_at": "2026-01-02T03:04:05.678Z",
        "expires_at": "2030-01-02T03:04:05+08:00",
        "list_ids": [on],
    }
    made = added(world, token, **given)
    expected = {
        **given,
        "name": "Ada 王",
        "expires_at": "2030-01-01T19:04:05.000Z",
        "merged_into": None,
        "samples": 0,
        "crop_url": None,
    }
    assert {name: made[name] for name in expected} == expected
    shown = world.call("GET", f"/persons/{made['person_id']}", world.token("officer"))
    assert shown.get_json() == made
    assert shown.headers["ETag"] == f'"{made["updated_at"]}"'


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": " \t"}, "name"),
    ({"name": "a" * 65}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": None}, "name"),
    ({"basis": "curiosity"}, "basis"),
    ({"basis": None}, "basis"),
    ({"note": "a" * 501}, "note"),
    ({"note": "bell\a"}, "note"),
    ({"basis_detail": "a" * 201}, "basis_detail"),
    ({"external_ref": ""}, "external_ref"),
    ({"external_ref": 7}, "external_ref"),
    ({"consented_at": "yesterday"}, "consented_at"),
    ({"consented_at": 7}, "consented_at"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
    ({"expires_at": "9999-12-31T23:59:59Z"}, "expires_at"),
    ({"list_ids": ["staff"]}, "list_ids"),
    ({"list_ids": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"]}, "list_ids"),
    ({"list_ids": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"] * 21}, "list_ids"),
    ({"merged_into": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "merged_into"),
]


def test_what_cannot_be_a_person_is_refused_by_name(small_world: World) -> None:
    token = small_world.token()
    there = added(small_world, token)
    for fields, wrong in WRONG:
        for method, path in (("POST", "/persons"), ("PATCH", f"/persons/{there['person_id']}")):
            given = {**ADA, **fields} if method == "POST" else fields
            answer = small_world.call(method, path, token, json=given)
            assert answer.status_code == 422, (method, fields, answer.text)
            assert answer.get_json()["errors"][0]["field"].split(".")[0] == wrong
    assert small_world.call("GET", "/persons", token).get_json()["items"] == [there]


def test_only_named_fields_change_and_null_takes_away(world: World) -> None:
    token = world.token()
    made = added(world, token, external_ref="S-7", expires_at="2030-01-01T00:00:00Z")
    path = f"/persons/{made['person_id']}"
    assert world.call("PATCH", path, token, json={"note": "new"}).get_json()["external_ref"] == "S-7"
    changed = world.call("PATCH", path, token, json={"external_ref": None, "expires_at": None}).get_json()
    assert (changed["external_ref"], changed["expires_at"], changed["note"]) == (None, None, "new")
    assert changed["updated_at"] > made["updated_at"]
    assert world.call("PATCH", path, token, json={}).get_json() == changed


def test_two_who_edit_the_same_version_do_not_undo_each_other(world: World) -> None:
    token = world.token()
    made = added(world, token)
    path, version = f"/persons/{made['person_id']}", {"If-Match": f'"{made["updated_at"]}"'}
    answers = []

    def edit(note: str) -> None:
        answers.append(world.call("PATCH", path, token, json={"note": note}, headers=version))

    editors = [threading.Thread(target=edit, args=(note,)) for note in ("first", "second")]
    for one in editors:
        one.start()
    for one in editors:
        one.join()
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    [kept] = [answer.get_json()["note"] for answer in answers if answer.status_code == 200]
    [lost] = [answer.get_json()["type"] for answer in answers if answer.status_code == 412]
    assert lost == "#changed_meanwhile"
    shown = world.call("GET", path, token)
    assert shown.get_json()["note"] == kept
    again = world.call("PATCH", path, token, json={"note": "third"}, headers={"If-Match": shown.headers["ETag"]})
    assert again.get_json()["note"] == "third"
    weak = {"If-Match": f"W/{again.headers['ETag']}"}
    assert world.call("PATCH", path, token, json={"note": "fourth"}, headers=weak).status_code == 200
    assert world.call("PATCH", path, token, json={"note": "fifth"}, headers=weak).status_code == 412
    assert world.call("PATCH", path, token, json={"note": "sixth"}, headers={"If-Match": "*"}).status_code == 200


def test_a_number_is_one_persons(world: World) -> None:
    token = world.token()
    ada = added(world, token, external_ref="S-7")
    bob = added(world, token, name="Bob", external_ref="S-8")
    for method, path, given in (
        ("POST", "/persons", {**ADA, "external_ref": "S-7"}),
        ("PATCH", f"/persons/{bob['person_id']}", {"external_ref": "S-7"}),
    ):
        answer = world.call(method, path, token, json=given)
        assert (answer.status_code, answer.get_json()["type"]) == (409, "#ref_taken")
        assert answer.get_json()["errors"] == [{"field": "external_ref", "message": ada["person_id"]}]
    assert world.call("PATCH", f"/persons/{ada['person_id']}", token, json={"external_ref": "S-7"}).status_code == 200


def test_several_who_ask_at_once_for_a_number_get_it_once(world: World) -> None:
    token, statuses = world.token(), []

    def add() -> None:
        statuses.append(world.call("POST", "/persons", token, json={**ADA, "external_ref": "S-7"}).status_code)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(statuses) == [201, 409, 409, 409]


def test_a_creation_sent_twice_happens_once(world: World) -> None:
    token, key = world.token(), {"Idempotency-Key": "k-1"}
    first = world.call("POST", "/persons", token, json=ADA, headers=key)
    assert world.call("POST", "/persons", token, json=ADA, headers=key).get_json() == first.get_json()
    other = world.call("POST", "/persons", token, json={**ADA, "name": "Bob"}, headers=key)
    assert (other.status_code, other.get_json()["type"]) == (409, "#idempotency_key_reused")
    assert len(world.call("GET", "/persons", token).get_json()["items"]) == 1


def test_pages_go_through_everybody_once_newest_first(world: World) -> None:
    gallery, token = Gallery(world.database, world.parts.blobs), world.token()
    moment = now()
    ids = [gallery.person(f"P {n}", created_at=moment - timedelta(seconds=n // 2)) for n in range(7)]
    seen: list[str] = []
    after = None
    while True:
        page = world.call("GET", "/persons", token, query_string={"limit": 3, **({"after": after} if after else {})})
        seen += [one["name"] for one in page.get_json()["items"]]
        after = page.get_json()["next"]
        if after is None:
            break
    by_age = sorted(range(7), key=lambda n: (n // 2, [-ord(letter) for letter in ids[n]]))
    assert seen == [f"P {n}" for n in by_age]


SEARCHES = [
    ("ada", ["Ada Lovelace"]),
    ("LOVE", ["Ada Lovelace"]),
    ("王", ["王小明"]),
    ("s-1", ["王小明"]),
    ("%", ["100% Bob"]),
    ("_", []),
    ("' OR 1=1 --", []),
    ("  ", ["100% Bob", "Ada Lovelace", "王小明"]),
]


def test_people_are_found_by_name_or_number(world: World) -> None:
    gallery, token = Gallery(world.database, world.parts.blobs), world.token()
    for name, ref in (("Ada Lovelace", None), ("王小明", "S-17"), ("100% Bob", "T-2")):
        gallery.person(name, external_ref=ref)
    for text, expected in SEARCHES:
        page = world.call("GET", "/persons", token, query_string={"q": text}).get_json()
        assert sorted(one["name"] for one in page["items"]) == expected, text


def test_a_list_shows_who_is_on_it(world: World) -> None:
    gallery, token = Gallery(world.database, world.parts.blobs), world.token()
    ada, bob = gallery.person("Ada"), gallery.person("Bob")
    on = gallery.face_list(ada, name="Staff A")
    page = world.call("GET", "/persons", token, query_string={"list_id": on}).get_json()
    assert [one["person_id"] for one in page["items"]] == [ada]
    lists = world.call("GET", "/lists", token).get_json()["items"]
    assert [one["persons"] for one in lists if one["list_id"] == on] == [1]
    assert bob not in world.call("GET", f"/persons?list_id={new_id()}", token).text


def test_whose_basis_has_ended_is_not_there(world: World) -> None:
    gallery, token = Gallery(world.database, world.parts.blobs), world.token()
    gone = gallery.person("Gone", expires_at=ago(days=0.001))
    assert world.call("GET", "/persons", token).get_json()["items"] == []
    for method, path, given in (
        ("GET", f"/persons/{gone}", None),
        ("PATCH", f"/persons/{gone}", {"expires_at": rfc3339(now() + timedelta(days=9))}),
        ("PATCH", f"/persons/{new_id()}", {"name": "Nobody"}),
    ):
        answer = world.call(method, path, token, json=given) if given else world.call(method, path, token)
        assert (answer.status_code, answer.get_json()["type"]) == (404, "#no_person")


def test_who_is_being_erased_cannot_be_changed(world: World) -> None:
    gallery, token = Gallery(world.database, world.parts.blobs), world.token()
    ada = gallery.person("Ada")
    assert world.call("POST", f"/persons/{ada}/erasure", token, json={"reason": "asked"}).status_code in (200, 201, 202)
    assert world.call("PATCH", f"/persons/{ada}", token, json={"name": "Eve"}).status_code == 404


def test_every_installation_begins_with_three_lists(small_world: World) -> None:
    items = small_world.call("GET", "/lists", small_world.token()).get_json()["items"]
    assert [(one["code"], one["kind"], one["alerts"]) for one in items] == [
        ("staff", "staff", False),
        ("visitor", "visitor", False),
        ("watch", "watch", True),
    ]


def test_lists_are_made_changed_and_removed_when_empty(world: World) -> None:
    token = world.token()
    made = listed(world, token, name="Night shift", keep_days=7)
    assert (made["code"], made["kind"], made["alerts"], made["keep_days"]) == ("night-shift", "own", False, 7)
    assert listed(world, token, name="布控", kind="watch")["alerts"] is True
    assert listed(world, token)["code"].startswith("list-")
    path = f"/lists/{made['list_id']}"
    changed = world.call("PATCH", path, token, json={"alerts": True, "keep_days": None}).get_json()
    assert (changed["alerts"], changed["keep_days"], changed["name"]) == (True, None, "Night shift")
    ada = added(world, token, list_ids=[made["list_id"]])
    refused = world.call("DELETE", path, token)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "#list_in_use")
    world.call("PATCH", f"/persons/{ada['person_id']}", token, json={"list_ids": []})
    assert world.call("DELETE", path, token).status_code == 204
    assert world.call("DELETE", path, token).status_code == 404


WRONG_LISTS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": None}, "name"),
    ({"kind": "enemies"}, "kind"),
    ({"keep_days": 0}, "keep_days"),
    ({"keep_days": 3651}, "keep_days"),
    ({"keep_days": 1.5}, "keep_days"),
    ({"alerts": "yes"}, "alerts"),
]


def test_what_cannot_be_a_list_is_refused_by_name(small_world: World) -> None:
    token = small_world.token()
    path = f"/lists/{listed(small_world, token)['list_id']}"
    for fields, wrong in WRONG_LISTS:
        for method, where in (("POST", "/lists"), ("PATCH", path)):
            answer = small_world.call(method, where, token, json={"name": "x", **fields})
            assert answer.status_code == 422, (method, fields, answer.text)
            assert answer.get_json()["errors"][0]["field"] == wrong


def test_a_code_is_one_lists(world: World) -> None:
    token = world.token()
    listed(world, token, code="night")
    answer = world.call("POST", "/lists", token, json={"name": "Other", "code": "night"})
    assert (answer.status_code, answer.get_json()["type"]) == (409, "#code_taken")
    assert world.call("POST", "/lists", token, json={"name": "Other", "code": "a b"}).status_code == 422


MANAGED = [
    ("POST", "/lists"),
    ("PATCH", "/lists/{id}"),
    ("DELETE", "/lists/{id}"),
    ("POST", "/persons"),
    ("PATCH", "/persons/{id}"),
    ("POST", "/persons/{id}/samples"),
    ("POST", "/persons/{id}/samples/from-sighting"),
    ("DELETE", "/samples/{id}"),
    ("POST", "/examine"),
    ("POST", "/persons/{id}/merge"),
    ("POST", "/persons/{id}/split"),
    ("POST", "/changes/{id}/undo"),
]
SEEN = ["/lists", "/persons", "/persons/{id}", "/persons/{id}/samples", "/changes"]


def test_only_who_manages_may_change(small_world: World) -> None:
    tokens = [small_world.token(role) for role in ("officer", "guard")]
    for method, path in MANAGED:
        for token in tokens:
            assert small_world.call(method, path.format(id=new_id()), token).status_code == 403, (method, path)


def test_officers_see_and_guards_do_not(small_world: World) -> None:
    ada = Gallery(small_world.database, small_world.parts.blobs).person()
    officer, guard = small_world.token("officer"), small_world.token("guard")
    for path in SEEN:
        assert small_world.call("GET", path.format(id=ada), officer).status_code == 200, path
        assert small_world.call("GET", path.format(id=ada), guard).status_code == 403, path


def test_what_was_refused_left_nothing(small_world: World) -> None:
    token = small_world.token()
    made = added(small_world, token)
    path = f"/persons/{made['person_id']}"
    answer = small_world.call("PATCH", path, token, json={"name": "Eve", "list_ids": [new_id()]})
    assert answer.status_code == 422
    with small_world.database.read() as store:
        row = store._session.get(Person, made["person_id"])
        assert row is not None
        assert row.name == ADA["name"]
