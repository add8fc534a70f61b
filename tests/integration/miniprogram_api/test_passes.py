from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from miniprogram_api.rules import hour_of
from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import MaskState, new_id
from tests.integration.miniprogram_api.world import World, closed


def listed(world: World, token: str, query: str = "") -> list[dict[str, Any]]:
    return list(world.call("GET", f"/passes{query}", token).get_json()["items"])


def test_a_pass_is_shown_as_it_was_seen(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token, name="东门")
    message = world.observe(camera_id, state=MaskState.MASK_WORN_INCORRECTLY, confidence=1 / 3)
    [one] = listed(world, token)
    assert one == world.call("GET", f"/passes/{message.pass_id}", token).get_json() | {
        "face_url": one["face_url"],
        "scene_url": one["scene_url"],
    }
    assert (one["camera_name"], one["state"], one["protected"]) == ("东门", "mask_worn_incorrectly", False)
    assert one["confidence"] == pytest.approx(1 / 3)
    assert one["opened_at"] == rfc3339(message.opened_at)
    assert one["closed_at"] is None
    assert one["box"] == {"x0": 0.1, "y0": 0.2, "x1": 0.3, "y1": 0.4}


def test_newest_first_and_every_one_once(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    moment = now()
    # several at the same millisecond: the id decides
    made = [world.observe(camera_id, opened_at=moment - timedelta(seconds=n // 3)) for n in range(11)]
    seen: list[str] = []
    after = ""
    while True:
        page = world.call("GET", f"/passes?limit=4{after}", token).get_json()
        seen += [one["pass_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    expected = sorted(made, key=lambda one: (one.opened_at, one.pass_id), reverse=True)
    assert seen == [one.pass_id for one in expected]


def test_filters_narrow_the_list(world: World) -> None:
    token = world.token()
    here, there = world.camera(token), world.camera(token)
    old = world.observe(here, age=timedelta(hours=2), state=MaskState.WITH_MASK)
    new = world.observe(here)
    world.observe(there)
    hour_ago = quote(rfc3339(now() - timedelta(hours=1)))
    assert len(listed(world, token)) == 3
    assert {one["pass_id"] for one in listed(world, token, f"?camera_id={here}")} == {old.pass_id, new.pass_id}
    assert [one["pass_id"] for one in listed(world, token, "?state=with_mask")] == [old.pass_id]
    assert [one["pass_id"] for one in listed(world, token, f"?to={hour_ago}")] == [old.pass_id]
    assert len(listed(world, token, f"?from={hour_ago}")) == 2
    assert [one["pass_id"] for one in listed(world, token, f"?from={hour_ago}&camera_id={here}")] == [new.pass_id]
    with_zone = quote((now() - timedelta(hours=1)).astimezone().isoformat())
    assert len(listed(world, token, f"?from={with_zone}")) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=1e3", "limit"),
        ("camera_id=x", "camera_id"),
        ("camera_id=%00", "camera_id"),
        ("state=bare", "state"),
        ("from=yesterday", "from"),
        ("from=2026-01-01T00:00:00", "from"),
        ("to=99999999999999", "to"),
        ("to=9999-12-31T23:59:59.9999Z", "to"),
        ("from=0001-01-01T00:00:00%2B14:00", "from"),
        ("after=x", "after"),
        ("after=" + "A" * 129, "after"),
        ("after=AAAA", "after"),
        ("after=%F0%9F%98%80", "after"),
        ("after=", "after"),
        ("unknown=1", "unknown"),
    ],
)
def test_a_wrong_query_names_the_field(small_world: World, query: str, field: str) -> None:
    answer = small_world.call("GET", f"/passes?{query}", small_world.token())
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.get_json()["errors"]]


@pytest.mark.parametrize(
    "path", ["/passes/x", "/passes/" + "0" * 27, "/passes/%F0%9F%98%80", "/cameras/..%2f..", "/media/-"]
)
def test_an_impossible_id_is_no_route(small_world: World, path: str) -> None:
    assert small_world.call("GET", path, small_world.token()).status_code == 404


def test_counts_follow_the_passes(world: World) -> None:
    token = world.token()
    here, there = world.camera(token), world.camera(token)
    opened = world.observe(here, age=timedelta(hours=3))
    world.observe(here, state=MaskState.WITH_MASK)
    world.observe(there, state=MaskState.WITH_MASK)
    answer = world.call("GET", "/counters", token).get_json()
    assert answer["totals"] == {"with_mask": 2, "without_mask": 1, "mask_worn_incorrectly": 0}
    starts = [bucket["start"] for bucket in answer["buckets"]]
    assert len(starts) in (24, 25)
    assert starts[-1] == rfc3339(hour_of(now()))
    by_start = {bucket["start"]: bucket["without_mask"] for bucket in answer["buckets"]}
    assert by_start[rfc3339(hour_of(opened.opened_at))] == 1

    world.record(closed(opened, state=MaskState.MASK_WORN_INCORRECTLY))
    assert world.call("GET", "/counters", token).get_json()["totals"] == {
        "with_mask": 2,
        "without_mask": 0,
        "mask_worn_incorrectly": 1,
    }
    one_camera = world.call("GET", f"/counters?camera_id={here}", token).get_json()["totals"]
    assert one_camera["with_mask"] == 1
    assert world.call("GET", f"/counters?camera_id={new_id()}", token).get_json()["totals"]["with_mask"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bucket=day", "bucket"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "from"),
        ("from=0001-01-01T00:00:00Z", "from"),
    ],
)
def test_wrong_ranges_name_the_field(small_world: World, query: str, field: str) -> None:
    answer = small_world.call("GET", f"/counters?{query}", small_world.token())
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_passes_of_a_removed_camera_stay(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token, name="old gate")
    world.observe(camera_id)
    world.call("DELETE", f"/cameras/{camera_id}", token)
    [one] = listed(world, token)
    assert one["camera_name"] == "old gate"
    assert world.call("GET", one["face_url"]).status_code == 200


def test_a_pass_of_an_unknown_camera_is_kept(world: World) -> None:
    token = world.token()
    world.observe(new_id())
    [one] = listed(world, token)
    assert one["camera_name"] is None
