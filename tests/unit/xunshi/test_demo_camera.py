"""The demo's camera puts points and parts where a pinhole would."""

from __future__ import annotations

import numpy as np
import pytest

from xunshi.demo.camera import FOCAL_PX, WHOLE, placement, put, seen
from xunshi.demo.drawing import roundness
from xunshi.demo.figure import Part


def test_what_is_twice_as_far_is_half_as_large() -> None:
    near_top, near_foot = seen(0.0, 1.7, 3.0), seen(0.0, 0.0, 3.0)
    far_top, far_foot = seen(0.0, 1.7, 6.0), seen(0.0, 0.0, 6.0)
    assert near_foot[1] - near_top[1] == pytest.approx(2 * (far_foot[1] - far_top[1]))
    assert near_foot[1] - near_top[1] == pytest.approx(1.7 * FOCAL_PX / 3.0)


def _square() -> Part:
    return Part((np.ones((40, 40, 4), np.float32),), 100.0, (20.0, 20.0))


def test_a_part_is_drawn_about_its_joint_and_only_in_the_window() -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    put(frame, _square(), placement(_square(), (100.0, 100.0), 100.0), 1.0, (0, 0, 105, 720))
    rows, columns = np.nonzero(frame[..., 0] > 128)
    assert (rows.min(), rows.max()) == (80, 119)
    assert (columns.min(), columns.max()) == (80, 104)


def test_a_part_outside_the_picture_is_not_drawn() -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    put(frame, _square(), placement(_square(), (-500.0, 100.0), 100.0), 1.0, WHOLE)
    assert not frame.any()


def test_light_comes_from_the_upper_left() -> None:
    disc = (np.hypot(*np.mgrid[-50:50, -50:50]) < 40).astype(np.float32)
    light = roundness(disc, 30)
    assert light[28, 28] > light[50, 50] > light[72, 72]
