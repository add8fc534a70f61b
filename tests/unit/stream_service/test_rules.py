"""How an address is shown, and how long to wait before trying again."""

from __future__ import annotations

import pytest

from stream_service.rules import MAX_PAUSE_S, pause_s, redacted


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


def test_pauses_grow_are_capped_and_jittered() -> None:
    assert pause_s(1) <= 0.5
    assert all(MAX_PAUSE_S / 2 <= pause_s(failures) <= MAX_PAUSE_S for failures in (10, 100, 10_000))
    assert len({pause_s(5) for _ in range(20)}) > 1
