from __future__ import annotations

from typing import Any

from miniprogram_api.record import record_report
from shared_kernel.clock import now
from shared_kernel.messages import CameraReported
from tests.integration.miniprogram_api.world import SERVICE_TOKEN, World

DOOR = {"name": " 门口 ", "kind": "include", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.90001]]}
SCREEN = [[0, 0], [0.25, 0], [0.25, 0.25], [0, 0.25]]
EVERYTHING: dict[str, Any] = {
    "detect_url": "rtsp://eye:geheim123@10.0.0.1/sub?token=geheim123",
    "decode": "keyframes",
    "analysed_fps": 2.5,
    "zones": [DOOR],
    "privacy_masks": [SCREEN],
    "plan": [{"days": [7, 1, 1], "from": "22:00", "to": "06:30"}, {"days": [3], "from": "00:00", "to": "24:00"}],
    "footage": "continuous",
}
KEPT: dict[str, Any] = {
    "decode": "keyframes",
    "analysed_fps": 2.5,
    "zones": [{"name": "门口", "kind": "include", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}],
    "privacy_masks": [SCREEN],
    "plan": [{"days": [1, 7], "from": "22:00", "to": "06:30"}, {"days": [3], "from": "00:00", "to": "24:00"}],
    "footage": "continuous",
}
USUAL: dict[str, Any] = {
    "decode": None,
    "analysed_fps": None,
    "zones": [],
    "privacy_masks": [],
    "plan": None,
    "footage": "clips",
}


def owned(world: World, camera_id: str) -> dict[str, Any]:
    items = world.call("GET", "/internal/cameras", SERVICE_TOKEN).get_json()["items"]
    return next(one for one in items if one["camera_id"] == camera_id)


def settings(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in USUAL}


def test_settings_are_kept_answered_and_given_to_the_owner(world: World) -> None:
    token = world.token()
    created = world.call("POST", "/cameras", token, json={"name": "n", "url": "rtsp://h/main", **EVERYTHING}).get_json()
    assert settings(created) == KEPT
    assert created["detect_address"] == "rtsp://10.0.0.1/sub"
    found = owned(world, created["camera_id"])
    assert settings(found) == KEPT
    assert found["detect_url"] == EVERYTHING["detect_url"]

    path = f"/cameras/{created['camera_id']}"
    assert settings(world.call("PATCH", path, token, json={"name": "o"}).get_json()) == KEPT, "what is not named stays"
    back: dict[str, Any] = dict.fromkeys(("detect_url", "decode", "analysed_fps", "plan"))
    back |= {"zones": [], "privacy_masks": []}
    changed = world.call("PATCH", path, token, json={**back, "footage": "clips"}).get_json()
    assert settings(changed) == USUAL
    assert changed["detect_address"] is None
    assert owned(world, created["camera_id"])["detect_url"] is None


def test_a_camera_without_settings_is_as_usual(world: World) -> None:
    camera_id = world.camera(world.token())
    assert settings(owned(world, camera_id)) == USUAL
    assert owned(world, camera_id)["detect_url"] is None


def test_what_a_camera_costs_is_answered(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    fresh = world.call("GET", f"/cameras/{camera_id}", token).get_json()
    assert (fresh["decoded_per_s"], fresh["analysed_per_s"], fresh["cpu_share"]) == (None, None, None)
    report = CameraReported(
        camera_id=camera_id, at=now(), state="online", decoded_per_s=25.0, analysed_per_s=4.9, cpu_share=0.061
    )
    with world.database.write() as store:
        record_report(store, report)
    costs = world.call("GET", f"/cameras/{camera_id}", token).get_json()
    assert (costs["decoded_per_s"], costs["analysed_per_s"], costs["cpu_share"]) == (25.0, 4.9, 0.061)


def test_the_second_address_is_as_secret_as_the_first(world: World) -> None:
    token = world.token()
    answer = world.call("POST", "/cameras", token, json={"name": "n", "url": "rtsp://h/main", **EVERYTHING})
    guard = world.token("guard")
    user_id = world.call("GET", "/me", guard).get_json()["user_id"]
    path = f"/cameras/{answer.get_json()['camera_id']}"
    world.call("PUT", f"{path}/grants/{user_id}", token)
    seen = world.call("GET", path, guard)
    assert seen.get_json()["detect_address"] is None
    with world.database.read() as store:
        kept = [event.payload for event in store.events.after(0, 100)]
        kept += [camera.detect_url_cipher or "" for camera in store.cameras.all()]
    assert "geheim123" not in "".join([answer.text, seen.text, *kept])


def test_a_wrong_setting_is_refused_and_named(world: World) -> None:
    token = world.token()
    crossing = [[0, 0], [1, 0], [0, 1], [1, 1]]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"privacy_masks": [SCREEN, crossing]}, "privacy_masks.1"),
        ({"zones": [{**DOOR, "points": crossing}]}, "zones.0.points"),
        ({"plan": [{"days": [1], "from": "08:00"}]}, "plan.0.to"),
        ({"detect_url": "ftp://h/x"}, "detect_url"),
    ]
    camera_id = world.camera(token)
    for given, field in wrong:
        created = world.call("POST", "/cameras", token, json={"name": "n", "url": "rtsp://h/main", **given})
        changed = world.call("PATCH", f"/cameras/{camera_id}", token, json=given)
        for answer in (created, changed):
            assert answer.status_code == 422
            assert [one["field"] for one in answer.get_json()["errors"]] == [field]
    assert settings(owned(world, camera_id)) == USUAL
    assert len(world.call("GET", "/cameras", token).get_json()["items"]) == 1
