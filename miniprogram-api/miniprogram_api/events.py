"""Live events over SSE: `GET /events?ticket=…`, resumable with Last-Event-ID.

A client without an id starts now and is told where "now" is; one with an id gets what it missed, or `reset` when that
is gone and it has to load its panels again.
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable, Iterator
from typing import Final

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller
from miniprogram_api.feed import Listener
from miniprogram_api.media import TICKET_TTL_S as MEDIA_TTL_S
from miniprogram_api.media import media_url
from miniprogram_api.outages import DOWN, UP
from miniprogram_api.parts import Parts
from miniprogram_api.record import CameraEvent
from miniprogram_api.rights import scope_of
from miniprogram_api.shapes import PassNote, for_viewer, pass_out
from miniprogram_api.sighted import SIGHTING, WATCH, SightingEvent, SightingNote, seen_by
from shared_kernel.auth import Ticket, sign_ticket, verify_ticket
from shared_kernel.clock import now, rfc3339
from shared_kernel.errors import Invalid, Unauthorised
from shared_kernel.shapes import Query
from shared_kernel.tables import EventLog

TICKET_TTL_S: Final = 60
PING_EVERY_S: Final = 15.0
#: What a browser's own EventSource waits before it comes back, milliseconds.
_RETRY_MS: Final = 2000
_PAGE: Final = 200
_ALL: Final = "all"


class TicketOut(BaseModel):
    ticket: str
    expires_in: int = Field(description="seconds")


class EventsQuery(Query):
    ticket: str = Field(min_length=1, max_length=2048)
    last_event_id: str | None = Field(None, max_length=32, description="the header Last-Event-ID wins over it")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /event-tickets and /events."""
    routes = APIBlueprint("events", __name__, tag="Live events")

    @routes.post("/event-tickets")
    @allow("user", "pass.read")
    @routes.output(TicketOut)
    def event_ticket() -> TicketOut:
        key = parts.settings.ticket_key.get_secret_value()
        ticket = sign_ticket(key, Ticket("events", caller().user_id, _ALL), ttl_s=TICKET_TTL_S)
        return TicketOut(ticket=ticket, expires_in=TICKET_TTL_S)

    @routes.get("/events")
    @allow("ticket", scoped=True)
    @routes.input(EventsQuery, location="query", arg_name="query")
    @routes.doc(
        responses={200: "text/event-stream with events pass, camera, camera_down, camera_up, sighting, watch and reset"}
    )
    def events(query: EventsQuery) -> Response:
        ticket = verify_ticket(parts.settings.ticket_key.get_secret_value(), query.ticket, "events", _ALL)
        last_id = _last_event_id(request.headers.get("Last-Event-ID") or query.last_event_id)
        with parts.database.read() as store:
            scope = scope_of(store, ticket.user_id)
        if "pass.read" not in scope.permissions:
            raise Unauthorised("ticket: expected one of an active user", code="ticket")
        listener = parts.feed.join(ticket.user_id, scope, new=last_id is None)
        response = Response(_stream(parts, listener, last_id), mimetype="text/event-stream")
        response.call_on_close(lambda: parts.feed.leave(listener))
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"
        return response

    return routes


def _last_event_id(text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - digits of a BIGINT that fits
        raise Invalid.field("last_event_id", "expected the id of an event")
    return int(text)


def _stream(parts: Parts, listener: Listener, last_id: int | None) -> Iterator[str]:
    position = listener.position if last_id is None else last_id
    yield f"retry: {_RETRY_MS}\n: welcome\n"
    if last_id is None:
        yield f"id: {position}\n\n"  # without data: no event, but the client knows where to resume
    else:
        yield "\n"
        if _is_gone(parts, listener, last_id):
            position = listener.position
            yield f"id: {position}\nevent: reset\ndata: {json.dumps({'at': rfc3339(now())})}\n\n"
        yield from _missed(parts, listener, position)
    ping_at = time.monotonic() + PING_EVERY_S
    while not listener.ended.is_set():
        try:
            row = listener.queue.get(timeout=max(0.0, ping_at - time.monotonic()))
        except queue.Empty:
            ping_at = time.monotonic() + PING_EVERY_S
            yield ": ping\n\n"
            continue
        if row is None:
            return
        if row.event_id > position and listener.may_hear(row):
            yield _framed(parts, listener, row)


def _is_gone(parts: Parts, listener: Listener, last_id: int) -> bool:
    """Whether events after `last_id` may have been removed, or it was never given out by this log."""
    with parts.database.read() as store:
        first, newest = store.events.bounds()
    return last_id > max(newest, listener.position) or (last_id < first - 1)


def _missed(parts: Parts, listener: Listener, position: int) -> Iterator[str]:
    """What happened between the client's last event and the beginning of its queue."""
    while position < listener.position and not listener.ended.is_set():
        with parts.database.read() as store:
            rows = store.events.after(position, _PAGE, up_to=listener.position)
        if not rows:
            return
        for row in rows:
            if listener.may_hear(row):
                yield _framed(parts, listener, row)
        position = rows[-1].event_id


def _framed(parts: Parts, listener: Listener, row: EventLog) -> str:
    data = _data(row, listener, _signer(parts, listener), _face_signer(parts, listener))
    return f"id: {row.event_id}\nevent: {row.event}\ndata: {data}\n\n"


def _signer(parts: Parts, listener: Listener) -> Callable[[str], str]:
    return lambda media_id: media_url(parts, listener.user_id, media_id)


def _face_signer(parts: Parts, listener: Listener) -> Callable[[str], str]:
    """Addresses at face-search, which opens them for the same user."""
    key = parts.settings.ticket_key.get_secret_value()

    def sign(picture_id: str) -> str:
        ticket = sign_ticket(key, Ticket("faces", listener.user_id, picture_id), ttl_s=MEDIA_TTL_S)
        return f"/faces/pictures/{picture_id}?ticket={ticket}"

    return sign


def _data(row: EventLog, listener: Listener, sign: Callable[[str], str], sign_face: Callable[[str], str]) -> str:
    if row.event == "pass":
        note = PassNote.model_validate_json(row.payload)
        seen = pass_out(note, sign).model_dump(mode="json")
        return json.dumps({"at": rfc3339(row.occurred_at), "pass": seen}, ensure_ascii=False)
    if row.event in (DOWN, UP):
        return row.payload
    if row.event in (SIGHTING, WATCH):
        sighting = seen_by(SightingNote.model_validate_json(row.payload), sign_face)
        return SightingEvent(at=row.occurred_at, sighting=sighting).model_dump_json()
    event = CameraEvent.model_validate_json(row.payload)
    shown = event.model_copy(update={"camera": for_viewer(event.camera, manages=listener.scope.manages)})
    return shown.model_dump_json()
