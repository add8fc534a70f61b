"""Which addresses are opened: hosts after their names are known, ranges, files, devices, and what goes on to others."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from shared_kernel.messages import CameraReason
from stream_service.addresses import (
    Reach,
    Target,
    checked_target,
    credentials,
    is_refused,
    with_address,
    with_credentials_of,
    without_credentials,
)
from stream_service.rules import CameraFailed

NAMES = {
    "metadata.internal": {"169.254.169.254"},
    "both.internal": {"10.0.0.1", "fd00:ec2::254"},
    "redis.internal": {"10.0.9.9"},
    "camera.internal": {"10.0.0.7", "fd12::7"},
    "rebound.example": {"127.0.0.1"},
    "nowhere.invalid": set[str](),
}
MACHINE = "192.168.7.7"


def resolve(host: str, _: int) -> set[str]:
    return NAMES.get(host, {host})


def is_own(address: str) -> bool:
    return address == MACHINE


def check(url: str, reach: Reach | None = None) -> Target:
    return checked_target(url, reach or Reach(services=("redis.internal",)), resolve, is_own)


def reason(url: str, reach: Reach | None = None) -> CameraReason:
    with pytest.raises(CameraFailed) as caught:
        check(url, reach)
    assert "secret" not in caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://127.0.0.1:6379/",
        "rtsp://127.9.9.9/x",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://rebound.example/",
        "rtsp://10.0.9.9:6379/",
        "rtsp://redis.internal:6379/",
        f"http://{MACHINE}:8080/",
        "rtsp://169.254.169.254/latest",
        "http://169.254.169.254/latest/meta-data",
        "http://metadata.internal/",
        "http://both.internal/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://0.0.0.0/",
        "http://[::]/",
        "rtsp://224.0.0.1/",
        "rtsp://255.255.255.255/",
        "gopher://10.0.0.1/",
        "concat:/etc/passwd",
        "pipe:0",
        "/etc/passwd",
        "",
        "rtsp://",
        "rtsp://host:99999/",
        "http://[broken",
        "rtsp://10.0.0.1/\r\nDESCRIBE",
        "rtsp://10.0.0.1/" + "a" * 3000,
        "rtsp://user:secret@127.0.0.1/",
    ],
)
def test_addresses_that_no_camera_has_are_refused(url: str) -> None:
    assert reason(url) is CameraReason.BLOCKED_ADDRESS


@pytest.mark.parametrize(
    ("url", "port", "addresses"),
    [
        ("rtsp://10.0.0.5:8554/ch1", 8554, ("10.0.0.5",)),
        ("http://192.168.1.7/video", 80, ("192.168.1.7",)),
        ("https://8.8.8.8/x", 443, ("8.8.8.8",)),
        ("rtmp://10.0.0.5/live/gate", 1935, ("10.0.0.5",)),
        ("rtsp://[2001:db8::5]/x", 554, ("2001:db8::5",)),
        ("rtsp://camera.internal/x", 554, ("10.0.0.7", "fd12::7")),
    ],
)
def test_addresses_of_the_site_are_allowed_and_pinned(url: str, port: int, addresses: tuple[str, ...]) -> None:
    found = check(url)
    assert (found.port, found.addresses) == (port, addresses)


def test_an_operator_may_allow_a_range_and_nothing_beside_it() -> None:
    one = Reach(allowed=(ip_network("127.0.0.1/32"), ip_network("169.254.7.0/24")), services=("redis.internal",))
    assert check("rtsp://127.0.0.1:8554/x", one).addresses == ("127.0.0.1",)
    assert check("rtsp://169.254.7.9/x", one).port == 554
    for url in (
        "rtsp://127.0.0.2/x",
        "http://[::1]/",
        "http://169.254.169.254/",
        f"rtsp://{MACHINE}/",
        "rtsp://10.0.9.9/",
    ):
        assert reason(url, one) is CameraReason.BLOCKED_ADDRESS
    assert reason("rtsp://224.0.0.1/", Reach(allowed=(ip_network("0.0.0.0/0"),))) is CameraReason.BLOCKED_ADDRESS


def test_an_operator_may_refuse_further_ranges() -> None:
    closed = Reach(blocked=(ip_network("10.0.0.0/8"),))
    assert reason("rtsp://10.1.2.3/x", closed) is CameraReason.BLOCKED_ADDRESS
    assert check("rtsp://192.168.1.1/x", closed)
    open_one = Reach(blocked=closed.blocked, allowed=(ip_network("10.1.2.3/32"),))
    assert check("rtsp://10.1.2.3/x", open_one)


def test_a_host_without_an_address_is_not_found() -> None:
    with pytest.raises(CameraFailed, match=r"nowhere\.invalid") as caught:
        check("rtsp://nowhere.invalid/")
    assert caught.value.reason is CameraReason.NOT_FOUND


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.1", "2001:db8::5", "8.8.8.8", "fd12::7"])
def test_ordinary_addresses_are_not_refused(address: str) -> None:
    assert not is_refused(address, Reach())


def test_files_are_read_only_below_the_roots(tmp_path: Path) -> None:
    root, outside = tmp_path / "clips", tmp_path / "secret.mp4"
    root.mkdir()
    (root / "a b.mp4").write_bytes(b"x")
    outside.write_bytes(b"x")
    (root / "link.mp4").symlink_to(outside)
    below = Reach(file_roots=(root,))
    assert check(f"file://{root}/a%20b.mp4", below).path == str(root / "a b.mp4")
    for path in (outside, root / "../secret.mp4", root / "link.mp4", root / "%2e%2e/secret.mp4", root, "/etc/passwd"):
        assert reason(f"file://{path}", below) in (CameraReason.FILE_OUTSIDE, CameraReason.FILE_MISSING)
    for odd in ("file:relative.mp4", f"file://{root}/a%00b.mp4", "file://"):
        assert reason(odd, below) is CameraReason.FILE_OUTSIDE


def test_a_missing_file_is_named_but_not_outside_of_the_roots(tmp_path: Path) -> None:
    with pytest.raises(CameraFailed, match=r"gone\.mp4") as caught:
        check(f"file://{tmp_path}/gone.mp4", Reach(file_roots=(tmp_path,)))
    assert caught.value.reason is CameraReason.FILE_MISSING
    assert reason(f"file://{tmp_path}/gone.mp4") is CameraReason.FILE_OUTSIDE


def test_a_device_is_opened_only_when_it_is_named(tmp_path: Path) -> None:
    null, plain = Path("/dev/null"), tmp_path / "video0"
    plain.write_bytes(b"")
    named = Reach(devices=(null, plain))
    assert check("v4l2:///dev/null", named).path == "/dev/null"
    assert reason("v4l2:///dev/null") is CameraReason.FILE_OUTSIDE
    assert reason("v4l2:///dev/zero", named) is CameraReason.FILE_OUTSIDE
    assert reason("v4l2:///dev/../dev/null", named) is CameraReason.FILE_OUTSIDE
    assert reason(f"v4l2://{plain}", named) is CameraReason.FILE_MISSING  # a file, no device


def test_the_checked_address_stands_where_the_name_was() -> None:
    target = check("rtsp://admin:p%40ss@camera.internal/ch1?sub=1")
    assert with_address(target, "10.0.0.7") == "rtsp://admin:p%40ss@10.0.0.7:554/ch1?sub=1"
    assert with_address(target, "fd12::7") == "rtsp://admin:p%40ss@[fd12::7]:554/ch1?sub=1"


def test_credentials_go_to_the_same_host_only() -> None:
    typed = "http://admin:p%40ss@10.0.0.7/live.m3u8"
    assert credentials(typed) == ("admin", "p@ss")
    assert credentials("http://10.0.0.7/") is None
    assert without_credentials(typed) == "http://10.0.0.7/live.m3u8"
    assert with_credentials_of(typed, "http://10.0.0.7:80/a.ts") == "http://admin:p%40ss@10.0.0.7:80/a.ts"
    for other in ("http://10.0.0.8/a.ts", "http://10.0.0.7:81/a.ts", "https://10.0.0.7/a.ts"):
        assert with_credentials_of(typed, other) == other
    assert with_credentials_of(typed, "http://x:y@10.0.0.8/a.ts") == "http://10.0.0.8/a.ts"
