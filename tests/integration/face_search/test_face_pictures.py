"""Pictures of faces: who may open them, and for how long."""

from __future__ import annotations

from dataclasses import replace

from face_search.app import create_app
from shared_kernel.door import Door
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.enrolling import ADA, enrolled, person, seen
from tests.integration.face_search.world import SERVICE_TOKEN, World


def test_a_picture_opens_for_whom_its_address_was_made_and_only_so_long(small_world: World) -> None:
    ada, token = person(small_world), small_world.token()
    made = enrolled(small_world, token, ada, Portrait(ADA)).get_json()
    shown = small_world.call("GET", made["crop_url"])
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert shown.headers["Cache-Control"] == "private, max-age=4"
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    same = small_world.call("GET", made["crop_url"], headers={"If-None-Match": shown.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    ticket = made["crop_url"].partition("ticket=")[2]
    other = enrolled(small_world, token, ada, Portrait(ADA, look=1)).get_json()["sample_id"]
    for path in (f"/pictures/{other}?ticket={ticket}", f"/pictures/{made['sample_id']}?ticket={ticket[:-2]}xx"):
        assert small_world.call("GET", path).status_code == 401
    for path in (f"/pictures/{made['sample_id']}", "/pictures/..%2F..%2Fetc"):
        assert small_world.call("GET", path).status_code in (401, 404)


def test_a_withdrawn_right_closes_pictures(small_world: World) -> None:
    camera, token = small_world.camera(), small_world.token("officer")
    sighting_id = seen(small_world, Portrait(ADA), camera_id=camera)
    address = small_world.call("GET", f"/sightings/{sighting_id}", token).get_json()["crop_url"]
    known = small_world.users.users[token]

    def status() -> int:
        """Of an app whose door has not asked yet: a door remembers what it heard for two seconds."""
        parts = replace(small_world.parts, door=Door(small_world.users, SERVICE_TOKEN))
        return create_app(parts).test_client().get(address).status_code

    assert status() == 200
    small_world.users.users[token] = known.model_copy(update={"cameras": frozenset()})
    assert status() == 404
    small_world.users.users[token] = known.model_copy(update={"permissions": frozenset()})
    assert status() == 403
    small_world.users.away = True
    assert status() == 503
