"""Whom the installation knows by face: search, add, change. What becomes of two entries is in `changes`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, cast

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import AfterValidator, BaseModel, Field

from face_search.adapters.people import PersonFilter
from face_search.adapters.store import Store
from face_search.gallery import change_lists, check_lists, no_person, standing, touch
from face_search.parts import Parts
from face_search.web.access import allow, author, caller, picture_url
from face_search.web.deciders import decider
from shared_kernel.clock import now, rfc3339
from shared_kernel.errors import Conflict, FieldProblem, Invalid, Refused
from shared_kernel.idempotency import Creation, once
from shared_kernel.messages import Moment, new_id
from shared_kernel.shapes import Body, Line, PageQuery, Ulid, When
from shared_kernel.tables import Person

Basis = Literal["consent", "contract", "duty", "safety"]


def _text(text: str) -> str:
    text = text.strip()
    if not text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        raise ValueError("expected no control characters but line breaks")
    return text


#: Words for people, in lines.
Text = Annotated[str, AfterValidator(_text)]

_MAX_LISTS: Final = 20
_NAME: Final = Field(min_length=1, max_length=64, description="what people call them")
_REF: Final = Field(
    None, min_length=1, max_length=64, description="number in another system, such as staff no.; unique"
)
_DETAIL: Final = Field("", max_length=200, description="such as where the signed consent lies")
_LISTS: Final = Field((), max_length=_MAX_LISTS)


class PersonIn(Body):
    name: Line = _NAME
    external_ref: Line | None = _REF
    note: Text = Field("", max_length=500, description="what guards should know")
    basis: Basis = Field(description="consent, contract, duty (of law) or (public) safety")
    basis_detail: Text = _DETAIL
    consented_at: When | None = Field(None, description="when consent was given")
    expires_at: When | None = Field(None, description="after this the person is erased; null: no end")
    list_ids: list[Ulid] = Field([], max_length=_MAX_LISTS, description="lists to be on")


class PersonPatch(Body):
    """Only the fields that are there change; null takes away what may be missing."""

    name: Line | None = Field(None, min_length=1, max_length=64)
    external_ref: Line | None = _REF
    note: Text | None = Field(None, max_length=500)
    basis: Basis | None = None
    basis_detail: Text | None = Field(None, max_length=200)
    consented_at: When | None = None
    expires_at: When | None = None
    list_ids: list[Ulid] | None = Field(None, max_length=_MAX_LISTS, description="exactly these; can be taken back")


class PersonQuery(PageQuery):
    q: str | None = Field(None, max_length=64, description="part of the name or number")
    list_id: Ulid | None = Field(None, description="who is on this list")


class PersonOut(BaseModel):
    person_id: str
    name: str
    external_ref: str | None
    note: str
    basis: Basis
    basis_detail: str
    consented_at: Moment | None
    expires_at: Moment | None
    merged_into: str | None = Field(description="who this turned out to be; null: a person of their own")
    list_ids: list[str]
    samples: int = Field(description="pictures by which they are recognised")
    crop_url: str | None = Field(description="the best of them; opens for ten minutes for this user")
    created_at: Moment
    updated_at: Moment = Field(description='`If-Match: "…"` with it refuses to change what changed since')


class PersonPage(BaseModel):
    """A page of persons, newest first."""

    items: list[PersonOut]
    next: str | None = Field(description="`after` of the next page; null on the last")


class ChangedMeanwhile(Refused):
    """Somebody else was quicker."""

    status = 412
    title = "Precondition failed"


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/persons and /faces/persons/{id}."""
    routes = APIBlueprint("persons", __name__, tag="Persons")

    @routes.get("/persons")
    @allow("face.view")
    @routes.input(PersonQuery, location="query", arg_name="query")
    @routes.output(PersonPage)
    @routes.doc(summary="Whom the installation knows by face, newest first")
    def persons(query: PersonQuery) -> PersonPage:
        which = PersonFilter(text=(query.q or "").strip() or None, list_id=query.list_id, after=query.place)
        with parts.database.read() as store:
            rows = store.people.page(which, now(), query.limit + 1)
            shown, following = query.page(rows, lambda row: (row.created_at, row.person_id))
            return PersonPage(items=persons_out(parts, store, shown), next=following)

    @routes.get("/persons/<ulid:person_id>")
    @allow("face.view")
    @routes.output(PersonOut)
    @routes.doc(summary="One person; also an entry that turned out to be another, see merged_into")
    def one_person(person_id: str) -> Response:
        with parts.database.read() as store:
            row = store.people.get(person_id)
            if row is None or (row.expires_at is not None and row.expires_at <= now()):
                raise no_person(person_id)
            return _tagged(persons_out(parts, store, [row])[0])

    _changing(routes, parts)
    return routes


def _changing(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/persons")
    @allow("face.manage")
    @routes.input(PersonIn, arg_name="given")
    @routes.output(PersonOut, status_code=201)
    @routes.doc(summary="Add a person; pictures follow as samples", responses={409: "the number is somebody else's"})
    def add_person(given: PersonIn) -> dict[str, object]:
        creation = Creation(caller().user_id, "POST /persons", given)
        return once(parts.database, parts.ticket_key, creation, lambda store: _added(parts, store, given))[0]

    @routes.patch("/persons/<ulid:person_id>")
    @allow("face.manage")
    @routes.input(PersonPatch, arg_name="given")
    @routes.output(PersonOut)
    @routes.doc(
        summary="Change what is known of a person",
        responses={409: "the number is somebody else's", 412: "changed since the version that If-Match names"},
    )
    def change_person(person_id: str, given: PersonPatch) -> Response:
        expected = request.headers.get("If-Match")
        deciding = decider()

        def work(store: Store) -> PersonOut:
            row = standing(store, person_id)
            _refuse_changed(row, expected)
            _set(store, row, given)
            if given.list_ids is not None:
                change_lists(store, row, given.list_ids, deciding)
            return persons_out(parts, store, [row])[0]

        return _tagged(parts.database.run(work))


def persons_out(parts: Parts, store: Store, rows: Sequence[Person]) -> list[PersonOut]:
    """Show these persons, in their order."""
    ids = [row.person_id for row in rows]
    known, counts, lists = store.likeness.known(ids), store.samples.counts(ids), store.people.lists_of(ids)
    shown = []
    for row in rows:
        best = known[row.person_id].best_sample_id
        shown.append(
            PersonOut(
                person_id=row.person_id,
                name=row.name,
                external_ref=row.external_ref,
                note=row.note,
                basis=cast("Basis", row.basis),  # the table allows these words only
                basis_detail=row.basis_detail,
                consented_at=row.consented_at,
                expires_at=row.expires_at,
                merged_into=row.merged_into,
                list_ids=sorted(lists[row.person_id]),
                samples=counts[row.person_id],
                crop_url=None if best is None else picture_url(parts, best),
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
        )
    return shown


def _tagged(person: PersonOut) -> Response:
    response: Response = jsonify(person.model_dump(mode="json"))
    response.headers["ETag"] = _tag(person.updated_at)
    return response


def _tag(updated_at: datetime) -> str:
    return f'"{rfc3339(updated_at)}"'


def _refuse_changed(row: Person, expected: str | None) -> None:
    """Raises: ChangedMeanwhile: the version that the client has is not the present one."""
    # a gateway that compresses makes the tag a weak one
    if expected is not None and expected.strip().removeprefix("W/") not in ("*", _tag(row.updated_at)):
        detail = f"person {row.person_id}: expected version {expected[:60]}, it changed at {rfc3339(row.updated_at)}"
        raise ChangedMeanwhile(detail, code="changed_meanwhile")


def _added(parts: Parts, store: Store, given: PersonIn) -> PersonOut:
    moment = now()
    _check(store, None, given.external_ref, given.expires_at)
    check_lists(store, given.list_ids)
    fields: dict[str, Any] = given.model_dump(exclude={"list_ids"})
    row = Person(person_id=new_id(), **fields, created_by=author(), created_at=moment, updated_at=moment)
    store.people.add(row)
    store.people.put_on(row.person_id, set(given.list_ids), moment)
    return persons_out(parts, store, [row])[0]


def _set(store: Store, row: Person, given: PersonPatch) -> None:
    named = given.model_fields_set
    ref, end = (getattr(given, name) if name in named else None for name in ("external_ref", "expires_at"))
    _check(store, row.person_id, ref, end)
    for name in sorted(named):
        value = getattr(given, name)
        if value is None and name not in ("external_ref", "consented_at", "expires_at"):
            raise Invalid.field(name, "expected a value, got null")
        if name != "list_ids" and getattr(row, name) != value:
            setattr(row, name, value)
            touch(row)


def _check(store: Store, person_id: str | None, external_ref: str | None, expires_at: datetime | None) -> None:
    """Raises: Conflict: the number is somebody else's. Invalid: the basis has ended already."""
    if expires_at is not None and expires_at <= now():
        raise Invalid.field(
            "expires_at", "expected a time to come; who is to be erased now has an erasure of their own"
        )
    owner = None if external_ref is None else store.people.with_ref(external_ref)
    if owner is not None and owner.person_id != person_id:
        field = FieldProblem("external_ref", owner.person_id)
        raise Conflict(
            f"external_ref: expected one that is free, it is that of {owner.name}", code="ref_taken", fields=(field,)
        )
