"""What every look for a face shares: who is asked about, who searches, how hits are shown, what is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import request
from pydantic import BaseModel, Field

from face_search.adapters.store import Store
from face_search.looks import Kind, Look, record, take_allowance
from face_search.parts import Parts
from face_search.searching import Candidate, Of, Probe, Searcher
from face_search.web.access import caller, picture_url
from face_search.web.probing import probe_of_person, probe_of_sighting
from face_search.web.sighted import SightingOut, sightings_out, viewer
from face_search.web.wishes import Wish, parameters
from shared_kernel.clock import now
from shared_kernel.errors import Invalid


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


def count_looks(parts: Parts, amount: int = 1) -> None:
    """Count looks of the caller.

    Raises:
        Throttled: too many within a minute.
    """
    take_allowance(parts.bus, caller().user_id, amount, parts.settings.searches_per_minute)


def searcher(parts: Parts, store: Store) -> Searcher:
    """Give what searches for the caller in one transaction."""
    return Searcher(store, parts.index, parts.thresholds, parts.reader.model, viewer(), now())


def only_one(field: str, has_photo: bool, sighting_id: str | None, person_id: str | None) -> None:  # noqa: FBT001
    """Make sure that there is one way to tell whom to look for.

    Raises:
        Invalid: none, or several.
    """
    given = [has_photo, sighting_id is not None, person_id is not None].count(True)
    if given != 1:
        raise Invalid.field(field, f"expected one of a photo, a sighting_id and a person_id, got {given}")


def known_face(parts: Parts, store: Store, sighting_id: str | None, person_id: str | None) -> Probe:
    """Look for the face of a sighting, or for a person; see `probing`."""
    if sighting_id is not None:
        return probe_of_sighting(store, sighting_id, parts.reader.model, viewer())
    assert person_id is not None  # noqa: S101 - `only_one` has seen to it
    return probe_of_person(store, person_id, parts.reader.model)


def write_down(parts: Parts, kind: Kind, wish: Wish, subject: str, shown: Iterable[Candidate], **further: float) -> str:
    """Write a look down, and give the id of the record; without that nothing is answered."""
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


def hits_out(parts: Parts, store: Store, candidates: Sequence[Candidate], of: Of) -> list[HitOut]:
    """Show candidates to the caller, in their order; who or what has gone meanwhile is left out."""
    ids = [one.ranked.subject_id for one in candidates]
    if of == "sightings":
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
