"""Privacy masks with the real decoder: whatever is asked of a frame, nothing behind a mask is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.evidence import Cutter
from stream_service.ports import FullFrame, StreamInfo
from stream_service.zones import Polygon
from tests.unit.stream_service.doubles import face, packet

#: Everything but the lower left quarter and a margin.
MASKS: tuple[Polygon, ...] = (
    ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)),
    ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)),
)
RED = (60, 40, 200)  # blue, green, red


@pytest.fixture(params=["h264", "hevc", "full_range", "odd_size"])
def red(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A red picture without anything else."""
    names = {"h264": "libx264", "hevc": "libx265", "full_range": "mjpeg", "odd_size": "libx264"}
    width, height = (643, 361) if request.param == "odd_size" else (640, 360)
    path = tmp_path / "red.mkv"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(names[request.param], rate=25)
        stream.width, stream.height = width, height
        stream.pix_fmt = {"full_range": "yuvj420p", "odd_size": "yuv444p"}.get(request.param, "yuv420p")
        if "265" in names[request.param]:
            stream.options = {"x265-params": "log-level=none"}
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), RED, np.uint8), format="bgr24")
            frame.pts = index
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def first(path: Path, masks: tuple[Polygon, ...]) -> FullFrame:
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        context = stream.codec_context
        info = StreamInfo(context.name, stream.width, stream.height, 25.0, context.extradata or b"")
        data = bytes(next(film.demux(stream)))
    decoder = PyavDecoder(info, masks)
    (frame,) = decoder.decode_alone(packet(data=data))
    return frame


def reddish(picture: Any) -> Any:
    blue, _, red = (picture[..., channel].astype(int) for channel in range(3))
    return red - blue > 40


def test_nothing_behind_a_mask_leaves_the_decoder(red: Path) -> None:
    frame = first(red, MASKS)
    pictures = [
        frame.pixels(),
        *(cv2.imdecode(np.frombuffer(frame.small_jpeg(side), np.uint8), 1) for side in (640, 200)),
    ]
    for picture in pictures:
        assert picture is not None
        height, width = picture.shape[:2]
        seen = reddish(picture)
        assert seen[height // 2 + 3 :, : width // 2 - 3].all(), "what is not masked stays"
        assert not seen[: height // 2 - 1].any()
        assert not seen[:, width // 2 + 1 :].any()
    grey = frame.luma(0, 0, frame.width, frame.height)
    assert grey.shape == (frame.height, frame.width)
    assert len(np.unique(grey[: frame.height // 2])) == 1


def test_evidence_is_cut_from_the_covered_picture(red: Path) -> None:
    shot = Cutter(first(red, MASKS)).shot(face(900, 200, 200), quality=1.0)
    for jpeg in (shot.face.jpeg, shot.scene.jpeg):
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), 1)
        assert picture is not None
        assert not reddish(picture)[:, picture.shape[1] * 6 // 10 :].any()


def test_a_mask_changes_nothing_else(red: Path) -> None:
    far = (((0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.1)),)
    covered, plain = first(red, far).pixels(), first(red, ()).pixels()
    height, width = covered.shape[:2]
    assert (plain.shape[0] - height, plain.shape[1] - width) in ((0, 0), (1, 1))
    change = np.abs(covered[height // 2 :].astype(int) - plain[height // 2 : height, :width].astype(int))
    assert change.max() <= 6
