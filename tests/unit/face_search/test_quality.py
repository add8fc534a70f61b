"""What a quality is made of, on pictures and landmarks made by code; real pictures: the integration tests."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from face_search.models.upright import PLACES, UPRIGHT_PX
from face_search.ports import QualityReason
from face_search.quality import GOOD, examine, judge

Picture = NDArray[np.uint8]


def points(eyes_px: float = 60.0) -> NDArray[np.float32]:
    """Landmarks of a face from the front whose eyes are so far apart."""
    return np.asarray(PLACES * eyes_px / float(PLACES[1, 0] - PLACES[0, 0]), np.float32)


def picture(level: float = 128.0, contrast: float = 40.0) -> Picture:
    """Spots of all sizes, as faces have them, of this brightness."""
    rng = np.random.default_rng(5)
    spots = [
        cv2.GaussianBlur(rng.normal(size=(UPRIGHT_PX, UPRIGHT_PX)), (0, 0), size) for size in (0.7, 2.0, 5.0, 12.0)
    ]
    values = level + contrast / 2 * np.sum([one / one.std() for one in spots], axis=0)
    return np.asarray(np.clip(np.repeat(values[..., None], 3, axis=2), 0, 255), np.uint8)


def test_a_good_face_has_a_full_score_and_no_reason() -> None:
    quality = judge(picture(), points(), covered=False, several=False)
    assert quality.score == 1.0
    assert quality.reasons == ()


def test_the_score_is_that_of_the_worst_part_and_reasons_go_from_the_worst() -> None:
    dim = picture(level=30.0, contrast=10.0)
    parts = examine(dim, points(eyes_px=9.0))
    quality = judge(dim, points(eyes_px=9.0), covered=False, several=False)
    assert 0 < parts.too_small < parts.dark < GOOD
    assert quality.score == parts.too_small
    assert quality.reasons == (QualityReason.TOO_SMALL, QualityReason.DARK)


def test_a_cover_and_company_are_named_but_lower_no_score() -> None:
    quality = judge(picture(), points(), covered=True, several=True)
    assert quality.score == 1.0
    assert quality.reasons == (QualityReason.COVERED, QualityReason.SEVERAL_FACES)


@pytest.mark.parametrize(("eyes_px", "named"), [(10, True), (15.9, True), (16.1, False), (80, False)])
def test_eyes_sixteen_pixels_apart_are_enough(eyes_px: float, named: bool) -> None:
    quality = judge(picture(), points(eyes_px), covered=False, several=False)
    assert (QualityReason.TOO_SMALL in quality.reasons) is named


def test_a_face_is_turned_where_the_nose_leaves_the_middle() -> None:
    for side in (-1, 1):
        turned = points()
        turned[2, 0] += side * 0.40 * 60
        quality = judge(picture(), turned, covered=False, several=False)
        assert quality.reasons == (QualityReason.TURNED,)


@pytest.mark.parametrize("height", [0.25, 0.9])
def test_a_face_that_looks_up_or_down_is_turned(height: float) -> None:
    nodding = points()
    eyes, mouth = nodding[:2].mean(axis=0), nodding[3:].mean(axis=0)
    nodding[2] = eyes + height * (mouth - eyes)
    assert judge(picture(), nodding, covered=False, several=False).reasons == (QualityReason.TURNED,)


def test_a_head_that_leans_is_not_turned() -> None:
    angle = np.deg2rad(40)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert judge(picture(), np.asarray(points() @ turn.T, np.float32), covered=False, several=False).score == 1.0


def test_a_profile_whose_eyes_fall_together_is_turned_and_not_small() -> None:
    profile = points(60.0)
    middle = profile[:2].mean(axis=0)
    profile[:2] = middle + (profile[:2] - middle) * 0.1
    profile[2, 0] += 30
    quality = judge(picture(), profile, covered=False, several=False)
    assert quality.reasons == (QualityReason.TURNED,)


@pytest.mark.parametrize(
    ("level", "reason"), [(20.0, QualityReason.DARK), (245.0, QualityReason.BRIGHT), (128.0, None)]
)
def test_light_is_judged_by_the_face(level: float, reason: QualityReason | None) -> None:
    reasons = judge(picture(level, contrast=8.0), points(), covered=False, several=False).reasons
    assert (reason in reasons) if reason else not reasons


@pytest.mark.parametrize("axis", [0, 1])
def test_a_face_that_is_sharp_in_one_direction_only_is_blurred(axis: int) -> None:
    size = (1, 31) if axis == 0 else (31, 1)
    moved = np.asarray(cv2.blur(picture(), size), np.uint8)
    assert QualityReason.BLURRED in judge(moved, points(), covered=False, several=False).reasons


@pytest.mark.parametrize("landmarks", [np.zeros((5, 2), np.float32), np.full((5, 2), 7.0, np.float32)])
def test_landmarks_that_fall_into_one_point_are_a_bad_face_and_no_error(landmarks: NDArray[np.float32]) -> None:
    quality = judge(picture(), landmarks, covered=False, several=False)
    assert quality.score == 0.0
    assert QualityReason.TOO_SMALL in quality.reasons


def test_a_picture_of_one_colour_is_blurred_and_no_error() -> None:
    flat = np.full((UPRIGHT_PX, UPRIGHT_PX, 3), 128, np.uint8)
    assert judge(flat, points(), covered=False, several=False).reasons == (QualityReason.BLURRED,)
