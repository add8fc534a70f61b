"""Clips for the bench of passes: what breaks simple rules. Data only; filmed by `xunshi.demo.compose`."""

from __future__ import annotations

from datetime import datetime

from xunshi.demo.figure import Outfit
from xunshi.demo.masks import BLACK_CLOTH, RESPIRATOR, SURGICAL_BLUE
from xunshi.demo.scenarios import Scenario
from xunshi.demo.walk import Turn, Visit, Wait, Walk

_NAVY, _GREY, _BLACK, _ORANGE = (92, 62, 44), (128, 124, 120), (58, 54, 54), (45, 110, 245)

#: Five who come close behind one another, wait side by side, and leave one by one.
QUEUE = Scenario(
    name="queue",
    duration_s=34.0,
    clock_at=datetime(2026, 3, 2, 8, 10, 0),  # noqa: DTZ001 - what a camera writes into its picture has no zone
    camera="CAM 03  排队 QUEUE",
    visits=tuple(
        Visit(
            person=f"queue-{number}",
            subject=subject,
            outfit=Outfit(_NAVY, _GREY, mask=mask, height=0.95 + 0.02 * number),
            enters_at_s=0.6 + 1.6 * number,
            start=(-2.4, 9.9),
            steps=(
                Walk(-0.5, 8.9),
                Walk(-1.2 + 0.6 * number, 3.6 - 0.1 * number),
                Wait(8.0 + 0.8 * number),
                Walk(-1.2 + 0.6 * number, 2.0),
                Walk(1.8, 1.15),
            ),
        )
        for number, (subject, mask) in enumerate(
            (
                ("cheong", SURGICAL_BLUE),
                ("blonde", None),
                ("collins", RESPIRATOR),
                ("brunette", None),
                ("dark", BLACK_CLOTH),
            )
        )
    ),
)

#: Two who cross close to the camera, and one who comes in at the edge, turns and goes.
CROSSING = Scenario(
    name="crossing",
    duration_s=24.0,
    clock_at=datetime(2026, 3, 2, 8, 20, 0),  # noqa: DTZ001 - as above
    camera="CAM 04  交叉 CROSSING",
    visits=(
        Visit(
            person="from-left",
            subject="updo",
            outfit=Outfit(_BLACK, _NAVY),
            enters_at_s=0.6,
            start=(-2.4, 9.9),
            steps=(Walk(-1.6, 6.0), Walk(1.1, 3.4), Wait(0.6), Walk(1.6, 1.15)),
        ),
        Visit(
            person="from-right",
            subject="collins",
            outfit=Outfit(_GREY, _BLACK, vest=_ORANGE, mask=SURGICAL_BLUE),
            enters_at_s=0.6,
            start=(2.4, 9.9),
            steps=(Walk(1.6, 6.2), Walk(-1.1, 3.2), Wait(0.6), Walk(-1.6, 1.15)),
        ),
        Visit(
            person="at-the-edge",
            subject="brunette",
            outfit=Outfit((150, 148, 152), _BLACK),
            enters_at_s=10.0,
            start=(2.6, 3.0),
            steps=(Walk(1.25, 3.0), Wait(2.0), Turn(), Walk(2.6, 3.2)),
        ),
    ),
)
