"""Playlists as servers write them, and as they should not."""

from __future__ import annotations

import pytest

from shared_kernel.messages import CameraReason
from stream_service.playlist import MAX_PIECES, Part, best_variant, read_playlist
from stream_service.rules import CameraFailed

BASE = "http://10.0.0.7/live/index.m3u8"


def test_a_live_list() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4.0,\na.ts\n#EXTINF:3.5,x\n/b.ts\n"
    found = read_playlist(text, BASE)
    assert [(one.number, one.part.url, one.seconds) for one in found.pieces] == [
        (7, "http://10.0.0.7/live/a.ts", 4.0),
        (8, "http://10.0.0.7/b.ts", 3.5),
    ]
    assert (found.target_s, found.ended) == (4.0, False)


def test_a_list_of_fragments_in_one_file() -> None:
    text = (
        '\ufeff#EXTM3U\r\n#EXT-X-MAP:URI="all.mp4",BYTERANGE="700@0"\r\n#EXTINF:2,\r\n#EXT-X-BYTERANGE:1000@700\r\nall.mp4'
        "\r\n#EXTINF:2,\r\n#EXT-X-BYTERANGE:500\r\nall.mp4\r\n#EXT-X-ENDLIST\r\n"
    )
    found = read_playlist(text, BASE)
    url = "http://10.0.0.7/live/all.mp4"
    assert [one.part for one in found.pieces] == [Part(url, 700, 1000), Part(url, 1700, 500)]
    assert {one.header for one in found.pieces} == {Part(url, 0, 700)}
    assert found.ended


def test_the_largest_picture_that_is_not_too_large_is_taken() -> None:
    text = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=3840x2160\nuhd.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS="avc1.4d4028,mp4a.40.2",RESOLUTION=1920x1080\nhd.m3u8\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nsd.m3u8\n"
    )
    assert best_variant(read_playlist(text, BASE)).url == "http://10.0.0.7/live/hd.m3u8"
    only_large = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=7680x4320\na\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=3840x2160\nb\n"
    )
    assert best_variant(read_playlist(only_large, BASE)).url.endswith("/b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", CameraReason.INVALID_DATA),
        ("<html>", CameraReason.INVALID_DATA),
        ('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:1,\na.ts\n', CameraReason.UNSUPPORTED_CODEC),
        ("#EXTM3U\n" + "#EXTINF:1,\na.ts\n" * (MAX_PIECES + 1), CameraReason.INVALID_DATA),
    ],
)
def test_what_is_no_list_or_cannot_be_read_is_named(text: str, expected: CameraReason) -> None:
    with pytest.raises(CameraFailed) as caught:
        read_playlist(text, BASE)
    assert caught.value.reason is expected


@pytest.mark.parametrize(
    "line",
    [
        "#EXTINF:nan,",
        "#EXTINF:-5,",
        "#EXTINF:1e999,",
        "#EXT-X-MEDIA-SEQUENCE:x",
        "#EXT-X-BYTERANGE:a@b",
        "#EXT-X-MAP:x",
        "#",
    ],
)
def test_odd_numbers_do_no_harm(line: str) -> None:
    found = read_playlist(f"#EXTM3U\n{line}\n#EXTINF:1,\na.ts\n", BASE)
    assert all(0 <= one.seconds < 10 and one.number >= 0 for one in found.pieces)
