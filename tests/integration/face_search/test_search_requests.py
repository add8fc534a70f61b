"""Wrong requests, batches and comparisons."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from shared_kernel.errors import Unavailable
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceQuery
from tests.integration.face_search.canned import Portrait, photo
from tests.integration.face_search.people import People
from tests.integration.face_search.world import World

ADA, BOB, EVE = 5, 17, 40


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"purpose": ""}, "purpose"),
        ({"purpose": "   "}, "purpose"),
        ({"purpose": "x" * 201}, "purpose"),
        ({"purpose": "a\nb"}, "purpose"),
        ({"top_k": "0"}, "top_k"),
        ({"top_k": "101"}, "top_k"),
        ({"top_k": "ten"}, "top_k"),
        ({"threshold": "1.1"}, "threshold"),
        ({"threshold": "nan"}, "threshold"),
        ({"of": "everybody"}, "of"),
        ({"mask_state": "bare"}, "mask_state"),
        ({"camera_ids": "x' or 1=1", "of": "sightings"}, "camera_ids.0"),
        ({"list_ids": '"] or kind == "sample'}, "list_ids.0"),
        ({"after": "AAAA", "of": "sightings"}, "after"),
        ({"from": "yesterday", "of": "sightings"}, "from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z", "of": "sightings"}, "body"),
        ({"from": "2026-01-02T00:00:00Z"}, "body"),
        ({"box": "0.5,0.5,0.4,0.9"}, "body"),
        ({"box": "0,0,1"}, "box.3"),
        ({"box": "0,0,2,1"}, "box.2"),
        ({"box": "a,b,c,d"}, "box.0"),
        ({"user": "me"}, "user"),
        ({"sighting_id": "x"}, "sighting_id"),
        ({"sighting_id": "01JD3R8H0Z6W9C4V5T7Q2K1M8N"}, "photo"),
    ],
)
def test_wrong_fields_are_named(quiet_world: World, fields: dict[str, str], field: str) -> None:
    token = quiet_world.token()
    form = quiet_world.form(Portrait(ADA), **{"purpose": "why not", **fields})
    answer = quiet_world.call("POST", "/search", token, data=form)
    assert answer.status_code == 422
    assert field in [one["field"] for one in answer.get_json()["errors"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"person_id": "01JD3R8H0Z6W9C4V5T7Q2K1M8N"}, "purpose"),
        ({"purpose": "why not"}, "photo"),
        ({"purpose": "why not", "person_id": "01JD3R8H0Z6W9C4V5T7Q2K1M8N", "top_k": "5"}, "top_k"),
        ({"purpose": 7, "person_id": "01JD3R8H0Z6W9C4V5T7Q2K1M8N"}, "purpose"),
        ({"purpose": "why not", "person_id": "01JD3R8H0Z6W9C4V5T7Q2K1M8N", "camera_ids": "x"}, "camera_ids"),
        ([], "body"),
    ],
)
def test_json_has_its_own_types(quiet_world: World, body: Any, field: str) -> None:
    answer = quiet_world.call("POST", "/search", quiet_world.token(), json=body)
    assert answer.status_code == 422
    assert field in [one["field"] for one in answer.get_json()["errors"]]


def test_what_is_no_json_is_refused(quiet_world: World) -> None:
    for data, kind in ((b"{", "application/json"), (b"x", "text/plain"), (b"", "application/json")):
        answer = quiet_world.call("POST", "/search", quiet_world.token(), data=data, content_type=kind)
        assert answer.status_code == 422, answer.text


def test_a_photo_without_a_face_is_told_so_with_a_hint(quiet_world: World) -> None:
    token = quiet_world.token()
    answer = quiet_world.call("POST", "/search", token, data=quiet_world.form(purpose="why not"))
    assert (answer.status_code, answer.get_json()["type"]) == (422, "#no_face")
    assert "sharper" in answer.get_json()["detail"]
    form = quiet_world.form(Portrait(ADA), purpose="why not", box="0.9,0.9,1,1")
    answer = quiet_world.call("POST", "/search", token, data=form)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "box")


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 not a picture", b"%PDF-1.7", photo(Portrait(ADA))[:200]]
)
def test_what_is_no_picture_is_refused(quiet_world: World, data: bytes) -> None:
    form = {"purpose": "why not", "photo": (io.BytesIO(data), "x.jpg")}
    answer = quiet_world.call("POST", "/search", quiet_world.token(), data=form)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "photo"


@pytest.mark.parametrize("subject", ["person_id", "sighting_id"])
def test_who_is_not_there_is_not_found(quiet_world: World, subject: str) -> None:
    answer = quiet_world.call("POST", "/search", quiet_world.token(), json={"purpose": "why not", subject: new_id()})
    assert answer.status_code == 404


def test_who_has_no_picture_cannot_be_looked_for(few: People) -> None:
    ada = few.person("Ada")
    answer = few.world.call("POST", "/search", few.world.token(), json={"purpose": "why not", "person_id": ada})
    assert (answer.status_code, answer.get_json()["type"]) == (409, "#no_vector")


def test_while_the_index_is_away_the_answer_is_503(few: People) -> None:
    token = few.world.token()
    few.person("Ada", Portrait(ADA))

    def away(*_: object) -> None:
        raise Unavailable("vector index", "no connection")

    few.world.index.search = away  # type: ignore[method-assign,assignment]
    answer = few.world.call("POST", "/search", token, data=few.world.form(Portrait(ADA), purpose="why not"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def batch(*pictures: bytes, **fields: str) -> dict[str, Any]:
    return {
        "purpose": "guest list",
        **fields,
        "photo": [(io.BytesIO(data), f"{n}.png") for n, data in enumerate(pictures)],
    }


def test_a_batch_answers_each_photo_by_itself(people: People) -> None:
    token = people.world.token()
    ada, bob = people.person("Ada", Portrait(ADA)), people.person("Bob", Portrait(BOB))
    sent = batch(
        photo(Portrait(BOB, look=1)), photo(), b"no picture", photo(Portrait(EVE)), photo(Portrait(ADA, look=1))
    )
    answer = people.world.call("POST", "/search/batch", token, data=sent)
    assert answer.status_code == 200, answer.text
    items = answer.get_json()["items"]
    assert [item["index"] for item in items] == [0, 1, 2, 3, 4]
    assert [item["verdict"] for item in items] == ["match", None, None, "unknown", "match"]
    assert [item["error"] for item in items] == [None, "no_face", "not_an_image", None, None]
    assert [items[n]["hits"][0]["person"]["person_id"] for n in (0, 4)] == [bob, ada]
    [row] = people.gallery.rows(FaceQuery)
    assert (row.kind, json.loads(row.parameters)["photos"]) == ("batch", 5)
    assert {ada, bob} <= set(json.loads(row.shown))


@pytest.mark.parametrize(("count", "status"), [(0, 422), (64, 200), (65, 422)])
def test_a_batch_is_up_to_64_photos(quiet_world: World, count: int, status: int) -> None:
    sent = batch(*[photo(Portrait(n % 64)) for n in range(count)])
    answer = quiet_world.call("POST", "/search/batch", quiet_world.token(), data=sent)
    assert answer.status_code == status


def side(portrait: Portrait) -> tuple[io.BytesIO, str]:
    return io.BytesIO(photo(portrait)), "side.png"


@pytest.mark.parametrize(
    ("second", "verdict", "word"),
    [(Portrait(ADA, look=1), "same", "很可能是同一个人"), (Portrait(BOB), "different", "不像同一个人")],
)
def test_two_photos_are_compared_in_words(quiet_world: World, second: Portrait, verdict: str, word: str) -> None:
    data = {"purpose": "at the door", "first": side(Portrait(ADA)), "second": side(second)}
    found = quiet_world.call("POST", "/compare", quiet_world.token(), data=data).get_json()
    assert (found["verdict"], found["same"]) == (verdict, verdict == "same")
    assert word in found["words"]["zh-CN"]
    assert "1 in 1,000" in found["words"]["en"]
    assert found["false_match_rate"] == pytest.approx(0.001)


def test_a_photo_is_compared_with_a_person_and_a_sighting(people: People) -> None:
    token = people.world.token()
    ada = people.person("Ada", Portrait(ADA), Portrait(ADA, look=1))
    seen = people.sighting(Portrait(ADA, look=2, covered=True), people.world.camera())

    def ask(**sides: Any) -> dict[str, Any]:
        data = {"purpose": "at the door", **sides}
        answer = people.world.call("POST", "/compare", token, data=data, content_type="multipart/form-data")
        return dict(answer.get_json())

    assert ask(first=side(Portrait(ADA, look=3)), second_person_id=ada)["verdict"] == "same"
    found = ask(first_sighting_id=seen, second_person_id=ada)
    assert (found["covered"], "口鼻被遮挡" in found["words"]["zh-CN"]) == (True, True)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"purpose": "why not"}, "first"),
        ({"purpose": "why not", "first_person_id": "01JD3R8H0Z6W9C4V5T7Q2K1M8N"}, "second"),
        ({"first_person_id": "01JD3R8H0Z6W9C4V5T7Q2K1M8N"}, "purpose"),
    ],
)
def test_a_comparison_needs_two_sides_and_a_purpose(quiet_world: World, data: dict[str, str], field: str) -> None:
    answer = quiet_world.call("POST", "/compare", quiet_world.token(), data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert field in [one["field"] for one in answer.get_json()["errors"]]
