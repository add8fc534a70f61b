"""A picture becomes a sample, or is refused with what to do about it."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from face_search.app import create_app
from face_search.ports import IndexFilter
from shared_kernel.errors import Unavailable
from shared_kernel.messages import derived_id, new_id
from shared_kernel.tables import FaceSample, FaceVector
from tests.integration.face_search.canned import Portrait, jpeg, photo, scene
from tests.integration.face_search.enrolling import ADA, BOB, enrolled, person, reasons, rows, sent
from tests.integration.face_search.gallery import ago
from tests.integration.face_search.people import People
from tests.integration.face_search.world import World, settings


class AwayIndex:
    """An index that does not answer."""

    def search(self, model: str, vectors: Any, top_k: int, only: IndexFilter) -> Any:
        raise Unavailable("face index", f"away: {model} {vectors.shape} {top_k} {only.kind}")


def multipart(name: str, data: bytes) -> dict[str, Any]:
    """A form as it goes over the wire: the test client would leave a file open for a large one."""
    head = f'--edge\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n\r\n'
    return {
        "data": head.encode() + data + b"\r\n--edge--\r\n",
        "content_type": "multipart/form-data; boundary=edge",
    }


def nothing_was_kept(world: World) -> bool:
    return rows(world, FaceSample) == [] == rows(world, FaceVector) and not list(world.parts.blobs.keys("faces"))


def test_a_good_picture_becomes_a_sample_that_the_index_is_told_of(world: World) -> None:
    ada, token = person(world), world.token()
    answer = enrolled(world, token, ada, Portrait(ADA))
    assert answer.status_code == 201, answer.text
    made = answer.get_json()
    assert (made["person_id"], made["source"], made["quality_reasons"]) == (ada, "upload", [])
    [row], [vector] = rows(world, FaceSample), rows(world, FaceVector)
    assert row.created_by == token
    assert (vector.kind, vector.subject_id, vector.model) == ("sample", made["sample_id"], world.reader.model)
    assert vector.index_state == "pending"
    assert np.linalg.norm(np.frombuffer(vector.vector, "<f4")) == pytest.approx(1, abs=1e-5)
    aligned = cv2.imdecode(np.frombuffer(world.parts.blobs.get(row.aligned_key), np.uint8), cv2.IMREAD_COLOR)
    assert world.reader.embed([np.asarray(aligned, np.uint8)])[0] == pytest.approx(np.frombuffer(vector.vector, "<f4"))
    assert world.parts.blobs.get(row.crop_key)[:3] == b"\xff\xd8\xff"
    assert world.call("GET", f"/persons/{ada}", token).get_json()["samples"] == 1
    assert world.call("GET", f"/persons/{ada}/samples", token).get_json()["items"][0]["sample_id"] == row.sample_id


def test_the_same_picture_twice_is_one_sample(world: World) -> None:
    ada, token = person(world), world.token()
    first, second = enrolled(world, token, ada, Portrait(ADA)), enrolled(world, token, ada, Portrait(ADA))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json()["sample_id"] == second.get_json()["sample_id"]
    assert len(rows(world, FaceSample)) == 1


def test_the_same_picture_many_times_at_once_is_one_sample(world: World) -> None:
    ada, token, statuses = person(world), world.token(), []

    def enrol() -> None:
        statuses.append(enrolled(world, token, ada, Portrait(ADA)).status_code)

    threads = [threading.Thread(target=enrol) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(statuses) == [200, 200, 200, 201]
    [row] = rows(world, FaceSample)
    assert sorted(world.parts.blobs.keys("faces")) == sorted([row.crop_key, row.aligned_key])


POOR = [
    ((), ["no_face"], "没有找到人脸"),
    ((Portrait(ADA, side_px=24),), ["too_small"], "人脸太小"),
    ((Portrait(ADA, covered=True),), ["covered"], "口鼻被遮挡"),
    ((Portrait(ADA), Portrait(BOB)), ["several_faces"], "多张人脸"),
    ((Portrait(ADA, side_px=24), Portrait(BOB, side_px=20)), ["too_small", "several_faces"], "人脸太小"),
    (tuple(Portrait(n) for n in range(50)), ["several_faces"], "多张人脸"),
]


def test_a_poor_picture_is_refused_with_reasons_and_hints(small_world: World) -> None:
    ada, token = person(small_world), small_world.token()
    for portraits, expected, words in POOR:
        answer = enrolled(small_world, token, ada, *portraits)
        assert (answer.status_code, answer.get_json()["type"]) == (422, "#face_quality")
        assert reasons(answer) == expected
        hints = {one["field"]: one["message"] for one in answer.get_json()["errors"] if "hint" in one["field"]}
        assert words in hints["hint.zh-CN"]
        assert hints["hint.en"].endswith(".")
    assert nothing_was_kept(small_world)


def test_examine_says_the_same_beforehand_and_keeps_nothing(small_world: World) -> None:
    token = small_world.token()
    for portraits, expected, words in POOR[1:]:
        answer = small_world.call("POST", "/examine", token, data=small_world.form(*portraits)).get_json()
        assert len(answer["faces"]) == len(portraits)
        face = answer["faces"][0]
        assert (face["usable"], face["quality_reasons"]) == (False, expected)
        assert words in face["hints"]["zh-CN"]
    good = small_world.call("POST", "/examine", token, data=small_world.form(Portrait(ADA))).get_json()
    assert (good["width"], good["height"]) == (128, 128)
    [face] = good["faces"]
    assert (face["usable"], face["hints"], face["box"]) == (True, {}, {"x0": 0.0, "y0": 0.0, "x1": 0.75, "y1": 0.75})
    assert small_world.call("POST", "/examine", token, data=small_world.form()).get_json()["faces"] == []
    assert nothing_was_kept(small_world)


def _bomb() -> bytes:
    """A PNG of a few kilobytes that says it has 400 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


HOSTILE = {
    "nothing": (b"", "not_an_image"),
    "text": (b"<html>hello</html>" * 9, "not_an_image"),
    "cut off": (jpeg(Portrait(ADA))[:300], "truncated"),
    "a PDF": (b"%PDF-1.7 ...", "unsupported"),
    "SVG with a script": (b"<svg onload='alert(1)'/>", "unsupported"),
    "a video": (b"\x00\x00\x00\x18ftypisom" + bytes(64), "unsupported"),
    "400 megapixels": (_bomb(), "too_many_pixels"),
    "21 MiB": (jpeg(Portrait(ADA)) + bytes(21 * 2**20), "too_large"),
}


def test_a_hostile_upload_hurts_nothing(small_world: World) -> None:
    ada, token = person(small_world), small_world.token()
    for name, (data, code) in HOSTILE.items():
        for path in (f"/persons/{ada}/samples", "/examine"):
            answer = small_world.call("POST", path, token, **multipart("../../etc/passwd", data))
            assert (answer.status_code, answer.get_json()["type"]) == (422, f"#{code}"), name
            assert answer.get_json()["errors"][0]["field"] == "photo"
    assert nothing_was_kept(small_world)


def test_a_picture_too_small_for_any_face_has_none(small_world: World) -> None:
    ada, token = person(small_world), small_world.token()
    for size in ((1, 1), (1, 4000), (4000, 1), (127, 127)):
        tiny = cv2.imencode(".png", np.full((*size, 3), 200, np.uint8))[1].tobytes()
        answer = sent(small_world, token, ada, tiny)
        assert (answer.status_code, reasons(answer)) == (422, ["no_face"]), size


FORMS: list[tuple[dict[str, Any], str]] = [
    ({}, "photo"),
    ({"photo": "text"}, "photo"),
    ({"photo": [(io.BytesIO(b"1"), "a"), (io.BytesIO(b"2"), "b")]}, "photo"),
    ({"despite": "everybody"}, "despite.0"),
    ({"sneaky": "1"}, "sneaky"),
]


def test_a_form_that_is_none_is_refused_by_name(small_world: World) -> None:
    ada, token = person(small_world), small_world.token()
    for given, wrong in FORMS:
        data = given if "photo" in given or not given else {**small_world.form(Portrait(ADA)), **given}
        answer = small_world.call(
            "POST", f"/persons/{ada}/samples", token, data=data, content_type="multipart/form-data"
        )
        assert answer.status_code == 422, (given, answer.text)
        assert wrong in [one["field"] for one in answer.get_json()["errors"]], answer.text
    assert sent(small_world, token, new_id(), photo(Portrait(ADA))).status_code == 404


def test_a_face_of_somebody_else_is_a_conflict_that_can_be_overridden(people: People) -> None:
    world, token = people.world, people.world.token()
    ada, bob = people.person("Ada", Portrait(ADA)), people.person("Bob")
    refused = enrolled(world, token, bob, Portrait(ADA, look=1))
    assert (refused.status_code, refused.get_json()["type"]) == (409, "#face_of_other")
    assert refused.get_json()["errors"] == [{"field": f"person.{ada}", "message": "Ada"}]
    assert enrolled(world, token, bob, Portrait(ADA, look=1), despite=new_id()).status_code == 409
    assert enrolled(world, token, bob, Portrait(ADA, look=1), despite=ada).status_code == 201
    assert enrolled(world, token, bob, Portrait(BOB)).status_code == 201


def test_one_who_is_more_like_themselves_is_no_conflict(people: People) -> None:
    world, token = people.world, people.world.token()
    people.person("Twin", Portrait(ADA, look=1))
    ada = people.person("Ada", Portrait(ADA, look=2))
    people.sample(ada, Portrait(ADA, look=3))
    # the very face of a sample of her own, in another file
    brighter = np.where(scene(Portrait(ADA, look=2)) > 0, scene(Portrait(ADA, look=2)) + 2, 0).astype(np.uint8)
    data = cv2.imencode(".png", brighter)[1].tobytes()
    assert sent(world, token, ada, data).status_code == 201


def test_what_the_index_was_not_told_yet_counts_too(world: World) -> None:
    token, ada, bob = world.token(), person(world, "Ada"), person(world, "Bob")
    assert enrolled(world, token, ada, Portrait(ADA)).status_code == 201
    [vector] = rows(world, FaceVector)
    assert vector.index_state == "pending"
    assert list(world.index.ids(world.reader.model)) == []
    assert enrolled(world, token, bob, Portrait(ADA, look=1)).status_code == 409


def test_while_the_index_is_away_everything_is_compared_in_sql(small_world: World) -> None:
    people = People(small_world)
    ada, bob = people.person("Ada", Portrait(ADA)), people.person("Bob")
    assert [row.index_state for row in rows(small_world, FaceVector)] == ["indexed"]
    client = create_app(replace(small_world.parts, index=AwayIndex())).test_client()  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {small_world.token()}"}
    for person_id, portrait, status in ((bob, Portrait(ADA, look=1), 409), (ada, Portrait(ADA, look=1), 201)):
        path = f"/faces/persons/{person_id}/samples"
        assert client.post(path, headers=headers, data=small_world.form(portrait)).status_code == status


def test_whose_basis_has_ended_is_nobody_else(people: People) -> None:
    people.person("Gone", Portrait(ADA), expires_at=ago(days=0.01))
    assert enrolled(people.world, people.world.token(), people.person("Ada"), Portrait(ADA)).status_code == 201


def test_a_person_has_so_many_samples_and_no_more(sqlite_url: str, redis_url: str, tmp_path: Any) -> None:
    world = World(settings(tmp_path, sqlite_url, redis_url, samples_per_person=2))
    ada, token = person(world), world.token()
    first = enrolled(world, token, ada, Portrait(ADA, look=0)).get_json()
    assert enrolled(world, token, ada, Portrait(ADA, look=1)).status_code == 201
    full = enrolled(world, token, ada, Portrait(ADA, look=2))
    assert (full.status_code, full.get_json()["type"]) == (409, "#too_many_samples")
    assert enrolled(world, token, ada, Portrait(ADA, look=1)).status_code == 200
    assert world.call("DELETE", f"/samples/{first['sample_id']}", token).status_code == 204
    assert enrolled(world, token, ada, Portrait(ADA, look=2)).status_code == 201
    assert len(list(world.parts.blobs.keys("faces"))) == 4
    world.parts.close()


def test_a_removed_sample_leaves_no_picture_and_its_vector_is_to_go(world: World) -> None:
    ada, token = person(world), world.token()
    made = enrolled(world, token, ada, Portrait(ADA)).get_json()
    path = f"/samples/{made['sample_id']}"
    assert world.call("DELETE", path, token).status_code == 204
    assert rows(world, FaceSample) == []
    assert [row.index_state for row in rows(world, FaceVector)] == ["removing"]
    assert list(world.parts.blobs.keys("faces")) == []
    assert world.call("DELETE", path, token).status_code == 404
    assert world.call("GET", made["crop_url"]).status_code == 404
    assert enrolled(world, token, ada, Portrait(ADA)).status_code == 201


def test_vectors_are_derived_from_sample_and_model(small_world: World) -> None:
    made = enrolled(small_world, small_world.token(), person(small_world), Portrait(ADA)).get_json()
    [vector] = rows(small_world, FaceVector)
    assert vector.vector_id == derived_id(made["sample_id"], small_world.reader.model)
