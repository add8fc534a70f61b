"""The whole service among its neighbours: passes once, whatever is killed; cameras come and go; a quick end."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.messages import CameraChanged, CameraReported, PassObserved
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from shared_kernel.testing.valkey import RedisServer
from tests.integration.stream_service.world import ApiDouble, StreamPart, canned_inference, ticket, watch


class Recorder:
    """What miniprogram-api would have: one row a pass."""

    def __init__(self, redis_url: str) -> None:
        self._subscription = Bus(redis_url).subscribe(PassObserved, "miniprogram-api")
        self.messages: list[PassObserved] = []

    def phases(self) -> dict[str, list[str]]:
        """Phases by pass, everything that has arrived up to now."""
        while deliveries := self._subscription.receive(block_ms=100):
            self.messages += [delivery.message for delivery in deliveries]
            self._subscription.ack(*deliveries)
        found: dict[str, list[str]] = {}
        for message in self.messages:
            found.setdefault(message.pass_id, []).append(message.phase)
        return found


@pytest.fixture
def recorder(redis_url: str) -> Recorder:
    return Recorder(redis_url)


def test_a_person_before_a_camera_becomes_one_pass_with_evidence(
    gate: RtspServer, stream: StreamPart, redis_url: str, recorder: Recorder
) -> None:
    with canned_inference(redis_url) as seen:
        wait_until(lambda: list(recorder.phases().values()) == [["opened"]], 20)
        wait_until(lambda: len(seen) > 20, 20)
    message = recorder.messages[0]
    blobs = Blobs.open(f"file://{stream.folder / 'blobs'}")
    for evidence in (message.face, message.scene):
        assert len(blobs.get(evidence.key)) == evidence.bytes
    assert message.camera_id == "gate"
    assert (message.scene.width, message.scene.height) == (640, 360)
    assert {(one.width, one.height) for one in seen} == {(640, 360)}
    stream.stop()
    assert list(recorder.phases().values()) == [["opened", "closed"]]
    assert recorder.messages[-1].frames >= 20


@pytest.mark.parametrize("how_often", [3])
def test_kill_9_leaves_every_pass_opened_and_closed_once(
    gate: RtspServer, stream: StreamPart, redis_url: str, recorder: Recorder, how_often: int
) -> None:
    with canned_inference(redis_url):
        for number in range(how_often):
            wait_until(lambda: len(recorder.phases()) == number + 1, 20)  # noqa: B023
            stream.kill()
            stream.start()
        wait_until(lambda: len(recorder.phases()) == how_often + 1, 20)
        stream.stop()
    assert [set(phases) for phases in recorder.phases().values()] == [{"opened", "closed"}] * (how_often + 1)
    assert not list((stream.folder / "spool" / "queue").iterdir())


def test_redis_away_for_a_while_loses_no_pass(
    rtsp_server: RtspServer, clips: Path, api: ApiDouble, tmp_path: Path
) -> None:
    api.show(gate=rtsp_server.mount("gate", clips / "plain.mp4"))
    with RedisServer(tmp_path / "redis") as redis, StreamPart(tmp_path, redis.url, api.url) as stream:
        recorder = Recorder(redis.url)
        with canned_inference(redis.url):
            wait_until(recorder.phases, 20)
            redis.kill()
            wait_until(lambda: "redis" in httpx.get(f"{stream.url}/readyz").json()["missing"], 20)
            wait_until(lambda: stream.metric("stream_messages_dropped_total") > 0, 20)
            assert stream.state("gate", "online")
            client = watch(stream, "gate")
            assert client.receive(timeout=10)
            client.close()
            redis.start()
            wait_until(lambda: httpx.get(f"{stream.url}/readyz").status_code == 200, 20)
            wait_until(lambda: stream.metric("stream_frames_skipped_total") > 0, 20)
        stream.stop()
        phases = list(recorder.phases().values())
        assert all(set(one) == {"opened", "closed"} for one in phases)


def test_frames_that_nobody_analyses_are_counted(gate: RtspServer, stream: StreamPart) -> None:
    wait_until(lambda: stream.metric("stream_frames_skipped_total", camera_id="gate") >= 3, 20)


def test_cameras_come_change_and_go_without_touching_the_others(
    gate: RtspServer, stream: StreamPart, api: ApiDouble, clips: Path, redis_url: str
) -> None:
    bus = Bus(redis_url)

    def show(**urls: str) -> None:
        api.show(**urls)
        bus.publish(CameraChanged(camera_id="any"))

    wait_until(lambda: stream.state("gate", "online"), 20)
    played_before = len(gate.plays)
    show(gate=gate.url("gate"), file=f"file://{stream.folder}/clips/small.mp4")
    wait_until(lambda: stream.state("file", "online"), 20)
    show(gate=gate.url("gate"), file=gate.mount("second", clips / "plain.mp4"))
    wait_until(lambda: gate.clients("second") == 1, 20)
    show(gate=gate.url("gate"))
    wait_until(lambda: gate.clients("second") == 0, 20)
    wait_until(lambda: stream.metric("stream_camera_state") == 1, 20)
    assert [play.name for play in gate.plays[played_before:]].count("gate") == 0
    api.cameras[0]["enabled"] = False
    bus.publish(CameraChanged(camera_id="gate"))
    wait_until(lambda: gate.clients("gate") == 0, 20)


def test_a_list_that_cannot_be_had_touches_no_camera_and_is_asked_again(
    rtsp_server: RtspServer, clips: Path, api: ApiDouble, tmp_path: Path, redis_url: str
) -> None:
    api.show(gate=rtsp_server.mount("gate", clips / "plain.mp4"))
    api.stop()
    with StreamPart(tmp_path, redis_url, api.url) as stream:
        assert "api" in httpx.get(f"{stream.url}/readyz").json()["missing"]
        api.start()
        wait_until(lambda: stream.state("gate", "online"), 20)
        api.stop()
        wait_until(lambda: "camera list not loaded" in stream.log.read_text(), 20)
        assert rtsp_server.clients("gate") == 1


def test_reports_say_how_a_camera_is(gate: RtspServer, stream: StreamPart, redis_url: str) -> None:
    subscription = Bus(redis_url).subscribe(CameraReported, "miniprogram-api")
    reports: list[CameraReported] = []

    def live_with_size() -> bool:
        reports.extend(delivery.message for delivery in subscription.receive(block_ms=200))
        return any(one.state == "online" and one.width == 640 and one.fps for one in reports)

    wait_until(live_with_size, 30)
    assert reports[0].state == "connecting"
    assert (reports[-1].codec, reports[-1].transport) == ("h264", "tcp")


def test_the_end_is_quick_with_viewers_and_a_hanging_camera(
    gate: RtspServer, stream: StreamPart, api: ApiDouble, clips: Path, redis_url: str
) -> None:
    from shared_kernel.testing.rtsp import Fault

    hanging = gate.mount("hanging", clips / "plain.mp4")
    gate.fail("hanging", Fault.SILENT)
    api.show(gate=gate.url("gate"), hanging=hanging)
    Bus(redis_url).publish(CameraChanged(camera_id="hanging"))
    wait_until(lambda: stream.state("gate", "online") and stream.state("hanging", "connecting"), 20)
    viewers = [watch(stream, "gate", user_id=f"user{number}") for number in range(3)]
    for viewer in viewers:
        assert viewer.receive(timeout=10)
    began_s = time.monotonic()
    stream.stop(timeout_s=30)
    assert time.monotonic() - began_s < 5  # the promise of every service, not a speed
    assert "Traceback" not in stream.log.read_text()


def test_a_redis_that_hangs_stops_neither_live_view_nor_the_end(
    rtsp_server: RtspServer, clips: Path, api: ApiDouble, tmp_path: Path
) -> None:
    api.show(gate=rtsp_server.mount("gate", clips / "plain.mp4"))
    with RedisServer(tmp_path / "redis") as redis, StreamPart(tmp_path, redis.url, api.url) as stream:
        with canned_inference(redis.url) as seen:
            wait_until(lambda: len(seen) > 5, 20)
        redis.freeze()
        client = watch(stream, "gate")
        for _ in range(50):
            assert client.receive(timeout=10)
        wait_until(lambda: stream.metric("stream_messages_dropped_total") > 0, 40)
        began_s = time.monotonic()
        stream.stop(timeout_s=30)
        assert time.monotonic() - began_s < 5
        redis.thaw()
        recorder = Recorder(redis.url)
        stream.start()
        wait_until(lambda: any("closed" in phases for phases in recorder.phases().values()), 20)


def test_a_second_process_on_the_same_spool_says_so(
    gate: RtspServer, stream: StreamPart, redis_url: str, api: ApiDouble
) -> None:
    from shared_kernel.testing.parts import PartFailed

    second = StreamPart(stream.folder, redis_url, api.url)
    second.log = stream.folder / "second.log"
    with pytest.raises(PartFailed, match="another stream-service"):
        second.start()
    assert httpx.get(f"{stream.url}/healthz").status_code == 200


def test_documents_and_unknown_paths(stream: StreamPart) -> None:
    paths = httpx.get(f"{stream.url}/live/openapi.json").json()["paths"]
    assert {"/live/cameras/{camera_id}/snapshot.jpg", "/live/internal/doctor"} <= set(paths)
    for path in ("/live/cameras/none/snapshot.jpg", "/live/nothing"):
        answer = httpx.get(stream.url + path, params={"ticket": ticket("none")})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
