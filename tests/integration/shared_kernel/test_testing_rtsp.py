"""The RTSP camera of the tests: PyAV reads it clean, and each fault looks to a client as it should."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest

from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import Fault, RtspServer

OPEN_OPTIONS = {"rtsp_transport": "tcp", "analyzeduration": "200000", "probesize": "200000", "fflags": "nobuffer"}


def _clip(
    path: Path,
    *,
    width: int = 320,
    height: int = 180,
    codec: Literal["libx264", "libx265"] = "libx264",
    frames: int = 25,
) -> Path:
    """Grey level = frame number × 8, 25 frames a second, no B-frames, a keyframe every 10."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv420p", 10
        stream.options = (
            {"preset": "ultrafast", "bf": "0"} if codec == "libx264" else {"x265-params": "bframes=0:log-level=none"}
        )
        noise = np.random.default_rng(1).integers(0, 40, (height, width, 3), dtype=np.uint8)
        for index in range(frames):
            picture = noise + np.uint8(index * 8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path


def _sizes(url: str, enough: int) -> list[tuple[int, int]]:
    with av.open(url, options=OPEN_OPTIONS, timeout=(5, 3)) as container:
        sizes = []
        for frame in container.decode(video=0):
            sizes.append((frame.width, frame.height))
            if len(sizes) >= enough:
                break
        return sizes


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return _clip(tmp_path / "clip.mp4")


def test_a_clip_is_played_in_a_loop_with_rising_times(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip)
    with av.open(url, options=OPEN_OPTIONS, timeout=(5, 3)) as container:
        times, greys = [], []
        for frame in container.decode(video=0):
            if frame.pts is not None:
                times.append(frame.pts)
                greys.append(float(frame.to_ndarray(format="gray").mean()))
            if len(times) == 40:
                break
        assert rtsp_server.clients("gate") == 1
    steps = np.diff(times)
    assert (steps > 0).all()
    assert np.median(steps) == 3600  # 90 kHz / 25
    assert np.diff(greys).min() < -100  # it began again
    assert [play.name for play in rtsp_server.plays] == ["gate"]
    assert rtsp_server.plays[0].duration_s == pytest.approx(1.0)
    wait_until(lambda: rtsp_server.clients("gate") == 0, 5, "the client is gone")


def test_hevc_is_played_too(rtsp_server: RtspServer, tmp_path: Path) -> None:
    url = rtsp_server.mount("gate", _clip(tmp_path / "hevc.mp4", codec="libx265"))
    with av.open(url, options=OPEN_OPTIONS, timeout=(5, 3)) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
        assert next(container.decode(video=0)).width == 320


def test_played_once_the_stream_ends(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip, loop=False)
    assert 15 <= len(_sizes(url, enough=100)) <= 25


def test_a_second_clip_may_have_another_resolution(rtsp_server: RtspServer, clip: Path, tmp_path: Path) -> None:
    url = rtsp_server.mount("gate", clip, _clip(tmp_path / "small.mp4", width=160, height=96))
    sizes = _sizes(url, enough=40)
    assert {(320, 180), (160, 96)} == set(sizes)


def test_credentials_are_asked_for(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip, credentials=("guard", "tea"))
    with pytest.raises(av.error.HTTPUnauthorizedError):
        _sizes(url, enough=1)
    assert _sizes(url.replace("//", "//guard:tea@"), enough=1) == [(320, 180)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.UNAUTHORISED, av.error.HTTPUnauthorizedError),
        (Fault.NOT_FOUND, av.error.HTTPNotFoundError),
        (Fault.BROKEN, av.error.FFmpegError),
    ],
)
def test_an_error_status_reaches_the_client(
    rtsp_server: RtspServer, clip: Path, fault: Fault, error: type[Exception]
) -> None:
    url = rtsp_server.mount("gate", clip)
    rtsp_server.fail("gate", fault)
    with pytest.raises(error):
        _sizes(url, enough=1)
    rtsp_server.heal("gate")
    assert _sizes(url, enough=1)


def test_an_unknown_name_is_404(rtsp_server: RtspServer) -> None:
    with pytest.raises(av.error.HTTPNotFoundError):
        _sizes(rtsp_server.url("nowhere"), enough=1)


def test_a_camera_without_video_offers_sound(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip)
    rtsp_server.fail("gate", Fault.NO_VIDEO)
    answer = _dialogue(rtsp_server.port, f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    assert b"m=audio" in answer
    assert b"m=video" not in answer


def test_a_silent_camera_accepts_and_says_nothing(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip)
    rtsp_server.fail("gate", Fault.SILENT)
    with pytest.raises(TimeoutError):
        _dialogue(rtsp_server.port, f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n")


def test_a_camera_that_closes_mid_stream_ends_the_pictures(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip)
    rtsp_server.fail("gate", Fault.CLOSE, after_s=0.5)
    assert 0 < len(_sizes(url, enough=100)) < 25


def test_a_camera_that_hangs_keeps_the_connection(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip)
    rtsp_server.fail("gate", Fault.HANG, after_s=0.3)
    with av.open(url, options=OPEN_OPTIONS, timeout=(5, 1)) as container, pytest.raises(av.error.FFmpegError):
        for _ in container.decode(video=0):
            assert rtsp_server.clients("gate") == 1


def test_refusing_and_listening_again(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip)
    rtsp_server.refuse()
    with pytest.raises(OSError, match="refused"):
        _sizes(url, enough=1)
    rtsp_server.start()
    assert _sizes(url, enough=1)


def test_two_clients_see_the_same_camera(rtsp_server: RtspServer, clip: Path) -> None:
    url = rtsp_server.mount("gate", clip)
    with av.open(url, options=OPEN_OPTIONS, timeout=(5, 3)), av.open(url, options=OPEN_OPTIONS, timeout=(5, 3)):
        assert rtsp_server.clients("gate") == 2


def test_only_h264_and_h265_can_be_mounted(rtsp_server: RtspServer, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "old.mp4"), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for packet in stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")):
            out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    with pytest.raises(ValueError, match=r"expected H\.264 or H\.265 in MP4, got mpeg4"):
        rtsp_server.mount("gate", tmp_path / "old.mp4")


def _dialogue(port: int, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
        connection.sendall(request.encode())
        return connection.recv(4000)
