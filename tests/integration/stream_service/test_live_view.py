"""Live view through the real server: bytes that play, slow viewers, rights, tickets, codecs."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from simple_websocket import Client, ConnectionClosed

from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import Fault, RtspServer
from shared_kernel.testing.valkey import RedisServer
from tests.integration.stream_service.world import (
    ApiDouble,
    StreamPart,
    Watcher,
    canned_inference,
    ticket,
    watch,
)

#: What nobody sees of the camera `private`; the numbers of its pictures are there.
UPPER_HALF = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]]


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
    urls["private"] = rtsp.mount("private", clips / "plain.mp4")
    api.show(**urls)
    api.cameras[-1]["privacy_masks"] = [UPPER_HALF]
    with StreamPart(tmp_path_factory.mktemp("stream"), redis_server.url, api.url) as part:
        wait_until(lambda: part.metric("stream_camera_state", state="online") == len(urls), 30, "all cameras are live")
        yield part
    log = part.log.read_text()
    assert "level=error" not in log, log[-3000:]


PATHS = ("snapshot.jpg", "stream.flv", "stream.mjpeg", "hls/index.m3u8")


def hello(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.receive(timeout=10))
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


def number_of(picture: NDArray[Any]) -> int:
    """The number that a grey picture of 640 x 360 carries; a mask over it reads as 0."""
    return sum(1 << bit for bit in range(16) if picture[20, bit * 40 + 20] > 128)


def played(source: io.BytesIO | str, limit: int = 1000) -> list[int]:
    """The numbers that the first pictures carry, in the order in which they are shown."""
    with av.open(source, "r", timeout=10, options={"analyzeduration": "500000"}) as container:
        return [number_of(frame.to_ndarray(format="gray")) for frame in islice(container.decode(video=0), limit)]


def address(stream: StreamPart, camera: str, path: str, user_id: str = "anna") -> str:
    return f"{stream.url}/live/cameras/{camera}/{path}?ticket={ticket(camera, user_id)}"


def runs_on(numbers: list[int]) -> bool:
    """Whether hardly a picture is missing or doubled."""
    steps = [(after - before) % 50 for before, after in pairwise(numbers)]
    return steps.count(1) >= len(steps) - 2


def body(client: Client, fragments: int) -> bytes:
    """Header and so many fragments of a view."""
    found = b""
    while found.count(b"moof") < fragments:
        message = client.receive(timeout=10)
        found += message if isinstance(message, bytes) else b""
    return found


def ended_when_closed(url: str) -> threading.Event:
    """Reads an endless answer in a thread; set when it ended."""
    began, ended = threading.Event(), threading.Event()

    def read() -> None:
        with suppress(httpx.HTTPError), httpx.stream("GET", url, timeout=20) as answer:
            for _ in answer.iter_raw():
                began.set()
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    assert began.wait(10)
    return ended


@pytest.mark.parametrize("camera", ["gate", "b_frames"])
def test_what_a_viewer_gets_plays(stream: StreamPart, camera: str) -> None:
    client = watch(stream, camera)
    first = hello(client)
    assert first["type"] == "format"
    assert first["mime"].startswith('video/mp4; codecs="avc1.64')
    assert (first["converted"], first["masked"], first["unmasked"]) == (False, False, False)
    data = body(client, 40)
    assert data[4:8] == b"ftyp"
    client.close()
    numbers = played(io.BytesIO(data))
    assert len(numbers) >= 36
    assert runs_on(numbers)
    wait_until(lambda: stream.metric("stream_live_viewers", camera_id=camera) == 0)


def test_a_second_viewer_starts_at_once_with_a_keyframe(stream: StreamPart) -> None:
    first, second = watch(stream, "gate"), watch(stream, "gate", user_id="bert")
    for client in (first, second):
        hello(client)
        assert played(io.BytesIO(body(client, 1)))
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
    index = httpx.get(address(stream, "gate", "hls/index.m3u8")).text
    session = f"{stream.url}/live/cameras/gate/hls/{index.split()[-1]}"
    assert httpx.get(session, timeout=10).status_code == 200
    endless = [ended_when_closed(address(stream, "gate", path)) for path in ("stream.flv", "stream.mjpeg")]
    api.withdrawn.add("anna")

    def closed() -> bool:
        while bert.receive(timeout=0) is not None:
            pass
        if anna.connected:
            with suppress(ConnectionClosed):
                while anna.receive(timeout=0) is not None:
                    pass
        # the session is forgotten a moment after it was closed
        return not anna.connected and all(one.is_set() for one in endless) and httpx.get(session).is_client_error

    wait_until(closed, 5.0, "the views are closed")
    assert anna.close_reason == 4403
    assert bert.connected
    bert.close()
    assert code(watch(stream, "gate"))[0] == 4403
    for path in PATHS:
        assert httpx.get(address(stream, "gate", path)).status_code == 403, path
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
    for path in PATHS:
        assert httpx.get(f"{stream.url}/live/cameras/gate/{path}", params={"ticket": text}).status_code == 401, path


def test_a_ticket_opens_its_camera_only_and_not_for_ever(stream: StreamPart) -> None:
    assert code(watch(stream, "gate", ticket("yard")))[0] == 4401
    assert code(watch(stream, "gate", ticket("gate", ttl_s=-10)))[0] == 4401
    ended, text = code(watch(stream, "yard", ticket("yard")))
    assert (ended, text["reason"]) == (4404, "no_camera")
    for path in PATHS:
        assert httpx.get(address(stream, "yard", path)).status_code == 404, path
        other = f"{stream.url}/live/cameras/gate/{path}?ticket={ticket('yard')}"
        assert httpx.get(other).status_code == 401, path
    assert httpx.get(f"{stream.url}/live/cameras/gate/hls/guessed/live.m3u8").status_code == 404


def test_codecs_that_browsers_lack_are_converted_but_no_more_than_the_limit(stream: StreamPart) -> None:
    hevc, ten_bit = watch(stream, "hevc"), watch(stream, "ten_bit")
    for client in (hevc, ten_bit):
        first = hello(client)
        assert (first["mime"][:22], first["converted"]) == ('video/mp4; codecs="avc', True)
        assert runs_on(played(io.BytesIO(body(client, 20))))
    ended, text = code(watch(stream, "private", user_id="bert"))
    assert (ended, text["reason"]) == (4429, "busy")
    assert "2 cameras" in text["detail"]
    refused = httpx.get(address(stream, "private", "stream.flv", "bert"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "15")
    assert httpx.get(address(stream, "private", "snapshot.jpg", "bert")).status_code == 200
    hevc.close()
    ten_bit.close()
    wait_until(lambda: stream.metric("stream_transcodings") == 0, 15, "conversions ended")


def test_privacy_masks_hide_in_every_format_from_all_but_those_who_may(stream: StreamPart, api: ApiDouble) -> None:
    api.unmasked.add("anna")
    anna, bert = watch(stream, "private"), watch(stream, "private", user_id="bert")
    for client, unmasked in ((anna, True), (bert, False)):
        first = hello(client)
        assert (first["unmasked"], first["masked"], first["converted"]) == (unmasked, not unmasked, not unmasked)
        numbers = played(io.BytesIO(body(client, 10)))
        assert any(numbers) == unmasked
    assert not any(played(address(stream, "private", "stream.flv", "bert"), 5))
    assert not any(played(address(stream, "private", "hls/index.m3u8", "bert"), 5))
    assert not any(played(address(stream, "private", "stream.mjpeg"), 3))
    covered = cv2.imdecode(np.frombuffer(httpx.get(address(stream, "private", "snapshot.jpg")).content, np.uint8), 0)
    assert number_of(np.asarray(covered)) == 0
    asked = Watcher(f"{address(stream, 'private', 'stream').replace('http', 'ws')}&view=masked")
    assert hello(asked)["masked"] is True
    asked.close()
    api.unmasked.clear()
    ended, text = code(anna)
    assert (ended, text["reason"]) == (1012, "masked")
    bert.close()


@pytest.mark.parametrize("path", ["stream.flv", "hls/index.m3u8"])
def test_other_formats_play_too(stream: StreamPart, path: str) -> None:
    for camera in ("gate", "b_frames"):
        numbers = played(address(stream, camera, path), 40)
        assert len(numbers) == 40
        assert runs_on(numbers)
    wait_until(lambda: stream.metric("stream_live_viewers", camera_id="gate") <= 1)


def test_still_pictures_come_one_after_another(stream: StreamPart) -> None:
    numbers = played(address(stream, "gate", "stream.mjpeg") + "&fps=10", 6)
    assert len(set(numbers)) >= 5
    for bad in ("fps=0", "fps=nan", "fps=100", "side=7", "side=x"):
        assert httpx.get(f"{address(stream, 'gate', 'stream.mjpeg')}&{bad}").status_code == 422, bad


def test_boxes_come_with_the_moment_of_their_picture(stream: StreamPart, redis_server: RedisServer) -> None:
    with canned_inference(redis_server.url):
        client = watch(stream, "gate")
        hello(client)
        data, notes = b"", list[dict[str, Any]]()
        began = None  # an inference that was away begins with old pictures
        while sum(note["type"] == "faces" and began is not None and note["at"] > began for note in notes) < 3:
            message = client.receive(timeout=10)
            if isinstance(message, bytes):
                data += message
            else:
                notes.append(json.loads(message))
                began = next((note["at"] for note in notes if note["type"] == "clock"), None)
        client.close()
    with av.open(io.BytesIO(data), "r") as container:
        shown = [float(frame.time or 0) for frame in container.decode(video=0)]
    faces = [note for note in notes if note["type"] == "faces" and shown[0] <= note["at"] <= shown[-1]]
    assert len(faces) >= 2
    for note in faces:
        assert note["faces"][0]["box"] == [0.4, 0.3, 0.6, 0.7]
        assert min(abs(note["at"] - at) for at in shown) < 0.002
    clock = next(note for note in notes if note["type"] == "clock")
    assert shown[0] - 0.5 <= clock["at"] <= shown[-1] + 1
    assert 0 <= clock["age"] < 5


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
