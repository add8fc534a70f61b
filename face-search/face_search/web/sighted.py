"""Sightings as clients see them, with names, places and addresses of pictures. For the routes that show any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from face_search.adapters.likeness import Known, Viewer
from face_search.adapters.places import Place
from face_search.adapters.store import Store
from face_search.parts import Parts
from face_search.web.access import caller, picture_url
from shared_kernel.messages import Decision, MaskState, Moment
from shared_kernel.tables import Sighting


class SightingOut(BaseModel):
    sighting_id: str
    source: str = Field(description="pass (of a camera) or photo (of a patrol)")
    source_id: str
    camera_id: str | None
    camera_name: str | None
    seen_at: Moment
    lon: float | None = Field(description="degrees, WGS-84; where the camera stood then, else where it stands today")
    lat: float | None
    crop_url: str = Field(description="opens for ten minutes for this user")
    mask_state: MaskState
    covered: bool = Field(description="mouth or nose cannot be seen: compared by another threshold")
    quality: float
    quality_reasons: list[str]
    person_id: str | None
    person_name: str | None
    person_crop_url: str | None = Field(description="the best sample of that person")
    decision: Decision
    score: float | None = Field(description="cosine to the nearest person, -1 to 1")
    threshold: float | None = Field(description="what the score had to reach then")
    runner_up_id: str | None = Field(description="the next nearest person, when near")
    runner_up_name: str | None
    runner_up_crop_url: str | None
    runner_up_score: float | None
    decided_at: Moment | None


def viewer() -> Viewer:
    """What the caller may see."""
    return Viewer(caller().user_id, caller().cameras)


def sightings_out(parts: Parts, store: Store, rows: Sequence[Sighting]) -> list[SightingOut]:
    """Show these rows, which the caller may see, in their order."""
    persons = {one for row in rows for one in (row.person_id, row.runner_up_id) if one is not None}
    known = store.likeness.known(persons)
    places = store.places.of({row.camera_id for row in rows if row.camera_id is not None})
    return [_sighting_out(parts, row, known, places) for row in rows]


def _sighting_out(parts: Parts, row: Sighting, known: Mapping[str, Known], places: Mapping[str, Place]) -> SightingOut:
    person, runner_up = known.get(row.person_id or ""), known.get(row.runner_up_id or "")
    place = places.get(row.camera_id or "")
    lon, lat = (row.lon, row.lat) if row.lon is not None or place is None else (place.lon, place.lat)
    return SightingOut(
        sighting_id=row.sighting_id,
        source=row.source,
        source_id=row.source_id,
        camera_id=row.camera_id,
        camera_name=None if place is None else place.name,
        seen_at=row.seen_at,
        lon=None if lon is None else float(lon),
        lat=None if lat is None else float(lat),
        crop_url=picture_url(parts, row.sighting_id),
        mask_state=MaskState(row.mask_state),
        covered=row.covered,
        quality=row.quality,
        quality_reasons=[one for one in row.quality_reasons.split(",") if one],
        person_id=row.person_id,
        person_name=None if person is None else person.name,
        person_crop_url=_crop(parts, person),
        decision=row.decision,
        score=row.score,
        threshold=row.threshold,
        runner_up_id=row.runner_up_id,
        runner_up_name=None if runner_up is None else runner_up.name,
        runner_up_crop_url=_crop(parts, runner_up),
        runner_up_score=row.runner_up_score,
        decided_at=row.decided_at,
    )


def _crop(parts: Parts, person: Known | None) -> str | None:
    return None if person is None or person.best_sample_id is None else picture_url(parts, person.best_sample_id)
