"""The face of a sighting becomes a sample, if it is good enough and nobody has said otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared_kernel.clock import now
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceSample, FaceVector, NotThisPerson, Sighting
from tests.integration.face_search.canned import Portrait, scene
from tests.integration.face_search.enrolling import ADA, person, reasons, rows, seen
from tests.integration.face_search.people import People
from tests.integration.face_search.world import World


def from_sighting(world: World, token: str, person_id: str, sighting_id: str, **fields: Any) -> Any:
    given = {"sighting_id": sighting_id, **fields}
    return world.call("POST", f"/persons/{person_id}/samples/from-sighting", token, json=given)


def test_a_good_sighting_becomes_a_sample_of_its_own(world: World) -> None:
    ada, token = person(world), world.token()
    sighting_id = seen(world, Portrait(ADA))
    answer = from_sighting(world, token, ada, sighting_id)
    assert answer.status_code == 201, answer.text
    assert (answer.get_json()["source"], answer.get_json()["sighting_id"]) == ("sighting", sighting_id)
    assert from_sighting(world, token, ada, sighting_id).status_code == 200
    [sample] = rows(world, FaceSample)
    [vector] = [row for row in rows(world, FaceVector) if row.subject_id == sample.sample_id]
    assert np.frombuffer(vector.vector, "<f4") == pytest.approx(world.reader.read(scene(Portrait(ADA)))[0].vector)
    [row] = rows(world, Sighting)
    for key in (row.crop_key, row.aligned_key):  # when the sighting's time is over its sample stays
        world.parts.blobs.delete(key)
    assert world.call("GET", answer.get_json()["crop_url"]).status_code == 200


def test_a_sighting_below_the_bar_never_becomes_a_sample(small_world: World) -> None:
    ada, token = person(small_world), small_world.token()
    for portrait, columns, expected in (
        (Portrait(ADA, side_px=24), {}, ["too_small"]),
        (Portrait(ADA, covered=True), {}, ["covered"]),
        (Portrait(ADA), {"quality": 0.49}, ["too_poor"]),
        (Portrait(ADA), {"quality": 0.3, "quality_reasons": "blurred,dark"}, ["blurred", "dark"]),
        (Portrait(ADA), {"covered": True}, ["covered"]),
    ):
        answer = from_sighting(small_world, token, ada, seen(small_world, portrait, **columns))
        assert (answer.status_code, reasons(answer)) == (422, expected)
    unusable = seen(small_world, Portrait(ADA))
    with small_world.database.write() as store:
        row = store._session.get(Sighting, unusable)
        assert row is not None
        row.aligned_key, row.decision = None, "unusable"
    assert reasons(from_sighting(small_world, token, ada, unusable)) == ["no_face"]
    assert rows(small_world, FaceSample) == []


def test_a_sighting_becomes_no_sample_of_whom_it_is_not(small_world: World) -> None:
    people = People(small_world)
    token, ada, bob = small_world.token(), people.person("Ada", Portrait(ADA)), people.person("Bob")
    sighting_id = seen(small_world, Portrait(ADA, look=1))
    conflict = from_sighting(small_world, token, bob, sighting_id)
    assert (conflict.status_code, conflict.get_json()["type"]) == (409, "#face_of_other")
    people.gallery.add(NotThisPerson(person_id=ada, sighting_id=sighting_id, created_at=now()))
    contrary = from_sighting(small_world, token, ada, sighting_id)
    assert (contrary.status_code, contrary.get_json()["type"]) == (409, "#not_this_person")
    assert from_sighting(small_world, token, bob, sighting_id, despite=[ada]).status_code == 201


def test_a_sighting_of_another_camera_is_not_there(small_world: World) -> None:
    ada, camera = person(small_world), small_world.camera()
    token = small_world.token(cameras=[])
    sighting_id = seen(small_world, Portrait(ADA), camera_id=camera)
    answer = from_sighting(small_world, token, ada, sighting_id)
    assert (answer.status_code, answer.get_json()["type"]) == (404, "#no_sighting")
    assert from_sighting(small_world, small_world.token(), ada, new_id()).status_code == 404
