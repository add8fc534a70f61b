"""The whole model on drawn faces, whose places and masks are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_service.detect import PictureFailed, PictureRead, detect_paths
from shared_kernel.errors import ArtifactError, NotFound
from shared_kernel.messages import MaskState
from shared_kernel.testing.faces import DrawnFace, jpeg, scene
from shared_kernel.vision.models.mask_reader import MaskReader
from shared_kernel.vision.rules import Found


def _overlap(found: Found, drawn: DrawnFace) -> float:
    (a0, b0, a1, b1), (c0, d0, c1, d1) = found.box, drawn.box
    shared = max(0.0, min(a1, c1) - max(a0, c0)) * max(0.0, min(b1, d1) - max(b0, d0))
    return shared / ((a1 - a0) * (b1 - b0) + (c1 - c0) * (d1 - d0) - shared)


@pytest.mark.parametrize("state", list(MaskState))
@pytest.mark.parametrize("height_px", [40, 60, 100, 160])
def test_a_face_is_found_and_judged(reader: MaskReader, state: MaskState, height_px: int) -> None:
    drawn = DrawnFace(300, 220, height_px, state)
    [[found]] = reader.read([scene(drawn)])
    assert _overlap(found, drawn) > 0.6
    assert found.label == state


@pytest.mark.parametrize("state", [MaskState.WITHOUT_MASK, MaskState.MASK_WORN_INCORRECTLY])
def test_a_face_that_fills_the_picture_is_found(reader: MaskReader, state: MaskState) -> None:
    [[found]] = reader.read([scene(DrawnFace(320, 240, 440, state))])
    assert found.label == state


def test_faces_of_several_pictures_stay_with_their_pictures(reader: MaskReader) -> None:
    """The crops of a batch are judged together; none may be given to a neighbour."""
    states = [MaskState.WITH_MASK, MaskState.WITHOUT_MASK, MaskState.MASK_WORN_INCORRECTLY]
    pictures = [
        scene(DrawnFace(120, 200, 120, states[0]), DrawnFace(480, 200, 120, states[1])),
        scene(),
        scene(DrawnFace(320, 240, 140, states[2])),
    ]
    found = reader.read(pictures)
    assert [sorted(one.label for one in ones) for ones in found] == [sorted(states[:2]), [], [states[2]]]
    left = min(found[0], key=lambda one: one.box[0])
    assert left.label == states[0]


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (1080, 1920), (200, 900), (333, 517)])
def test_boxes_fit_at_every_size_of_picture(reader: MaskReader, size: tuple[int, int]) -> None:
    height, width = size
    drawn = DrawnFace(width / 2, height / 2, min(size) * 0.5)
    [[found]] = reader.read([scene(drawn, width=width, height=height)])
    assert _overlap(found, drawn) > 0.6


def test_landmarks_lie_on_eyes_nose_and_mouth(reader: MaskReader) -> None:
    [[found]] = reader.read([scene(DrawnFace(300, 220, 160))])
    expected = np.array([[275, 208], [325, 208], [300, 235], [276, 266], [324, 266]])
    assert found.face is not None
    assert np.abs(found.face.landmarks - expected).max() < 12


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (3000, 2), (31, 33)])
def test_pictures_too_small_for_a_face_give_none(reader: MaskReader, shape: tuple[int, int]) -> None:
    assert reader.read([np.full((*shape, 3), 127, np.uint8)]) == [[]]


@pytest.mark.parametrize("value", [0, 127, 255])
def test_an_even_picture_has_no_face(reader: MaskReader, value: int) -> None:
    assert reader.read([np.full((360, 640, 3), value, np.uint8)]) == [[]]


def test_a_face_at_the_edge_is_judged(reader: MaskReader) -> None:
    [[found]] = reader.read([scene(DrawnFace(35, 240, 160))])
    assert found.label == MaskState.WITHOUT_MASK


def test_a_folder_is_read_from_the_command_line_entry(weights_dir: Path, tmp_path: Path) -> None:
    for index, state in enumerate(MaskState):
        (tmp_path / f"{index}.jpg").write_bytes(jpeg(scene(DrawnFace(320, 240, 140, state))))
    (tmp_path / "3.jpg").write_bytes(b"no picture")
    turned = cv2.rotate(scene(DrawnFace(320, 240, 140)), cv2.ROTATE_90_CLOCKWISE)
    (tmp_path / "4.png").write_bytes(cv2.imencode(".png", turned)[1].tobytes())
    results = list(detect_paths([tmp_path], weights_dir=weights_dir, threads=2, batch=2, device="cpu"))
    read = [result for result in results if isinstance(result, PictureRead)]
    assert [read[i].boxes[0].label for i in range(3)] == [state.value for state in MaskState]
    assert [result.path.name for result in results if isinstance(result, PictureFailed)] == ["3.jpg"]
    assert (read[3].width, read[3].height) == (480, 640)


def test_a_model_nobody_knows_is_refused(weights_dir: Path) -> None:
    with pytest.raises(NotFound, match="helmet"):
        detect_paths([], weights_dir=weights_dir, model="helmet")


def test_missing_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="xunshi models fetch"):
        detect_paths([], weights_dir=tmp_path, model="coco80")


def test_weights_with_a_wrong_sum_are_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "picodet_s_416.pdmodel").write_bytes(b"something else")
    with pytest.raises(ArtifactError, match="sha256"):
        detect_paths([], weights_dir=tmp_path, model="coco80")
