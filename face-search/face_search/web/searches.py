"""Who is that: by a photo, a box in one, a sighting or a person; and the faces of up to 64 photos at once.

Each of these looks needs a purpose. It is counted before anything is read, and written down with what was shown before
anything is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from face_search.parts import Parts
from face_search.searching import Candidate, Probe, Verdict, Wanted
from face_search.web.access import allow
from face_search.web.hits import HitOut, count_looks, hits_out, known_face, only_one, searcher, write_down
from face_search.web.intake import Part, Sent, also_json, form, photo, photos_in_turn
from face_search.web.probing import FaceOut, chosen_face, face_out, probe_of_face
from face_search.web.wishes import BatchWish, SearchWish, parts_of, read
from shared_kernel.cursors import score_cursor
from shared_kernel.errors import Invalid

#: Photos of one batch at most.
MAX_BATCH: Final = 64
_TOO_MANY: Final = {429: "too many looks within a minute; Retry-After says when to try again"}


class SearchOut(BaseModel):
    query_id: str = Field(description="of the record of this look")
    verdict: Verdict = Field(description="match, near_tie or unknown")
    threshold: float = Field(description="cosine that counts as the same face in this search")
    false_match_rate: float = Field(description="share of pairs of strangers that reach the threshold")
    covered: bool = Field(description="mouth or nose cannot be seen: compared by another threshold")
    faces: list[FaceOut] = Field(description="all faces of the photo, the largest first; empty without a photo")
    hits: list[HitOut] = Field(description="best first")
    next: str | None = Field(description="`after` of the next page of sightings; null on the last")


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
    """Routes /faces/search and /faces/search/batch."""
    routes = APIBlueprint("searches", __name__, tag="Search")

    @routes.post("/search")
    @allow("face.search")
    @also_json(SearchWish)
    @form(**parts_of(SearchWish, photo=Part("file", "whom to look for; else sighting_id or person_id", required=False)))
    @routes.output(SearchOut)
    @routes.doc(summary="Look for a face: who is it, or where else was it seen", responses=_TOO_MANY)
    def search() -> SearchOut:
        wish = read(SearchWish)
        wanted = wish.wanted
        only_one("photo", bool(request.files), wish.sighting_id, wish.person_id)
        count_looks(parts)
        faces, probe = _faces(parts, wish) if request.files else ([], None)
        with parts.database.read() as store:
            probe = probe or known_face(parts, store, wish.sighting_id, wish.person_id)
            found = searcher(parts, store).search(probe, wanted)
            hits = hits_out(parts, store, found.candidates, wanted.of)
        subject = wish.sighting_id or wish.person_id or "photo"
        query_id = write_down(parts, "search", wish, subject, found.candidates)
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
        count_looks(parts, max(1, count))
        wanted = Wanted("persons", wish.top_k, wish.threshold, list_ids=_set(wish.list_ids))
        items, shown = [], list[Candidate]()
        for index, sent in enumerate(photos_in_turn(parts, at_most=MAX_BATCH)):
            item, found = _batch_item(parts, index, sent, wanted)
            items.append(item)
            shown += found
        return BatchOut(query_id=write_down(parts, "batch", wish, "photo", shown, photos=count), items=items)

    return routes


def _faces(parts: Parts, wish: SearchWish) -> tuple[list[FaceOut], Probe]:
    sent = photo(parts)
    faces, chosen = chosen_face(parts.reader, sent.picture, wish.box)
    shown = [face_out(face, sent.picture, chosen=number == chosen) for number, face in enumerate(faces)]
    return shown, probe_of_face(faces[chosen])


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
        hits = hits_out(parts, store, found.candidates, wanted.of)
    face = face_out(faces[0], sent.picture, chosen=True)
    item = BatchItem(index=index, verdict=found.verdict, face=face, faces=len(faces), hits=hits, error=None)
    return item, found.candidates


def _set(ids: Sequence[str] | None) -> frozenset[str] | None:
    return None if ids is None else frozenset(ids)
