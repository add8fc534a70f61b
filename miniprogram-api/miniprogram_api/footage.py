"""Footage: clips of passes and continuous recordings. List, timeline, and the files themselves.

Whoever may see the evidence of a camera may see its footage. Addresses carry a ticket for ten minutes, and the right is
asked for again with every request.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from miniprogram_api.access import PREFIX, allow, authenticated, caller
from miniprogram_api.adapters.footage import FootageFilter
from miniprogram_api.footage_media import file_response
from miniprogram_api.media import TICKET_TTL_S, MediaQuery
from miniprogram_api.parts import Parts
from miniprogram_api.rights import decide, of_camera, scope_of, visible_camera
from miniprogram_api.shapes import Page
from shared_kernel.auth import Ticket, sign_ticket, verify_ticket
from shared_kernel.errors import Invalid, NotFound
from shared_kernel.messages import Moment
from shared_kernel.shapes import PageQuery, Query, Ulid, When
from shared_kernel.tables import Footage

Kind = Literal["clip", "recording"]
#: Pieces of a recording that follow each other this closely are one.
_JOINED: Final = timedelta(seconds=2)
#: A timeline is of a week at most, and a day for the clocks that change.
MAX_TIMELINE: Final = timedelta(days=8)


class FootageQuery(PageQuery):
    camera_id: Ulid | None = None
    kind: Kind | None = None
    pass_id: Ulid | None = None
    since: When | None = Field(None, alias="from", description="with pictures after this, RFC 3339")
    until: When | None = Field(None, alias="to", description="with pictures before this, RFC 3339")
    order: Literal["newest", "oldest"] = Field("newest", description="which comes first")


class TimelineQuery(Query):
    since: When = Field(alias="from", description="RFC 3339")
    until: When = Field(alias="to", description="RFC 3339; at most 8 days later")


class FileQuery(MediaQuery):
    download: bool = Field(default=False, description="to be saved rather than played")


class FootageOut(BaseModel):
    footage_id: str
    camera_id: str
    camera_name: str | None
    kind: Kind
    pass_id: str | None
    started_at: Moment
    ended_at: Moment
    mime: str = Field(description="with codecs: what a player must be able to play")
    width: int
    height: int
    bytes: int
    video_url: str = Field(description="MP4 with ranges; opens for ten minutes for this user")
    download_url: str = Field(description="the same, to be saved")
    boxes_url: str | None = Field(description="JSON: faces by time; null when nobody was in the picture")


class FootagePage(Page[FootageOut]):
    """A page of footage."""


class SpanOut(BaseModel):
    start: Moment
    end: Moment


class TimelineOut(BaseModel):
    recorded: list[SpanOut] = Field(description="times with recordings; what is between them is not there")
    clips: list[SpanOut] = Field(description="times with clips of passes")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /footage, /footage/{id}/… and /cameras/{id}/timeline."""
    routes = APIBlueprint("footage", __name__, tag="Footage")
    _lists(routes, parts)
    _files(routes, parts)
    return routes


def _lists(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/footage")
    @allow("user", "pass.read", scoped=True)
    @routes.input(FootageQuery, location="query", arg_name="query")
    @routes.output(FootagePage)
    def footage(query: FootageQuery) -> FootagePage:
        user_id = caller().user_id
        with parts.database.read() as store:
            which = FootageFilter(
                cameras=scope_of(store, user_id).cameras,
                camera_id=query.camera_id,
                kind=query.kind,
                pass_id=query.pass_id,
                since=query.since,
                until=query.until,
            )
            rows = store.footage.page(which, query.limit + 1, after=query.place, oldest_first=query.order == "oldest")
            names = store.cameras.names(row.camera_id for row in rows)
        shown, following = query.page(rows, lambda row: (row.started_at, row.footage_id))
        items = [_out(parts, user_id, row, names.get(row.camera_id)) for row in shown]
        return FootagePage(items=items, next=following)

    @routes.get("/cameras/<ulid:camera_id>/timeline")
    @allow("user", "pass.read", scoped=True)
    @routes.input(TimelineQuery, location="query", arg_name="query")
    @routes.output(TimelineOut)
    def timeline(camera_id: str, query: TimelineQuery) -> TimelineOut:
        if not query.since < query.until <= query.since + MAX_TIMELINE:
            raise Invalid.field("to", f"expected a time after `from`, at most {MAX_TIMELINE.days} days later")
        with parts.database.read() as store:
            visible_camera(store, caller().user_id, camera_id)
            found = [
                store.footage.spans(FootageFilter(None, camera_id, kind, None, query.since, query.until))
                for kind in ("recording", "clip")
            ]
        recorded, clips = ([SpanOut(start=start, end=end) for start, end in joined(spans)] for spans in found)
        return TimelineOut(recorded=recorded, clips=clips)


def _files(routes: APIBlueprint, parts: Parts) -> None:
    def file(footage_id: str, query: FileQuery, *, boxes: bool) -> Response:
        key = parts.settings.ticket_key.get_secret_value()
        user_id = (
            verify_ticket(key, query.ticket, "media", footage_id).user_id
            if query.ticket is not None
            else authenticated(parts).user_id
        )
        row = _allowed(parts, user_id, footage_id)
        object_key = None if row is None else row.boxes_key if boxes else row.object_key
        if row is None or object_key is None:
            raise NotFound(f"footage {footage_id}: expected one that you may see, found none", code="no_footage")
        return file_response(
            parts.blobs,
            object_key,
            mime="application/json" if boxes else "video/mp4",
            etag=f"{row.footage_id}-{'boxes' if boxes else 'video'}",
            name=f"{row.kind}-{row.started_at:%Y%m%dT%H%M%SZ}.{'json' if boxes else 'mp4'}",
            download=query.download,
            may=lambda: _allowed(parts, user_id, footage_id) is not None,
        )

    @routes.get("/footage/<ulid:footage_id>/video")
    @allow("ticket", scoped=True)
    @routes.input(FileQuery, location="query", arg_name="query")
    @routes.doc(
        responses={
            200: "the MP4",
            206: "a part of it",
            404: "no such footage, or not for this user",
            416: "no such part",
        }
    )
    def video(footage_id: str, query: FileQuery) -> Response:
        return file(footage_id, query, boxes=False)

    @routes.get("/footage/<ulid:footage_id>/boxes")
    @allow("ticket", scoped=True)
    @routes.input(FileQuery, location="query", arg_name="query")
    @routes.doc(responses={200: "JSON", 404: "no such footage, nobody in it, or not for this user"})
    def boxes(footage_id: str, query: FileQuery) -> Response:
        return file(footage_id, query, boxes=True)


def _allowed(parts: Parts, user_id: str, footage_id: str) -> Footage | None:
    """The row, if this user may see what it shows now."""
    with parts.database.read() as store:
        row, scope = store.footage.get(footage_id), scope_of(store, user_id)
    return row if row is not None and decide(scope, "pass.read", of_camera(row)) else None


def _out(parts: Parts, user_id: str, row: Footage, camera_name: str | None) -> FootageOut:
    key = parts.settings.ticket_key.get_secret_value()
    ticket = sign_ticket(key, Ticket("media", user_id, row.footage_id), ttl_s=TICKET_TTL_S)
    base = f"{PREFIX}/footage/{row.footage_id}"
    return FootageOut(
        footage_id=row.footage_id,
        camera_id=row.camera_id,
        camera_name=camera_name,
        kind="clip" if row.kind == "clip" else "recording",
        pass_id=row.pass_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        mime=row.mime,
        width=row.width,
        height=row.height,
        bytes=row.bytes,
        video_url=f"{base}/video?ticket={ticket}",
        download_url=f"{base}/video?ticket={ticket}&download=1",
        boxes_url=f"{base}/boxes?ticket={ticket}" if row.boxes_key else None,
    )


def joined(spans: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Spans in order, those that touch as one."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in spans:
        if found and start - found[-1][1] <= _JOINED:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
