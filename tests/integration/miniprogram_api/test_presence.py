"""Who is before the cameras now: passes that opened and have not closed, of cameras that can see and the caller may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from miniprogram_api.record import record_report
from shared_kernel.clock import now
from shared_kernel.messages import CameraReported, MaskState, new_id
from tests.integration.miniprogram_api.world import World, closed


def reported(world: World, camera_id: str, state: str) -> None:
    message = CameraReported.model_validate({"camera_id": camera_id, "at": now(), "state": state})
    world.database.run(lambda store: record_report(store, message))


def present(world: World, token: str, query: str = "") -> dict[str, Any]:
    answer = world.call("GET", f"/presence{query}", token).get_json()
    return {"totals": answer["totals"], **{one.pop("camera_id"): one for one in answer["cameras"]}}


def test_who_came_counts_until_the_pass_closes(world: World) -> None:
    token = world.token()
    here, there = world.camera(token), world.camera(token)
    reported(world, here, "online")
    reported(world, there, "degraded")
    first = world.observe(here)
    world.observe(here, state=MaskState.WITH_MASK)
    world.observe(there)
    found = present(world, token)
    assert found["totals"] == {"with_mask": 1, "without_mask": 2, "mask_worn_incorrectly": 0}
    assert found[here] == {"with_mask": 1, "without_mask": 1, "mask_worn_incorrectly": 0}
    world.record(closed(first))
    assert present(world, token)["totals"]["without_mask"] == 1
    assert present(world, token, f"?camera_id={here}")["totals"]["without_mask"] == 0
    assert present(world, token, f"?camera_id={new_id()}") == {"totals": dict.fromkeys(found["totals"], 0)}


def test_a_camera_that_does_not_see_shows_nobody(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    reported(world, camera_id, "online")
    world.observe(camera_id)
    assert camera_id in present(world, token)
    reported(world, camera_id, "offline")
    assert camera_id not in present(world, token)


def test_a_closing_that_never_came_is_forgotten(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    reported(world, camera_id, "online")
    world.observe(camera_id, age=timedelta(hours=25))
    assert camera_id not in present(world, token)


def test_a_guard_sees_only_granted_cameras(world: World) -> None:
    token = world.token()
    granted, other = world.camera(token), world.camera(token)
    for camera_id in (granted, other):
        reported(world, camera_id, "online")
        world.observe(camera_id)
    guard = world.user("guard")
    world.grant(granted, guard)
    found = present(world, str(world.log_in(guard)["access_token"]))
    assert set(found) == {"totals", granted}
    assert found["totals"]["without_mask"] == 1
