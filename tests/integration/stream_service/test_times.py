"""Cameras whose times are odd, and streams that are not only pictures, each through the whole way of reading."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from shared_kernel.testing.rtsp import RtspServer
from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.opening import Opening
from stream_service.ports import CLOCK_HZ, Packet
from tests.integration.stream_service.world import reach, write_clip

#: When the pictures of a camera that sends some more often than others are shown, milliseconds.
UNEVEN_MS = (0, 40, 80, 90, 100, 400, 440, 700, 1000, 1040)


def read(url: str, count: int, *roots: Path) -> tuple[list[Packet], Opening]:
    opening = Opening()
    feed = PyavFeed(url, reach(*roots), opening)
    decoder = PyavDecoder(feed.open())
    packets = feed.packets()
    found = [packet for packet, _ in zip(packets, range(count), strict=False)]
    packets.close()  # type: ignore[attr-defined]
    assert sum(len(decoder.decode(packet)) for packet in found) > count / 2
    return found, opening


def uneven(path: Path) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "veryfast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for shown_ms in UNEVEN_MS:
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), shown_ms % 255, np.uint8), format="bgr24")
            frame.pts, frame.time_base = shown_ms, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def with_sound(path: Path) -> Path:
    """The clip with a hum in AAC beside it."""
    write_clip(path.with_name("silent.mp4"))
    with av.open(str(path.with_name("silent.mp4"))) as source, av.open(str(path), "w") as out:
        video = source.streams.video[0]
        pictures, sound = out.add_stream_from_template(video), out.add_stream("aac", rate=16_000)
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = pictures
                out.mux(packet)
        for number in range(30):
            hum = np.sin(np.arange(1024) / 20).astype(np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(hum, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, number * 1024
            out.mux(sound.encode(frame))
        out.mux(sound.encode())
    return path


@pytest.mark.parametrize("jump_s", [3600.0, -20.0])
def test_a_clock_that_jumps_is_counted_and_time_goes_on(rtsp_server: RtspServer, tmp_path: Path, jump_s: float) -> None:
    clip = write_clip(tmp_path / "short.mp4", seconds=0.4)
    packets, opening = read(rtsp_server.mount("gate", clip, jump_s=jump_s), 35)
    assert len(packets) == 35  # over the jump there and the one back
    assert all(0 < after.dts - before.dts < 3 * CLOCK_HZ for before, after in pairwise(packets))
    assert opening.times.jumps >= 1
    assert opening.times.backward >= 1


def test_a_variable_frame_rate_is_kept(rtsp_server: RtspServer, tmp_path: Path) -> None:
    clip = uneven(tmp_path / "uneven.mp4")
    wanted = [(after - before) * CLOCK_HZ // 1000 for before, after in pairwise(UNEVEN_MS)]
    for url in (f"file://{clip}", rtsp_server.mount("gate", clip)):
        packets, _ = read(url, len(UNEVEN_MS), tmp_path)
        steps = [after.pts - before.pts for before, after in pairwise(packets)]
        assert steps[3:] == pytest.approx(wanted[3:], abs=CLOCK_HZ // 500)  # the first come without a time over RTSP


def test_sound_beside_the_pictures_is_named_and_left_alone(tmp_path: Path) -> None:
    packets, opening = read(f"file://{with_sound(tmp_path / 'loud.mp4')}", 20, tmp_path)
    assert len(packets) == 20
    assert opening.audio == "AAC"
