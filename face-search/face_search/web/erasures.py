"""The rights of who is searched: erase by person or photo with a receipt, and export what is stored on one person."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator
from typing import IO, Annotated, Final, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from face_search.adapters.store import Store
from face_search.erasing import ask, ask_for_person, preview, request_of
from face_search.exporting import export
from face_search.finding import Found
from face_search.ledger import Ledger
from face_search.ledger import Part as Removed
from face_search.looks import Look, record
from face_search.parts import Parts
from face_search.web.access import allow, author, caller
from face_search.web.intake import Part, Sent, form, photo
from face_search.web.probing import chosen_face, probe_of_face
from face_search.web.wishes import parts_of, read
from shared_kernel.errors import Conflict, Invalid, NotFound
from shared_kernel.messages import Moment, derived_id
from shared_kernel.shapes import Body, Line, PageQuery, Query, Ulid
from shared_kernel.tables import FaceErasure
from shared_kernel.web import client_address

#: Why somebody is erased: words, for whoever reads the receipt later.
Reason = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
#: Ids of each kind that an answer lists; the ledger has all.
_LISTED: Final = 1000
_PIECE_BYTES: Final = 256 * 1024


class ErasureIn(Body):
    reason: Reason = Field(description="in the words of who asked; a name of the person in it is not kept")
    dry_run: bool = Field(default=False, description="only say what would go")


class PhotoErasureWish(BaseModel):
    """Text fields of the form."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(description="in the words of who asked")
    dry_run: bool = Field(default=False, description="only say what would go")
    person_ids: list[Ulid] | None = Field(
        None, max_length=10, description="whom the photo shows, where several persons are about as alike"
    )


class ErasureOut(BaseModel):
    erasure_id: str | None = Field(description="printed on the receipt; null of a dry run")
    subject_id: str = Field(description="person, or derived from the photo")
    cause: Literal["request", "expiry", "retention"]
    reason: str
    state: Literal["running", "done", "preview"]
    removed: dict[str, int] = Field(description="how many persons, samples, sightings, passes, vectors, pictures")
    requested_by: str | None = Field(description="user; null: the clock or the command line")
    requested_at: Moment | None
    done_at: Moment | None


class CandidateOut(BaseModel):
    person_id: str
    name: str
    score: float = Field(description="cosine to the face of the photo")


class PhotoErasureOut(ErasureOut):
    persons: list[CandidateOut] = Field(description="who is enrolled and on the photo, and goes as a whole")
    near_tie: bool = Field(description="two persons are about as alike: say with person_ids who it is")
    more: bool = Field(description="there were more sightings than one erasure takes: ask again when it is done")


class ReceiptOut(ErasureOut):
    ids: dict[str, list[str]] = Field(description="what was removed, by kind; 1,000 of each at most")
    listed_all: bool = Field(description="whether that is all")


class ErasurePage(BaseModel):
    """A page of receipts, newest first."""

    items: list[ErasureOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


class ExportQuery(Query):
    purpose: str = Field("copy for the person", min_length=2, max_length=200, description="kept in the record of looks")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/persons/{id}/erasure, /faces/erasures and /faces/persons/{id}/export."""
    routes = APIBlueprint("erasures", __name__, tag="Rights of the searched")

    @routes.post("/persons/<ulid:person_id>/erasure")
    @allow("face.erase")
    @routes.input(ErasureIn, arg_name="given")
    @routes.output(ErasureOut, status_code=202)
    @routes.doc(summary="Erase a person with everything that shows them; the same receipt however often it is asked")
    def erase_person(person_id: str, given: ErasureIn) -> ErasureOut:
        if given.dry_run:
            with parts.database.read() as store:
                if not store.traces.persons([person_id]):
                    raise NotFound(f"person {person_id}: expected one who is enrolled, found none", code="no_person")
                return _preview(person_id, given.reason, preview(store, [person_id]))
        row = parts.database.run(
            lambda store: ask_for_person(store, person_id, cause="request", reason=given.reason, requested_by=author())
        )
        return _erasure_out(row)

    @routes.post("/erasures/by-photo")
    @allow("face.erase")
    @form(**parts_of(PhotoErasureWish, photo=Part("file", "one face: who is to be erased")))
    @routes.output(PhotoErasureOut, status_code=202)
    @routes.doc(
        summary="Find everybody and everything with the face of a photo, and erase it",
        responses={409: "two persons are about as alike: person_ids must say who it is"},
    )
    def erase_by_photo() -> PhotoErasureOut:
        wish = read(PhotoErasureWish)
        sent = photo(parts)
        found = _find(parts, sent, wish.person_ids or ())
        subject_id = derived_id("photo", hashlib.sha256(sent.data).hexdigest())
        if wish.dry_run:
            with parts.database.read() as store:
                counts = preview(store, found.person_ids, found.sighting_ids)
            return _photo_out(_preview(subject_id, wish.reason, counts), found)
        if found.near_tie:
            raise Conflict(
                "photo: expected one person, two are about as alike; say with person_ids who", code="near_tie"
            )
        # somebody who is enrolled is the subject, as if erased by name: nobody finds or enrols them from now on
        row = _ask_by_photo(parts, (*found.person_ids, subject_id)[0], wish.reason, found)
        return _photo_out(_erasure_out(row), found)

    _add_receipts(routes, parts)
    _add_export(routes, parts)
    return routes


def _add_receipts(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/erasures")
    @allow("face.erase")
    @routes.input(PageQuery, location="query", arg_name="query")
    @routes.output(ErasurePage)
    @routes.doc(summary="Receipts, newest first")
    def erasures(query: PageQuery) -> ErasurePage:
        with parts.database.read() as store:
            rows = store.erasures.page(query.place, query.limit + 1)
        shown, following = query.page(rows, lambda row: (row.requested_at, row.erasure_id))
        return ErasurePage(items=[_erasure_out(row) for row in shown], next=following)

    @routes.get("/erasures/<ulid:erasure_id>")
    @allow("face.erase")
    @routes.output(ReceiptOut)
    @routes.doc(summary="A receipt: what was removed, with all ids")
    def receipt(erasure_id: str) -> ReceiptOut:
        with parts.database.read() as store:
            row = store.erasures.get(erasure_id)
        if row is None:
            raise NotFound(f"erasure {erasure_id}: expected one of this installation, found none", code="no_erasure")
        removed = Ledger(parts.blobs).removed(erasure_id)
        kinds = [kind for kind in Removed.model_fields if kind != "pictures"]
        ids = {kind: list(getattr(removed, kind)[:_LISTED]) for kind in kinds}
        listed_all = all(len(ids[kind]) == len(getattr(removed, kind)) for kind in kinds)
        out = _erasure_out(row).model_dump()
        out["removed"] = out["removed"] or {kind: n for kind, n in removed.counts().items() if n}
        return ReceiptOut(**out, ids=ids, listed_all=listed_all)


def _add_export(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/persons/<ulid:person_id>/export")
    @allow("face.erase")
    @routes.input(ExportQuery, location="query", arg_name="query")
    @routes.doc(summary="Everything that is stored on one person", responses={200: "application/zip"})
    def export_person(person_id: str, query: ExportQuery) -> Response:
        look = Look(caller().user_id, "export", query.purpose, person_id, {}, client_address())
        file = tempfile.TemporaryFile()  # noqa: SIM115 - sent after this view has returned; it has no name
        try:
            export(parts.database, parts.blobs, person_id, file)
            with parts.database.write() as store:
                record(store, look, [person_id])
        except BaseException:
            file.close()
            raise
        size = file.tell()
        response = Response(_pieces(file), mimetype="application/zip")
        response.headers["Content-Length"] = str(size)
        response.headers["Content-Disposition"] = f'attachment; filename="person-{person_id}.zip"'
        response.call_on_close(file.close)
        return response


def _ask_by_photo(parts: Parts, subject_id: str, reason: str, found: Found) -> FaceErasure:
    """The receipt. What was found is in the ledger before the row is committed, so that no crash loses it."""
    with parts.database.read() as store:
        before = store.erasures.of_subject(subject_id)
        while before is not None and before.state == "done":  # the same photo again: something new may be found
            subject_id = derived_id(before.erasure_id, "again")
            before = store.erasures.of_subject(subject_id)
    if before is not None:
        return before
    for one in found.persons:
        reason = reason.replace(one.name, "…")

    def begin(store: Store) -> FaceErasure:
        row = ask(store, subject_id, cause="request", reason=reason, requested_by=author())
        Ledger(parts.blobs).ask(request_of(row, person_ids=found.person_ids, sighting_ids=found.sighting_ids))
        return row

    return parts.database.run(begin)


def _find(parts: Parts, sent: Sent, person_ids: Collection[str]) -> Found:
    """Everything with the face of a photo.

    Raises:
        Invalid: no face, or several.
        Unavailable: the index is away.
    """
    faces, chosen = chosen_face(parts.reader, sent.picture, None)
    if len(faces) > 1:
        raise Invalid.field(
            "photo", f"expected one face, found {len(faces)}: cut out whom you mean", code="several_faces"
        )
    return parts.finder().face(probe_of_face(faces[chosen]), person_ids)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _preview(subject_id: str, reason: str, counts: dict[str, int]) -> ErasureOut:
    return ErasureOut(
        erasure_id=None,
        subject_id=subject_id,
        cause="request",
        reason=reason,
        state="preview",
        removed=counts,
        requested_by=author(),
        requested_at=None,
        done_at=None,
    )


def _erasure_out(row: FaceErasure) -> ErasureOut:
    return ErasureOut(
        erasure_id=row.erasure_id,
        subject_id=row.subject_id,
        cause=row.cause,
        reason=row.reason,
        state=row.state,
        removed=json.loads(row.removed),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        done_at=row.done_at,
    )


def _photo_out(out: ErasureOut, found: Found) -> PhotoErasureOut:
    persons = [CandidateOut(person_id=one.person_id, name=one.name, score=one.score) for one in found.persons]
    return PhotoErasureOut(**out.model_dump(), persons=persons, near_tie=found.near_tie, more=found.more)
