"""Live view through the real server: bytes that play, slow viewers, rights, tickets, codecs."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import httpx
import pytest
from simple_websocket import Client, ConnectionClosed

from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import Fault, RtspServer
from shared_kernel.testing.valkey import RedisServer
from tests.integration.stream_service.world import SERVICE_TOKEN, ApiDouble, StreamPart, ticket, watch


@pytest.fixture(scope="module")
def rtsp() -> Iterator[RtspServer]:
    with RtspServer() as server:
        yield server


@pytest.fixture(scope="module")
def api() -> Iterator[ApiDouble]:
    double = ApiDouble()
    double.start()
    yield double
    double.stop()


@pytest.fixture(scope="module")
def stream(
    tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer, api: ApiDouble, rtsp: RtspServer, clips: Path
) -> Iterator[StreamPart]:
    """One process for all tests here: a camera for each clip, and `both`, which plays two sizes in turn."""
    names = {"gate": "plain", "away": "plain", "b_frames": "b_frames", "hevc": "hevc", "ten_bit": "ten_bit"}
    urls = {name: rtsp.mount(name, clips / f"{clip}.mp4") for name, clip in names.items()}
    urls["both"] = rtsp.mount("both", clips / "plain.mp4", clips / "small.mp4")
    urls["heavy"] = rtsp.mount("heavy", clips / "heavy.mp4")
    api.show(**urls)
    with StreamPart(tmp_path_factory.mktemp("stream"), redis_server.url, api.url) as part:
        wait_until(lambda: part.metric("stream_camera_state", state="online") == len(urls), 30, "all cameras are live")
        yield part
    log = part.log.read_text()
    assert "level=error" not in log, log[-3000:]


def hello(client: Client) -> dict[str, str]:
    found: dict[str, str] = json.loads(client.receive(timeout=10))
    return found


def code(client: Client, timeout_s: float = 10) -> tuple[int, dict[str, str]]:
    """The close code, and the last text before it."""
    last: dict[str, str] = {}
    try:
        while (message := client.receive(timeout=timeout_s)) is not None:
            last = json.loads(message) if isinstance(message, str) else last
    except ConnectionClosed as closed:
        return int(closed.reason), last
    raise TimeoutError(f"expected the end of the view within {timeout_s} s; last text: {last}")


def played(data: bytes) -> list[int]:
    """The numbers that the pictures carry, in the order in which they are shown."""
    numbers = []
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(video=0):
            picture = frame.to_ndarray(format="gray")
            numbers.append(sum(1 << bit for bit in range(16) if picture[20, bit * 40 + 20] > 128))
    return numbers


@pytest.mark.parametrize("camera", ["gate", "b_frames"])
def test_what_a_viewer_gets_plays(stream: StreamPart, camera: str) -> None:
    client = watch(stream, camera)
    first = hello(client)
    assert first["type"] == "format"
    assert first["mime"].startswith('video/mp4; codecs="avc1.64')
    header = client.receive(timeout=10)
    assert header[4:8] == b"ftyp"
    body = b""
    while body.count(b"moof") < 40:
        body += client.receive(timeout=10)
    client.close()
    numbers = played(header + body)
    assert len(numbers) >= 36
    steps = [(after - before) % 50 for before, after in pairwise(numbers)]
    assert steps.count(1) >= len(steps) - 2
    wait_until(lambda: stream.metric("stream_live_viewers", camera_id=camera) == 0)


def test_a_second_viewer_starts_at_once_with_a_keyframe(stream: StreamPart) -> None:
    first, second = watch(stream, "gate"), watch(stream, "gate", user_id="bert")
    for client in (first, second):
        hello(client)
        header, fragment = client.receive(timeout=10), client.receive(timeout=10)
        assert played(header + fragment)
    assert stream.metric("stream_live_viewers", camera_id="gate") == 2
    first.close()
    second.close()


def test_compression_is_not_wasted_on_video(stream: StreamPart) -> None:
    with socket.create_connection(("127.0.0.1", stream.port), timeout=10) as raw:
        raw.sendall(
            f"GET /live/cameras/gate/stream?ticket={ticket('gate')} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
        )
        answer = raw.recv(1000).split(b"\r\n\r\n")[0].lower()
    assert b"101" in answer
    assert b"permessage-deflate" not in answer


def test_a_viewer_that_does_not_read_is_cut_off_and_others_go_on(stream: StreamPart) -> None:
    slow, good = socket.create_connection(("127.0.0.1", stream.port), timeout=60), watch(stream, "heavy")
    slow.sendall(
        f"GET /live/cameras/heavy/stream?ticket={ticket('heavy', 'bert')} HTTP/1.1\r\nHost: x\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    wait_until(lambda: stream.metric("stream_live_viewers", camera_id="heavy") == 2)
    hello(good)

    def only_the_good_one() -> bool:
        while good.receive(timeout=0) is not None:
            pass
        return stream.metric("stream_live_viewers", camera_id="heavy") == 1

    wait_until(only_the_good_one, 60, "the slow viewer is gone")
    assert good.connected
    good.close()
    slow.close()


def test_a_withdrawn_right_closes_the_view_within_five_seconds(stream: StreamPart, api: ApiDouble) -> None:
    anna, bert = watch(stream, "gate"), watch(stream, "gate", user_id="bert")
    hello(anna)
    hello(bert)
    api.withdrawn.add("anna")

    def closed() -> bool:
        while bert.receive(timeout=0) is not None:
            pass
        try:
            while anna.receive(timeout=0) is not None:
                pass
        except ConnectionClosed as end:
            return int(end.reason) == 4403
        return False

    wait_until(closed, 5.0, "the view is closed")
    assert bert.connected
    bert.close()
    assert code(watch(stream, "gate"))[0] == 4403
    snapshot = httpx.get(f"{stream.url}/live/cameras/gate/snapshot.jpg", params={"ticket": ticket("gate")})
    assert snapshot.status_code == 403
    api.withdrawn.clear()


def test_while_nobody_can_say_who_may_watch_views_stay_and_then_close(stream: StreamPart, api: ApiDouble) -> None:
    client = watch(stream, "gate")
    hello(client)
    api.stop()
    ended, seen, text = 0, 0, dict[str, str]()
    try:
        while True:
            message = client.receive(timeout=10)
            text = json.loads(message) if isinstance(message, str) else text
            seen += 1
    except ConnectionClosed as closed:
        ended = int(closed.reason)
    assert (ended, text["reason"]) == (1012, "rights_unknown")
    assert seen > 200  # it stayed for a while: 25 pictures a second
    api.start()
    again = watch(stream, "gate")
    assert hello(again)["type"] == "format"
    again.close()


@pytest.mark.parametrize("text", ["", "x", "a.b.c"])
def test_without_a_ticket_nothing_opens(stream: StreamPart, text: str) -> None:
    assert code(watch(stream, "gate", text))[0] == 4401
    assert httpx.get(f"{stream.url}/live/cameras/gate/snapshot.jpg", params={"ticket": text}).status_code == 401


def test_a_ticket_opens_its_camera_only_and_not_for_ever(stream: StreamPart) -> None:
    assert code(watch(stream, "gate", ticket("yard")))[0] == 4401
    assert code(watch(stream, "gate", ticket("gate", ttl_s=-10)))[0] == 4401
    ended, text = code(watch(stream, "yard", ticket("yard")))
    assert (ended, text["reason"]) == (4404, "no_camera")


@pytest.mark.parametrize("camera", ["hevc", "ten_bit"])
def test_a_codec_that_browsers_lack_is_refused_with_its_name(stream: StreamPart, camera: str) -> None:
    ended, text = code(watch(stream, camera))
    assert (ended, text["reason"]) == (4415, "unsupported_codec")


def test_a_new_resolution_makes_viewers_come_again(stream: StreamPart) -> None:
    client = watch(stream, "both")
    assert hello(client)["type"] == "format"
    assert code(client)[0] == 1012
    again = watch(stream, "both")
    assert hello(again)["type"] == "format"
    again.close()


def test_a_camera_that_ends_closes_its_views_and_has_no_old_picture(stream: StreamPart, rtsp: RtspServer) -> None:
    client = watch(stream, "away")
    hello(client)
    address, query = f"{stream.url}/live/cameras/away/snapshot.jpg", {"ticket": ticket("away")}
    picture = httpx.get(address, params=query)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    rtsp.fail("away", Fault.CLOSE)
    ended, text = code(client)
    assert ended == 1012
    assert text["type"] == "error"
    assert httpx.get(address, params=query).status_code == 503


def test_a_probe_shows_the_first_picture_or_the_reason(stream: StreamPart, rtsp: RtspServer, clips: Path) -> None:
    def probed(url: object, token: str = SERVICE_TOKEN) -> httpx.Response:
        return httpx.post(
            f"{stream.url}/live/internal/probe",
            json={"url": url},
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )

    found = probed(rtsp.mount("new", clips / "plain.mp4")).json()
    assert (found["ok"], found["codec"], found["width"], found["playable"]) == (True, "h264", 640, True)
    assert found["snapshot"].startswith("data:image/jpeg;base64,/9j/")
    hevc = probed(rtsp.mount("new", clips / "hevc.mp4")).json()
    assert (hevc["ok"], hevc["playable"]) == (True, False)
    missing = probed("rtsp://admin:secret@127.0.0.1:1/x").json()
    assert (missing["ok"], missing["reason"], missing["snapshot"]) == (False, "refused", None)
    assert probed("http://169.254.169.254/").json()["reason"] == "blocked_address"
    assert probed("file:///etc/passwd").json()["reason"] == "file_outside"
    assert probed("rtsp://x/", token="wrong").status_code == 401
    for bad in ("", 5, None, "x" * 5000):
        assert probed(bad).status_code == 422
    assert "secret" not in stream.log_tail()
