"""Who is who: two entries that are one person, one that is two, other lists. Each can be taken back; see `undoing`.

A merge moves samples and sightings to the one who stays and leaves the other entry as a pointer, `merged_into`, so that
an old link still leads somewhere. A split makes a new person of some samples and sightings, and keeps for each of those
sightings that it is not the former. What is needed to bring it all back is kept as ids in `gallery_changes`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from shared_kernel.clock import now, now_after
from shared_kernel.errors import Conflict, FieldProblem, Invalid, NotFound
from shared_kernel.messages import Moment, new_id
from shared_kernel.tables import GalleryChange, Person


class Kept(BaseModel):
    """What a decision keeps to be taken back; ids only, JSON in the table."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Tie(Kept):
    """A sighting whose next nearest person was the other of the two."""

    sighting_id: str
    decision: str
    runner_up_id: str
    runner_up_score: float | None


class MergeKept(Kept):
    """How two entries were before they became one.

    Attributes:
        samples: that were moved; those that both had stay where they are.
        sightings: that were moved.
        lists: that the one who stays came onto.
        negatives: sightings that are now said not to be the one who stays either.
        contradictions: that were said not to be one of the two and were the other.
        absorbed: who had turned out to be the one who goes.
        ties: see there.
        beside: sightings for which the one who goes was the next nearest.
        expires_at: of the one who goes: from now on the basis of the one who stays counts.
    """

    samples: tuple[str, ...]
    sightings: tuple[str, ...]
    lists: tuple[str, ...]
    negatives: tuple[str, ...]
    contradictions: tuple[str, ...]
    absorbed: tuple[str, ...]
    ties: tuple[Tie, ...]
    beside: tuple[str, ...]
    expires_at: Moment | None


class Decided(Kept):
    """What a human had decided about a sighting that was split off."""

    sighting_id: str
    decision: str
    decided_by: str | None
    decided_at: Moment | None


class SplitKept(Kept):
    """What went to the new person. `negatives`: sightings that are now said not to be the former."""

    samples: tuple[str, ...]
    sightings: tuple[Decided, ...]
    negatives: tuple[str, ...]


class ListsKept(Kept):
    """The lists that a person was on, and is on since."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides. `user_id` None: another service, or the command line."""

    user_id: str | None
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class Piece:
    """What is split off: samples and sightings, and the name of whom they show."""

    sample_ids: Collection[str]
    sighting_ids: Collection[str]
    name: str


def standing(store: Store, person_id: str) -> Person:
    """Give a person of their own, locked.

    Raises:
        NotFound: there is none; a basis that has ended counts so too, and an erasure that was asked for.
        Conflict: this entry turned out to be another; `errors` names which.
    """
    row = store.people.locked(person_id).get(person_id)
    if row is None or _has_ended(row, now()) or store.erasures.of_subject(person_id) is not None:
        raise no_person(person_id)
    if row.merged_into is not None:
        raise merged(row)
    return row


def no_person(person_id: str) -> NotFound:
    """The refusal of somebody who is not enrolled."""
    return NotFound(f"person {person_id}: expected one who is enrolled, found none", code="no_person")


def merged(row: Person) -> Conflict:
    """The refusal of an entry that turned out to be another."""
    field = FieldProblem("person_id", row.merged_into or "")
    return Conflict(f"person {row.person_id}: turned out to be {row.merged_into}", code="merged", fields=(field,))


def touch(row: Person) -> None:
    """Say that a person changed; never twice at the same moment, so that editors can tell versions apart."""
    row.updated_at = now_after(row.updated_at)


def merge(store: Store, person_id: str, other_id: str, author: Author) -> GalleryChange:
    """Let the other entry be this person.

    Raises:
        NotFound: one of them is not enrolled.
        Conflict: one of them turned out to be somebody else already.
        Invalid: they are the same entry.
    """
    if person_id == other_id:
        raise Invalid.field("other_id", "expected another person, got the same")
    store.people.locked(person_id, other_id)  # both, in one order
    stays, goes = standing(store, person_id), standing(store, other_id)
    change = _change(store, "merge", person_id, other_id, author)
    had = store.changes.contents_of(person_id)
    samples = tuple(one.sample_id for one in store.samples.of_person(other_id) if one.content_sha256 not in had)
    theirs = frozenset(store.changes.sightings_of(other_id))
    lists = store.people.lists_of([person_id, other_id])
    joined = lists[other_id] - lists[person_id]
    negatives, contradictions = _negatives(store, person_id, other_id, theirs)
    absorbed = tuple(one.person_id for one in store.people.merged_into(other_id))
    ties, beside = _ties(store, person_id, other_id)
    kept = MergeKept(
        samples=samples,
        sightings=tuple(sorted(theirs)),
        lists=tuple(sorted(joined)),
        negatives=negatives,
        contradictions=contradictions,
        absorbed=absorbed,
        ties=ties,
        beside=beside,
        expires_at=goes.expires_at,
    )
    store.changes.move_samples(samples, other_id, person_id)
    store.changes.move_sightings(theirs, other_id, person_id)
    store.changes.absorb(absorbed, other_id, person_id)
    store.people.put_on(person_id, joined, change.created_at)
    goes.merged_into, goes.expires_at = person_id, None
    touch(goes)
    touch(stays)
    return _noted(store, change, kept)


def split(store: Store, person_id: str, piece: Piece, author: Author) -> GalleryChange:
    """Make a new person of some samples and sightings of this one.

    Basis, end and lists are those of the former; the consent is not, because the new one has not given it.

    Raises:
        NotFound: the person is not enrolled.
        Conflict: the person turned out to be somebody else.
        Invalid: a sample or sighting is not of this person, none is named, or no sample would be left.
    """
    old = standing(store, person_id)
    samples = _samples_to_split(store, person_id, piece.sample_ids)
    sightings = [row for row in store.changes.sightings(piece.sighting_ids) if author.viewer.may_see(row)]
    strange = set(piece.sighting_ids) - {row.sighting_id for row in sightings if row.person_id == person_id}
    if strange:
        raise Invalid.field("sighting_ids", f"expected sightings of this person, got {', '.join(sorted(strange))}")
    if not samples and not sightings:
        raise Invalid.field("sample_ids", "expected at least one sample or sighting to split off, got none")
    new = _split_off(old, piece.name, author)
    store.people.add(new)
    store.people.put_on(new.person_id, store.people.lists_of([person_id])[person_id], new.created_at)
    change = _change(store, "split", person_id, new.person_id, author)
    decided, fresh = _say_otherwise(store, change, [row.sighting_id for row in sightings])
    store.changes.move_samples(samples, person_id, new.person_id)
    touch(old)
    return _noted(store, change, SplitKept(samples=tuple(sorted(samples)), sightings=decided, negatives=fresh))


def change_lists(store: Store, row: Person, list_ids: Collection[str], author: Author) -> GalleryChange | None:
    """Put a locked person on exactly these lists; None when they are.

    Raises:
        Invalid: one of them does not exist.
    """
    check_lists(store, list_ids)
    before, after = store.people.lists_of([row.person_id])[row.person_id], frozenset(list_ids)
    if before == after:
        return None
    change = _change(store, "lists", row.person_id, None, author)
    store.people.take_off(row.person_id, before - after)
    store.people.put_on(row.person_id, after - before, change.created_at)
    touch(row)
    return _noted(store, change, ListsKept(before=tuple(sorted(before)), after=tuple(sorted(after))))


def check_lists(store: Store, list_ids: Collection[str]) -> None:
    """Raises: Invalid: one of the lists does not exist."""
    missing = set(list_ids) - store.lists.that_exist(list_ids)
    if missing:
        raise Invalid.field("list_ids", f"expected lists that exist, got {', '.join(sorted(missing))}", code="no_list")


def _has_ended(row: Person, moment: datetime) -> bool:
    return row.expires_at is not None and row.expires_at <= moment


def _change(store: Store, kind: str, person_id: str, other_id: str | None, author: Author) -> GalleryChange:
    """A decision that is later than all before it about these persons: what is later is taken back first."""
    moment = now_after(store.changes.latest([person_id, other_id or person_id]))
    change = GalleryChange(change_id=new_id(), kind=kind, person_id=person_id, other_id=other_id)
    change.created_by, change.created_at = author.user_id, moment
    return change


def _noted(store: Store, change: GalleryChange, kept: Kept) -> GalleryChange:
    change.before = kept.model_dump_json()
    store.changes.add(change)
    return change


def _negatives(
    store: Store, person_id: str, other_id: str, theirs: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Let what is said not to be the one who goes not be the one who stays either.

    Whoever says that two are one takes back that a sighting of the one is not the other.
    """
    own, foreign = store.changes.negatives_of(person_id), store.changes.negatives_of(other_id)
    mine = frozenset(store.changes.sightings_of(person_id)) if foreign else frozenset()
    contradictions = tuple(sorted(own & theirs))
    for sighting_id in contradictions:
        store.decisions.remove_negative(person_id, sighting_id)
    added = tuple(sorted(foreign - own - mine))
    for sighting_id in added:
        store.decisions.add_negative(person_id, sighting_id, None)
    return added, contradictions


def _ties(store: Store, person_id: str, other_id: str) -> tuple[tuple[Tie, ...], tuple[str, ...]]:
    """Two who are one are no near tie; where the one who goes was beside a third, the one who stays is now."""
    both, ties, beside = {person_id, other_id}, [], []
    for row in (*store.changes.beside(person_id), *store.changes.beside(other_id)):
        if row.person_id in both and row.runner_up_id is not None:
            ties.append(
                Tie(
                    sighting_id=row.sighting_id,
                    decision=row.decision,
                    runner_up_id=row.runner_up_id,
                    runner_up_score=row.runner_up_score,
                )
            )
            row.runner_up_id = row.runner_up_score = None
            row.decision = "auto" if row.decision == "near_tie" else row.decision
        elif row.runner_up_id == other_id:
            beside.append(row.sighting_id)
            row.runner_up_id = person_id
    return tuple(ties), tuple(beside)


def _samples_to_split(store: Store, person_id: str, sample_ids: Collection[str]) -> frozenset[str]:
    all_of_them = {row.sample_id for row in store.samples.of_person(person_id)}
    wanted = frozenset(sample_ids)
    if wanted - all_of_them:
        strange = ", ".join(sorted(wanted - all_of_them))
        raise Invalid.field("sample_ids", f"expected samples of this person, got {strange}")
    if wanted and wanted == all_of_them:
        raise Invalid.field("sample_ids", "expected at least one sample to stay, got all of them", code="nothing_left")
    return wanted


def _split_off(old: Person, name: str, author: Author) -> Person:
    moment = now()
    return Person(
        person_id=new_id(),
        name=name,
        external_ref=None,
        note="",
        basis=old.basis,
        basis_detail="",
        consented_at=None,
        expires_at=old.expires_at,
        merged_into=None,
        created_by=author.user_id,
        created_at=moment,
        updated_at=moment,
    )


def _say_otherwise(
    store: Store, change: GalleryChange, sighting_ids: Sequence[str]
) -> tuple[tuple[Decided, ...], tuple[str, ...]]:
    """Let sightings be the new person, by a human's word, and not the old one."""
    decided, fresh = [], []
    old_id, fresh_id, author = change.person_id, change.other_id or "", change.created_by
    for row in store.changes.sightings(sighting_ids):
        decided.append(
            Decided(
                sighting_id=row.sighting_id,
                decision=row.decision,
                decided_by=row.decided_by,
                decided_at=row.decided_at,
            )
        )
        row.decision, row.decided_by, row.decided_at = "confirmed", author, change.created_at
        if not store.decisions.is_negative(old_id, row.sighting_id):
            fresh.append(row.sighting_id)
            store.decisions.add_negative(old_id, row.sighting_id, author)
    store.changes.move_sightings(sighting_ids, old_id, fresh_id)
    return tuple(decided), tuple(fresh)
