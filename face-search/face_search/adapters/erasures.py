"""Receipts of erasures, and everything that names a person or a sighting, across all tables.

`Erasures` keeps the receipts. `Traces` finds and removes: it is the one place that knows every column in which somebody
can be found, so a new one belongs here too (a test compares it with the tables).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from shared_kernel.tables import (
    FaceAnswer,
    FaceErasure,
    FaceImportLine,
    FaceList,
    FaceQuery,
    FaceSample,
    FaceVector,
    GalleryChange,
    NotThisPerson,
    Person,
    PersonOnList,
    Sighting,
    WatchAlert,
)
from shared_kernel.tables.conditions import newest_first


class Erasures:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, erasure_id: str, *, lock: bool = False) -> FaceErasure | None:
        return self._session.get(FaceErasure, erasure_id, with_for_update=lock or None)

    def of_subject(self, subject_id: str) -> FaceErasure | None:
        return self._session.scalars(select(FaceErasure).where(FaceErasure.subject_id == subject_id)).first()

    def add(self, row: FaceErasure) -> None:
        self._session.add(row)
        self._session.flush()

    def page(self, after: tuple[datetime, str] | None, limit: int) -> Sequence[FaceErasure]:
        """Newest first."""
        page = newest_first(select(FaceErasure), FaceErasure.requested_at, FaceErasure.erasure_id, after, limit)
        return self._session.scalars(page).all()

    def running(self) -> Sequence[str]:
        """Those that are not done, in the order in which they were asked."""
        query = select(FaceErasure.erasure_id).where(FaceErasure.state == "running")
        return self._session.scalars(query.order_by(FaceErasure.requested_at)).all()

    def done_since(self, moment: datetime) -> Sequence[str]:
        """Of persons and photos; what retention removed by itself is no matter of late arrivals."""
        query = select(FaceErasure.erasure_id).where(FaceErasure.done_at >= moment, FaceErasure.cause != "retention")
        return self._session.scalars(query).all()

    def states(self, erasure_ids: Iterable[str]) -> dict[str, str]:
        query = select(FaceErasure.erasure_id, FaceErasure.state).where(FaceErasure.erasure_id.in_(list(erasure_ids)))
        return {row.erasure_id: row.state for row in self._session.execute(query)}


class Traces:
    """Where somebody can be found."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def persons_with(self, person_ids: Iterable[str]) -> frozenset[str]:
        """These persons, those they turned out to be, and those who turned out to be them: one human."""
        found: set[str] = set()
        wanted = set(person_ids)
        while wanted:
            found |= wanted
            links = select(Person.person_id, Person.merged_into).where(
                or_(Person.person_id.in_(wanted), Person.merged_into.in_(wanted))
            )
            linked = {one for pair in self._session.execute(links) for one in pair if one is not None}
            wanted = linked - found
        return frozenset(found)

    def persons(self, person_ids: Collection[str]) -> Sequence[Person]:
        return self._session.scalars(select(Person).where(Person.person_id.in_(person_ids))).all()

    def expired(self, moment: datetime, limit: int) -> Sequence[str]:
        """Persons whose consent or other basis has ended, who are not being erased yet."""
        asked = exists().where(FaceErasure.subject_id == Person.person_id)
        query = select(Person.person_id).where(Person.expires_at <= moment, ~asked).order_by(Person.expires_at)
        return self._session.scalars(query.limit(limit)).all()

    def keys_in_use(self, keys: Collection[str]) -> frozenset[str]:
        """Those of the object keys that some sample or sighting names."""
        columns = FaceSample.crop_key, FaceSample.aligned_key, Sighting.crop_key, Sighting.aligned_key
        found = (self._session.scalars(select(column).where(column.in_(keys))) for column in columns)
        return frozenset(key for rows in found for key in rows if key is not None)

    def samples(self, person_ids: Collection[str]) -> Sequence[FaceSample]:
        return self._session.scalars(select(FaceSample).where(FaceSample.person_id.in_(person_ids))).all()

    def sightings_of(self, person_ids: Collection[str], limit: int, *, after: str = "") -> Sequence[Sighting]:
        """In the order of their ids, from the one after `after`."""
        query = select(Sighting).where(Sighting.person_id.in_(person_ids), Sighting.sighting_id > after)
        return self._session.scalars(query.order_by(Sighting.sighting_id).limit(limit)).all()

    def lists_of(self, person_id: str) -> Sequence[str]:
        """Names of the lists that a person is on."""
        query = select(FaceList.name).join(PersonOnList, PersonOnList.list_id == FaceList.list_id)
        return self._session.scalars(query.where(PersonOnList.person_id == person_id).order_by(FaceList.name)).all()

    def negatives_of(self, person_ids: Collection[str]) -> Sequence[str]:
        """Sightings of which a human said that they are not this person."""
        query = select(NotThisPerson.sighting_id).where(NotThisPerson.person_id.in_(person_ids))
        return self._session.scalars(query.order_by(NotThisPerson.sighting_id)).all()

    def alerts_of(self, person_ids: Collection[str]) -> Sequence[WatchAlert]:
        """Alerts about these persons, oldest first."""
        query = select(WatchAlert).where(WatchAlert.person_id.in_(person_ids))
        return self._session.scalars(query.order_by(WatchAlert.seen_at, WatchAlert.alert_id)).all()

    def looks_for(self, person_ids: Collection[str]) -> Sequence[tuple[datetime, str, str]]:
        """(when, kind, purpose) of the looks for exactly these persons, and of those that showed them."""
        shown = (FaceQuery.shown.contains(person_id, autoescape=True) for person_id in person_ids)
        query = select(FaceQuery.created_at, FaceQuery.kind, FaceQuery.purpose).where(
            or_(FaceQuery.subject.in_(person_ids), *shown)
        )
        rows = self._session.execute(query.order_by(FaceQuery.created_at))
        return [(created_at, kind, purpose) for created_at, kind, purpose in rows]

    def count_sightings(self, person_ids: Collection[str]) -> int:
        query = select(func.count()).select_from(Sighting).where(Sighting.person_id.in_(person_ids))
        return int(self._session.scalar(query) or 0)

    def sightings(self, sighting_ids: Collection[str]) -> Sequence[Sighting]:
        return self._session.scalars(select(Sighting).where(Sighting.sighting_id.in_(sighting_ids))).all()

    def sightings_from(self, pass_ids: Collection[str]) -> Sequence[Sighting]:
        """Made of these passes."""
        query = select(Sighting).where(Sighting.source == "pass", Sighting.source_id.in_(pass_ids))
        return self._session.scalars(query).all()

    def old_sightings(self, before: datetime, limit: int) -> Sequence[Sighting]:
        query = select(Sighting).where(Sighting.seen_at < before).order_by(Sighting.seen_at).limit(limit)
        return self._session.scalars(query).all()

    def old_sightings_of_list(self, list_id: str, before: datetime, limit: int) -> Sequence[Sighting]:
        """Of persons on this list."""
        on_list = select(PersonOnList.person_id).where(PersonOnList.list_id == list_id)
        query = select(Sighting).where(Sighting.person_id.in_(on_list), Sighting.seen_at < before)
        return self._session.scalars(query.order_by(Sighting.seen_at).limit(limit)).all()

    def lists_that_keep(self) -> Sequence[tuple[str, int]]:
        """(list, days) of those that say how long."""
        query = select(FaceList.list_id, FaceList.keep_days).where(FaceList.keep_days.is_not(None))
        return [(list_id, int(days)) for list_id, days in self._session.execute(query) if days is not None]

    def vector_ids(self, subject_ids: Collection[str]) -> Sequence[str]:
        """Vectors of these samples and sightings that there still are, in the table or in the index."""
        return self._session.scalars(select(FaceVector.vector_id).where(FaceVector.subject_id.in_(subject_ids))).all()

    def remove_samples(self, sample_ids: Collection[str]) -> None:
        self._session.execute(delete(FaceSample).where(FaceSample.sample_id.in_(sample_ids)))

    def remove_sightings(self, sighting_ids: Collection[str]) -> None:
        """Rows, the alerts that they raised, and what a human said about them."""
        self._session.execute(delete(WatchAlert).where(WatchAlert.sighting_id.in_(sighting_ids)))
        self._session.execute(delete(NotThisPerson).where(NotThisPerson.sighting_id.in_(sighting_ids)))
        self._session.execute(delete(GalleryChange).where(GalleryChange.other_id.in_(sighting_ids)))
        self._session.execute(delete(Sighting).where(Sighting.sighting_id.in_(sighting_ids)))

    def remove_persons(self, person_ids: Collection[str]) -> None:
        """Rows, lists, alerts, decisions, and the mention beside others. Samples must be gone; sightings go later."""
        self._session.execute(delete(WatchAlert).where(WatchAlert.person_id.in_(person_ids)))
        for column in (GalleryChange.person_id, GalleryChange.other_id):
            self._session.execute(delete(GalleryChange).where(column.in_(person_ids)))
        self._session.execute(
            update(Sighting)
            .where(Sighting.runner_up_id.in_(person_ids))
            .values(runner_up_id=None, runner_up_score=None)
            .execution_options(synchronize_session=False)
        )
        self._session.execute(
            update(FaceImportLine)
            .where(FaceImportLine.person_id.in_(person_ids))
            .values(person_id=None, sample_id=None, file="", detail=None)
            .execution_options(synchronize_session=False)
        )
        for person_id in person_ids:  # an answer that is given again would tell the name
            self._session.execute(delete(FaceAnswer).where(FaceAnswer.answer.contains(person_id, autoescape=True)))
        self._session.execute(delete(NotThisPerson).where(NotThisPerson.person_id.in_(person_ids)))
        self._session.execute(delete(PersonOnList).where(PersonOnList.person_id.in_(person_ids)))
        self._session.execute(delete(Person).where(Person.person_id.in_(person_ids)))

    def remove_answers(self, before: datetime) -> None:
        """Remove answers that were kept for requests that come twice."""
        self._session.execute(delete(FaceAnswer).where(FaceAnswer.created_at < before))
