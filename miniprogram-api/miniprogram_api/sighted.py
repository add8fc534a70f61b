"""PersonSighted in; a live event out, for whoever may see the camera and faces. face-search keeps the row.

A `sighting` says who was seen, or that nobody knows. It is a `watch` when one of the person's lists wants to be told:
once for a sighting and person, however many pictures of the visit there are. Addresses of both pictures are made for
each listener when it is told: face-search opens them, and asks for the rights again. Called by `recorder`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.messages import Decision, Moment, PersonSighted, sighted_ids
from shared_kernel.tables import EventLog
from shared_kernel.wire import is_ulid

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store

SIGHTING: Final = "sighting"
WATCH: Final = "watch"
#: Decisions that name somebody.
_NAMED: Final = ("auto", "near_tie", "confirmed")


class SightingNote(BaseModel):
    """What the log keeps of a sighting."""

    sighting_id: str
    source: str
    source_id: str
    camera_id: str | None
    camera_name: str | None
    seen_at: Moment
    decision: Decision
    person_id: str | None
    person_name: str | None
    list_names: list[str]
    alerts: bool
    alert_id: str | None = None
    score: float | None
    threshold: float | None
    covered: bool
    sample_id: str | None


class SightingSeen(SightingNote):
    """The same for one listener."""

    crop_url: str
    sample_crop_url: str | None


class SightingEvent(BaseModel):
    """Payload of the events `sighting` and `watch`."""

    at: Moment
    sighting: SightingSeen


def record_sighting(store: Store, message: PersonSighted) -> None:
    """Note what live clients are told. A face that was too poor to be compared is told to nobody.

    Raises:
        Poison: an id is none.
    """
    scope_type, scope_id = ("photo", message.taken_by) if message.camera_id is None else ("camera", message.camera_id)
    for one in (message.sighting_id, scope_id, message.person_id or message.sighting_id):
        if one is None or not is_ulid(one):
            raise Poison(f"PersonSighted {message.sighting_id[:40]!r}: expected ULIDs, got {str(one)[:40]!r}")
    if message.decision == "unusable":
        return
    alerts = message.alerts and message.decision in _NAMED
    row = EventLog(message_id=message.message_id, scope_type=scope_type, scope_id=scope_id)
    row.event = WATCH if alerts and not _is_told(store, message) else SIGHTING
    row.payload = _note(store, message, alerts=alerts).model_dump_json()
    row.occurred_at, row.created_at = message.seen_at, now()
    store.events.append(row)


def seen_by(note: SightingNote, sign: Callable[[str], str]) -> SightingSeen:
    """Give a note with addresses of its pictures; `sign` makes one of the id of a sighting or sample."""
    sample_url = None if note.sample_id is None else sign(note.sample_id)
    return SightingSeen(**note.model_dump(), crop_url=sign(note.sighting_id), sample_crop_url=sample_url)


def _note(store: Store, message: PersonSighted, *, alerts: bool) -> SightingNote:
    camera_id = message.camera_id
    return SightingNote(
        sighting_id=message.sighting_id,
        source=message.source,
        source_id=message.source_id,
        camera_id=camera_id,
        camera_name=None if camera_id is None else store.cameras.names([camera_id]).get(camera_id),
        seen_at=message.seen_at,
        decision=message.decision,
        person_id=message.person_id,
        person_name=message.person_name,
        list_names=list(message.list_names),
        alerts=alerts,
        alert_id=message.alert_id,
        score=message.score,
        threshold=message.threshold,
        covered=message.covered,
        sample_id=message.sample_id,
    )


def _is_told(store: Store, message: PersonSighted) -> bool:
    """Tell whether the other picture of this sighting has raised the alert about the same person."""
    for message_id in sighted_ids(message.sighting_id):
        row = store.events.of(message_id)
        if row is not None and row.event == WATCH and message_id != message.message_id:
            return SightingNote.model_validate_json(row.payload).person_id == message.person_id
    return False
