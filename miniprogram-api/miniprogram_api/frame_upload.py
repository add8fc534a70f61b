"""Frames that a client sends, many in one request, in order; answered with what became of each.

The pictures are stored beside each other and are not decoded. What could not be stored is a row with a reason, and may
be sent again under the same place in the order; what is stored already is not written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from werkzeug.datastructures import FileStorage

from miniprogram_api.access import allow, caller
from miniprogram_api.adapters.store import Store
from miniprogram_api.archive import settle
from miniprogram_api.frame_batches import MAX_FRAMES, BatchOut, FrameOut, batch_out, frames_out
from miniprogram_api.parts import Parts
from miniprogram_api.rights import visible_batch
from shared_kernel.archive import Archive, Frame
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, FieldProblem, Forbidden, Invalid, Unavailable
from shared_kernel.messages import FrameSettled, LostFrame
from shared_kernel.shapes import When
from shared_kernel.tables import ArchivedFrame, FrameBatch

#: Frames of one request; a client with more sends several requests.
MAX_AT_ONCE: Final = 100
MAX_FRAME_BYTES: Final = 8 * 1024 * 1024
#: Clocks of clients may be ahead by this much.
AHEAD: Final = timedelta(minutes=5)
#: Frames this near to the end of their time are refused: they would be removed while they are stored.
MARGIN: Final = timedelta(hours=1)
_JPEG: Final = b"\xff\xd8\xff"
_Moments = TypeAdapter(list[When])
_Seq = TypeAdapter(int)


class UploadOut(BaseModel):
    batch: BatchOut
    frames: list[FrameOut] = Field(description="those of the request, in its order")


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /frame-batches/{batch_id}/frames, upload."""
    routes = APIBlueprint("frame_upload", __name__, tag="Archive")

    @routes.post("/frame-batches/<ulid:batch_id>/frames")
    @allow("user", "frame.archive", scoped=True)
    @routes.output(UploadOut)
    @routes.doc(
        summary="Add frames in order",
        description="Frame n of the request gets the place `first_seq` + n. Sending a place again is harmless.",
    )
    def upload(batch_id: str) -> UploadOut:
        user_id = caller().user_id
        with parts.database.read() as store:
            _own(visible_batch(store, user_id, batch_id), user_id)
        sent = _sent(parts.settings.archive_days)
        with parts.database.read() as store:
            missing = _missing(visible_batch(store, user_id, batch_id), store, sent)
        settled = stored(parts.archive, missing)

        def work(store: Store) -> tuple[BatchOut, list[ArchivedFrame]]:
            batch = visible_batch(store, user_id, batch_id, lock=True)
            settle(store, batch, settled)
            batch.started_at = min(batch.started_at, *(frame.captured_at for frame in sent))
            rows = store.frames.several(batch_id, [frame.seq for frame in sent])
            return batch_out(batch, None), [rows[frame.seq] for frame in sent]

        batch, rows = parts.database.run(work)
        return UploadOut(batch=batch, frames=frames_out(parts, user_id, rows))

    return routes


def stored(archive: Archive, frames: Sequence[Frame]) -> list[FrameSettled]:
    """Store all, beside each other; wait for them.

    Raises:
        Unavailable: not one could be stored.
    """
    begun = [(frame, archive.offer(frame)) for frame in frames]
    settled = [_refused(frame) if coming is None else coming.result() for frame, coming in begun]
    if settled and all(one.key is None for one in settled):
        raise Unavailable("archive", settled[0].detail or settled[0].reason or "nothing could be stored")
    return settled


def _refused(frame: Frame) -> FrameSettled:
    reason, size = LostFrame.QUEUE_FULL, len(frame.jpeg)
    return FrameSettled(seq=frame.seq, captured_at=frame.captured_at, bytes=size, reason=reason)


def _own(batch: FrameBatch, user_id: str) -> None:
    if batch.source != "client" or batch.source_id != user_id:
        raise Forbidden("batch: expected one that you began yourself", code="not_your_batch")


def _missing(batch: FrameBatch, store: Store, sent: Sequence[Frame]) -> list[Frame]:
    """Those of `sent` that are not stored yet.

    Raises:
        Conflict: another picture has the place, or the batch has ended.
    """
    rows = store.frames.several(batch.batch_id, [frame.seq for frame in sent])
    missing = []
    for frame in sent:
        row = rows.get(frame.seq)
        if row is not None and row.state == "stored":
            if row.object_key is not None and row.object_key.rpartition("/")[2] != frame.key.rpartition("/")[2]:
                detail = f"frame {frame.seq}: expected the picture that is stored already, got another"
                raise Conflict(detail, code="frame_differs")
            continue
        if batch.ended_at is not None and row is None and frame.seq >= batch.expected:
            raise Conflict("batch: expected one that has not ended", code="batch_ended")
        missing.append(frame)
    return missing


def _sent(kept_days: int) -> list[Frame]:
    """The frames of this request.

    Raises:
        Invalid: naming the part that is wrong.
    """
    files = request.files.getlist("frames")
    if not 1 <= len(files) <= MAX_AT_ONCE:
        raise Invalid.field(
            "frames", f"expected 1 to {MAX_AT_ONCE} files in form fields of this name, got {len(files)}"
        )
    try:
        first, taken = _first_seq(), _taken(len(files), kept_days)
        jpegs = [_jpeg(file, number) for number, file in enumerate(files)]
    finally:
        for file in files:
            file.close()  # large ones lie on disk
    return [
        Frame(first + number, captured_at, jpeg)
        for number, (captured_at, jpeg) in enumerate(zip(taken, jpegs, strict=True))
    ]


def _jpeg(file: FileStorage, number: int) -> bytes:
    jpeg = bytes(file.read(MAX_FRAME_BYTES + 1))
    if len(jpeg) > MAX_FRAME_BYTES:
        raise Invalid.field(f"frames.{number}", f"expected at most {MAX_FRAME_BYTES // 2**20} MiB")
    if not jpeg.startswith(_JPEG):
        raise Invalid.field(f"frames.{number}", "expected a JPEG")
    return jpeg


def _first_seq() -> int:
    try:
        first = _Seq.validate_python(request.form.get("first_seq"))
    except ValidationError as error:
        raise Invalid.field("first_seq", "expected the place of the first frame in the order, a number") from error
    if not 0 <= first < MAX_FRAMES:
        raise Invalid.field("first_seq", f"expected 0 to {MAX_FRAMES - 1}, got {first}")
    return first


def _taken(frames: int, kept_days: int) -> list[datetime]:
    given = request.form.getlist("captured_at")
    if not given:
        return [now()] * frames
    try:
        taken = _Moments.validate_python(given)
    except ValidationError as error:
        wrong = tuple(FieldProblem(f"captured_at.{one['loc'][0]}", one["msg"]) for one in error.errors())
        raise Invalid("; ".join(f"{one.field}: {one.message}" for one in wrong), fields=wrong) from error
    if len(taken) != frames:
        raise Invalid.field("captured_at", f"expected none, or one for each of {frames} frames, got {len(taken)}")
    earliest, latest = now() - timedelta(days=kept_days) + MARGIN, now() + AHEAD
    for number, moment in enumerate(taken):
        if not earliest <= moment <= latest:
            raise Invalid.field(f"captured_at.{number}", f"expected a time of the last {kept_days} days")
    return taken
