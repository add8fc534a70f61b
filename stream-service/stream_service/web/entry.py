"""Who may open a live view of any kind: ticket, camera, right. The WebSocket says why not in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from flask import request

from shared_kernel.auth import verify_ticket
from shared_kernel.errors import Conflict, Forbidden, NotFound, Throttled, Unauthorised, Unavailable
from stream_service.live import BUSY, NO_CAMERA, NOT_PLAYABLE, TICKET, WITHDRAWN, Ending, LiveHub
from stream_service.ports import Seen
from stream_service.web.parts import LiveParts

#: How long a new viewer waits for a camera that is just connecting, seconds.
JOIN_TIMEOUT_S = 3.0
#: A transcoder that is in use may be free again after so long, seconds.
BUSY_RETRY_S = 15


@dataclass(frozen=True)
class Admitted:
    """Somebody with a valid ticket and the right to look. `unmasked`: may, and wants to, see behind privacy masks."""

    hub: LiveHub
    seen: Seen
    unmasked: bool


def admitted(parts: LiveParts, camera_id: str) -> Admitted | Ending:
    """Look at the ticket of this request; `?view=masked` asks for the picture that others see."""
    try:
        user_id = verify_ticket(parts.ticket_key, request.args.get("ticket", ""), "live", camera_id).user_id
    except Unauthorised as error:
        return Ending(TICKET, "ticket", error.detail)
    hub = parts.fleet.hub(camera_id)
    if hub is None:
        return Ending(NO_CAMERA, "no_camera", "there is no such camera, or it is switched off")
    seen = Seen(user_id, camera_id)
    sight = parts.rights.check(seen)
    if isinstance(sight, Ending):
        return sight
    return Admitted(hub, seen, sight == "unmasked" and request.args.get("view") != "masked")


def required(parts: LiveParts, camera_id: str) -> Admitted:
    """Like `admitted`, for HTTP.

    Raises:
        Refused, Unavailable: see `refuse`.
    """
    found = admitted(parts, camera_id)
    if isinstance(found, Ending):
        refuse(found)
    return found


def described(responses: Mapping[int, str], media_type: str | None = None) -> dict[int | str, dict[str, Any]]:
    """Responses for the documentation; the one with status 200 is of `media_type`."""
    known: dict[int | str, dict[str, Any]] = {status: {"description": text} for status, text in responses.items()}
    if media_type is not None and HTTPStatus.OK in known:
        known[HTTPStatus.OK.value]["content"] = {media_type: {}}
    return known


def refuse(ending: Ending) -> NoReturn:
    """The HTTP error that says what an ending says.

    Raises:
        Refused: 401, 403, 404, 409 or 429.
        Unavailable: the camera gives no picture now.
    """
    match ending.code:
        case code if code == TICKET:
            raise Unauthorised(ending.detail, code=ending.reason)
        case code if code == WITHDRAWN:
            raise Forbidden(ending.detail, code=ending.reason)
        case code if code == NO_CAMERA:
            raise NotFound(ending.detail, code=ending.reason)
        case code if code == NOT_PLAYABLE:
            raise Conflict(ending.detail, code=ending.reason)
        case code if code == BUSY:
            raise Throttled(ending.detail, retry_after_s=BUSY_RETRY_S)
        case _:
            raise Unavailable("camera", ending.detail)
