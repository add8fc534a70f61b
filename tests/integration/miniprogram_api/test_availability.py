"""How cameras were, as the API tells it: hours with coverage, outages, live events, counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from miniprogram_api.coverage import Kept
from miniprogram_api.record import record_report
from miniprogram_api.rules import hour_of
from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import CameraReported
from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.listening import Ear
from tests.integration.miniprogram_api.world import World

HOUR = timedelta(hours=1)


def report(world: World, camera_id: str, at: datetime, state: str, **fields: Any) -> None:
    message = CameraReported.model_validate({"camera_id": camera_id, "at": at, "state": state, **fields})
    world.database.run(lambda store: record_report(store, message))


def age(world: World, camera_id: str, created_at: datetime) -> None:
    with world.database.write() as store:
        camera = store.cameras.get(camera_id)
        assert camera is not None
        camera.created_at = created_at


def keep(world: World, camera_id: str, hour: datetime, kept: Kept) -> None:
    with world.database.write() as store:
        store.hours.add(camera_id, hour, kept)
        store.hours.add(camera_id, hour, Kept())


def outage(world: World, camera_id: str, began_at: datetime, for_s: float | None = None) -> None:
    fields = {"reason": "refused", "detail": "camera: refuses"}
    report(world, camera_id, began_at + timedelta(seconds=10), "offline", outage_since=began_at, **fields)
    if for_s is not None:
        back_at = began_at + timedelta(seconds=for_s)
        report(world, camera_id, back_at + timedelta(seconds=15), "online", picture_since=back_at)


def listed(world: World, token: str, path: str) -> list[dict[str, Any]]:
    return list(world.call("GET", path, token).get_json()["items"])


def test_every_hour_of_a_camera_says_how_it_was(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    this = hour_of(now())
    age(world, camera_id, this - 3 * HOUR + timedelta(minutes=30))
    keep(world, camera_id, this - 3 * HOUR, Kept(online_s=1800))
    keep(world, camera_id, this - 2 * HOUR, Kept(online_s=1800, offline_s=900, analysed_frames=90, skipped_frames=10))
    path = f"/cameras/{camera_id}/hours?from={rfc3339(this - 4 * HOUR)}&to={rfc3339(this)}"
    answer = world.call("GET", path, token).get_json()
    assert [one["start"] for one in answer["items"]] == [rfc3339(this - n * HOUR) for n in (4, 3, 2, 1)]
    before, first, second, third = answer["items"]
    assert (before["coverage"], before["unknown_s"]) == (None, 0.0)  # it did not exist
    assert (first["coverage"], first["unknown_s"]) == (1.0, 0.0)
    assert (second["coverage"], second["unknown_s"], second["skipped_frames"]) == (0.45, 900.0, 10)
    assert (third["coverage"], third["unknown_s"]) == (None, 3600.0)
    assert answer["totals"]["online_s"] == 3600.0
    assert answer["totals"]["coverage"] == pytest.approx(3600 / 9000 * 0.9, abs=1e-3)
    default = world.call("GET", f"/cameras/{camera_id}/hours", token).get_json()["items"]
    assert len(default) in (24, 25)


def test_counts_come_with_their_coverage(world: World) -> None:
    token = world.token()
    here, there = world.camera(token), world.camera(token)
    this = hour_of(now())
    for camera_id in (here, there):
        age(world, camera_id, this - 10 * HOUR)
    keep(world, here, this - 2 * HOUR, Kept(online_s=3600, analysed_frames=100))
    keep(world, there, this - 2 * HOUR, Kept(offline_s=3600))
    keep(world, here, this - HOUR, Kept(online_s=1800, paused_s=1800))
    span = f"from={rfc3339(this - 3 * HOUR)}&to={rfc3339(this)}"
    answer = world.call("GET", f"/counters?{span}", token).get_json()
    assert [one["coverage"] for one in answer["buckets"]] == [None, 0.5, pytest.approx(1 / 3, abs=1e-3)]
    assert answer["watched"]["coverage"] == pytest.approx(5400 / 12600, abs=1e-3)
    assert answer["watched"]["analysed_frames"] == 100
    one = world.call("GET", f"/counters?{span}&camera_id={here}", token).get_json()
    assert [bucket["coverage"] for bucket in one["buckets"]] == [None, 1.0, 1.0]
    world.call("DELETE", f"/cameras/{there}", token)
    gone = world.call("GET", f"/counters?{span}", token).get_json()
    assert [bucket["coverage"] for bucket in gone["buckets"]] == [None, 0.5, 1.0]


def test_a_guard_sees_the_coverage_and_outages_of_granted_cameras_only(world: World) -> None:
    token = world.token()
    here, there = world.camera(token), world.camera(token)
    guard = world.user("guard")
    world.grant(here, guard)
    guards = str(world.log_in(guard)["access_token"])
    this = hour_of(now())
    for camera_id, kept in ((here, Kept(online_s=3600)), (there, Kept(offline_s=3600))):
        age(world, camera_id, this - 10 * HOUR)
        keep(world, camera_id, this - HOUR, kept)
        outage(world, camera_id, this - timedelta(minutes=5))
    span = f"from={rfc3339(this - HOUR)}&to={rfc3339(this)}"
    assert world.call("GET", f"/counters?{span}", guards).get_json()["watched"]["coverage"] == 1.0
    assert [one["camera_id"] for one in listed(world, guards, "/outages")] == [here]
    assert listed(world, guards, f"/outages?camera_id={there}") == []
    assert world.call("GET", f"/cameras/{there}/outages", guards).status_code == 404
    assert world.call("GET", f"/cameras/{there}/hours", guards).status_code == 404


def test_outages_are_listed_newest_first_and_by_filters(world: World) -> None:
    token = world.token()
    here, there = world.camera(token, name="东门"), world.camera(token)
    start = now() - timedelta(hours=5)
    outage(world, here, start, 60)
    outage(world, here, start + HOUR, 600)
    outage(world, here, start + 2 * HOUR)
    outage(world, there, start + 3 * HOUR)
    assert [one["camera_id"] for one in listed(world, token, "/outages")] == [there, here, here, here]
    newest, middle, oldest = listed(world, token, f"/cameras/{here}/outages")
    assert (newest["ended_at"], newest["reason"], newest["camera_name"]) == (None, "refused", "东门")
    assert middle["ended_at"] == rfc3339(start + HOUR + timedelta(minutes=10))
    assert len(listed(world, token, "/outages?open=true")) == 2
    assert listed(world, token, f"/cameras/{here}/outages?open=false") == [middle, oldest]
    during = f"from={rfc3339(start + HOUR + timedelta(minutes=5))}&to={rfc3339(start + HOUR + timedelta(minutes=6))}"
    assert listed(world, token, f"/outages?{during}") == [middle]
    seen, after = [], ""
    while True:
        page = world.call("GET", f"/outages?limit=1{after}", token).get_json()
        seen += [one["outage_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == len(set(seen)) == 4


@pytest.mark.parametrize(
    "path",
    [
        "/outages?open=maybe",
        "/outages?camera_id=x",
        "/outages?from=yesterday",
        "/outages?after=x",
        "/outages?surprise=1",
        "/cameras/{}/outages?camera_id=01JD6Z8K3N5W7Q2R4T6V8X0Y1A",
        "/cameras/{}/outages?limit=0",
        "/cameras/{}/hours?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "/cameras/{}/hours?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z",
        "/cameras/{}/hours?to=never",
    ],
)
def test_a_wrong_question_is_refused_with_its_field(world: World, path: str) -> None:
    token = world.token()
    answer = world.call("GET", path.format(world.camera(token)), token)
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["errors"][0]["field"] in path


def test_live_clients_hear_when_a_camera_goes_and_when_it_is_back(small_world: World) -> None:
    user = small_world.user()
    camera_id = small_world.camera(str(small_world.log_in(user)["access_token"]))
    small_world.parts.feed.open()
    wait_until(lambda: small_world.parts.feed.ready, what="the feed has read the log")
    ear = Ear(small_world, user)
    outage(small_world, camera_id, now() - timedelta(minutes=1), 30)

    def heard() -> list[tuple[int, str, dict[str, Any]]]:
        return [one for one in ear.heard.events if one[1].startswith("camera_")]

    wait_until(lambda: len(heard()) == 2, what="two events are heard")
    small_world.parts.feed.close()
    (_, down, gone), (_, up, back) = heard()
    assert (down, up) == ("camera_down", "camera_up")
    assert gone["outage"]["outage_id"] == back["outage"]["outage_id"]
    assert (gone["back"], back["back"]) == (False, True)
    assert (gone["outage"]["ended_at"], back["outage"]["reason"]) == (None, "refused")


def test_a_camera_says_over_what_its_pictures_come(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    for said, shown in (("udp", "udp"), ("tcp", "tcp"), (None, None)):
        report(world, camera_id, now(), "online", transport=said)
        assert world.call("GET", f"/cameras/{camera_id}", token).get_json()["transport"] == shown


def test_a_paused_camera_says_when_it_goes_on(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    later = now() + HOUR
    report(world, camera_id, now(), "paused", reason="plan", resumes_at=later)
    camera = world.call("GET", f"/cameras/{camera_id}", token).get_json()
    assert (camera["state"], camera["resumes_at"]) == ("paused", rfc3339(later))
    report(world, camera_id, now(), "online")
    assert world.call("GET", f"/cameras/{camera_id}", token).get_json()["resumes_at"] is None
