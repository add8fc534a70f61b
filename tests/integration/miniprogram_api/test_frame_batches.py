"""Batches of archived frames over HTTP and over the bus: order, rights, partial states, what is removed when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from miniprogram_api.archive_chores import end_overdue_batches, remove_old_frames
from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.messages import FrameSettled, new_id
from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.archiving import begun, frames, picture, record, settled, shown, start, told
from tests.integration.miniprogram_api.world import JPEG, SERVICE_TOKEN, World


def test_a_camera_is_archived_from_start_to_stop(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token, name="东门")
    batch = start(world, token, camera_id, every_s=0.5, side=1280)
    assert (batch["state"], batch["expected"], batch["camera_name"], batch["side"]) == ("running", None, "东门", 1280)
    internal = world.call("GET", "/internal/frame-batches", SERVICE_TOKEN).get_json()["items"]
    assert [(one["batch_id"], one["camera_id"], one["every_s"], one["frames"]) for one in internal] == [
        (batch["batch_id"], camera_id, 0.5, 0)
    ]
    record(world, told(batch, settled(world, 2), settled(world, 0)))
    record(world, told(batch, settled(world, 1, reason="no_picture")))
    partly = shown(world, token, batch["batch_id"])
    assert (partly["state"], partly["stored"], partly["failed"]) == ("running", 2, 1)
    assert (partly["bytes"], partly["took_ms_mean"]) == (2 * len(JPEG), 12.5)

    stopped = world.call("POST", f"/frame-batches/{batch['batch_id']}/stop", token, json={}).get_json()
    assert (stopped["state"], stopped["stopping"]) == ("running", True)
    assert world.call("GET", "/internal/frame-batches", SERVICE_TOKEN).get_json()["items"] == []
    record(world, told(batch, settled(world, 3), ended=True))
    ended = shown(world, token, batch["batch_id"])
    assert (ended["state"], ended["expected"], ended["stored"], ended["failed"]) == ("partial", 4, 3, 1)
    assert ended["ended_at"] is not None

    in_order = frames(world, token, batch["batch_id"])
    assert [(one["seq"], one["state"]) for one in in_order] == [
        (0, "stored"),
        (1, "failed"),
        (2, "stored"),
        (3, "stored"),
    ]
    assert in_order[1]["url"] is None
    assert in_order[1]["reason"] == "no_picture"
    assert [world.call("GET", one["url"]).data for one in in_order if one["url"]] == [picture(n) for n in (0, 2, 3)]


def test_what_is_told_twice_or_out_of_order_is_recorded_once(world: World) -> None:
    token = world.token()
    batch = start(world, token, world.camera(token), frames=3)
    gave_up = settled(world, 1, reason="late")
    last = told(batch, settled(world, 2), ended=False)
    for message in (last, told(batch, settled(world, 0), gave_up), last):
        record(world, message)
    done = shown(world, token, batch["batch_id"])
    assert (done["state"], done["stored"], done["failed"]) == ("partial", 2, 1)
    record(world, told(batch, settled(world, 1)))  # it was stored after all
    record(world, told(batch, gave_up))
    assert [one["state"] for one in frames(world, token, batch["batch_id"])] == ["stored"] * 3
    healed = shown(world, token, batch["batch_id"])
    assert (healed["state"], healed["stored"], healed["failed"]) == ("done", 3, 0)


def test_frames_that_never_came_have_failed_at_the_end(world: World) -> None:
    token = world.token()
    batch = start(world, token, world.camera(token), frames=10)
    record(world, told(batch, settled(world, 9), ended=True))
    partial = shown(world, token, batch["batch_id"])
    assert (partial["state"], partial["stored"], partial["failed"]) == ("partial", 1, 9)
    reasons = [one["reason"] for one in frames(world, token, batch["batch_id"])]
    assert reasons == ["absent"] * 9 + [None]
    record(world, told(batch, settled(world, 4)))  # late, but there
    assert shown(world, token, batch["batch_id"])["failed"] == 8
    other = start(world, token, world.camera(token), frames=2)
    record(world, told(other, ended=True))
    assert shown(world, token, other["batch_id"])["state"] == "failed"


def test_a_message_of_an_unknown_batch_makes_it(small_world: World) -> None:
    token, camera_id = small_world.token(), new_id()
    job: dict[str, Any] = {"batch_id": new_id(), "source": "job", "source_id": camera_id, "expected": 2}
    record(small_world, told(job, settled(small_world, 0)))
    assert (
        shown(small_world, token, job["batch_id"])["source"],
        shown(small_world, token, job["batch_id"])["stored"],
    ) == (
        "job",
        1,
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"batch_id": "x"},
        {"source_id": "../../etc"},
        {"frames": (FrameSettled(seq=0, captured_at=now(), key="evidence/other.jpg"),)},
        {"frames": (FrameSettled(seq=0, captured_at=now(), key="frames/" + "x" * 300),)},
        {"frames": (FrameSettled(seq=0, captured_at=now(), key="frames/名"),)},
    ],
)
def test_a_message_that_can_be_no_row_is_poison(small_world: World, broken: dict[str, Any]) -> None:
    message = told({"batch_id": new_id(), "source": "job", "source_id": new_id(), "expected": 1})
    with pytest.raises(Poison):
        record(small_world, message.model_copy(update=broken))


def test_frames_reach_their_rows_over_the_bus(small_world: World) -> None:
    token = small_world.token()
    batch = start(small_world, token, small_world.camera(token), frames=2)
    with small_world.recording():
        small_world.parts.bus.publish(told(batch, settled(small_world, 0)))
        small_world.parts.bus.publish(told(batch, settled(small_world, 1), ended=True))
        wait_until(lambda: shown(small_world, token, batch["batch_id"])["state"] == "done", 10, "the batch is done")


def test_a_wrong_start_names_the_field(small_world: World) -> None:
    token = small_world.token()
    path = f"/cameras/{small_world.camera(token)}/frame-batches"
    wrong: list[tuple[str, object]] = [
        *(("every_s", value) for value in (0.01, 1e9, "1", float("nan"))),
        *(("frames", value) for value in (0, 1_000_000)),
        ("side", 10),
        ("quality", 5),
    ]
    for field, value in wrong:
        answer = small_world.call("POST", path, token, json={"every_s": 1.0, field: value})
        assert answer.status_code == 422, (field, value)
        assert field in [error["field"] for error in answer.get_json()["errors"]]


def test_a_camera_is_archived_once_at_a_time_and_only_when_it_is_on(small_world: World) -> None:
    token = small_world.token()
    camera_id = small_world.camera(token)
    path = f"/cameras/{camera_id}/frame-batches"
    first = start(small_world, token, camera_id)
    again = small_world.call("POST", path, token, json={"every_s": 1.0})
    assert (again.status_code, again.get_json()["type"]) == (409, "#already_archiving")
    small_world.call("POST", f"/frame-batches/{first['batch_id']}/stop", token, json={})
    start(small_world, token, camera_id)
    small_world.call("PATCH", f"/cameras/{camera_id}", token, json={"enabled": False})
    off = small_world.call("POST", path, token, json={"every_s": 1.0})
    assert (off.status_code, off.get_json()["type"]) == (409, "#camera_disabled")
    assert small_world.call("POST", f"/cameras/{new_id()}/frame-batches", token, json={"every_s": 1}).status_code == 404


def test_a_start_that_is_sent_twice_starts_once(small_world: World) -> None:
    token = small_world.token()
    path = f"/cameras/{small_world.camera(token)}/frame-batches"
    sent = [
        small_world.call("POST", path, token, json={"every_s": 1.0}, headers={"Idempotency-Key": "a"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].get_json() == sent[1].get_json()


def test_who_may_not_see_the_camera_sees_no_frame_of_it(small_world: World) -> None:
    token = small_world.token()
    camera_id = small_world.camera(token)
    batch_id = start(small_world, token, camera_id)["batch_id"]
    record(small_world, told(shown(small_world, token, batch_id), settled(small_world, 0)))
    url = frames(small_world, token, batch_id)[0]["url"]
    guard_id = small_world.user("guard")
    guard = small_world.log_in(guard_id)["access_token"]
    for path in (f"/frame-batches/{batch_id}", f"/frame-batches/{batch_id}/frames", url.partition("?")[0]):
        assert small_world.call("GET", path, guard).status_code == 404, path
    assert small_world.call("GET", "/frame-batches", guard).get_json()["items"] == []
    small_world.grant(camera_id, guard_id)
    assert len(small_world.call("GET", "/frame-batches", guard).get_json()["items"]) == 1
    assert small_world.call("GET", url.partition("?")[0], guard).data == picture(0)
    for method, path in (("POST", f"/cameras/{camera_id}/frame-batches"), ("POST", f"/frame-batches/{batch_id}/stop")):
        assert small_world.call(method, path, guard, json={"every_s": 1.0}).status_code == 403


def test_a_ticket_opens_the_pictures_of_its_batch_only(small_world: World) -> None:
    token = small_world.token()
    one, two = (start(small_world, token, small_world.camera(token)) for _ in range(2))
    for batch in (one, two):
        record(small_world, told(batch, settled(small_world, 0)))
    url = frames(small_world, token, one["batch_id"])[0]["url"]
    assert small_world.call("GET", url).status_code == 200
    assert small_world.call("GET", url.replace(one["batch_id"], two["batch_id"])).status_code == 401
    assert small_world.call("GET", url.partition("?")[0]).status_code == 401
    assert small_world.call("GET", url.replace("/0.jpg", "/5.jpg")).status_code == 404
    etag = small_world.call("GET", url).headers["ETag"]
    assert small_world.call("GET", url, headers={"If-None-Match": etag}).status_code == 304


def test_lists_are_paged_and_filtered(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    batch = start(world, token, camera_id, frames=6)
    record(world, told(batch, *(settled(world, n, reason="late" if n % 2 else None) for n in range(6))))
    other = begun(world, token)
    seen, after = [], ""
    while True:
        page = world.call("GET", f"/frame-batches/{batch['batch_id']}/frames?limit=4{after}", token).get_json()
        seen += [one["seq"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == list(range(6))
    assert [one["seq"] for one in frames(world, token, batch["batch_id"], "?state=failed")] == [1, 3, 5]

    def listed(query: str) -> list[str]:
        return [one["batch_id"] for one in world.call("GET", f"/frame-batches{query}", token).get_json()["items"]]

    assert set(listed("")) == {batch["batch_id"], other}
    assert listed(f"?camera_id={camera_id}") == [batch["batch_id"]]
    assert listed("?source=client") == [other]
    assert listed("?state=partial") == [batch["batch_id"]]
    first = world.call("GET", "/frame-batches?limit=1", token).get_json()
    assert len(first["items"]) == 1
    assert set(listed(f"?limit=1&after={first['next']}")) == {batch["batch_id"], other} - {
        first["items"][0]["batch_id"]
    }


def test_batches_that_nobody_ends_are_ended(world: World) -> None:
    token = world.token()
    hour_ago = now() - timedelta(hours=1)
    counted, stopped, running, gone = (
        start(world, token, world.camera(token), frames=n) for n in (3, None, None, None)
    )
    client, fresh = begun(world, token, expected=4), begun(world, token)
    world.call("DELETE", f"/cameras/{gone['source_id']}", token)
    with world.database.write() as store:
        for batch_id in [client, *(one["batch_id"] for one in (counted, stopped, running, gone))]:
            row = store.batches.get(batch_id)
            assert row is not None
            row.started_at, row.heard_at = hour_ago, hour_ago - timedelta(days=1)
            row.stop_at = hour_ago if batch_id == stopped["batch_id"] else None
    record(world, told(client_of(client), settled(world, 0)))
    with world.database.write() as store:
        row = store.batches.get(client)
        assert row is not None
        row.heard_at = hour_ago - timedelta(days=1)
    assert end_overdue_batches(world.database) == 4
    assert end_overdue_batches(world.database) == 0
    states = {
        batch_id: shown(world, token, batch_id)["state"]
        for batch_id in (client, fresh, *(one["batch_id"] for one in (counted, stopped, running, gone)))
    }
    assert states == {
        counted["batch_id"]: "failed",
        stopped["batch_id"]: "done",
        running["batch_id"]: "running",
        gone["batch_id"]: "done",
        client: "partial",
        fresh: "running",
    }


def client_of(batch_id: str) -> dict[str, Any]:
    return {"batch_id": batch_id, "source": "client", "source_id": new_id(), "expected": 4}


def test_old_frames_go_and_what_others_share_stays(world: World) -> None:
    token = world.token()
    old, new = (start(world, token, world.camera(token), frames=2) for _ in range(2))
    week_s = 7 * 86_400
    record(world, told(old, settled(world, 0, age_s=2 * week_s), settled(world, 1, age_s=2 * week_s)))
    record(world, told(new, settled(world, 0), settled(world, 1)))
    with world.database.write() as store:
        row = store.batches.get(old["batch_id"])
        assert row is not None
        row.started_at = now() - timedelta(days=14)
    kept = [one["url"] for one in frames(world, token, new["batch_id"])]
    before = now() - timedelta(days=7)
    assert remove_old_frames(world.database, world.parts.blobs, before) == 0  # the objects themselves are new
    assert world.call("GET", f"/frame-batches/{old['batch_id']}", token).status_code == 404
    soon = now() + timedelta(seconds=1)
    orphans = list(world.parts.blobs.older_than("frames", soon))
    assert len(orphans) == 4
    assert remove_old_frames(world.database, world.parts.blobs, before) == 0
    assert [world.call("GET", url).status_code for url in kept] == [200, 200]
