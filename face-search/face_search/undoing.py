"""Taking back what `gallery` and `deciding` did: everything is as it was, or nothing happens and the reason is told.

What was decided later about the same is taken back first. What has gone since by itself (a sighting beyond its time, a
sample that was removed) stays gone; what came since (a new sample, a new sighting) stays with whom it came to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from face_search import deciding
from face_search.adapters.store import Store
from face_search.gallery import Author, ListsKept, MergeKept, SplitKept, standing, touch
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, FieldProblem, NotFound
from shared_kernel.tables import GalleryChange, Person


def undo(store: Store, change_id: str, author: Author) -> GalleryChange:
    """Take a decision back.

    Raises:
        NotFound: no such decision for this viewer; with a person or sighting that is gone, decisions go too.
        Conflict: it was taken back already, or something was decided since that would be lost; `errors` names it.
    """
    seen = _change(store, change_id, author)
    store.people.locked(*(one for one in (seen.person_id, seen.other_id) if one is not None))
    change = store.changes.get(change_id, lock=True)  # after the persons, as whoever merges does
    if change is None:
        raise _no_change(change_id)
    if change.undone_at is not None:
        raise Conflict(f"change {change_id}: expected one that stands, it was taken back", code="already_undone")
    _UNDO[change.kind](store, change)
    change.undone_at, change.undone_by = now(), author.user_id
    return change


def _change(store: Store, change_id: str, author: Author) -> GalleryChange:
    change = store.changes.get(change_id)
    if change is None:
        raise _no_change(change_id)
    if change.kind in ("confirm", "not_this_person"):
        row = store.decisions.sighting(change.other_id or "")
        if row is not None and not author.viewer.may_see(row):
            raise _no_change(change_id)
    return change


def _no_change(change_id: str) -> NotFound:
    return NotFound(f"change {change_id}: expected one that you may see, found none", code="no_change")


def _undo_merge(store: Store, change: GalleryChange) -> None:
    kept = MergeKept.model_validate_json(change.before)
    stays, goes = standing(store, change.person_id), _entry(store, change)
    if goes.merged_into != stays.person_id:
        raise _changed(change, "merged_into", goes.merged_into or "nobody")
    _refuse_later(store, change, stays.person_id, goes.person_id)
    _refuse_decided(store, change, kept.sightings)
    person_id, other_id = stays.person_id, goes.person_id
    off = set(kept.lists) - store.people.lists_of([person_id])[person_id]
    if off & store.lists.that_exist(off):
        raise _changed(change, "list_ids", ", ".join(sorted(off)))
    store.changes.move_samples(kept.samples, person_id, other_id)
    store.changes.move_sightings(kept.sightings, person_id, other_id)
    store.changes.absorb(kept.absorbed, person_id, other_id)
    store.people.take_off(person_id, kept.lists)
    for sighting_id in kept.negatives:
        store.decisions.remove_negative(person_id, sighting_id)
    there = {row.sighting_id for row in store.changes.sightings(kept.contradictions)}
    for sighting_id in sorted(there):
        store.decisions.add_negative(person_id, sighting_id, change.created_by)
    _restore_ties(store, kept, person_id, other_id)
    goes.merged_into, goes.expires_at = None, kept.expires_at
    touch(stays)
    touch(goes)


def _restore_ties(store: Store, kept: MergeKept, person_id: str, other_id: str) -> None:
    ties = {one.sighting_id: one for one in kept.ties}
    for row in store.changes.sightings(ties):
        tie = ties[row.sighting_id]
        if row.runner_up_id is None:  # compared anew since, otherwise
            row.runner_up_id, row.runner_up_score = tie.runner_up_id, tie.runner_up_score
            row.decision = tie.decision
    for row in store.changes.sightings(kept.beside):
        if row.runner_up_id == person_id:
            row.runner_up_id = other_id


def _undo_split(store: Store, change: GalleryChange) -> None:
    kept = SplitKept.model_validate_json(change.before)
    old, new = standing(store, change.person_id), _entry(store, change)
    if new.merged_into is not None:
        raise _changed(change, "merged_into", new.merged_into)
    _refuse_later(store, change, old.person_id, new.person_id)
    before = {one.sighting_id: one for one in kept.sightings}
    mine = [row for row in store.changes.sightings(before) if row.person_id == new.person_id]
    again = [row.sighting_id for row in mine if row.decided_at != change.created_at]
    strange = [row.sample_id for row in store.samples.of_person(new.person_id) if row.sample_id not in kept.samples]
    elsewhere = {row.sighting_id for row in store.changes.sightings(before)} - {row.sighting_id for row in mine}
    others = store.changes.sightings_of(new.person_id)
    decided = store.changes.decided_about(set(others) - set(before), change.created_at)
    for field, ids in (
        ("sighting_ids", [*again, *sorted(elsewhere), *sorted(decided)]),
        ("sample_ids", strange),
        ("sighting_ids", sorted(store.changes.negatives_of(new.person_id))),
    ):
        if ids:
            raise _changed(change, field, ", ".join(ids[:3]))
    for row in mine:
        was = before[row.sighting_id]
        row.decision, row.decided_by, row.decided_at = was.decision, was.decided_by, was.decided_at
    store.changes.move_samples(kept.samples, new.person_id, old.person_id)
    store.changes.move_sightings(others, new.person_id, old.person_id)  # what came since too: it is one person
    for row in store.changes.beside(new.person_id):
        row.runner_up_id = row.runner_up_score = None
        row.decision = "auto" if row.decision == "near_tie" else row.decision
    for sighting_id in kept.negatives:
        store.decisions.remove_negative(old.person_id, sighting_id)
    store.people.take_off(new.person_id, store.people.lists_of([new.person_id])[new.person_id])
    store.people.remove(new)
    touch(old)


def _undo_lists(store: Store, change: GalleryChange) -> None:
    kept = ListsKept.model_validate_json(change.before)
    row = standing(store, change.person_id)
    now_on = store.people.lists_of([row.person_id])[row.person_id]
    if now_on != frozenset(kept.after):
        raise _changed(change, "list_ids", ", ".join(sorted(now_on)))
    gone = set(kept.before) - store.lists.that_exist(kept.before)
    if gone:
        raise _changed(change, "list_ids", f"{', '.join(sorted(gone))} is gone")
    store.people.take_off(row.person_id, now_on - frozenset(kept.before))
    store.people.put_on(row.person_id, frozenset(kept.before) - now_on, now())
    touch(row)


def _entry(store: Store, change: GalleryChange) -> Person:
    """The other entry, whatever became of it."""
    other_id = change.other_id or ""
    row = store.people.locked(other_id).get(other_id)
    if row is None:
        raise _changed(change, "other_id", f"{other_id} is gone")
    return row


def _refuse_later(store: Store, change: GalleryChange, *person_ids: str) -> None:
    later = store.changes.later(change, person_ids)
    if later is not None:
        raise _changed(change, "change_id", later.change_id)


def _refuse_decided(store: Store, change: GalleryChange, sighting_ids: tuple[str, ...]) -> None:
    decided = store.changes.decided_about(sighting_ids, change.created_at)
    if decided:
        raise _changed(change, "sighting_ids", ", ".join(sorted(decided)[:3]))


def _changed(change: GalleryChange, field: str, what: str) -> Conflict:
    """The refusal because of what happened since; `field` says of what kind, `what` which."""
    detail = f"change {change.change_id}: expected nothing decided since, found {field} {what}: take that back first"
    return Conflict(detail, code="changed_since", fields=(FieldProblem(field, what),))


_UNDO: Final[Mapping[str, Callable[[Store, GalleryChange], None]]] = {
    "merge": _undo_merge,
    "split": _undo_split,
    "lists": _undo_lists,
    "confirm": deciding.take_back,
    "not_this_person": deciding.take_back,
}
