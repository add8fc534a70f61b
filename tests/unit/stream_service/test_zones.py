from __future__ import annotations

import cv2
import numpy as np
import pytest

from stream_service.gate import LOOK_EVERY_S, Attention, Gate
from stream_service.motion import MotionWatch
from stream_service.ports import Luma
from stream_service.zones import Polygon, Zone, counted, counts, inside
from tests.unit.stream_service.doubles import SyntheticFrame, analysed, face, film, followed, opened, packet

LEFT: Polygon = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT: Polygon = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
#: An L that leaves the upper right free.
CORNER: Polygon = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.8), (1.0, 0.8), (1.0, 1.0), (0.0, 1.0))


def include(points: Polygon) -> Zone:
    return Zone("in", "include", points)


def exclude(points: Polygon) -> Zone:
    return Zone("out", "exclude", points)


@pytest.mark.parametrize(
    ("polygon", "x", "y", "expected"),
    [
        (LEFT, 0.25, 0.5, True),
        (LEFT, 0.75, 0.5, False),
        (CORNER, 0.1, 0.5, True),
        (CORNER, 0.6, 0.9, True),
        (CORNER, 0.6, 0.5, False),
        (tuple(reversed(CORNER)), 0.6, 0.9, True),
    ],
)
def test_a_point_is_in_a_polygon_or_not(polygon: Polygon, x: float, y: float, *, expected: bool) -> None:
    assert inside(polygon, x, y) is expected


def test_zones_that_touch_leave_no_gap_and_share_no_point() -> None:
    for x in np.linspace(0.4, 0.6, 401):
        assert inside(LEFT, float(x), 0.37) != inside(RIGHT, float(x), 0.37)


@pytest.mark.parametrize(
    ("zones", "left", "right"),
    [
        ((), True, True),
        ((include(LEFT),), True, False),
        ((exclude(LEFT),), False, True),
        ((include(LEFT), include(RIGHT)), True, True),
        ((include(LEFT), exclude(LEFT)), False, False),
    ],
)
def test_what_counts_is_in_a_zone_that_includes_and_in_none_that_excludes(
    zones: tuple[Zone, ...], *, left: bool, right: bool
) -> None:
    assert (counts(zones, 0.25, 0.5), counts(zones, 0.75, 0.5)) == (left, right)


def test_a_face_is_where_its_centre_is() -> None:
    frame = analysed(1, 0.0, face(630, size=200), face(650, size=200))
    assert [round(one.box.x0 * 1280) for one in counted(frame, [include(LEFT)]).faces] == [530]
    assert [round(one.box.x0 * 1280) for one in counted(frame, [exclude(LEFT)]).faces] == [550]
    assert counted(frame, []) is frame


def test_who_stays_outside_makes_no_pass_and_who_comes_in_makes_one() -> None:
    walk = film([[face(100 + 20 * step)] for step in range(50)])
    street = [exclude(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))]
    assert followed(counted(frame, street) for frame in walk) == []
    (entered,) = opened(followed(counted(frame, [include(RIGHT)]) for frame in walk))
    assert (entered.box.x0 + entered.box.x1) / 2 >= 0.5


class Blinking(SyntheticFrame):
    """A grey picture with a bright square at a place, in fractions."""

    def __init__(self, x: float, y: float, *, bright: bool) -> None:
        super().__init__(width=960, height=540)
        self._grey = np.full((540, 960), 90, np.uint8)
        if bright:
            at = int(x * 960), int(y * 540)
            cv2.rectangle(self._grey, (at[0] - 40, at[1] - 40), (at[0] + 40, at[1] + 40), 220, -1)

    def luma(self, x0: int, y0: int, x1: int, y1: int) -> Luma:
        return self._grey[y0:y1, x0:x1]


def moved(watch: MotionWatch, x: float, y: float) -> bool:
    assert not watch.moved(Blinking(x, y, bright=False))
    return watch.moved(Blinking(x, y, bright=True))


def test_motion_where_nobody_counts_is_none() -> None:
    zones = (include(LEFT), exclude(((0.0, 0.0), (0.5, 0.0), (0.5, 0.3), (0.0, 0.3))))
    assert moved(MotionWatch(lambda: zones), 0.25, 0.7)
    assert not moved(MotionWatch(lambda: zones), 0.75, 0.7)
    assert not moved(MotionWatch(lambda: zones), 0.25, 0.1)
    assert moved(MotionWatch(), 0.75, 0.7)


def test_zones_may_change_while_the_camera_runs() -> None:
    zones = [(include(LEFT),)]
    watch = MotionWatch(lambda: zones[0])
    assert not moved(watch, 0.75, 0.7)
    zones[0] = (include(RIGHT),)
    assert watch.moved(Blinking(0.75, 0.7, bright=False)), "the bright square is gone"


def test_the_smallest_zone_is_watched() -> None:
    zones = (include(((0.701, 0.701), (0.711, 0.701), (0.711, 0.711), (0.701, 0.711))),)
    assert moved(MotionWatch(lambda: zones), 0.706, 0.706)


def test_a_camera_sleeps_through_what_moves_outside_and_wakes_for_what_moves_inside() -> None:
    gate = Gate("adaptive", 5.0, Attention(), lambda: (include(LEFT),))
    gate.admit(packet(0, at_s=0.0))
    gate.wants(Blinking(0.75, 0.5, bright=False))
    for number in range(1, 12):
        gate.admit(packet(number, at_s=float(number)))
        gate.wants(Blinking(0.75, 0.5, bright=number % 2 == 0))
    assert not gate.awake, f"nothing has counted for {LOOK_EVERY_S} s and more"
    gate.admit(packet(12, at_s=12.0))
    gate.wants(Blinking(0.25, 0.5, bright=True))
    assert gate.awake
