"""Which picture proves a pass best: large, certain, and turned to the camera; and what is cut out of it."""

from __future__ import annotations

import math

import pytest

from shared_kernel.messages import Face
from stream_service.evidence import PADDING, Cutter
from tests.unit.stream_service.doubles import HEIGHT, WIDTH, SyntheticFrame, face

#: Right eye, left eye and nose of a face that looks into the camera, in its own width from its centre.
FRONTAL = ((-0.2, -0.1), (0.2, -0.1), (0.0, 0.05))
FROM_THE_SIDE = ((-0.2, -0.1), (0.2, -0.1), (0.19, 0.05))


def looking(points: tuple[tuple[float, float], ...], *, tilted_deg: float = 0.0, size: float = 80) -> Face:
    turn = math.radians(tilted_deg)
    placed = [
        (
            (640 + size * (x * math.cos(turn) - y * math.sin(turn))) / WIDTH,
            (360 + size * (x * math.sin(turn) + y * math.cos(turn))) / HEIGHT,
        )
        for x, y in points
    ]
    return face(640, size=size).model_copy(update={"landmarks": tuple(placed)})


@pytest.fixture
def cutter() -> Cutter:
    return Cutter(SyntheticFrame())


def test_who_looks_into_the_camera_is_the_better_picture(cutter: Cutter) -> None:
    assert cutter.quality(looking(FRONTAL)) > 1.8 * cutter.quality(looking(FROM_THE_SIDE))


@pytest.mark.parametrize("tilted_deg", [-40, 25])
def test_a_tilted_head_is_no_worse(cutter: Cutter, tilted_deg: float) -> None:
    assert cutter.quality(looking(FRONTAL, tilted_deg=tilted_deg)) == pytest.approx(
        cutter.quality(looking(FRONTAL)), rel=0.01
    )


def test_a_model_without_landmarks_is_no_worse(cutter: Cutter) -> None:
    assert cutter.quality(face(640, size=80)) == pytest.approx(cutter.quality(looking(FRONTAL)))


def test_eyes_in_one_point_prove_little(cutter: Cutter) -> None:
    assert cutter.quality(looking(((0, 0), (0, 0), (0, 0)))) < cutter.quality(looking(FRONTAL))


def test_larger_and_more_certain_is_better(cutter: Cutter) -> None:
    assert cutter.quality(face(640, size=100)) > cutter.quality(face(640, size=40))
    assert cutter.quality(face(640, size=80, score=0.9)) > cutter.quality(face(640, size=80, score=0.6))


def test_a_face_at_the_edge_is_cut_within_the_frame(cutter: Cutter) -> None:
    shot = cutter.shot(face(WIDTH - 5, HEIGHT - 5, size=60), 1.0)
    assert shot.face.width < 60 * (1 + 2 * PADDING)
    assert shot.scene.width == 1280
