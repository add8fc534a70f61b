"""The recipe of the face detector: boxes follow their faces, cells go to one face, what nobody knows says nothing."""

# ruff: noqa: E402

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no torch build for this machine was found: nothing can be trained here")

from shared_kernel.vision.rules import DetectedFace
from training.faces.assign import assign, boxes_of, grid
from training.faces.canvas import SIDE_PX, Faces, compose
from training.faces.losses import batch_loss
from training.faces.network import BOX, POINTS, STATE
from training.faces.patterns import PATTERNS, pattern
from training.faces.scenes import UNKNOWN_STATE, Scene
from training.faces.teachers import ALONE_TRUST, agreed

CELLS = grid(64, 64)
VALUES = STATE + 3


def _scene(folder: Path) -> Scene:
    """Two white squares on black for faces, with points in their corners."""
    picture = np.zeros((300, 400, 3), np.uint8)
    boxes = np.array([[40, 50, 110, 120], [250, 150, 330, 230]], np.float32)
    for x0, y0, x1, y1 in boxes.astype(int):
        picture[y0:y1, x0:x1] = 255
    path = folder / "scene.png"
    cv2.imwrite(str(path), picture)
    spread = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]], np.float32)
    points = boxes[:, None, :2] + spread[None] * (boxes[:, 2:] - boxes[:, :2])[:, None]
    ones = np.ones(2, np.float32)
    unknown = np.full(2, UNKNOWN_STATE, np.int64)
    return Scene(path, "kg", False, boxes, unknown, points, ones, ones, np.zeros((0, 4), np.float32))


def test_boxes_and_points_follow_their_faces(tmp_path: Path) -> None:
    scene, found = _scene(tmp_path), 0
    for seed in range(60):
        pixels, faces = compose([scene], np.ones(1), np.random.default_rng(seed))
        assert pixels.shape == (SIDE_PX, SIDE_PX, 3)
        assert pixels.dtype == np.uint8
        for box, points in zip(faces.boxes, faces.points, strict=True):
            x0, y0, x1, y1 = np.clip(box, 0, SIDE_PX)
            inside = pixels[int(y0) + 2 : int(y1) - 1, int(x0) + 2 : int(x1) - 1]
            found += inside.size > 0
            assert not inside.size or inside.mean() > pixels.mean()
            # The person's right eye stays on the left of the picture, mirrored or not.
            assert points[0, 0] < points[1, 0]
            assert points[3, 0] < points[4, 0]
    assert found > 60


def test_a_training_picture_can_be_made_again(tmp_path: Path) -> None:
    scene = _scene(tmp_path)
    (first, faces), (again, same) = (compose([scene], np.ones(1), np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.array_equal(faces.boxes, same.boxes)


@pytest.mark.parametrize("seed", range(3 * len(PATTERNS)))
def test_patterns_fill_any_form(seed: int) -> None:
    drawn = pattern(120 + seed, 80, np.random.default_rng(seed))
    assert drawn.shape == (80, 120 + seed, 3)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, pattern(120 + seed, 80, np.random.default_rng(seed)))


def test_every_face_gets_cells_and_no_cell_two_faces() -> None:
    faces = torch.tensor([[4.0, 4.0, 28.0, 28.0], [20.0, 20.0, 60.0, 60.0]])
    offsets = torch.zeros(len(CELLS), 4)
    offsets[:, 2:] = 0.5
    found = assign(torch.full((len(CELLS),), 0.5), boxes_of(offsets, CELLS), CELLS, faces)
    assert set(found.faces.tolist()) == {0, 1}
    assert len(set(found.cells.tolist())) == len(found.cells)
    for cell, face in zip(found.cells.tolist(), found.faces.tolist(), strict=True):
        x, y = CELLS[cell, :2].tolist()
        x0, y0, x1, y1 = faces[face].tolist()
        assert x0 < x < x1
        assert y0 < y < y1


def _faces(boxes: list[list[float]], ignored: list[list[float]]) -> Faces:
    count = len(boxes)
    points = np.full((count, 5, 2), np.nan, np.float32)
    ones, states = np.ones(count, np.float32), np.zeros(count, np.int64)
    shaped = (np.array(rows, np.float32).reshape(-1, 4) for rows in (boxes, ignored))
    wanted, silent = shaped
    return Faces(wanted, states, points, ones, ones, silent)


def test_places_of_which_nothing_is_known_do_not_count() -> None:
    torch.manual_seed(1)
    outputs = torch.randn(1, len(CELLS), VALUES)
    faces = _faces([[2.0, 2.0, 22.0, 22.0]], [[32.0, 32.0, 64.0, 64.0]])
    before, _ = batch_loss(outputs, CELLS, [faces])
    silent = (CELLS[:, :2] > 33).all(dim=1)
    outputs[0, silent, 1] += 5
    after, _ = batch_loss(outputs, CELLS, [faces])
    assert silent.any()
    assert float(after) == pytest.approx(float(before))
    outputs[0, ~silent, 1] += 5
    assert float(batch_loss(outputs, CELLS, [faces])[0]) > float(after)


def test_a_right_answer_costs_less() -> None:
    box = [8.0, 8.0, 40.0, 40.0]
    faces = _faces([box], [])
    right = torch.full((1, len(CELLS), VALUES), -6.0)
    centre = torch.tensor([24.0, 24.0])
    right[0, :, BOX : BOX + 2] = (centre - CELLS[:, :2]) / CELLS[:, 2:]
    right[0, :, BOX + 2 : POINTS] = torch.log(32.0 / CELLS[:, 2:])
    spoken = assign(
        torch.full((len(CELLS),), 0.5), boxes_of(right[0, :, BOX:POINTS], CELLS), CELLS, torch.tensor([box])
    )
    right[0, spoken.cells, :2] = 6.0
    right[0, :, STATE] = 6.0
    wrong = right.clone()
    wrong[0, :, :2] *= -1
    wrong[0, :, STATE] = -6.0
    (low, parts), (high, worse) = (batch_loss(values, CELLS, [faces]) for values in (right, wrong))
    assert parts["box"] == pytest.approx(0, abs=1e-3)
    assert parts["state"] < worse["state"]
    assert float(high) > 5 * float(low)


def test_a_picture_without_faces_teaches_what_is_none() -> None:
    outputs = torch.zeros(1, len(CELLS), VALUES)
    loss, parts = batch_loss(outputs, CELLS, [_faces([], [])])
    assert float(loss) > 0
    assert parts["box"] == parts["state"] == 0


def _seen(x: float, score: float, side: float = 40.0) -> DetectedFace:
    return DetectedFace((x, 0.0, x + side, side), np.zeros((5, 2), np.float32), score)


def test_two_detectors_make_a_face_and_one_a_doubt() -> None:
    both, only_sure, only_faint = _seen(0, 0.9), _seen(100, 0.8), _seen(200, 0.3)
    bold, tiny = _seen(300, 0.7), _seen(400, 0.7, side=12.0)
    seen = agreed([both, bold, tiny], [_seen(2, 0.4), only_sure, only_faint])
    assert [face.box[0] for face in seen.faces] == [0, 100]
    assert seen.trust == [1.0, ALONE_TRUST]
    # What YuNet alone takes for a large face is none; a tiny one the other would not see.
    assert sorted(seen.doubtful[:, 0].tolist()) == [200, 400]
