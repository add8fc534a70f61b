"""The short clip, composed from the real samples: what is in it is what its truth says, and it is made only once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest

from shared_kernel.artifacts import fetch_all, load
from shared_kernel.errors import ArtifactError
from shared_kernel.testing.missing import skip_or_fail
from xunshi import demo
from xunshi.demo.scenarios import DEMO, SHORT
from xunshi.places import SAMPLES_LIST, WEIGHTS_LIST

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def samples(cache: Path) -> Path:
    try:
        fetch_all(load(SAMPLES_LIST), cache / "samples")
    except ArtifactError as error:
        skip_or_fail(str(error))
    return cache / "samples"


@pytest.fixture(scope="module")
def clip(samples: Path, cache: Path) -> demo.Clip:
    return demo.compose_short(samples, cache / "demo")


def _frames(clip: demo.Clip) -> list[NDArray[np.uint8]]:
    with av.open(str(clip.path)) as container:
        return [frame.to_ndarray(format="bgr24").astype(np.uint8) for frame in container.decode(video=0)]


def test_the_clip_is_what_a_camera_would_send(clip: demo.Clip) -> None:
    with av.open(str(clip.path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 1280, 720)
        assert stream.average_rate == clip.fps == 25
        packets = [packet for packet in container.demux(stream) if packet.size]
    assert len(packets) == clip.duration_s * clip.fps
    assert [index for index, packet in enumerate(packets) if packet.is_keyframe] == list(range(0, len(packets), 25))
    assert all(packet.pts == packet.dts for packet in packets)  # no B-frames


def test_each_frame_has_a_line_of_truth(clip: demo.Clip) -> None:
    truths = demo.read(clip.truth)
    assert [truth.frame for truth in truths] == list(range(round(clip.duration_s * clip.fps)))
    assert truths[-1].faces == ()
    states = {(face.person, face.state) for truth in truths for face in truth.faces}
    assert states == {("masked", "with_mask"), ("bare", "without_mask")}
    heights = [face.height_px for truth in truths for face in truth.faces]
    assert min(heights) < 45
    assert max(heights) > 130


def test_a_face_detector_finds_the_faces_where_the_truth_has_them(clip: demo.Clip, cache: Path) -> None:
    (weights,) = fetch_all(load(WEIGHTS_LIST)[:1], cache / "weights")
    detector = cv2.FaceDetectorYN.create(str(weights), "", (1280, 720), 0.6)
    wanted = found = 0
    for picture, truth in zip(_frames(clip)[::5], demo.read(clip.truth)[::5], strict=True):
        _, faces = detector.detect(picture)
        for face in truth.faces:
            if face.visible > 0.9:
                centres = [] if faces is None else [(x + w / 2, y + h / 2) for x, y, w, h in faces[:, :4].tolist()]
                x0, y0, x1, y1 = face.box
                wanted += 1
                found += any(x0 < x < x1 and y0 < y < y1 for x, y in centres)
    assert wanted > 30
    assert found / wanted > 0.9


def test_a_clip_is_made_only_once_and_anew_when_it_is_gone(samples: Path, tmp_path: Path) -> None:
    brief = replace(SHORT, name="brief", duration_s=0.4)
    shares: list[float] = []
    first = demo.compose(samples, tmp_path, brief, shares.append)
    assert shares[-1] == pytest.approx(1.0)
    stamp, truth = first.path.stat().st_mtime_ns, first.truth.read_bytes()
    pictures = _frames(first)
    demo.compose(samples, tmp_path, brief)
    assert first.path.stat().st_mtime_ns == stamp
    first.path.unlink()
    demo.compose(samples, tmp_path, brief)
    assert first.truth.read_bytes() == truth
    assert all(np.array_equal(a, b) for a, b in zip(pictures, _frames(first), strict=True))
    demo.compose(samples, tmp_path, replace(brief, duration_s=0.2))
    assert len(_frames(first)) == 5


def test_missing_samples_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"\.png: expected a sample picture"):
        demo.compose(tmp_path, tmp_path / "out", DEMO)
    assert not (tmp_path / "out" / "demo.mp4").exists()
