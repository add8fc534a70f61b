"""Who is before the cameras now: passes that opened and have not closed, of cameras that can see and the caller may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from miniprogram_api.record import record_report
from miniprogram_api.rules import minute_of
from shared_kernel.clock import now, rfc3339
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


def test_every_minute_says_who_came_in_it(world: World) -> None:
    token = world.token()
    here, there = world.camera(token), world.camera(token)
    began = minute_of(now()) - timedelta(minutes=5)
    for after_s in (0, 59.999, 60):
        world.observe(here, opened_at=began + timedelta(seconds=after_s))
    world.observe(there, opened_at=began + timedelta(seconds=61), state=MaskState.WITH_MASK)
    span = {"from": rfc3339(began), "to": rfc3339(began + timedelta(minutes=3))}
    minutes = world.call("GET", "/presence/minutes", token, query_string=span).get_json()["minutes"]
    assert [(one["start"], one["without_mask"], one["with_mask"]) for one in minutes] == [
        (rfc3339(began + timedelta(minutes=n)), bare, masked)
        for n, (bare, masked) in enumerate([(2, 0), (1, 1), (0, 0)])
    ]
    one_camera = world.call("GET", "/presence/minutes", token, query_string={**span, "camera_id": there}).get_json()
    assert sum(one["without_mask"] for one in one_camera["minutes"]) == 0
    usual = world.call("GET", "/presence/minutes", token).get_json()["minutes"]
    assert len(usual) in (60, 61)
    assert sum(one["without_mask"] for one in usual) == 3


@pytest.mark.parametrize(
    "query",
    ["from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00Z&to=2026-01-01T06:00:01Z"],
)
def test_a_wrong_range_of_minutes_names_the_field(small_world: World, query: str) -> None:
    answer = small_world.call("GET", f"/presence/minutes?{query}", small_world.token())
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == ["from"]


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
