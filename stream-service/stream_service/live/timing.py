"""Which moment of the stream an analysed picture is: boxes are drawn on the picture they belong to, not on a later one.

An analysis names its picture by the arrival of its packet; players know only the time inside the stream.
"""

from __future__ import annotations

import json
import time
from collections import deque
from datetime import datetime
from typing import Final

from shared_kernel.messages import FrameAnalysed
from stream_service.ports import CLOCK_HZ, Packet

#: So many packets are remembered: ten seconds at 30 a second, longer than any analysis takes.
_REMEMBERED: Final = 300
#: No packet arrived nearer to the wanted moment than this: it is of another connection, seconds.
_NEAR_S: Final = 0.5


class StreamClock:
    """Arrivals and stream times of the newest packets of one connection. Not thread safe: the hub locks."""

    def __init__(self) -> None:
        self._known: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        self._newest: Packet | None = None

    def note(self, packet: Packet) -> None:
        self._known.append((packet.arrived_at.timestamp(), packet.pts))
        self._newest = packet

    def seconds_of(self, arrived_at: datetime) -> float | None:
        """Stream time of the picture that arrived then, seconds; None when it is not known (any more)."""
        wanted = arrived_at.timestamp()
        nearest = min(self._known, key=lambda one: abs(one[0] - wanted), default=None)
        if nearest is None or abs(nearest[0] - wanted) > _NEAR_S:
            return None
        return nearest[1] / CLOCK_HZ

    def reading(self) -> str | None:
        """A note that tells a player how old the newest picture is: stream time, age, and when this was said."""
        if self._newest is None:
            return None
        said_s = time.monotonic()
        known = {
            "type": "clock",
            "at": round(self._newest.pts / CLOCK_HZ, 3),
            "age": round(said_s - self._newest.arrived_s, 3),
            "said": round(said_s, 3),
        }
        return json.dumps(known)


def faces_note(analysed: FrameAnalysed, at_s: float) -> str:
    """The note with the boxes of one picture: fractions, states and scores."""
    faces = [
        {
            "box": [round(side, 4) for side in (face.box.x0, face.box.y0, face.box.x1, face.box.y1)],
            "state": face.state,
            "score": round(face.score, 2),
            "state_score": round(face.state_score, 2),
        }
        for face in analysed.faces
    ]
    return json.dumps({"type": "faces", "at": round(at_s, 3), "faces": faces})
