"""Batches of archived frames: start and stop those of a camera, list them, read one with its frames in order.

`frame_upload` takes the frames of clients; stream-service takes those of cameras, `archive` makes them rows.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from miniprogram_api.access import PREFIX, allow, authenticated, caller
from miniprogram_api.adapters.archive import BatchFilter
from miniprogram_api.adapters.store import Store
from miniprogram_api.archive import new_batch, stop
from miniprogram_api.cameras import announce
from miniprogram_api.idempotency import once
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of, visible_batch, visible_camera
from miniprogram_api.shapes import Page
from shared_kernel.auth import Ticket, sign_ticket, verify_ticket
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, NotFound
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Body, Empty, PageQuery, Query, Ulid
from shared_kernel.tables import ArchivedFrame, FrameBatch
from shared_kernel.web import client_address

#: More pictures a second are video: that is what recordings are for.
SHORTEST_S: Final = 0.1
LONGEST_S: Final = 86_400.0
MAX_FRAMES: Final = 100_000
#: stream-service learns of a new batch within this time, so its first frame is not missed.
HEAD_START: Final = timedelta(seconds=1)
TICKET_TTL_S: Final = 600
#: A withdrawn right must end cached pictures within five seconds.
_CACHE: Final = "private, max-age=4"

Source = Literal["camera", "job", "client"]
BatchState = Literal["running", "done", "partial", "failed"]


class CameraBatchIn(Body):
    every_s: float = Field(ge=SHORTEST_S, le=LONGEST_S, description="seconds between two frames")
    frames: int | None = Field(None, ge=1, le=MAX_FRAMES, description="how many; until it is stopped when left out")
    side: int | None = Field(None, ge=160, le=7680, description="long side at most, pixels; as they come when left out")


class ClientBatchIn(Body):
    expected: int | None = Field(
        None, ge=1, le=MAX_FRAMES, description="how many frames it will have, if that is known"
    )


class BatchOut(BaseModel):
    batch_id: str
    source: Source
    source_id: str = Field(description="which camera, job or user")
    camera_name: str | None
    state: BatchState = Field(description="`partial`: some frames could not be stored")
    stopping: bool = Field(description="stopped; frames under way still come")
    expected: int | None = Field(description="frames it will have; null while nobody knows")
    stored: int
    failed: int
    every_s: float | None = Field(description="seconds between frames of a camera")
    side: int | None = Field(description="long side of its pictures at most, pixels")
    started_at: Moment
    ended_at: Moment | None


class BatchDetailOut(BatchOut):
    bytes: int = Field(description="of all stored frames")
    took_ms_mean: float | None = Field(description="from taken to stored, milliseconds")
    took_ms_max: float | None


class BatchPage(Page[BatchOut]):
    """A page of batches, newest first."""


class FrameOut(BaseModel):
    seq: int = Field(description="place in the order")
    captured_at: Moment
    state: Literal["stored", "failed"]
    url: str | None = Field(description="the JPEG, opens for ten minutes for this user; null when it failed")
    bytes: int
    attempts: int
    took_ms: float = Field(description="from taken to settled")
    reason: str | None = Field(description="code of why it could not be stored, see LostFrame")
    detail: str | None = Field(description="the reason in words, where there are more")


class FramePage(BaseModel):
    """Frames of one batch in order."""

    items: list[FrameOut]
    next: int | None = Field(description="`after` of the next page; null on the last")


class BatchQuery(PageQuery):
    camera_id: Ulid | None = None
    source: Source | None = None
    state: BatchState | None = None


class FrameQuery(Query):
    after: int | None = Field(None, ge=0, description="frames behind this place in the order")
    limit: int = Field(100, ge=1, le=500, description="most frames of one page")
    state: Literal["stored", "failed"] | None = None


class PictureQuery(Query):
    ticket: str | None = Field(None, max_length=2048, description="instead of an access token, for <img>")


def batch_out(row: FrameBatch, camera_name: str | None) -> BatchOut:
    return BatchOut(
        batch_id=row.batch_id,
        source=row.source,
        source_id=row.source_id,
        camera_name=camera_name,
        state=row.state,
        stopping=row.state == "running" and row.stop_at is not None,
        expected=row.expected or (None if row.state == "running" else 0),
        stored=row.stored,
        failed=row.failed,
        every_s=row.every_s,
        side=row.side,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def frames_out(parts: Parts, user_id: str, rows: list[ArchivedFrame]) -> list[FrameOut]:
    """Frames of one batch with pictures that open for this user."""
    if not rows:
        return []
    batch_id, key = rows[0].batch_id, parts.settings.ticket_key.get_secret_value()
    ticket = sign_ticket(key, Ticket("media", user_id, batch_id), ttl_s=TICKET_TTL_S)
    base = f"{PREFIX}/frame-batches/{batch_id}/frames"
    return [
        FrameOut(
            seq=row.seq,
            captured_at=row.captured_at,
            state=row.state,
            url=f"{base}/{row.seq}.jpg?ticket={ticket}" if row.object_key else None,
            bytes=row.bytes,
            attempts=row.attempts,
            took_ms=row.took_ms,
            reason=row.reason,
            detail=row.detail,
        )
        for row in rows
    ]


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /frame-batches and /cameras/{camera_id}/frame-batches."""
    routes = APIBlueprint("frame_batches", __name__, tag="Archive")
    _starting(routes, parts)
    _reading(routes, parts)
    _pictures(routes, parts)
    return routes


def _starting(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/cameras/<ulid:camera_id>/frame-batches")
    @allow("user", "frame.archive", scoped=True)
    @routes.input(CameraBatchIn, arg_name="given")
    @routes.output(BatchOut, status_code=201)
    @routes.doc(summary="Archive frames of a camera from now on")
    def start_camera(camera_id: str, given: CameraBatchIn) -> dict[str, Any]:
        user_id, address = caller().user_id, client_address()

        def work(store: Store) -> BatchOut:
            return _started(store, user_id, camera_id, given, address)

        answer, fresh = once(parts, user_id, f"POST /cameras/{camera_id}/frame-batches", given, work)
        if fresh:
            announce(parts.bus, camera_id)
        return answer

    @routes.post("/frame-batches")
    @allow("user", "frame.archive")
    @routes.input(ClientBatchIn, arg_name="given")
    @routes.output(BatchOut, status_code=201)
    @routes.doc(summary="Begin a batch that a client fills")
    def start_client(given: ClientBatchIn) -> dict[str, Any]:
        user_id = caller().user_id

        def work(store: Store) -> BatchOut:
            row = new_batch(new_id(), "client", user_id, now(), expected=given.expected or 0)
            store.batches.add(row)
            return batch_out(row, None)

        return once(parts, user_id, "POST /frame-batches", given, work)[0]

    @routes.post("/frame-batches/<ulid:batch_id>/stop")
    @allow("user", "frame.archive", scoped=True)
    @routes.input(Empty, arg_name="_given")
    @routes.output(BatchOut)
    @routes.doc(summary="Take no more frames; those under way still come")
    def stop_batch(batch_id: str, _given: Empty) -> BatchOut:
        user_id, address = caller().user_id, client_address()

        def work(store: Store) -> BatchOut:
            row = visible_batch(store, user_id, batch_id, lock=True)
            stop(store, row)
            store.audit.add("frames.stop", actor_id=user_id, target=("frame_batch", batch_id), address=address)
            return batch_out(row, _name(store, row))

        answer = parts.database.run(work)
        if answer.source == "camera":
            announce(parts.bus, answer.source_id)
        return answer


def _started(store: Store, user_id: str, camera_id: str, given: CameraBatchIn, address: str) -> BatchOut:
    """Raises: NotFound, or Conflict: switched off, or archived already."""
    camera = visible_camera(store, user_id, camera_id, lock=True)
    if not camera.enabled:
        raise Conflict("camera: expected one that is switched on", code="camera_disabled")
    if any(one.stop_at is None for one in store.batches.running("camera", camera_id)):
        raise Conflict("camera: expected one whose frames are not archived yet", code="already_archiving")
    row = new_batch(new_id(), "camera", camera_id, now() + HEAD_START, expected=given.frames or 0)
    row.every_s, row.side = given.every_s, given.side
    store.batches.add(row)
    detail = f"every {given.every_s:g} s, {given.frames or 'no'} limit"
    store.audit.add("frames.start", actor_id=user_id, target=("camera", camera_id), address=address, detail=detail)
    return batch_out(row, camera.name)


def _reading(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/frame-batches")
    @allow("user", "pass.read", scoped=True)
    @routes.input(BatchQuery, location="query", arg_name="query")
    @routes.output(BatchPage)
    def batches(query: BatchQuery) -> BatchPage:
        user_id = caller().user_id
        with parts.database.read() as store:
            scope = scope_of(store, user_id)
            which = BatchFilter(
                everything=scope.manages and scope.cameras is None,
                cameras=scope.cameras,
                client_id=user_id,
                source="camera" if query.camera_id else query.source,
                source_id=query.camera_id,
                state=query.state,
                after=query.place,
            )
            rows = store.batches.page(which, query.limit + 1)
            names = store.cameras.names(row.source_id for row in rows)
        shown, following = query.page(rows, lambda row: (row.started_at, row.batch_id))
        return BatchPage(items=[batch_out(row, names.get(row.source_id)) for row in shown], next=following)

    @routes.get("/frame-batches/<ulid:batch_id>")
    @allow("user", "pass.read", scoped=True)
    @routes.output(BatchDetailOut)
    def batch(batch_id: str) -> BatchDetailOut:
        with parts.database.read() as store:
            row = visible_batch(store, caller().user_id, batch_id)
            total, mean, longest = store.frames.figures(batch_id)
            name = _name(store, row)
        shown = batch_out(row, name).model_dump()
        return BatchDetailOut(**shown, bytes=total, took_ms_mean=mean, took_ms_max=longest)

    @routes.get("/frame-batches/<ulid:batch_id>/frames")
    @allow("user", "pass.read", scoped=True)
    @routes.input(FrameQuery, location="query", arg_name="query")
    @routes.output(FramePage)
    @routes.doc(summary="Frames in order, with the addresses of their pictures")
    def frames(batch_id: str, query: FrameQuery) -> FramePage:
        with parts.database.read() as store:
            visible_batch(store, caller().user_id, batch_id)
            rows = list(store.frames.page(batch_id, query.after, query.state, query.limit + 1))
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        return FramePage(items=frames_out(parts, caller().user_id, shown), next=shown[-1].seq if more else None)


def _pictures(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/frame-batches/<ulid:batch_id>/frames/<int:seq>.jpg")
    @allow("ticket", scoped=True)
    @routes.input(PictureQuery, location="query", arg_name="query")
    @routes.doc(responses={200: "the JPEG", 304: "unchanged", 404: "no such picture, or not for this user"})
    def picture(batch_id: str, seq: int, query: PictureQuery) -> Response:
        if query.ticket is None:
            user_id = authenticated(parts).user_id
        else:
            key = parts.settings.ticket_key.get_secret_value()
            user_id = verify_ticket(key, query.ticket, "media", batch_id).user_id
        with parts.database.read() as store:
            visible_batch(store, user_id, batch_id)
            row = store.frames.several(batch_id, [seq]).get(seq)
        if row is None or row.object_key is None:
            raise NotFound(f"frame {seq}: expected one that is stored, found none", code="no_frame")
        digest = row.object_key.rpartition("/")[2].removesuffix(".jpg")
        if request.if_none_match.contains(digest):
            response = Response(status=304)
        else:
            response = Response(parts.blobs.get(row.object_key), mimetype="image/jpeg")
        response.headers["ETag"] = f'"{digest}"'
        response.headers["Cache-Control"] = _CACHE
        response.headers["Content-Disposition"] = "inline"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response


def _name(store: Store, row: FrameBatch) -> str | None:
    return store.cameras.names([row.source_id]).get(row.source_id) if row.source == "camera" else None
