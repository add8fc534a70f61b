"""Why a view ends or does not begin. The codes are WebSocket close codes; `web.entry` has the HTTP status of each."""

from __future__ import annotations

from dataclasses import dataclass

TICKET, WITHDRAWN, NO_CAMERA, NOT_PLAYABLE, BUSY, RESTART, SLOW = 4401, 4403, 4404, 4415, 4429, 1012, 1013


@dataclass(frozen=True)
class Ending:
    """Why a viewer was closed: WebSocket code, a stable reason, and plain words."""

    code: int
    reason: str
    detail: str


NO_PICTURE = Ending(RESTART, "no_picture", "the camera gives no picture now")
