"""Imports over HTTP: what is taken in, how it is followed, its report."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from werkzeug.test import TestResponse

from face_search.importing import Importer
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceImport
from tests.integration.face_search.canned_enrolment import CannedEnrolment
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World
from tests.unit.face_search.zips import zipped

FILES = {"Ada/1.jpg": "face:ada1", "Ada/2.jpg": "bad:blurred", "=cmd()/1.jpg": "face:x", "Bob/1.jpg": "face:bob"}


def bundle(files: dict[str, str] | None = None) -> io.BytesIO:
    return zipped([(name, text.encode()) for name, text in (files or FILES).items()])


def send(world: World, token: str, data: io.BytesIO | None = None, **others: Any) -> TestResponse:
    fields = {"archive": (data or bundle(), others.pop("filename", "all.zip")), **others.pop("fields", {})}
    return world.call("POST", "/imports", token, data=fields, **others)


def begun(world: World, token: str, **others: Any) -> str:
    answer = send(world, token, **others)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["import_id"])


def done(world: World) -> None:
    enrolment = CannedEnrolment(world.parts.blobs)
    importer = Importer(world.database, world.parts.blobs, enrolment, max_unpacked_bytes=10**6)
    while importer.run_next(threading.Event()):
        pass


def lines(world: World, token: str, import_id: str, **query: Any) -> dict[str, Any]:
    answer = world.call("GET", f"/imports/{import_id}/lines", token, query_string=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def test_an_import_is_taken_in_done_and_reported(world: World) -> None:
    token = world.token()
    listed = Gallery(world.database, world.parts.blobs).face_list()
    fields = {"list_ids": listed, "basis": "contract", "expires_at": "2030-01-31T00:00:00Z"}
    import_id = begun(world, token, fields=fields, filename="../照片/全员.zip")
    row = world.call("GET", f"/imports/{import_id}", token).get_json()
    assert (row["state"], row["name"], row["total"]) == ("waiting", "全员.zip", 0)
    done(world)
    row = world.call("GET", f"/imports/{import_id}", token).get_json()
    assert {name: row[name] for name in ("state", "total", "accepted", "repeated", "refused")} == {
        "state": "done",
        "total": 4,
        "accepted": 3,
        "repeated": 0,
        "refused": 1,
    }
    page = lines(world, token, import_id, limit=3)
    assert [line["file"] for line in page["items"]] == list(FILES)[:3]
    assert [line["file"] for line in lines(world, token, import_id, after=page["next"])["items"]] == list(FILES)[3:]
    [refused] = lines(world, token, import_id, outcome="refused")["items"]
    assert (refused["reason"], refused["person_id"]) == ("blurred", None)

    report = world.call("GET", f"/imports/{import_id}/report.csv", token)
    assert report.mimetype == "text/csv"
    table = report.get_data().decode("utf-8-sig").splitlines()
    assert table[0] == "line,file,outcome,reason,detail,person_id"
    assert table[3].startswith("3,'=cmd()/1.jpg,accepted")
    assert len(table) == 5


def test_the_list_of_imports_pages(small_world: World) -> None:
    token = small_world.token()
    ids = [begun(small_world, token) for _ in range(3)]
    first = small_world.call("GET", "/imports?limit=2", token).get_json()
    second = small_world.call("GET", f"/imports?limit=2&after={first['next']}", token).get_json()
    assert [row["import_id"] for row in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None


def test_the_same_request_twice_is_one_import(small_world: World) -> None:
    token = small_world.token()
    key = {"Idempotency-Key": "k-1"}
    assert begun(small_world, token, headers=key) == begun(small_world, token, headers=key)
    assert len(list(small_world.parts.blobs.keys("face-imports"))) == 1
    assert send(small_world, token, fields={"basis": "duty"}, headers=key).status_code == 409


def test_a_cancelled_import_keeps_nothing_of_its_zip(small_world: World) -> None:
    token = small_world.token()
    import_id = begun(small_world, token)
    answer = small_world.call("POST", f"/imports/{import_id}/cancel", token, json={})
    assert answer.get_json()["state"] == "cancelled"
    assert list(small_world.parts.blobs.keys("face-imports")) == []
    assert small_world.call("POST", f"/imports/{import_id}/cancel", token, json={}).status_code == 409
    done(small_world)
    assert lines(small_world, token, import_id)["items"] == []


@pytest.mark.parametrize(
    ("data", "fields", "wrong"),
    [
        pytest.param(io.BytesIO(b"no zip"), {}, "not_a_zip", id="no zip"),
        pytest.param(io.BytesIO(b""), {}, "not_a_zip", id="nothing"),
        pytest.param(None, {"basis": "whim"}, "basis", id="a basis that is none"),
        pytest.param(None, {"expires_at": "soon"}, "expires_at", id="no time"),
        pytest.param(None, {"list_ids": "../x"}, "list_ids", id="no id"),
        pytest.param(None, {"list_ids": new_id()}, "list_ids", id="a list that is not there"),
        pytest.param(None, {"more": "x"}, "more", id="a field too much"),
    ],
)
def test_bad_requests_are_refused_and_keep_nothing(
    small_world: World, data: io.BytesIO | None, fields: dict[str, str], wrong: str
) -> None:
    answer = send(small_world, small_world.token(), io.BytesIO(data.getvalue()) if data else None, fields=fields)
    assert answer.status_code == 422
    assert wrong in answer.text
    assert list(small_world.parts.blobs.keys("face-imports")) == []
    assert Gallery(small_world.database, small_world.parts.blobs).count(FaceImport) == 0


def test_a_request_without_a_zip_is_refused(small_world: World) -> None:
    token = small_world.token()
    assert small_world.call("POST", "/imports", token, data={"basis": "duty"}).status_code == 422
    assert small_world.call("POST", "/imports", token, json={}).status_code == 422


def test_nobody_but_who_manages_faces_may_import(small_world: World) -> None:
    token = small_world.token()
    import_id = begun(small_world, token)
    for role in ("officer", "guard"):
        other = small_world.token(role)
        assert send(small_world, other).status_code == 403
        for path in ("", f"/{import_id}", f"/{import_id}/lines", f"/{import_id}/report.csv"):
            assert small_world.call("GET", f"/imports{path}", other).status_code == 403
    for path in ("", "/lines", "/report.csv"):
        assert small_world.call("GET", f"/imports/{new_id()}{path}", token).status_code == 404
