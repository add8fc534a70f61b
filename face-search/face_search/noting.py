"""What is kept and told of a face that was seen: the columns of its row, and the message that others get.

Used by `identify`; `seen` is what it is about.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, cast

from face_search.adapters.store import Store
from face_search.ports import QualityReason
from face_search.searching import Candidate, Found, Verdict
from face_search.seen import Origin, Seen
from shared_kernel.clock import now
from shared_kernel.messages import Decision, PersonSighted
from shared_kernel.tables import Sighting

_DECISIONS: Final[dict[Verdict, Decision]] = {"match": "auto", "near_tie": "near_tie", "unknown": "unknown"}


def describe(row: Sighting, seen: Seen, model: str) -> None:
    """Fill in what was seen, where and when."""
    origin, face = seen.origin, seen.face
    row.source, row.source_id, row.face_no = origin.source, origin.source_id, origin.face_no
    row.camera_id, row.taken_by, row.seen_at = origin.camera_id, origin.taken_by, origin.seen_at
    row.crop_key, row.model = origin.crop_key, model
    row.quality = seen.quality
    if face is None:
        row.aligned_key, row.quality_reasons = None, QualityReason.NO_FACE.value
        row.mask_state, row.covered = seen.mask_state.value, seen.mask_state.protected
    else:
        row.aligned_key, row.quality_reasons = origin.aligned_key, ",".join(face.quality.reasons)
        row.mask_state, row.covered = face.mask_state.value, face.covered


def locate(store: Store, row: Sighting, place: tuple[float, float] | None) -> None:
    """Fill in where it was: `place`, else where the camera stands, degrees of longitude and latitude."""
    if place is None and row.camera_id is not None:
        camera = store.places.of([row.camera_id]).get(row.camera_id)
        if camera is not None and camera.lon is not None and camera.lat is not None:
            place = camera.lon, camera.lat
    if place is not None:
        row.lon, row.lat = (Decimal(str(round(one, 6))) for one in place)


def judge(store: Store, row: Sighting, found: Found | None) -> None:
    """Fill in who it is. None: the face was too poor to be compared.

    With a near tie it is the nearer one, and the other stands beside.
    """
    row.person_id = row.score = row.threshold = row.runner_up_id = row.runner_up_score = None
    row.decision = "unusable"
    if found is None:
        return
    row.decision, row.threshold = "unknown", found.threshold
    row.score = found.candidates[0].ranked.score if found.candidates else None
    best = next((one for one in found.candidates if one.accepted), None)
    if best is None or not _is_enrolled(store, best):
        return
    row.decision = _DECISIONS[found.verdict]
    row.person_id, row.score = best.ranked.subject_id, best.ranked.score
    other = next((one for one in found.candidates if one.near_tie and one is not best), None)
    if other is not None and _is_enrolled(store, other):
        row.runner_up_id, row.runner_up_score = other.ranked.subject_id, other.ranked.score


def _is_enrolled(store: Store, one: Candidate) -> bool:
    """Ask again: somebody may have been erased while the index looked."""
    return store.sightings.recognised(one.ranked.subject_id, now()) is not None


def message_of(store: Store, row: Sighting, origin: Origin) -> PersonSighted:
    """Give what others are told of a row."""
    moment = now()
    person = None if row.person_id is None else store.sightings.recognised(row.person_id, moment)
    alert_id = store.watches.raised(row.sighting_id, (row.person_id, row.runner_up_id))  # either may be the one
    sample_id = None
    if person is not None:
        known = store.likeness.known([person.person_id]).get(person.person_id)
        sample_id = None if known is None else known.best_sample_id
    return PersonSighted(
        sighting_id=row.sighting_id,
        picture=1 if origin.phase == "closed" else 0,
        source=origin.source,
        source_id=row.source_id,
        camera_id=row.camera_id,
        taken_by=row.taken_by,
        seen_at=row.seen_at,
        decision=cast("Decision", row.decision),
        person_id=None if person is None else person.person_id,
        person_name=None if person is None else person.name,
        list_kinds=() if person is None else person.list_kinds,
        list_names=() if person is None else person.list_names,
        alerts=alert_id is not None,
        alert_id=alert_id,
        score=row.score,
        threshold=row.threshold,
        covered=row.covered,
        quality=row.quality,
        crop_key=row.crop_key,
        sample_id=sample_id,
        sample_crop_key=None if sample_id is None else store.sightings.crop_of_sample(sample_id),
        lon=None if row.lon is None else float(row.lon),
        lat=None if row.lat is None else float(row.lat),
    )
