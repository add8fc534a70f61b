"""What happens in the clips: who comes when, dressed how, and what they do. Data only; `compose` films it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xunshi.demo.figure import Outfit
from xunshi.demo.masks import BLACK_CLOTH, RESPIRATOR, SURGICAL_BLUE, SURGICAL_WHITE, Cover
from xunshi.demo.walk import Turn, Visit, Wait, Walk

_ORANGE, _LIME = (40, 110, 245), (60, 235, 200)
_NAVY, _GREY, _DENIM, _BLACK = (92, 62, 44), (128, 124, 120), (118, 84, 60), (58, 54, 54)
_YELLOW_HELMET, _WHITE_HELMET, _RED_HELMET, _BLUE_HELMET = (
    (40, 190, 245),
    (236, 236, 236),
    (54, 54, 214),
    (206, 120, 40),
)

#: Behind the end wall, out of sight, left and right of the gate.
_OUTSIDE_LEFT, _OUTSIDE_RIGHT = (-2.4, 9.9), (2.4, 9.9)


@dataclass(frozen=True)
class Scenario:
    """A clip to be filmed. It begins and ends with an empty scene, so that it can be played in a loop."""

    name: str
    duration_s: float
    clock_at: datetime
    camera: str
    visits: tuple[Visit, ...]


DEMO = Scenario(
    name="demo",
    duration_s=55.0,
    clock_at=datetime(2026, 3, 2, 8, 0, 0),  # noqa: DTZ001 - what a camera writes into its picture has no zone
    camera="CAM 01  北门 NORTH GATE",
    visits=(
        Visit(
            person="engineer",
            subject="cheong",
            outfit=Outfit(_NAVY, _DENIM, vest=_LIME, helmet=_WHITE_HELMET, mask=SURGICAL_BLUE),
            enters_at_s=0.6,
            start=_OUTSIDE_RIGHT,
            steps=(Walk(0.5, 8.9), Walk(0.1, 3.4), Wait(1.2), Walk(-0.45, 1.7), Walk(-1.6, 1.15)),
        ),
        Visit(
            person="visitor",
            subject="blonde",
            outfit=Outfit(_BLACK, _DENIM, height=0.98),
            enters_at_s=7.0,
            start=_OUTSIDE_LEFT,
            steps=(Walk(-0.5, 8.9), Walk(0.05, 2.6), Wait(1.6), Walk(0.35, 1.6), Walk(1.6, 1.15)),
        ),
        Visit(
            person="electrician",
            subject="webcam",
            outfit=Outfit(_GREY, _NAVY, vest=_ORANGE, helmet=_RED_HELMET, mask=SURGICAL_BLUE, cover=Cover.NOSE_BARE),
            enters_at_s=14.0,
            start=_OUTSIDE_RIGHT,
            steps=(Walk(0.4, 8.9), Walk(-0.1, 2.8), Wait(1.4), Walk(-0.4, 1.7), Walk(-1.6, 1.15)),
        ),
        Visit(
            person="surveyor",
            subject="collins",
            outfit=Outfit(_NAVY, _GREY, vest=_ORANGE, helmet=_BLUE_HELMET, mask=RESPIRATOR, height=0.97),
            enters_at_s=21.0,
            start=_OUTSIDE_LEFT,
            steps=(Walk(-0.6, 8.9), Walk(-0.62, 2.9), Wait(1.3), Walk(-0.75, 1.8), Walk(-1.7, 1.2)),
        ),
        Visit(
            person="architect",
            subject="brunette",
            outfit=Outfit((150, 148, 152), _BLACK, height=0.99),
            enters_at_s=22.2,
            start=_OUTSIDE_RIGHT,
            steps=(Walk(0.6, 8.9), Walk(0.62, 2.9), Wait(1.5), Walk(0.8, 1.8), Walk(1.7, 1.2)),
        ),
        Visit(
            person="courier",
            subject="dark",
            outfit=Outfit((64, 60, 150), _BLACK, height=0.96),
            enters_at_s=29.5,
            start=_OUTSIDE_LEFT,
            steps=(Walk(-0.4, 8.9), Walk(0.1, 3.0), Wait(1.8), Turn(), Walk(-0.4, 8.9), Walk(-2.4, 9.9)),
        ),
        Visit(
            person="painter",
            subject="webcam",
            outfit=Outfit(_GREY, _DENIM, vest=_LIME, helmet=_YELLOW_HELMET, mask=BLACK_CLOTH, height=1.02),
            enters_at_s=36.0,
            start=_OUTSIDE_RIGHT,
            steps=(Walk(0.7, 8.9), Walk(0.55, 2.7), Wait(1.2), Walk(0.6, 1.7), Walk(1.6, 1.15)),
        ),
        Visit(
            person="foreman",
            subject="updo",
            outfit=Outfit((70, 84, 96), _BLACK, vest=_ORANGE, height=0.97),
            enters_at_s=43.0,
            start=_OUTSIDE_LEFT,
            steps=(Walk(-0.4, 8.9), Walk(-0.1, 3.0), Wait(0.8), Walk(-0.3, 1.7), Walk(-1.6, 1.15)),
        ),
    ),
)

#: Short, for tests from camera to screen: one with a mask, then one without.
SHORT = Scenario(
    name="short",
    duration_s=12.0,
    clock_at=datetime(2026, 3, 2, 9, 30, 0),  # noqa: DTZ001 - as above
    camera="CAM 02  测试 TEST",
    visits=(
        Visit(
            person="masked",
            subject="collins",
            outfit=Outfit(_NAVY, _GREY, vest=_ORANGE, helmet=_WHITE_HELMET, mask=SURGICAL_WHITE),
            enters_at_s=0.0,
            start=(-0.5, 6.0),
            steps=(Walk(-0.35, 2.6), Wait(0.8), Walk(-0.6, 1.7), Walk(-1.6, 1.15)),
        ),
        Visit(
            person="bare",
            subject="brunette",
            outfit=Outfit((150, 148, 152), _BLACK),
            enters_at_s=5.2,
            start=(0.6, 6.0),
            steps=(Walk(0.4, 2.6), Wait(0.8), Walk(0.6, 1.7), Walk(1.6, 1.15)),
        ),
    ),
)
