"""Real cameras and files through PyAV: what is read, and in which words failure is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared_kernel.messages import CameraReason, CameraReported, FrameCaptured, Message
from shared_kernel.testing import free_port, wait_until
from shared_kernel.testing.rtsp import Fault, RtspServer
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.adapters.pyav_mux import PyavMuxer
from stream_service.adapters.sockets import resolved
from stream_service.addresses import Reach, is_refused
from stream_service.camera import CameraWorker, Parts
from stream_service.capture import Sampling
from stream_service.live import LiveHub
from stream_service.mailbox import Mailbox
from stream_service.ports import CameraEntry, Packet
from stream_service.ring import FrameRing
from stream_service.rules import CameraFailed
from tests.integration.stream_service.world import look, reach, write_clip
from tests.unit.stream_service.doubles import KeptBus


def reason(url: str, *roots: Path) -> CameraReason:
    with pytest.raises(CameraFailed) as caught:
        look(url, *roots)
    assert "secret" not in caught.value.detail
    assert "127.0.0.1" not in caught.value.detail
    return caught.value.reason


def first(feed: PyavFeed, count: int) -> list[Packet]:
    feed.open()
    packets = feed.packets()
    found = [packet for packet, _ in zip(packets, range(count), strict=False)]
    packets.close()  # type: ignore[attr-defined]
    return found


@pytest.fixture
def worker() -> Iterator[list[CameraWorker]]:
    """Workers put in here are stopped at the end."""
    workers: list[CameraWorker] = []
    yield workers
    for one in workers:
        one.ask_to_stop()
    for one in workers:
        one.join(5)
        assert not one.alive


def run(workers: list[CameraWorker], url: str, *roots: Path) -> tuple[CameraWorker, list[Message]]:
    bus = KeptBus()
    mailbox = Mailbox(bus, lambda _: 1)
    mailbox.start()
    made = CameraWorker(
        CameraEntry("gate", url, enabled=True),
        Sampling("gate", "stream-1", 5.0, 320),
        FrameRing(seconds=4, megabytes=96),
        LiveHub("gate", PyavMuxer),
        Parts(lambda address: PyavFeed(address, reach(*roots)), PyavDecoder, mailbox),
    )
    made.start()
    workers.append(made)
    return made, bus.messages


def frames(messages: list[Message]) -> list[FrameCaptured]:
    return [one for one in messages if isinstance(one, FrameCaptured)]


def test_an_rtsp_camera_is_read(rtsp_server: RtspServer, clips: Path) -> None:
    found = look(rtsp_server.mount("gate", clips / "plain.mp4"))
    assert (found.codec, found.width, found.height, found.fps) == ("h264", 640, 360, 25.0)


def test_user_and_password_are_used(rtsp_server: RtspServer, clips: Path) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4", credentials=("admin", "secret"))
    assert look(url.replace("rtsp://", "rtsp://admin:secret@")).width == 640
    assert reason(url.replace("rtsp://", "rtsp://admin:secret2@")) is CameraReason.UNAUTHORISED
    assert reason(url) is CameraReason.UNAUTHORISED


@pytest.mark.parametrize(("clip", "codec"), [("b_frames", "h264"), ("hevc", "hevc"), ("ten_bit", "h264")])
def test_other_streams_are_read(rtsp_server: RtspServer, clips: Path, clip: str, codec: str) -> None:
    found = look(rtsp_server.mount("gate", clips / f"{clip}.mp4"))
    assert (found.codec, found.width, found.height) == (codec, 640, 360)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.UNAUTHORISED, CameraReason.UNAUTHORISED),
        (Fault.NOT_FOUND, CameraReason.NOT_FOUND),
        (Fault.BROKEN, CameraReason.REFUSED),
        (Fault.NO_VIDEO, CameraReason.NO_VIDEO),
        (Fault.SILENT, CameraReason.TIMEOUT),
    ],
)
def test_a_camera_that_does_not_let_us_in_says_why(
    rtsp_server: RtspServer, clips: Path, fault: Fault, expected: CameraReason
) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4")
    rtsp_server.fail("gate", fault)
    assert reason(url) is expected


@pytest.mark.parametrize("scheme", ["rtsp", "http", "rtmp"])
def test_a_port_where_nobody_listens_refuses(scheme: str) -> None:
    assert reason(f"{scheme}://admin:secret@127.0.0.1:{free_port()}/gate") is CameraReason.REFUSED


def test_something_that_is_no_camera_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(1000)
                    peer.sendall(b"220 mail.example ESMTP\r\n" * 10)

        threading.Thread(target=talk, daemon=True).start()
        assert reason(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/") in (
            CameraReason.INVALID_DATA,
            CameraReason.CLOSED,
            CameraReason.TIMEOUT,
        )
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.169.254"])
def test_other_spellings_of_a_blocked_address_are_resolved(host: str) -> None:
    assert any(is_refused(address, Reach()) for address in resolved(host, 80))


def test_times_only_rise_even_when_a_camera_starts_again(rtsp_server: RtspServer, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "short.mp4", seconds=0.6, b_frames=2)
    packets = first(PyavFeed(rtsp_server.mount("gate", clip), reach()), 50)
    assert [one.dts for one in packets] == sorted({one.dts for one in packets})
    assert all(one.pts >= one.dts for one in packets)


def test_a_file_plays_at_its_own_speed_round_and_round(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "short.mp4", seconds=0.4, b_frames=2)
    packets = first(PyavFeed(f"file://{clip}", reach(tmp_path)), 31)
    assert packets[-1].arrived_s - packets[0].arrived_s > 1.0
    assert [one.dts for one in packets] == sorted({one.dts for one in packets})
    assert sum(one.key for one in packets) >= 3


@pytest.mark.parametrize("content", [b"", b"not a video", b"\x00" * 5000, b"\x00\x00\x00\x18ftypmp42" + b"\xff" * 5000])
def test_a_file_that_is_no_video_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    assert reason(f"file://{tmp_path}/x.mp4", tmp_path) is CameraReason.INVALID_DATA


def test_a_cut_file_plays_as_far_as_it_goes_or_is_named(tmp_path: Path, clips: Path) -> None:
    data = (clips / "plain.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    assert look(f"file://{tmp_path}/cut.mp4", tmp_path).width == 640
    (tmp_path / "head.mp4").write_bytes(data[:300])
    assert reason(f"file://{tmp_path}/head.mp4", tmp_path) in (CameraReason.INVALID_DATA, CameraReason.NO_VIDEO)


@pytest.mark.parametrize(
    "playlist",
    ["#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile {}\n", "v=0\nm=video 5000 RTP/AVP 96\n"],
)
def test_a_file_cannot_lead_to_another_file(tmp_path: Path, clips: Path, playlist: str) -> None:
    root = tmp_path / "clips"
    root.mkdir()
    for name in ("list.m3u8", "list.mp4", "list.txt"):
        (root / name).write_text(playlist.format(clips / "plain.mp4"))
        assert reason(f"file://{root}/{name}", root) is CameraReason.INVALID_DATA


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(clips: Path) -> Iterator[str]:
    """An HTTP server with the clips; /to/<url> redirects, /401 and /500 answer so."""

    class Handler(QuietFiles):
        def do_GET(self) -> None:
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
                self.end_headers()
            elif self.path.strip("/").isdigit():
                self.send_error(int(self.path.strip("/")))
            else:
                super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(clips)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_stream_over_http_is_read(web: str) -> None:
    assert look(f"{web}/plain.mp4").width == 640


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/gone.mp4", CameraReason.NOT_FOUND),
        ("/401", CameraReason.UNAUTHORISED),
        ("/403", CameraReason.UNAUTHORISED),
        ("/500", CameraReason.REFUSED),
        ("/", CameraReason.INVALID_DATA),
    ],
)
def test_http_errors_are_named(web: str, path: str, expected: CameraReason) -> None:
    assert reason(web + path) is expected


def test_a_camera_that_closes_comes_back(rtsp_server: RtspServer, clips: Path, worker: list[CameraWorker]) -> None:
    camera, messages = run(worker, rtsp_server.mount("gate", clips / "plain.mp4"))
    wait_until(lambda: len(frames(messages)) >= 3)
    rtsp_server.fail("gate", Fault.CLOSE)
    wait_until(lambda: (camera.state, camera.reason) == ("connecting", CameraReason.CLOSED))
    wait_until(lambda: camera.state == "offline", 15)
    assert camera.ring.newest() is None
    rtsp_server.heal("gate")
    before = len(frames(messages))
    wait_until(lambda: camera.state == "online" and len(frames(messages)) > before + 3)
    numbers = [frame.seq for frame in frames(messages)]
    assert numbers == sorted(set(numbers))
    states = [one.state for one in messages if isinstance(one, CameraReported)]
    assert states[0] == "connecting"
    assert {"online", "offline"} <= set(states)


def test_a_camera_that_hangs_is_frozen_and_comes_back(
    rtsp_server: RtspServer, clips: Path, worker: list[CameraWorker]
) -> None:
    camera, messages = run(worker, rtsp_server.mount("gate", clips / "plain.mp4"))
    wait_until(lambda: len(frames(messages)) >= 3)
    rtsp_server.fail("gate", Fault.HANG)
    wait_until(lambda: (camera.state, camera.reason) == ("stale", CameraReason.FROZEN), 15)
    wait_until(lambda: (camera.state, camera.reason) == ("offline", CameraReason.FROZEN), 15)
    rtsp_server.heal("gate")
    wait_until(lambda: camera.state == "online", 15)


def test_a_camera_that_sends_garbage_comes_back(
    rtsp_server: RtspServer, clips: Path, worker: list[CameraWorker]
) -> None:
    camera, messages = run(worker, rtsp_server.mount("gate", clips / "plain.mp4"))
    wait_until(lambda: len(frames(messages)) >= 3)
    rtsp_server.fail("gate", Fault.GARBAGE)
    wait_until(lambda: (camera.state, camera.reason) == ("stale", CameraReason.INVALID_DATA), 25)
    rtsp_server.heal("gate")
    before = len(frames(messages))
    wait_until(lambda: camera.state == "online" and len(frames(messages)) > before + 3, 15)


def test_a_camera_that_was_away_is_found_when_it_listens(clips: Path, worker: list[CameraWorker]) -> None:
    server = RtspServer()
    camera, messages = run(worker, server.mount("gate", clips / "plain.mp4"))
    wait_until(lambda: camera.state == "offline")
    assert camera.reason is CameraReason.REFUSED
    with server:
        wait_until(lambda: camera.state == "online", 15)
        wait_until(lambda: len(frames(messages)) >= 3)


def test_a_changed_resolution_goes_on_without_a_new_connection(
    rtsp_server: RtspServer, clips: Path, worker: list[CameraWorker]
) -> None:
    camera, messages = run(worker, rtsp_server.mount("gate", clips / "plain.mp4", clips / "small.mp4"))
    wait_until(lambda: {(one.width, one.height) for one in frames(messages)} == {(640, 360), (320, 240)})
    assert camera.reconnects == 0


def test_stopping_a_camera_that_never_answers_is_quick(
    rtsp_server: RtspServer, clips: Path, worker: list[CameraWorker]
) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4")
    rtsp_server.fail("gate", Fault.SILENT)
    camera, _ = run(worker, url)
    wait_until(lambda: any(thread.name == "pull-gate" for thread in threading.enumerate()))
    camera.ask_to_stop()
    camera.join(3)
    assert not camera.alive


def test_the_log_and_the_reports_have_no_password(
    rtsp_server: RtspServer, clips: Path, worker: list[CameraWorker], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    url = rtsp_server.mount("gate", clips / "plain.mp4", credentials=("admin", "secret"))
    camera, messages = run(worker, url.replace("rtsp://", "rtsp://admin:wrong-secret@"))
    wait_until(lambda: camera.state == "offline" and len(messages) >= 2)
    assert "secret" not in "".join(map(repr, messages)) + repr(camera.entry)
    assert "secret" not in "".join(str(record.__dict__) for record in caplog.records)
