"""Who is that: by a photo, a box in one, a sighting or a person; two faces beside each other; up to 64 photos at once.

Each of these looks needs a purpose. It is counted before anything is read, and written down with what was shown before
anything is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from face_search.adapters.store import Store
from face_search.comparing import Verdict as Likeness
from face_search.comparing import compare
from face_search.looks import Kind, Look, record, take_allowance
from face_search.parts import Parts
from face_search.searching import Candidate, Probe, Searcher, Verdict, Wanted
from face_search.web.access import allow, caller, picture_url
from face_search.web.intake import Part, Sent, form, photo, photos_in_turn
from face_search.web.probing import (
    FaceOut,
    chosen_face,
    face_out,
    probe_of_face,
    probe_of_person,
    probe_of_sighting,
)
from face_search.web.sighted import SightingOut, sightings_out, viewer
from face_search.web.wishes import BatchWish, CompareWish, SearchWish, Wish, parameters, parts_of, read
from shared_kernel.clock import now
from shared_kernel.cursors import score_cursor
from shared_kernel.errors import Invalid

#: Photos of one batch at most.
MAX_BATCH: Final = 64
_TOO_MANY: Final = {429: "too many looks within a minute; Retry-After says when to try again"}


class PersonHit(BaseModel):
    """Somebody who is enrolled, as far as a hit names them."""

    person_id: str
    name: str
    external_ref: str | None
    note: str
    list_ids: list[str]
    crop_url: str | None = Field(description="the sample that is most alike; opens for ten minutes for this user")


class HitOut(BaseModel):
    score: float = Field(description="cosine, -1 to 1")
    accepted: bool = Field(description="reaches the threshold, and nobody has said otherwise of such a face")
    near_tie: bool = Field(description="another person is about as alike: a human has to decide")
    contradicted: bool = Field(description="more like a face that is said not to be this person than like the person")
    person: PersonHit | None
    sighting: SightingOut | None


class SearchOut(BaseModel):
    query_id: str = Field(description="of the record of this look")
    verdict: Verdict = Field(description="match, near_tie or unknown")
    threshold: float = Field(description="cosine that counts as the same face in this search")
    false_match_rate: float = Field(description="share of pairs of strangers that reach the threshold")
    covered: bool = Field(description="mouth or nose cannot be seen: compared by another threshold")
    faces: list[FaceOut] = Field(description="all faces of the photo, the largest first; empty without a photo")
    hits: list[HitOut] = Field(description="best first")
    next: str | None = Field(description="`after` of the next page of sightings; null on the last")


class CompareOut(BaseModel):
    query_id: str
    score: float = Field(description="cosine, -1 to 1")
    threshold: float
    same: bool
    verdict: Likeness = Field(description="same, unsure or different")
    words: dict[Literal["zh-CN", "en"], str] = Field(description="the verdict in plain language")
    false_match_rate: float = Field(description="share of pairs of strangers that reach the threshold")
    covered: bool


class BatchItem(BaseModel):
    index: int = Field(description="which photo, from 0")
    verdict: Verdict | None = Field(description="null: it could not be searched, see error")
    face: FaceOut | None = Field(description="the largest, which was compared")
    faces: int = Field(description="how many are in the photo")
    hits: list[HitOut]
    error: str | None = Field(description="code of why it could not be searched, such as no_face")


class BatchOut(BaseModel):
    query_id: str
    items: list[BatchItem]


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /faces/search, /faces/search/batch and /faces/compare."""
    routes = APIBlueprint("searches", __name__, tag="Search")

    @routes.post("/search")
    @allow("face.search")
    @form(**parts_of(SearchWish, photo=Part("file", "whom to look for; else sighting_id or person_id", required=False)))
    @routes.output(SearchOut)
    @routes.doc(summary="Look for a face: who is it, or where else was it seen", responses=_TOO_MANY)
    def search() -> SearchOut:
        wish = read(SearchWish)
        wanted = wish.wanted
        _only_one("photo", bool(request.files), wish.sighting_id, wish.person_id)
        take_allowance(parts.bus, caller().user_id, 1, parts.settings.searches_per_minute)
        faces, probe = _faces(parts, wish) if request.files else ([], None)
        with parts.database.read() as store:
            probe = probe or _known(store, parts, wish.sighting_id, wish.person_id)
            found = searcher(parts, store).search(probe, wanted)
            hits = _hits(parts, store, found.candidates, wanted)
        subject = wish.sighting_id or wish.person_id or "photo"
        query_id = _written(parts, "search", wish, subject, found.candidates)
        last = found.candidates[-1].ranked if found.more else None
        return SearchOut(
            query_id=query_id,
            verdict=found.verdict,
            threshold=found.threshold,
            false_match_rate=parts.thresholds.false_match_rate(found.threshold, covered=probe.covered),
            covered=probe.covered,
            faces=faces,
            hits=hits,
            next=None if last is None else score_cursor(last.score, last.subject_id),
        )

    @routes.post("/search/batch")
    @allow("face.search")
    @form(
        **parts_of(BatchWish, photo=Part("files", f"1 to {MAX_BATCH} photos; the largest face of each is looked for"))
    )
    @routes.output(BatchOut)
    @routes.doc(summary="Look for the faces of up to 64 photos among the persons", responses=_TOO_MANY)
    def batch() -> BatchOut:
        wish = read(BatchWish)
        count = len(request.files.getlist("photo"))
        take_allowance(parts.bus, caller().user_id, max(1, count), parts.settings.searches_per_minute)
        wanted = Wanted("persons", wish.top_k, wish.threshold, list_ids=_set(wish.list_ids))
        items, shown = [], list[Candidate]()
        for index, sent in enumerate(photos_in_turn(parts, at_most=MAX_BATCH)):
            item, found = _batch_item(parts, index, sent, wanted)
            items.append(item)
            shown += found
        return BatchOut(query_id=_written(parts, "batch", wish, "photo", shown, photos=count), items=items)

    @routes.post("/compare")
    @allow("face.search")
    @form(
        **parts_of(
            CompareWish,
            first=Part("file", "a photo; else first_sighting_id or first_person_id", required=False),
            second=Part("file", "a photo; else second_sighting_id or second_person_id", required=False),
        )
    )
    @routes.output(CompareOut)
    @routes.doc(summary="Are these two the same: two photos, sightings or persons", responses=_TOO_MANY)
    def comparison() -> CompareOut:
        wish = read(CompareWish)
        sides = (
            ("first", wish.first_sighting_id, wish.first_person_id),
            ("second", wish.second_sighting_id, wish.second_person_id),
        )
        for name, sighting_id, person_id in sides:
            _only_one(name, name in request.files, sighting_id, person_id)
        take_allowance(parts.bus, caller().user_id, 1, parts.settings.searches_per_minute)
        one, other = (_side(parts, *side) for side in sides)
        covered = one.covered or other.covered
        pairs = len(one.vectors) * len(other.vectors)
        found = compare(one.vectors, other.vectors, parts.thresholds, covered=covered, compared=pairs)
        subject = "+".join(sighting_id or person_id or "photo" for _, sighting_id, person_id in sides)
        return CompareOut(
            query_id=_written(parts, "compare", wish, subject, (), score=round(found.score, 6)),
            score=found.score,
            threshold=found.threshold,
            same=found.verdict == "same",
            verdict=found.verdict,
            words={"zh-CN": found.words("zh-CN"), "en": found.words("en")},
            false_match_rate=found.false_match_rate,
            covered=covered,
        )

    return routes


def searcher(parts: Parts, store: Store) -> Searcher:
    """Give what searches for the caller in one transaction."""
    return Searcher(store, parts.index, parts.thresholds, parts.reader.model, viewer(), now())


def _only_one(field: str, has_photo: bool, sighting_id: str | None, person_id: str | None) -> None:  # noqa: FBT001
    """Raises: Invalid: not exactly one of them says whom to look for."""
    given = [has_photo, sighting_id is not None, person_id is not None].count(True)
    if given != 1:
        raise Invalid.field(field, f"expected one of a photo, a sighting_id and a person_id, got {given}")


def _faces(parts: Parts, wish: SearchWish) -> tuple[list[FaceOut], Probe]:
    sent = photo(parts)
    faces, chosen = chosen_face(parts.reader, sent.picture, wish.box)
    shown = [face_out(face, sent.picture, chosen=number == chosen) for number, face in enumerate(faces)]
    return shown, probe_of_face(faces[chosen])


def _known(store: Store, parts: Parts, sighting_id: str | None, person_id: str | None) -> Probe:
    if sighting_id is not None:
        return probe_of_sighting(store, sighting_id, parts.reader.model, viewer())
    assert person_id is not None  # noqa: S101 - `_only_one` has seen to it
    return probe_of_person(store, person_id, parts.reader.model)


def _side(parts: Parts, name: str, sighting_id: str | None, person_id: str | None) -> Probe:
    if name in request.files:
        faces, chosen = chosen_face(parts.reader, photo(parts, name).picture, None, name)
        return probe_of_face(faces[chosen])
    with parts.database.read() as store:
        return _known(store, parts, sighting_id, person_id)


def _batch_item(
    parts: Parts, index: int, sent: Sent | Invalid, wanted: Wanted
) -> tuple[BatchItem, tuple[Candidate, ...]]:
    try:
        if isinstance(sent, Invalid):
            raise sent
        faces, _ = chosen_face(parts.reader, sent.picture, None)
    except Invalid as error:
        return BatchItem(index=index, verdict=None, face=None, faces=0, hits=[], error=error.code), ()
    with parts.database.read() as store:
        found = searcher(parts, store).search(probe_of_face(faces[0]), wanted)
        hits = _hits(parts, store, found.candidates, wanted)
    face = face_out(faces[0], sent.picture, chosen=True)
    item = BatchItem(index=index, verdict=found.verdict, face=face, faces=len(faces), hits=hits, error=None)
    return item, found.candidates


def _written(parts: Parts, kind: Kind, wish: Wish, subject: str, shown: Iterable[Candidate], **further: float) -> str:
    """Write the look down; without that nothing is answered."""
    look = Look(
        user_id=caller().user_id,
        kind=kind,
        purpose=wish.purpose,
        subject=subject,
        parameters={**parameters(wish), **further},
        address=request.remote_addr,
    )
    ids = [one.ranked.subject_id for one in shown]
    return parts.database.run(lambda store: record(store, look, ids))


def _hits(parts: Parts, store: Store, candidates: Sequence[Candidate], wanted: Wanted) -> list[HitOut]:
    ids = [one.ranked.subject_id for one in candidates]
    if wanted.of == "sightings":
        rows = store.tracks.several(ids, viewer())
        shown = dict(zip(rows, sightings_out(parts, store, list(rows.values())), strict=True))
        return [
            _hit(one, sighting=shown[one.ranked.subject_id]) for one in candidates if one.ranked.subject_id in shown
        ]
    known = store.likeness.known(ids)
    return [
        _hit(
            one,
            person=PersonHit(
                person_id=person.person_id,
                name=person.name,
                external_ref=person.external_ref,
                note=person.note,
                list_ids=list(person.list_ids),
                crop_url=picture_url(parts, one.ranked.by),
            ),
        )
        for one in candidates
        if (person := known.get(one.ranked.subject_id)) is not None
    ]


def _hit(one: Candidate, person: PersonHit | None = None, sighting: SightingOut | None = None) -> HitOut:
    return HitOut(
        score=one.ranked.score,
        accepted=one.accepted,
        near_tie=one.near_tie,
        contradicted=one.contradicted,
        person=person,
        sighting=sighting,
    )


def _set(ids: Sequence[str] | None) -> frozenset[str] | None:
    return None if ids is None else frozenset(ids)
