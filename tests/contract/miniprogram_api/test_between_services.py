"""What the other services and this one say to each other, each side with its own code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from miniprogram_api.adapters.migrations import upgrade
from shared_kernel.clock import rfc3339
from shared_kernel.door import Door, HttpUsers
from shared_kernel.errors import Forbidden, Unauthorised, Unavailable
from shared_kernel.examination import Line
from shared_kernel.messages import CameraReason
from stream_service.adapters.api import HttpApi
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.addresses import Reach
from stream_service.doctor import examine
from stream_service.ports import Seen, StreamInfo
from stream_service.rules import CameraFailed
from stream_service.web.doctor import line
from tests.integration.miniprogram_api.world import SERVICE_TOKEN, World, settings

#: An id that nobody has.
NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def world(tmp_path: Path, redis_url: str) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    upgrade(url)
    made = World(settings(tmp_path, url, redis_url))
    yield made
    made.parts.close()


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """Where this service answers."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_stream_service_reads_cameras_and_rights(world: World, address: str) -> None:
    token = world.token()
    camera_id, guard, stranger = world.camera(token), world.user("guard"), world.user("guard")
    world.grant(camera_id, guard)
    api = HttpApi(address, SERVICE_TOKEN)
    [camera] = api.cameras()
    chief = world.user("administrator")
    allowed = api.allowed({Seen(guard, camera_id), Seen(stranger, camera_id), Seen(chief, camera_id)})
    api.close()
    assert (camera.camera_id, camera.url) == (camera_id, "rtsp://eye:secret@10.0.0.1/stream")
    assert allowed == {Seen(guard, camera_id): "masked", Seen(chief, camera_id): "unmasked"}


def test_stream_service_reads_whose_frames_are_wanted(world: World, address: str) -> None:
    token = world.token()
    camera_id, other = world.camera(token), world.camera(token)
    wanted = {"every_s": 0.5, "frames": 20, "side": 640}
    batch = world.call("POST", f"/cameras/{camera_id}/frame-batches", token, json=wanted).get_json()
    stopped = world.call("POST", f"/cameras/{other}/frame-batches", token, json={"every_s": 1.0}).get_json()
    world.call("POST", f"/frame-batches/{stopped['batch_id']}/stop", token, json={})
    api = HttpApi(address, SERVICE_TOKEN)
    [one] = api.wanted_frames()
    api.close()
    assert (one.batch_id, one.camera_id) == (batch["batch_id"], camera_id)
    assert (one.every_s, one.frames, one.side) == (0.5, 20, 640)
    assert rfc3339(one.started_at) == batch["started_at"]


def test_inference_service_lets_in_whom_this_service_knows(world: World, address: str) -> None:
    guard = world.user("guard")
    session = world.log_in(guard)
    users = HttpUsers(address, SERVICE_TOKEN)
    door = Door(users, SERVICE_TOKEN)
    assert door.enter(f"Bearer {session['access_token']}", "photo.detect").user_id == guard
    assert door.readmit(guard, "photo.detect").user_id == guard
    assert door.holders("photo.detect", [guard, NOBODY]) == {guard}
    with pytest.raises(Forbidden):
        door.readmit(NOBODY, "photo.detect")
    for wrong in ("x", "a.b.c", "x" * 5000, session["refresh_token"]):
        with pytest.raises(Unauthorised):
            door.enter(f"Bearer {wrong}", "photo.detect")
    with pytest.raises(Forbidden):
        door.enter(f"Bearer {world.log_in(world.user('guard', must_change=True))['access_token']}", "photo.detect")
    world.call("POST", "/auth/logout", session["access_token"])
    with pytest.raises(Unauthorised):
        Door(users, SERVICE_TOKEN).enter(f"Bearer {session['access_token']}", "photo.detect")
    users.close()


def test_face_search_learns_which_cameras_a_user_may_see(world: World, address: str) -> None:
    chief, officer, guard = (world.user(role) for role in ("administrator", "officer", "guard"))
    camera_id = world.camera(world.token())
    world.grant(camera_id, guard)
    users = HttpUsers(address, SERVICE_TOKEN)
    for known in (users.of(guard), users.known(world.log_in(guard)["access_token"])):
        assert (known.user_id, known.username, known.cameras) == (guard, world.username(guard), frozenset({camera_id}))
        assert not {one for one in known.permissions if one.startswith("face.")}
    assert (users.of(officer).cameras, users.of(chief).cameras) == (None, None)
    faces = {one: {p for p in users.of(one).permissions if p.startswith("face.")} for one in (officer, chief)}
    assert faces[officer] == {"face.view", "face.search"}
    assert faces[chief] == {"face.view", "face.search", "face.manage", "face.erase", "face.audit"}
    must_change = world.user("administrator", must_change=True)
    known = users.known(world.log_in(must_change)["access_token"])
    assert (known.permissions, known.cameras) == (frozenset(), frozenset())
    assert users.of(NOBODY).permissions == frozenset()
    users.close()


def test_a_wrong_service_token_is_not_taken_for_a_wrong_user(world: World, address: str) -> None:
    users = HttpUsers(address, "w" * 40)
    with pytest.raises(Unavailable):
        Door(users, "w" * 40).enter(f"Bearer {world.token()}", "photo.detect")
    users.close()


class Canned(PyavFeed):
    """A camera that lets nobody in."""

    def open(self) -> StreamInfo:
        raise CameraFailed(CameraReason.UNAUTHORISED, "camera: wants another user name or password")


def test_what_the_doctor_finds_arrives_whole() -> None:
    """From the service that examines, over the one that answers users, to the user."""
    found = list(examine(lambda opening: Canned("rtsp://10.0.0.1/x", Reach(), opening), PyavDecoder))
    sent = [line(one).model_dump_json(exclude_none=True) for one in found]
    arrived = [Line.model_validate_json(one) for one in sent]
    report = arrived[-1].report
    assert report is not None
    assert (report.ok, report.reason) == (False, CameraReason.UNAUTHORISED)
    assert [one.status for one in report.findings].count("failed") == 1
    assert arrived == [line(one) for one in found]
