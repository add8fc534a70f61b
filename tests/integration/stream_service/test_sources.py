"""Every kind of source against real servers, well and ill; and that none of them leads to where cameras may not be."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path

import pytest
from av.format import ContainerFormat

from shared_kernel.messages import CameraReason
from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from shared_kernel.testing.web_camera import HttpCamera, RtmpFault, RtmpServer, WebFault
from shared_kernel.testing.web_camera.media import remuxed
from stream_service.adapters.examining import examine_address
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_errors import device_failed
from stream_service.adapters.rtsp_transport import Transports
from stream_service.adapters.sockets import is_own
from stream_service.adapters.sources import Entrance
from stream_service.addresses import Reach
from stream_service.doctor import Finding, Report, advice
from stream_service.opening import Opening, Stage
from stream_service.ports import CLOCK_HZ, Packet
from stream_service.rules import CameraFailed
from tests.integration.stream_service.world import look, reach

LOGIN = ("admin", "se:cr@t")
IN_URL = "admin:se%3Acr%40t@"
FORBIDDEN = "http://169.254.169.254/latest/meta-data"


def with_login(url: str, login: str = IN_URL) -> str:
    return url.replace("://", f"://{login}")


def reason(url: str) -> CameraReason:
    with pytest.raises(CameraFailed) as caught:
        look(url)
    assert "cr@t" not in caught.value.detail
    assert "cr%40t" not in caught.value.detail
    return caught.value.reason


def read(url: str, count: int, allowed: Reach | None = None) -> list[Packet]:
    feed = PyavFeed(url, allowed or reach())
    feed.open()
    packets = feed.packets()
    found = [packet for packet, _ in zip(packets, range(count), strict=False)]
    packets.close()  # type: ignore[attr-defined]
    return found


@pytest.fixture
def web(tmp_path: Path) -> Iterator[HttpCamera]:
    with HttpCamera(tmp_path / "hls") as camera:
        yield camera


@pytest.fixture
def rtmp() -> Iterator[RtmpServer]:
    with RtmpServer() as server:
        yield server


@pytest.fixture
def forbidden() -> Iterator[tuple[str, list[object]]]:
    """A service of this machine at an address that is not allowed, and who connected to it."""
    met: list[object] = []
    with socket.create_server(("127.0.0.2", 0)) as listener:
        listener.settimeout(0.05)
        stop = threading.Event()

        def take() -> None:
            while not stop.is_set():
                try:
                    met.append(listener.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        yield f"127.0.0.2:{listener.getsockname()[1]}", met
        stop.set()
        thread.join()


def test_a_camera_that_takes_no_tcp_is_read_over_udp(rtsp_server: RtspServer, clips: Path) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4", transport="udp", sound=True)
    packets = read(url, 30)
    assert len(packets) == 30
    assert [play.name for play in rtsp_server.plays] == ["gate"]


@pytest.mark.parametrize(
    "refusal",
    ["461 Unsupported Transport", "400 Bad Request", "405 Method Not Allowed", "501 Not Implemented", "503 No", ""],
    ids=["461", "400", "405", "501", "503", "hangs up"],
)
def test_whatever_a_camera_says_to_tcp_it_is_asked_for_udp_and_that_is_remembered(
    rtsp_server: RtspServer, clips: Path, refusal: str
) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4", transport="udp", refusal=refusal, credentials=LOGIN)
    memory = Transports()
    for _ in range(2):
        feed = PyavFeed(with_login(url), reach(), transports=memory)
        assert feed.open().transport == "udp"
        assert next(feed.packets()).data
        feed.close()
    assert rtsp_server.setups == ["RTP/AVP/TCP", "RTP/AVP/UDP", "RTP/AVP/UDP"]


def test_tcp_is_tried_again_when_udp_no_longer_works(rtsp_server: RtspServer, clips: Path) -> None:
    memory = Transports()
    memory.worked(rtsp_server.url("gate"), "udp")
    url = rtsp_server.mount("gate", clips / "plain.mp4")
    with pytest.raises(CameraFailed):
        PyavFeed(url, reach(), transports=memory).open()
    assert PyavFeed(url, reach(), transports=memory).open().transport == "tcp"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "404 Not Found"])
def test_a_wrong_login_or_path_is_no_reason_for_udp(rtsp_server: RtspServer, clips: Path, status: str) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4", transport="udp", refusal=status)
    assert reason(url) in (CameraReason.UNAUTHORISED, CameraReason.NOT_FOUND)
    assert set(rtsp_server.setups) == {"RTP/AVP/TCP"}


def test_the_doctor_names_the_transport(rtsp_server: RtspServer, clips: Path) -> None:
    over = {"tcp": rtsp_server.mount("hall", clips / "plain.mp4")}
    over["udp"] = rtsp_server.mount("gate", clips / "plain.mp4", transport="udp", refusal="405 Method Not Allowed")
    for transport, url in over.items():
        examined = examine_address(reach(), url)
        described = next(
            one
            for one in examined
            if isinstance(one, Finding) and one.stage is Stage.DESCRIBE and one.status != "running"
        )
        examined.close()  # type: ignore[attr-defined]
        assert described.found
        assert f"RTSP · {transport.upper()}" in described.found.en
        assert described.remark == (advice.OVER_UDP if transport == "udp" else None)


def test_digest_is_answered_over_rtsp(rtsp_server: RtspServer, clips: Path) -> None:
    url = rtsp_server.mount("gate", clips / "plain.mp4", credentials=LOGIN, login="digest")
    assert look(with_login(url)).width == 640
    assert reason(with_login(url, "admin:wrong@")) is CameraReason.UNAUTHORISED
    assert reason(url) is CameraReason.UNAUTHORISED


def test_an_rtsp_redirect_is_followed_and_checked(
    rtsp_server: RtspServer, clips: Path, forbidden: tuple[str, list[object]]
) -> None:
    away = rtsp_server.mount("away", clips / "small.mp4", credentials=LOGIN)
    assert look(with_login(rtsp_server.mount("moved", clips / "plain.mp4", leads_to=away))).width == 320
    host, met = forbidden
    only_one = Reach(allowed=(ip_network("127.0.0.1/32"),))
    for to in (f"rtsp://{host}/x", f"http://{host}/x", "file:///etc/passwd", "rtsp://169.254.169.254/", "nonsense://"):
        with pytest.raises(CameraFailed) as caught:
            PyavFeed(rtsp_server.mount("moved", clips / "plain.mp4", leads_to=to), only_one).open()
        assert caught.value.reason is CameraReason.BLOCKED_ADDRESS
    assert met == []


def test_a_redirect_in_a_circle_ends(rtsp_server: RtspServer, web: HttpCamera, clips: Path) -> None:
    rtsp_server.mount("round", clips / "plain.mp4", leads_to=rtsp_server.url("round"))
    assert reason(rtsp_server.url("round")) is CameraReason.REFUSED
    assert reason(web.redirect("round", web.url("round"))) is CameraReason.REFUSED
    assert len(web.asked) < 10


@pytest.mark.parametrize("login", ["basic", "digest"])
def test_http_cameras_are_read_with_their_login(web: HttpCamera, clips: Path, login: str) -> None:
    urls = [web.mjpeg("mjpeg"), web.flv("flv", clips / "plain.mp4"), web.hls("hls", clips / "plain.mp4")]
    for name in ("mjpeg", "flv", "hls"):
        web.lock(name, *LOGIN, login=login)  # type: ignore[arg-type]
    for url, width in zip(urls, (320, 640, 640), strict=True):
        assert look(with_login(url)).width == width
        assert reason(url) is CameraReason.UNAUTHORISED


def test_a_file_over_http_is_read_in_whatever_order_it_is_written(web: HttpCamera, clips: Path) -> None:
    late = remuxed(clips / "heavy.mp4", "mp4")  # its index is at the end
    assert look(web.content("late.mp4", late, "application/octet-stream")).width == 640
    assert len(web.asked) <= 4
    assert look(web.file("early.mp4", clips / "plain.mp4", ranges=False)).width == 640
    transport = remuxed(clips / "hevc.mp4", "mpegts")
    assert look(web.content("x", transport, "video/mp2t")).codec == "hevc"
    assert reason(web.content("late", late, "video/mp4", ranges=False)) is CameraReason.INVALID_DATA


def test_pictures_without_times_get_those_of_their_arrival(web: HttpCamera) -> None:
    packets = read(web.mjpeg("gate", fps=40.0), 40)
    shown_s = (packets[-1].dts - packets[20].dts) / CLOCK_HZ
    assert shown_s == pytest.approx(packets[-1].arrived_s - packets[20].arrived_s, abs=0.02)


def test_flv_over_http_is_read(web: HttpCamera, clips: Path) -> None:
    packets = read(web.flv("gate", clips / "plain.mp4"), 60)
    assert len(packets) == 60  # more than one round of the clip
    assert packets[0].key
    assert all(before.dts < after.dts for before, after in pairwise(packets))


def test_a_live_playlist_goes_on_at_the_speed_of_its_pictures(web: HttpCamera, clips: Path) -> None:
    packets = read(web.hls("gate", clips / "plain.mp4", fragmented=True), 80)
    assert len(packets) == 80  # more than the first playlist lists
    assert packets[-1].arrived_s - packets[0].arrived_s > 2.0
    assert all(before.dts < after.dts for before, after in pairwise(packets))
    assert len({path for path in web.asked if path.endswith(".seg")}) >= 2


def test_a_playlist_with_an_end_ends(web: HttpCamera, clips: Path) -> None:
    feed = PyavFeed(web.hls("gate", clips / "plain.mp4", live=False), reach())
    feed.open()
    with pytest.raises(CameraFailed) as caught:
        list(feed.packets())
    assert caught.value.reason is CameraReason.CLOSED


PIECE = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
MAP = '#EXTM3U\n#EXT-X-MAP:URI="{}"\n#EXTINF:1,\npiece000.seg\n#EXT-X-ENDLIST\n'
VARIANT = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360\n{}\n"


@pytest.mark.parametrize("playlist", [PIECE, MAP, VARIANT], ids=["piece", "header", "variant"])
@pytest.mark.parametrize("scheme", ["http", "https", "rtsp", "file"])
def test_no_entry_of_a_playlist_leads_to_a_forbidden_place(
    web: HttpCamera, forbidden: tuple[str, list[object]], playlist: str, scheme: str
) -> None:
    host, met = forbidden
    entry = "file:///etc/passwd" if scheme == "file" else f"{scheme}://{host}/x"
    only_one = Reach(allowed=(ip_network("127.0.0.1/32"),), file_roots=(Path("/etc"),))
    url = web.content("list.m3u8", playlist.format(entry).encode(), "application/vnd.apple.mpegurl")
    with pytest.raises(CameraFailed) as caught:
        read(url, 1, only_one)
    assert caught.value.reason is CameraReason.BLOCKED_ADDRESS
    assert met == []


def test_no_http_redirect_leads_to_a_forbidden_place(
    web: HttpCamera, clips: Path, forbidden: tuple[str, list[object]]
) -> None:
    host, met = forbidden
    only_one = Reach(allowed=(ip_network("127.0.0.1/32"),), file_roots=(clips,))
    for to in (
        f"http://{host}/x",
        f"rtsp://{host}/x",
        f"file://{clips}/plain.mp4",
        FORBIDDEN,
        "http://[::1]:1/",
        "//x@127.3.3.3/",
    ):
        with pytest.raises(CameraFailed) as caught:
            read(web.redirect("gate", to), 1, only_one)
        assert caught.value.reason is CameraReason.BLOCKED_ADDRESS
    assert met == []
    assert look(web.redirect("gate", web.file("plain.mp4", clips / "plain.mp4"))).width == 640


def test_a_login_is_not_carried_to_another_host(web: HttpCamera, clips: Path, tmp_path: Path) -> None:
    with HttpCamera(tmp_path / "other") as other:
        other.file("plain.mp4", clips / "plain.mp4")
        other.lock("plain.mp4", *LOGIN)
        assert reason(with_login(web.redirect("gate", other.url("plain.mp4")))) is CameraReason.UNAUTHORISED


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (WebFault.BROKEN, CameraReason.REFUSED),
        (WebFault.GARBAGE, CameraReason.INVALID_DATA),
        (WebFault.CLOSE, CameraReason.INVALID_DATA),
    ],
)
def test_an_http_camera_that_fails_is_named(web: HttpCamera, fault: WebFault, expected: CameraReason) -> None:
    url = web.mjpeg("gate", fps=1000.0)
    web.fail("gate", fault)
    assert reason(url) in (expected, CameraReason.CLOSED)


def test_a_camera_that_lies_about_its_format_is_read(web: HttpCamera) -> None:
    url = web.mjpeg("gate", fps=50.0)
    web.fail("gate", WebFault.LIES)
    assert look(url).codec == "mjpeg"


@pytest.mark.parametrize("fault", [WebFault.SILENT, WebFault.HANG, WebFault.TRICKLE])
def test_a_peer_that_hangs_in_http_lets_go_at_once_when_it_is_left(web: HttpCamera, fault: WebFault) -> None:
    url = web.mjpeg("gate")
    web.fail("gate", fault)
    feed, ended = PyavFeed(url, reach()), threading.Event()

    def open_it() -> None:
        with pytest.raises(CameraFailed):
            feed.open()
        ended.set()

    threading.Thread(target=open_it, daemon=True).start()
    wait_until(lambda: web.asked)
    time.sleep(0.1)  # it is inside the read; not waited for, only more likely
    feed.close()
    assert ended.wait(3.0)


def test_an_rtmp_stream_is_read(rtmp: RtmpServer, clips: Path) -> None:
    found = look(rtmp.mount("gate", clips / "plain.mp4"))
    assert (found.codec, found.width, found.height) == ("h264", 640, 360)
    assert rtmp.told[0] == rtmp.url("").rstrip("/")


def test_an_rtmp_server_that_fails_is_named(rtmp: RtmpServer, clips: Path) -> None:
    url = rtmp.mount("gate", clips / "plain.mp4")
    assert reason(rtmp.url("nowhere")) is CameraReason.NOT_FOUND
    rtmp.fault = RtmpFault.GARBAGE
    assert reason(url) in (CameraReason.INVALID_DATA, CameraReason.UNSUPPORTED_CODEC, CameraReason.CLOSED)
    rtmp.fault = RtmpFault.CLOSE
    with pytest.raises(CameraFailed):
        read(url, 100)


def test_a_device_that_is_no_camera_or_not_permitted_is_named_by_the_doctor() -> None:
    null, gone = Reach(devices=(Path("/dev/null"),)), Reach(devices=(Path("/dev/video99"),))
    for url, allowed, stage, expected in (
        ("v4l2:///dev/null", null, Stage.DESCRIBE, CameraReason.FILE_MISSING),  # it was opened, and is no camera
        ("v4l2:///dev/video99", gone, Stage.RESOLVE, CameraReason.FILE_MISSING),
        ("v4l2:///dev/null", reach(), Stage.RESOLVE, CameraReason.FILE_OUTSIDE),
    ):
        *findings, report = examine_address(allowed, url)
        assert isinstance(report, Report)
        assert report.reason is expected
        failed = [one for one in findings if isinstance(one, Finding) and one.status == "failed"]
        assert [(one.stage, one.remark) for one in failed] == [(stage, advice.failure(stage, expected))]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EBUSY, CameraReason.DEVICE_BUSY),
        (errno.EACCES, CameraReason.NO_RIGHTS),
        (errno.EPERM, CameraReason.NO_RIGHTS),
        (errno.ENODEV, CameraReason.FILE_MISSING),
        (errno.EINVAL, CameraReason.UNSUPPORTED_CODEC),
        (errno.EIO, CameraReason.INVALID_DATA),
    ],
    ids=["busy", "no rights", "not permitted", "unplugged", "no MJPEG", "else"],
)
def test_what_a_driver_says_is_told_in_plain_words(number: int, expected: CameraReason) -> None:
    failed = device_failed(OSError(number, "said of /dev/video0"))
    assert failed.reason is expected
    assert "said of" not in failed.detail


def test_libav_here_knows_video_devices_and_is_given_the_permitted_one() -> None:
    """No device is needed for that; whether one plays is the next test."""
    source = Entrance("v4l2:///dev/null", Reach(devices=(Path("/dev/null"),)), Opening()).enter()
    assert source.file == "/dev/null"
    assert source.format
    assert ContainerFormat(source.format, "r").is_input


def test_a_video_device_is_read() -> None:
    """The real thing; nothing stands in for it, since libav's other inputs share no code with it."""
    devices = sorted(Path("/dev").glob("video*"))
    if not devices:
        pytest.skip("this machine has no /dev/video*, and no part can be fetched that is one")
    packets = read(f"v4l2://{devices[0]}", 5, Reach(devices=(devices[0],)))
    assert all(packet.key for packet in packets)


def test_this_machine_knows_its_own_addresses() -> None:
    assert is_own("127.0.0.1")
    assert is_own("127.0.0.2")
    assert not is_own("192.0.2.1")
    assert not is_own("2001:db8::1")
