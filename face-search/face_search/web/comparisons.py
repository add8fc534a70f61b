"""Are these two the same: two photos, sightings or persons beside each other, and the verdict in plain words."""

from __future__ import annotations

from typing import Final, Literal

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from face_search.comparing import Verdict, compare
from face_search.parts import Parts
from face_search.searching import Probe
from face_search.web.access import allow
from face_search.web.hits import count_looks, known_face, only_one, write_down
from face_search.web.intake import Part, also_json, form, photo
from face_search.web.probing import chosen_face, probe_of_face
from face_search.web.wishes import CompareWish, parts_of, read

_TOO_MANY: Final = {429: "too many looks within a minute; Retry-After says when to try again"}


class CompareOut(BaseModel):
    query_id: str
    score: float = Field(description="cosine, -1 to 1")
    threshold: float
    same: bool
    verdict: Verdict = Field(description="same, unsure or different")
    words: dict[Literal["zh-CN", "en"], str] = Field(description="the verdict in plain language")
    false_match_rate: float = Field(description="share of pairs of strangers that reach the threshold")
    covered: bool


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /faces/compare."""
    routes = APIBlueprint("comparisons", __name__, tag="Search")

    @routes.post("/compare")
    @allow("face.search")
    @also_json(CompareWish)
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
            only_one(name, name in request.files, sighting_id, person_id)
        count_looks(parts)
        one, other = (_side(parts, *side) for side in sides)
        covered = one.covered or other.covered
        pairs = len(one.vectors) * len(other.vectors)
        found = compare(one.vectors, other.vectors, parts.thresholds, covered=covered, compared=pairs)
        subject = "+".join(sighting_id or person_id or "photo" for _, sighting_id, person_id in sides)
        return CompareOut(
            query_id=write_down(parts, "compare", wish, subject, (), score=round(found.score, 6)),
            score=found.score,
            threshold=found.threshold,
            same=found.verdict == "same",
            verdict=found.verdict,
            words={"zh-CN": found.words("zh-CN"), "en": found.words("en")},
            false_match_rate=found.false_match_rate,
            covered=covered,
        )

    return routes


def _side(parts: Parts, name: str, sighting_id: str | None, person_id: str | None) -> Probe:
    if name in request.files:
        faces, chosen = chosen_face(parts.reader, photo(parts, name).picture, None, name)
        return probe_of_face(faces[chosen])
    with parts.database.read() as store:
        return known_face(parts, store, sighting_id, person_id)
