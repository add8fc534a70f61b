"""Every route × every kind of caller × own and foreign objects. A route without a line in the table fails the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.routing import Rule as Route

from miniprogram_api.access import PREFIX, rule_of
from shared_kernel.auth import Ticket, sign_ticket
from shared_kernel.messages import derived_id
from tests.integration.miniprogram_api.archiving import record, settled, start, told
from tests.integration.miniprogram_api.test_footage import clip, keep
from tests.integration.miniprogram_api.world import SERVICE_TOKEN, TICKET_KEY, World

#: "regional" administers an organisation below the root: the objects are not of it.
CALLERS = ("nobody", "guard", "granted", "officer", "regional", "administrator", "service")
#: What each caller gets: of a good request, in the order of CALLERS.
NO = 401
EVERYBODY_LOGGED_IN = (NO, 200, 200, 200, 200, 200, NO)
#: What reaches an object of the root: administrators of a part do not see it.
ADMINISTRATORS = (NO, 403, 403, 403, 404, 200, NO)
#: What happens in the own organisation, or with nobody's object.
ANY_ADMINISTRATOR = (NO, 403, 403, 403, 200, 200, NO)
WHOLE_SITE = (NO, 403, 403, 403, 403, 200, NO)
ARCHIVISTS = (NO, 403, 403, 200, 404, 200, NO)
WHO_SEES_THE_CAMERA = (NO, 404, 200, 200, 404, 200, NO)
SERVICES = (NO, NO, NO, NO, NO, NO, 200)


@dataclass(frozen=True)
class Line:
    """`expected` where the answer to a good request is 2xx; json is its body."""

    expected: tuple[int, ...]
    json: dict[str, Any] | None = None
    success: int = 200
    query: str = ""


def anybody(status: int) -> tuple[int, ...]:
    return (status,) * len(CALLERS)


TABLE: dict[str, Line] = {
    "POST /auth/login": Line(anybody(401), {"username": "x-y", "password": "z"}),
    "POST /auth/refresh": Line(anybody(401), {"refresh_token": "x"}),
    "POST /auth/logout": Line(EVERYBODY_LOGGED_IN, success=204),
    "GET /me": Line(EVERYBODY_LOGGED_IN),
    "POST /me/password": Line(
        (NO, 422, 422, 422, 422, 422, NO), {"current_password": "wrong", "new_password": "long enough"}
    ),
    "GET /cameras": Line(EVERYBODY_LOGGED_IN),
    "POST /cameras": Line(ANY_ADMINISTRATOR, {"name": "n", "url": "rtsp://h/s"}, success=201),
    "POST /cameras/test": Line((NO, 403, 403, 403, 503, 503, NO), {"url": "rtsp://h/s"}),
    "GET /cameras/<camera_id>": Line(WHO_SEES_THE_CAMERA),
    "GET /cameras/<camera_id>/hours": Line(WHO_SEES_THE_CAMERA),
    "GET /cameras/<camera_id>/outages": Line(WHO_SEES_THE_CAMERA),
    "GET /outages": Line(EVERYBODY_LOGGED_IN),
    "PATCH /cameras/<camera_id>": Line(ADMINISTRATORS, {"name": "other"}),
    "DELETE /cameras/<camera_id>": Line(ADMINISTRATORS, success=204),
    "POST /cameras/<camera_id>/play-ticket": Line(WHO_SEES_THE_CAMERA),
    "GET /cameras/<camera_id>/grants": Line(ADMINISTRATORS),
    "PUT /cameras/<camera_id>/grants/<user_id>": Line(ADMINISTRATORS, success=204),
    "DELETE /cameras/<camera_id>/grants/<user_id>": Line(ADMINISTRATORS, success=204),
    "GET /passes": Line(EVERYBODY_LOGGED_IN),
    "GET /passes/<pass_id>": Line(WHO_SEES_THE_CAMERA),
    "GET /media/<media_id>": Line(WHO_SEES_THE_CAMERA),
    "POST /event-tickets": Line(EVERYBODY_LOGGED_IN),
    "GET /events": Line(anybody(422)),
    "GET /counters": Line(EVERYBODY_LOGGED_IN),
    "GET /presence": Line(EVERYBODY_LOGGED_IN),
    "GET /presence/minutes": Line(EVERYBODY_LOGGED_IN),
    "GET /footage": Line(EVERYBODY_LOGGED_IN),
    "GET /footage/<footage_id>/video": Line(WHO_SEES_THE_CAMERA),
    "GET /footage/<footage_id>/boxes": Line(WHO_SEES_THE_CAMERA),
    "GET /cameras/<camera_id>/timeline": Line(
        WHO_SEES_THE_CAMERA, query="?from=2026-01-01T00:00:00Z&to=2026-01-01T01:00:00Z"
    ),
    "GET /storage": Line(WHOLE_SITE),
    "POST /cameras/<camera_id>/doctor": Line((NO, 403, 403, 403, 404, 503, NO), {}),
    "GET /frame-batches": Line(EVERYBODY_LOGGED_IN),
    "POST /frame-batches": Line((NO, 403, 403, 200, 200, 200, NO), {}, success=201),
    "POST /cameras/<camera_id>/frame-batches": Line(ARCHIVISTS, {"every_s": 1.0}, success=201),
    "GET /frame-batches/<batch_id>": Line(WHO_SEES_THE_CAMERA),
    "GET /frame-batches/<batch_id>/frames": Line(WHO_SEES_THE_CAMERA),
    "GET /frame-batches/<batch_id>/frames/<int:seq>.jpg": Line(WHO_SEES_THE_CAMERA),
    "POST /frame-batches/<batch_id>/frames": Line((NO, 403, 403, 403, 404, 403, NO)),  # a camera's batch takes none
    "POST /frame-batches/<batch_id>/stop": Line(ARCHIVISTS, {}),
    "GET /internal/frame-batches": Line(SERVICES),
    "POST /detections": Line((NO, 422, 422, 422, 422, 422, NO), {"image": ""}),
    "GET /users": Line(ANY_ADMINISTRATOR),
    "POST /users": Line(
        ANY_ADMINISTRATOR, {"username": "new-user", "role": "guard", "password": "long enough"}, success=201
    ),
    "PATCH /users/<user_id>": Line(ADMINISTRATORS, {"display_name": "other"}),
    "GET /roles": Line(EVERYBODY_LOGGED_IN),
    "POST /roles": Line(
        ANY_ADMINISTRATOR,
        {"code": "new_role", "name": "n", "rank": 5, "patrol_radius_m": 5, "permissions": ["pass.read"]},
        success=201,
    ),
    "PATCH /roles/<code>": Line(ADMINISTRATORS, {"name": "other"}),
    "DELETE /roles/<code>": Line(ADMINISTRATORS, success=204),
    "GET /organisations": Line(EVERYBODY_LOGGED_IN),
    "POST /organisations": Line(ANY_ADMINISTRATOR, {"name": "n"}, success=201),
    "PATCH /organisations/<org_id>": Line(ADMINISTRATORS, {"name": "other"}),
    "DELETE /organisations/<org_id>": Line(ADMINISTRATORS, success=204),
    "GET /internal/cameras": Line(SERVICES),
    "POST /internal/rights": Line(SERVICES, {"pairs": []}),
    "POST /internal/callers": Line(anybody(401), {"access_token": "x"}),
    "POST /internal/users": Line(SERVICES, {"user_ids": []}),
    "POST /internal/holders": Line(SERVICES, {"permission": "photo.detect", "user_ids": []}),
}


def routes(world: World) -> dict[str, Route]:
    found = {}
    for route in world.app.url_map.iter_rules():
        if route.rule.startswith(f"{PREFIX}/"):
            for method in (route.methods or set()) - {"HEAD", "OPTIONS"}:
                found[f"{method} {route.rule.removeprefix(PREFIX).replace('ulid:', '').replace('string:', '')}"] = route
    return found


def test_every_route_has_a_rule_and_a_line(small_world: World) -> None:
    found = routes(small_world)
    assert set(found) == set(TABLE)
    assert [name for name, route in found.items() if rule_of(small_world.app, route.endpoint) is None] == []


def test_a_view_without_a_rule_lets_nobody_in(small_world: World) -> None:
    small_world.app.add_url_rule(f"{PREFIX}/forgotten", "forgotten", lambda: "secret")
    for token in (None, small_world.token(), SERVICE_TOKEN):
        answer = small_world.app.test_client().get(
            f"{PREFIX}/forgotten", headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        assert answer.status_code == 404
        assert "secret" not in answer.text


@pytest.mark.parametrize("line", TABLE)
def test_who_gets_what(small_world: World, line: str) -> None:
    given = TABLE[line]
    method, path = line.split(" ", 1)
    for n, (caller, expected) in enumerate(zip(CALLERS, given.expected, strict=True)):
        with_objects = Objects(small_world)
        token = with_objects.token(caller)
        json = given.json and {**given.json}
        if json and "username" in json:
            json["username"] += str(n)
        if json and "code" in json:
            json["code"] += str(n)
        answer = small_world.call(method, with_objects.fill(path) + given.query, token, json=json)
        wanted = given.success if expected == 200 else expected
        assert answer.status_code == wanted, f"{line} as {caller}: {answer.text}"


class Objects:
    """A camera with a pass, and a user who may see it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.camera_id = world.camera(world.token())
        message = world.observe(self.camera_id)
        self.granted = world.user("guard")
        world.grant(self.camera_id, self.granted)
        self.values = {
            "<camera_id>": self.camera_id,
            "<user_id>": self.granted,
            "<pass_id>": message.pass_id,
            "<media_id>": derived_id(message.pass_id, message.face.key),
            "<footage_id>": keep(world, clip(self.camera_id)).footage_id,
            "<batch_id>": self._batch(),
            "<int:seq>": "0",
            "<code>": world.role("watcher", {"pass.read"}),
            "<org_id>": world.organisation("empty"),
        }

    def _batch(self) -> str:
        """A batch of the camera that has ended."""
        batch = start(self.world, self.world.token(), self.camera_id, frames=2)
        record(self.world, told(batch, settled(self.world, 0), settled(self.world, 1), ended=True))
        return str(batch["batch_id"])

    def token(self, caller: str) -> str | None:
        if caller == "nobody":
            return None
        if caller == "service":
            return SERVICE_TOKEN
        if caller == "regional":
            return self.world.token("regional_administrator", org_id=self.world.organisation("north"))
        user_id = self.granted if caller == "granted" else self.world.user(caller)
        return str(self.world.log_in(user_id)["access_token"])

    def fill(self, path: str) -> str:
        for name, value in self.values.items():
            path = path.replace(name, value)
        return path


@pytest.mark.parametrize(
    ("role", "granted", "visible"),
    [("administrator", False, True), ("officer", False, True), ("guard", False, False), ("guard", True, True)],
)
def test_lists_hold_only_what_one_may_see(world: World, role: str, granted: bool, visible: bool) -> None:
    objects = Objects(world)
    other = world.camera(world.token(), name="other")
    world.observe(other)
    user_id = objects.granted if granted else world.user(role)
    token = str(world.log_in(user_id)["access_token"])
    cameras = {one["camera_id"] for one in world.call("GET", "/cameras", token).get_json()["items"]}
    passes = {one["camera_id"] for one in world.call("GET", "/passes", token).get_json()["items"]}
    counted = world.call("GET", "/counters", token).get_json()["totals"]["without_mask"]
    expected = {objects.camera_id, other} if visible and not granted else {objects.camera_id} if granted else set()
    assert cameras == passes == expected
    assert counted == len(expected)
    by_camera = world.call("GET", f"/passes?camera_id={objects.camera_id}", token).get_json()["items"]
    assert len(by_camera) == (1 if visible else 0)


def test_what_is_not_there_and_what_is_not_allowed_look_alike(world: World) -> None:
    objects = Objects(world)
    token = world.token("guard")
    absent = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    for path in ("/cameras/{}", "/passes/{}", "/media/{}"):
        real = objects.values["<" + {"c": "camera", "p": "pass", "m": "media"}[path[1]] + "_id>"]
        forbidden, missing = (world.call("GET", path.format(one), token) for one in (real, absent))
        assert forbidden.status_code == missing.status_code == 404
        assert forbidden.text.replace(real, "*") == missing.text.replace(absent, "*")


def test_the_address_is_for_managers_only(world: World) -> None:
    objects = Objects(world)
    shown = {
        role: world.call("GET", f"/cameras/{objects.camera_id}", objects.token(role)).get_json()["address"]
        for role in ("administrator", "officer", "granted")
    }
    assert shown == {"administrator": "rtsp://10.0.0.1/stream", "officer": None, "granted": None}


def test_a_picture_opens_with_its_ticket_while_the_right_stands(world: World) -> None:
    objects = Objects(world)
    guard = str(world.log_in(objects.granted)["access_token"])
    [one] = world.call("GET", "/passes", guard).get_json()["items"]
    answer = world.call("GET", one["face_url"])
    assert answer.status_code == 200
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Cache-Control"] == "private, max-age=4"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    etag = answer.headers["ETag"]
    assert world.call("GET", one["face_url"], headers={"If-None-Match": etag}).status_code == 304

    path = f"/cameras/{objects.camera_id}/grants/{objects.granted}"
    assert world.call("DELETE", path, world.token()).status_code == 204
    assert world.call("GET", one["face_url"]).status_code == 404
    assert world.call("GET", one["face_url"], headers={"If-None-Match": etag}).status_code == 404


def test_tickets_open_their_own_object_only(world: World) -> None:
    objects = Objects(world)
    media_id = objects.values["<media_id>"]

    def status(ticket: Ticket, *, key: str = TICKET_KEY, ttl_s: int = 60) -> int:
        text = sign_ticket(key, ticket, ttl_s=ttl_s)
        return world.call("GET", f"/media/{media_id}?ticket={text}").status_code

    assert status(Ticket("media", objects.granted, media_id)) == 200
    assert status(Ticket("media", objects.granted, "01ARZ3NDEKTSV4RRFFQ69G5FAV")) == 401
    assert status(Ticket("live", objects.granted, media_id)) == 401
    assert status(Ticket("media", objects.granted, media_id), key="x" * 40) == 401
    assert status(Ticket("media", objects.granted, media_id), ttl_s=-1) == 401
    assert status(Ticket("media", world.user("guard"), media_id)) == 404
    assert world.call("GET", f"/media/{media_id}?ticket=garbage").status_code == 401


def test_a_lost_picture_is_not_found(world: World) -> None:
    objects = Objects(world)
    token = world.token()
    [one] = world.call("GET", "/passes", token).get_json()["items"]
    world.parts.blobs.delete(f"evidence/{one['pass_id']}/face.jpg")
    answer = world.call("GET", one["face_url"])
    assert answer.status_code == 404
    assert answer.get_json()["type"] == "#no_object"
    assert world.call("GET", one["scene_url"]).status_code == 200
    assert objects.camera_id == one["camera_id"]


def test_services_ask_who_may_see_what(world: World) -> None:
    objects = Objects(world)
    stranger, officer = world.user("guard"), world.user("officer")
    users = [objects.granted, stranger, officer, "01ARZ3NDEKTSV4RRFFQ69G5FAV"]

    def allowed() -> set[str]:
        pairs = [{"user_id": user_id, "camera_id": objects.camera_id} for user_id in users]
        answer = world.call("POST", "/internal/rights", SERVICE_TOKEN, json={"pairs": pairs})
        return {pair["user_id"] for pair in answer.get_json()["allowed"]}

    assert allowed() == {objects.granted, officer}
    administrator = world.token()
    world.call("PATCH", f"/users/{officer}", administrator, json={"status": "disabled"})
    assert allowed() == {objects.granted}
    world.call("PATCH", f"/cameras/{objects.camera_id}", administrator, json={"enabled": False})
    assert allowed() == set()


def test_services_ask_whom_a_token_names_and_who_holds_a_permission(world: World) -> None:
    guard = world.user("guard")
    session = world.log_in(guard)

    def named() -> Any:
        given = {"access_token": session["access_token"]}
        return world.call("POST", "/internal/callers", SERVICE_TOKEN, json=given)

    def holders(permission: str) -> list[str]:
        given = {"permission": permission, "user_ids": [guard, "01ARZ3NDEKTSV4RRFFQ69G5FAV"]}
        answer = world.call("POST", "/internal/holders", SERVICE_TOKEN, json=given)
        return list(answer.get_json()["user_ids"])

    username, permissions = (
        world.username(guard),
        ["chat.create", "chat.read", "pass.read", "patrol.create", "photo.detect"],
    )
    expected = {"user_id": guard, "username": username, "permissions": permissions, "cameras": []}
    assert named().get_json() == expected
    assert world.call("POST", "/internal/users", SERVICE_TOKEN, json={"user_ids": [guard]}).get_json() == {
        "items": [expected]
    }
    assert (holders("photo.detect"), holders("user.update")) == ([guard], [])
    world.call("PATCH", f"/users/{guard}", world.token(), json={"status": "disabled"})
    assert (named().status_code, named().get_json()["type"]) == (401, "#access_token")
    assert world.call("POST", "/internal/users", SERVICE_TOKEN, json={"user_ids": [guard]}).get_json()["items"] == []
    assert holders("photo.detect") == []


def test_who_must_change_the_password_holds_nothing_yet(world: World) -> None:
    token = world.log_in(world.user("officer", must_change=True))["access_token"]
    answer = world.call("POST", "/internal/callers", SERVICE_TOKEN, json={"access_token": token})
    assert answer.get_json()["permissions"] == []


def test_services_get_addresses_with_credentials(world: World) -> None:
    camera_id = world.camera(world.token())
    answer = world.call("GET", "/internal/cameras", SERVICE_TOKEN).get_json()
    expected = {"camera_id": camera_id, "url": "rtsp://eye:secret@10.0.0.1/stream", "model": "mask", "enabled": True}
    [camera] = answer["items"]
    assert camera == camera | expected
