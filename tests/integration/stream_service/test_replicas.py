"""Two replicas of the service share the cameras: any may be asked, one that dies or freezes is replaced, one writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import httpx
import pytest

from shared_kernel.bus import Bus, Subscription
from shared_kernel.messages import CameraReported, FrameCaptured
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from stream_service.web.forward import FORWARDED
from tests.integration.stream_service.passing import assert_one_pass_at_a_time, passes_of
from tests.integration.stream_service.world import ApiDouble, StreamPart, canned_inference, ticket, watch

CAMERAS = ("yard", "gate", "hall", "dock")


class Replicas:
    """Two processes with a Redis, an API and cameras in common, each with a spool of its own."""

    def __init__(self, folder: Path, redis_url: str, api: ApiDouble) -> None:
        self.redis_url, self.api = redis_url, api
        self.both = [self.part(folder / name, name) for name in ("left", "right")]

    def part(self, folder: Path, name: str, **settings: str) -> StreamPart:
        folder.mkdir()
        shared = {"STREAM_BLOBS_URL": f"file://{folder.parent / 'blobs'}", "STREAM_OWNER": name}
        return StreamPart(folder, self.redis_url, self.api.url, **shared, **settings)

    def run(self, part: StreamPart, cameras: int) -> bool:
        """Whether this one has so many cameras with a picture."""
        return sum(part.metric("stream_camera_state", state=state) for state in ("online", "degraded")) == cameras

    def shared(self) -> bool:
        return all(self.run(part, 2) for part in self.both)

    def owner_of(self, camera_id: str) -> tuple[StreamPart, StreamPart]:
        """Who runs the camera, and the other."""
        left, right = self.both
        return (left, right) if left.metric("stream_camera_state", camera_id=camera_id) else (right, left)


@pytest.fixture
def replicas(
    rtsp_server: RtspServer, clips: Path, api: ApiDouble, tmp_path: Path, redis_url: str
) -> Iterator[Replicas]:
    api.show(**{name: rtsp_server.mount(name, clips / "plain.mp4") for name in CAMERAS})
    made = Replicas(tmp_path, redis_url, api)
    with made.both[0], made.both[1]:
        wait_until(made.shared, 30, "each runs two cameras")
        yield made
    for part in made.both:
        assert "Traceback" not in part.log.read_text()


def owners(frames: Sequence[FrameCaptured], camera_id: str) -> list[str]:
    """Whose frames of a camera came, in order, repeats left out."""
    return [owner for owner, _ in groupby(frame.owner for frame in frames if frame.camera_id == camera_id)]


def test_any_replica_answers_for_any_camera(replicas: Replicas, tmp_path: Path) -> None:
    for part in replicas.both:
        for name in CAMERAS:
            view = watch(part, name)
            assert json.loads(view.receive(timeout=10))["type"] == "format"
            assert view.receive(timeout=10)
            view.close()
            address = f"{part.url}/live/cameras/{name}/snapshot.jpg"
            answer = httpx.get(address, params={"ticket": ticket(name)}, timeout=10)
            assert (answer.status_code, answer.content[:2]) == (200, b"\xff\xd8")
            assert httpx.get(address, params={"ticket": "none"}).status_code == 401
    _, other = replicas.owner_of("gate")
    address, query = f"{other.url}/live/cameras/gate/snapshot.jpg", {"ticket": ticket("gate")}
    again = httpx.get(address, params=query, headers={FORWARDED: "1"})  # sent on once, not again
    assert (again.status_code, again.headers["Retry-After"]) == (503, "2")
    assert httpx.post(address, content=b"x" * 2_000_000, timeout=10).status_code in (405, 413)
    nowhere = httpx.get(f"{other.url}/live/cameras/nowhere/snapshot.jpg", params={"ticket": ticket("nowhere")})
    assert nowhere.status_code == 404
    with replicas.part(tmp_path / "third", "left") as third:  # two with one name do not work side by side
        wait_until(lambda: "set STREAM_OWNER" in httpx.get(f"{third.url}/readyz").json()["missing"].get("name", ""), 20)
        assert replicas.run(third, 0)
    assert replicas.shared()


def test_one_that_freezes_and_one_that_is_killed_are_replaced_and_nothing_is_written_twice(replicas: Replicas) -> None:
    frozen, other = replicas.both
    reports = Bus(replicas.redis_url).subscribe(CameraReported, "miniprogram-api")
    with canned_inference(replicas.redis_url) as seen:
        wait_until(lambda: {frame.camera_id for frame in seen} == set(CAMERAS), 20)
        lost = [name for name in CAMERAS if replicas.owner_of(name)[0] is frozen]
        view = watch(other, lost[0])
        assert view.receive(timeout=10)
        frozen.freeze()
        wait_until(lambda: replicas.run(other, 4), 20, "the other one runs all")
        wait_until(lambda: not view.connected, 10, "the view through the other one ended")
        frozen.thaw()
        wait_until(replicas.shared, 40, "shared again")
        began = len(seen)
        wait_until(lambda: len(seen) > began + 40, 40)
        other.kill()
        wait_until(lambda: replicas.run(frozen, 4), 20, "the one that was frozen runs all")
        other.start()
        wait_until(replicas.shared, 40, "shared again")
        began = len(seen)
        wait_until(lambda: len(seen) > began + 40, 40)
        for part in replicas.both:
            part.stop()
    for name in CAMERAS:  # one owner after the other, never both in turn
        assert len(owners(seen, name)) <= 5, owners(seen, name)
    fences = fences_of(reports)
    assert set(fences) == set(CAMERAS)
    assert all(said == sorted(said) for said in fences.values()), fences
    assert_one_pass_at_a_time(passes_of(replicas.redis_url), CAMERAS)


def fences_of(reports: Subscription[CameraReported]) -> dict[str, list[int]]:
    """The tokens in the reports of each camera, as they came."""
    fences: dict[str, list[int]] = {}
    while deliveries := reports.receive(block_ms=100):
        for delivery in deliveries:
            fences.setdefault(delivery.message.camera_id, []).append(delivery.message.fence)
        reports.ack(*deliveries)
    return fences
