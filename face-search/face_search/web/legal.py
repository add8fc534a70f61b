"""The figures that the law asks for, and whose consent ends soon."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from face_search.parts import Parts
from face_search.reporting import Report, report
from face_search.web.access import allow
from shared_kernel.messages import Moment


class OnListOut(BaseModel):
    list_id: str
    name: str
    persons: int


class EndingOut(BaseModel):
    person_id: str
    name: str
    basis: str
    expires_at: Moment


class LegalOut(BaseModel):
    at: Moment
    enrolled: int = Field(description="persons with a name; of two who turned out to be one, one")
    limit: int = Field(description="enrolled persons from which the law wants a report")
    by_basis: dict[str, int] = Field(description="consent, contract, duty, safety")
    without_end: int = Field(description="persons without a day on which they are erased by themselves")
    by_list: list[OnListOut] = Field(description="who is on several is counted on each")
    ending: list[EndingOut] = Field(description="whose basis ends within 30 days, the first first; 200 at most")
    sightings: int = Field(description="faces that were seen and are kept")
    nameless: int = Field(description="those of nobody who is enrolled; a lawyer says whether they count")
    oldest_seen_at: Moment | None
    sighting_days: int = Field(description="sightings are kept this long at most")
    erased: int = Field(description="persons and photos that were erased so far")
    erasing: int


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /faces/legal-report."""
    routes = APIBlueprint("legal", __name__, tag="Rights of the searched")

    @routes.get("/legal-report")
    @allow("face.audit")
    @routes.output(LegalOut)
    @routes.doc(summary="How many people are enrolled, on what basis, and whose consent ends soon")
    def legal_report() -> LegalOut:
        with parts.database.read() as store:
            return _legal_out(parts, report(store))

    return routes


def _legal_out(parts: Parts, found: Report) -> LegalOut:
    ending = [
        EndingOut(person_id=row.person_id, name=row.name, basis=row.basis, expires_at=row.expires_at)
        for row in found.ending
        if row.expires_at is not None
    ]
    return LegalOut(
        at=found.at,
        enrolled=found.enrolled,
        limit=parts.settings.reporting_limit,
        by_basis=found.by_basis,
        without_end=found.without_end,
        by_list=[OnListOut(list_id=one.list_id, name=one.name, persons=one.persons) for one in found.by_list],
        ending=ending,
        sightings=found.sightings,
        nameless=found.nameless,
        oldest_seen_at=found.oldest_seen_at,
        sighting_days=parts.settings.sighting_days,
        erased=found.erased,
        erasing=found.erasing,
    )
