"""Addresses: what may be opened, how it is shown, and how long to wait before trying again."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared_kernel.messages import CameraReason
from stream_service.rules import MAX_PAUSE_S, CameraFailed, checked_address, is_blocked, pause_s, redacted

NAMES = {
    "metadata.internal": {"169.254.169.254"},
    "both.internal": {"10.0.0.1", "fd00:ec2::254"},
    "nowhere.invalid": set[str](),
}


def resolve(host: str, port: int) -> set[str]:
    return NAMES.get(host, {host})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://admin:secret@10.0.0.5:554/ch1", "rtsp://10.0.0.5:554/ch1"),
        ("rtsp://admin:p%40ss@cam.local/ch1?token=secret", "rtsp://cam.local/ch1?…"),
        ("http://10.0.0.5/video?user=admin&password=secret", "http://10.0.0.5/video?…"),
        ("rtsp://admin:se/cret@10.0.0.5/ch1", "(not an address)"),
        ("rtsp://admin/se:cret@10.0.0.5/ch1", "rtsp://admin/…"),
        ("rtsp://user:secret@[fe80::1]:554/x", "rtsp://[fe80::1]:554/x"),
        ("file:///clips/demo.mp4", "file:///clips/demo.mp4"),
        ("rtsp://admin:secret@host:notaport/", "(not an address)"),
        ("http://[broken", "(not an address)"),
        ("secret", "(not an address)"),
        ("", "(not an address)"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, shown: str) -> None:
    assert redacted(url) == shown
    assert "secret" not in redacted(url)


@pytest.mark.parametrize(
    "url",
    [
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
    ],
)
def test_addresses_that_no_camera_has_are_refused(url: str) -> None:
    with pytest.raises(CameraFailed) as caught:
        checked_address(url, [], resolve)
    assert caught.value.reason is CameraReason.BLOCKED_ADDRESS


@pytest.mark.parametrize("url", ["rtsp://10.0.0.5:554/ch1", "http://192.168.1.7/video", "rtsp://127.0.0.1:8554/x"])
def test_addresses_of_the_site_are_allowed(url: str) -> None:
    assert checked_address(url, [], resolve) == url


def test_a_host_without_an_address_is_not_found() -> None:
    with pytest.raises(CameraFailed, match=r"nowhere\.invalid") as caught:
        checked_address("rtsp://nowhere.invalid/", [], resolve)
    assert caught.value.reason is CameraReason.NOT_FOUND


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.1", "127.0.0.1", "::1", "2001:db8::5", "8.8.8.8"])
def test_ordinary_addresses_are_not_blocked(address: str) -> None:
    assert not is_blocked(address)


def test_files_are_read_only_below_the_roots(tmp_path: Path) -> None:
    root, outside = tmp_path / "clips", tmp_path / "secret.mp4"
    root.mkdir()
    (root / "a b.mp4").write_bytes(b"x")
    outside.write_bytes(b"x")
    (root / "link.mp4").symlink_to(outside)
    assert checked_address(f"file://{root}/a%20b.mp4", [root], resolve) == str(root / "a b.mp4")
    for path in (outside, root / "../secret.mp4", root / "link.mp4", root / "%2e%2e/secret.mp4", root, "/etc/passwd"):
        with pytest.raises(CameraFailed) as caught:
            checked_address(f"file://{path}", [root], resolve)
        assert caught.value.reason in (CameraReason.FILE_OUTSIDE, CameraReason.FILE_MISSING)
    for odd in ("file:relative.mp4", f"file://{root}/a%00b.mp4", "file://"):
        with pytest.raises(CameraFailed) as caught:
            checked_address(odd, [root], resolve)
        assert caught.value.reason is CameraReason.FILE_OUTSIDE


def test_a_missing_file_is_named_but_not_outside_of_the_roots(tmp_path: Path) -> None:
    with pytest.raises(CameraFailed, match=r"gone\.mp4") as caught:
        checked_address(f"file://{tmp_path}/gone.mp4", [tmp_path], resolve)
    assert caught.value.reason is CameraReason.FILE_MISSING
    with pytest.raises(CameraFailed) as caught:
        checked_address(f"file://{tmp_path}/gone.mp4", [], resolve)
    assert caught.value.reason is CameraReason.FILE_OUTSIDE


def test_pauses_grow_are_capped_and_jittered() -> None:
    assert pause_s(1) <= 0.5
    assert all(MAX_PAUSE_S / 2 <= pause_s(failures) <= MAX_PAUSE_S for failures in (10, 100, 10_000))
    assert len({pause_s(5) for _ in range(20)}) > 1
