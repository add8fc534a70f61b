"""A human says who a sighting is, or who it is not. Both feed back, and both can be taken back.

Confirming takes away the contrary negative, and offers a good face as a sample. Rejecting keeps a negative, which every
later search respects, and leaves the sighting without a name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from face_search.quality import GOOD
from shared_kernel.clock import now, now_after, rfc3339
from shared_kernel.errors import Conflict, NotFound
from shared_kernel.messages import new_id
from shared_kernel.tables import GalleryChange, Person, Sighting

#: Links from a person to the one they turned out to be that are followed.
_MERGES: Final = 8


@dataclass(frozen=True, slots=True)
class Decided:
    """A sighting as it is now. `change_id`: to take it back; None when nothing changed."""

    row: Sighting
    change_id: str | None
    offers_sample: bool = False


def confirm(store: Store, sighting_id: str, person_id: str, viewer: Viewer, author: str | None) -> Decided:
    """Keep that a sighting is a person. `author`: the user who says so; None: another service.

    Raises:
        NotFound: no such sighting for this viewer, or no such person.
    """
    row, person = _sighting(store, sighting_id, viewer), _person(store, person_id)
    if row.decision == "confirmed" and row.person_id == person.person_id:
        return Decided(row, None, _is_sample(row))
    change = _change("confirm", row, person.person_id, store, author)
    store.decisions.remove_negative(person.person_id, sighting_id)
    row.person_id, row.decision = person.person_id, "confirmed"
    _settle(store, row, author)
    store.decisions.note(change)
    return Decided(row, change.change_id, _is_sample(row))


def reject(store: Store, sighting_id: str, viewer: Viewer, author: str | None) -> Decided:
    """Keep that a sighting is not the person it is taken for.

    Raises:
        NotFound: no such sighting for this viewer.
        Conflict: it is taken for nobody.
    """
    row = _sighting(store, sighting_id, viewer)
    if row.decision == "rejected":
        return Decided(row, None)
    if row.person_id is None:
        raise Conflict(f"sighting {sighting_id}: expected one that is taken for somebody, got one without a name")
    change = _change("not_this_person", row, row.person_id, store, author)
    store.decisions.add_negative(row.person_id, sighting_id, author)
    row.person_id, row.decision = None, "rejected"
    _settle(store, row, author)
    store.decisions.note(change)
    return Decided(row, change.change_id)


def take_back(store: Store, change: GalleryChange) -> None:
    """Bring back what `confirm` or `reject` changed.

    Raises:
        Conflict: somebody has decided about the sighting since, or it is gone.
    """
    before = json.loads(change.before)
    sighting_id = change.other_id or ""
    row = store.decisions.sighting(sighting_id)
    if row is None:
        raise Conflict(f"change {change.change_id}: expected its sighting to be there, found none", code="gone")
    if row.decided_at is None or rfc3339(row.decided_at) != before["decided_now"]:
        raise Conflict(f"change {change.change_id}: expected no later decision, found one", code="changed_since")
    if before["negative"]:
        store.decisions.add_negative(change.person_id, sighting_id, change.created_by)
    else:
        store.decisions.remove_negative(change.person_id, sighting_id)
    row.person_id, row.decision, row.decided_by = before["person_id"], before["decision"], before["decided_by"]
    row.decided_at = None if before["decided_at"] is None else datetime.fromisoformat(before["decided_at"])
    store.decisions.index_again(sighting_id)


def _sighting(store: Store, sighting_id: str, viewer: Viewer) -> Sighting:
    row = store.decisions.sighting(sighting_id)
    if row is None or not viewer.may_see(row):
        raise NotFound(f"sighting {sighting_id}: expected one that you may see, found none", code="no_sighting")
    return row


def _person(store: Store, person_id: str) -> Person:
    """Give the person, or the one they turned out to be."""
    person = store.decisions.person(person_id)
    for _ in range(_MERGES):
        if person is None or person.merged_into is None:
            break
        person = store.decisions.person(person.merged_into)
    ended = person is not None and person.expires_at is not None and person.expires_at <= now()
    if person is None or ended or store.erasures.of_subject(person.person_id) is not None:
        raise NotFound(f"person {person_id}: expected one who is enrolled, found none", code="no_person")
    return person


def _change(kind: str, row: Sighting, person_id: str, store: Store, author: str | None) -> GalleryChange:
    """How the sighting is before it changes; ids only."""
    before = {
        "person_id": row.person_id,
        "decision": row.decision,
        "decided_by": row.decided_by,
        "decided_at": None if row.decided_at is None else rfc3339(row.decided_at),
        "negative": store.decisions.is_negative(person_id, row.sighting_id),
    }
    # later than any decision before, so that `take_back` can tell them apart
    row.decided_at = moment = now_after(row.decided_at)
    change = GalleryChange(change_id=new_id(), kind=kind, person_id=person_id, other_id=row.sighting_id)
    change.before = json.dumps({**before, "decided_now": rfc3339(moment)})
    change.created_by, change.created_at = author, moment
    return change


def _settle(store: Store, row: Sighting, author: str | None) -> None:
    row.decided_by = author
    store.decisions.index_again(row.sighting_id)


def _is_sample(row: Sighting) -> bool:
    return row.aligned_key is not None and not row.covered and row.quality >= GOOD
