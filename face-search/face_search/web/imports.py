"""Bulk import: a ZIP comes in, a worker enrols what is in it; progress, a line for each file, cancelling."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.datastructures import FileStorage

from face_search.adapters.store import Store
from face_search.bundles import check_outline
from face_search.import_lines import Wanted
from face_search.importing import PREFIX, new_import
from face_search.parts import Parts
from face_search.web.access import allow, author, caller
from face_search.web.intake import Part, form
from face_search.web.wishes import parts_of, read
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, Invalid, NotFound
from shared_kernel.idempotency import Creation, once
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Empty, Line, PageQuery, Query, Ulid, When
from shared_kernel.tables import FaceImport, FaceImportLine

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Outcome = Literal["accepted", "repeated", "refused"]

#: What surrounds the ZIP in the request, bytes.
_FORM_BYTES: Final = 256 * 1024
_LONGEST_NAME: Final = 120
_PORTION: Final = 500
#: What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ImportWish(BaseModel):
    """Text fields of the form: what holds for everybody in the ZIP, unless its CSV says otherwise."""

    model_config = ConfigDict(extra="forbid")

    list_ids: list[Ulid] | None = Field(
        None, max_length=10, description="lists to put everybody on; may come several times"
    )
    basis: Literal["consent", "contract", "duty", "safety"] = Field("consent", description="on what legal basis")
    basis_detail: Line | Literal[""] = Field("", max_length=200, description="such as where the signed consents lie")
    expires_at: When | None = Field(None, description="after this they are erased, RFC 3339; none: no end")
    accept_alike: bool = Field(default=False, description="enrol faces although somebody else has such a one")


class ImportOut(BaseModel):
    import_id: str
    name: str = Field(description="of the ZIP, as it was called")
    state: State
    total: int = Field(description="files in it; 0 until it is read")
    accepted: int = Field(description="enrolled")
    repeated: int = Field(description="were enrolled already")
    refused: int = Field(description="not enrolled, with a reason")
    detail: str | None = Field(description="why all of it failed")
    created_at: Moment
    ended_at: Moment | None


class ImportPage(BaseModel):
    """A page of imports, newest first."""

    items: list[ImportOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


class LineQuery(Query):
    outcome: Outcome | None = None
    after: int | None = Field(None, ge=0, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=500, description="most lines of one page")


class LineOut(BaseModel):
    line_no: int
    file: str = Field(description="path in the ZIP; empty when the person was erased since")
    outcome: Outcome
    reason: str | None = Field(description="code of why it was refused")
    detail: str | None = Field(description="the reason in words")
    person_id: str | None = Field(description="whose it is; of `face_of_other` who else has such a face")
    sample_id: str | None


class LinePage(BaseModel):
    items: list[LineOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/imports."""
    routes = APIBlueprint("imports", __name__, tag="Imports")

    @routes.post("/imports")
    @allow("face.manage")
    @form(**parts_of(ImportWish, archive=Part("file", "ZIP with pictures, and a CSV or a folder for each person")))
    @routes.output(ImportOut, status_code=202)
    @routes.doc(summary="Enrol everybody in a ZIP; a worker does it, see the guide for its CSV")
    def begin() -> tuple[dict[str, object], int]:
        limit = round(parts.settings.import_gigabytes * 1e9)
        request.max_content_length = limit + _FORM_BYTES
        wish, archive = read(ImportWish), _archive()
        check_outline(archive.stream)
        wanted = Wanted(**{**wish.model_dump(), "list_ids": tuple(wish.list_ids or ())})
        with parts.database.read() as store:
            _check_lists(store, wanted)
        import_id = new_id()
        key = f"{PREFIX}/{import_id}.zip"
        parts.blobs.put_stream(key, archive.stream, content_type="application/zip")
        given = Submitted(**wish.model_dump(), name=_name_of(archive), bytes=parts.blobs.size(key))

        def create(store: Store) -> ImportOut:
            row = new_import(import_id, key, given.name, wanted, author())
            store.imports.add(row)
            return _import_out(row, 0)

        creation = Creation(caller().user_id, "POST /faces/imports", given)
        answer, created = once(parts.database, parts.ticket_key, creation, create)
        if not created:
            parts.blobs.delete(key)
        return answer, 202

    _add_progress(routes, parts)
    _add_report(routes, parts)
    return routes


def _add_progress(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/imports")
    @allow("face.manage")
    @routes.input(PageQuery, location="query", arg_name="query")
    @routes.output(ImportPage)
    @routes.doc(summary="Imports, newest first")
    def imports(query: PageQuery) -> ImportPage:
        with parts.database.read() as store:
            rows = store.imports.page(query.place, query.limit + 1)
            shown, following = query.page(rows, lambda row: (row.created_at, row.import_id))
            return ImportPage(items=_imports_out(store, shown), next=following)

    @routes.get("/imports/<ulid:import_id>")
    @allow("face.manage")
    @routes.output(ImportOut)
    @routes.doc(summary="How far an import is")
    def one_import(import_id: str) -> ImportOut:
        with parts.database.read() as store:
            return _imports_out(store, [_import(store, import_id)])[0]

    @routes.post("/imports/<ulid:import_id>/cancel")
    @allow("face.manage")
    @routes.input(Empty, arg_name="given")
    @routes.output(ImportOut)
    @routes.doc(summary="Stop an import; what was enrolled stays", responses={409: "it has ended"})
    def cancel(import_id: str, given: Empty) -> ImportOut:  # noqa: ARG001 - the body may be empty
        with parts.database.write() as store:
            row = _import(store, import_id)
            if not store.imports.cancel(import_id, now()):
                raise Conflict(f"import {import_id}: expected one that has not ended, it is {row.state}", code="ended")
        parts.blobs.delete(row.object_key)
        with parts.database.read() as store:
            return _imports_out(store, [_import(store, import_id)])[0]


def _add_report(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/imports/<ulid:import_id>/lines")
    @allow("face.manage")
    @routes.input(LineQuery, location="query", arg_name="query")
    @routes.output(LinePage)
    @routes.doc(summary="What became of each file, in order")
    def lines(import_id: str, query: LineQuery) -> LinePage:
        with parts.database.read() as store:
            _import(store, import_id)
            rows = store.imports.lines(import_id, outcome=query.outcome, after=query.after, limit=query.limit + 1)
        shown = rows[: query.limit]
        following = str(shown[-1].line_no) if len(rows) > query.limit else None
        return LinePage(items=[_line_out(row) for row in shown], next=following)

    @routes.get("/imports/<ulid:import_id>/report.csv")
    @allow("face.manage")
    @routes.doc(summary="All lines as a table for a spreadsheet", responses={200: "text/csv in UTF-8"})
    def report(import_id: str) -> Response:
        with parts.database.read() as store:
            _import(store, import_id)
        response = Response(_csv(parts, import_id), mimetype="text/csv")
        response.headers["Content-Disposition"] = f'attachment; filename="import-{import_id}.csv"'
        return response


class Submitted(ImportWish):
    """What makes two requests the same one."""

    name: str
    bytes: int


def _archive() -> FileStorage:
    files = request.files.getlist("archive")
    if len(files) != 1:
        raise Invalid.field("archive", f"expected one ZIP of multipart/form-data, got {len(files)} files")
    return files[0]


def _name_of(archive: FileStorage) -> str:
    name = (archive.filename or "").replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C").strip()
    return shown[:_LONGEST_NAME] or "import.zip"


def _check_lists(store: Store, wanted: Wanted) -> None:
    missing = set(wanted.list_ids) - set(store.imports.lists_that_exist(wanted.list_ids))
    if missing:
        raise Invalid.field("list_ids", f"expected lists that exist, got {', '.join(sorted(missing))}")


def _import(store: Store, import_id: str) -> FaceImport:
    row = store.imports.get(import_id)
    if row is None:
        raise NotFound(f"import {import_id}: expected one of this installation, found none", code="no_import")
    return row


def _imports_out(store: Store, rows: Sequence[FaceImport]) -> list[ImportOut]:
    repeated = store.imports.repeated([row.import_id for row in rows])
    return [_import_out(row, repeated.get(row.import_id, 0)) for row in rows]


def _import_out(row: FaceImport, repeated: int) -> ImportOut:
    return ImportOut(
        import_id=row.import_id,
        name=row.name,
        state=row.state,  # the table allows these words only
        total=row.total,
        accepted=row.accepted,
        repeated=repeated,
        refused=row.refused,
        detail=row.detail,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _line_out(row: FaceImportLine) -> LineOut:
    return LineOut(
        line_no=row.line_no,
        file=row.file,
        outcome=row.outcome,  # the table allows these words only
        reason=row.reason,
        detail=row.detail,
        person_id=row.person_id,
        sample_id=row.sample_id,
    )


def _csv(parts: Parts, import_id: str) -> Iterator[str]:
    """The report piece by piece, with a mark at its beginning by which Excel knows UTF-8."""
    yield "\ufeff"
    after: int | None = None
    yield _csv_rows([["line", "file", "outcome", "reason", "detail", "person_id"]])
    while True:
        with parts.database.read() as store:
            rows = store.imports.lines(import_id, after=after, limit=_PORTION)
        if not rows:
            return
        after = rows[-1].line_no
        yield _csv_rows([[row.line_no, row.file, row.outcome, row.reason, row.detail, row.person_id] for row in rows])


def _csv_rows(rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([_guarded(cell) for cell in row] for row in rows)
    return out.getvalue()


def _guarded(cell: object) -> object:
    """A file may be called like a formula; a spreadsheet must not run it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
