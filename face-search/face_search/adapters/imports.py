"""Imports and the lines of their reports in SQL.

A worker holds an import by the moment it was last heard of: whoever writes names the moment it wrote last. When another
took the import over meanwhile that moment is a later one, nothing is changed, and the former holder knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from shared_kernel.clock import MILLISECOND
from shared_kernel.tables import FaceImport, FaceImportLine, FaceList, FaceSample, Person, PersonOnList
from shared_kernel.tables.conditions import equal, newest_first

ENDED: Final = ("done", "failed", "cancelled")
#: Persons of which one turned out to be the next, at most.
_LONGEST_CHAIN: Final = 32


class Imports:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, import_id: str) -> FaceImport | None:
        return self._session.get(FaceImport, import_id)

    def add(self, row: FaceImport) -> None:
        self._session.add(row)
        self._session.flush()

    def page(self, after: tuple[datetime, str] | None, limit: int) -> Sequence[FaceImport]:
        """Newest first."""
        page = newest_first(select(FaceImport), FaceImport.created_at, FaceImport.import_id, after, limit)
        return self._session.scalars(page).all()

    def claim(self, moment: datetime, silence: timedelta) -> FaceImport | None:
        """Take the oldest that waits, or whose worker has not been heard of for `silence`; None without one.

        One import at a time: who is already enrolled is then never a matter of which of two was quicker. Whoever asks
        at the same moment waits here for the other's commit.
        """
        query = select(FaceImport).where(FaceImport.state.in_(("waiting", "running")))
        rows = self._session.scalars(
            query.order_by(FaceImport.created_at, FaceImport.import_id).with_for_update()
        ).all()
        if any(row.state == "running" and row.heard_at >= moment - silence for row in rows):
            return None
        for row in rows:
            row.state, row.heard_at = "running", max(moment, row.heard_at + MILLISECOND)
            self._session.flush()
            return row
        return None

    def hear(
        self,
        import_id: str,
        heard_at: datetime,
        moment: datetime,
        *,
        accepted: int = 0,
        refused: int = 0,
        **others: object,
    ) -> bool:
        """Note progress and further columns; False when another was heard of after `heard_at`, or it has ended."""
        statement = (
            update(FaceImport)
            .where(FaceImport.import_id == import_id, FaceImport.heard_at == heard_at, FaceImport.state == "running")
            .values(
                heard_at=moment,
                accepted=FaceImport.accepted + accepted,
                refused=FaceImport.refused + refused,
                **others,
            )
            .execution_options(synchronize_session=False)
        )
        return bool(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]

    def cancel(self, import_id: str, moment: datetime) -> bool:
        """End an import that has not ended; its worker notices at the next line."""
        statement = (
            update(FaceImport)
            .where(FaceImport.import_id == import_id, FaceImport.state.in_(("waiting", "running")))
            .values(state="cancelled", ended_at=moment)
            .execution_options(synchronize_session=False)
        )
        return bool(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]

    def add_line(self, row: FaceImportLine) -> None:
        self._session.add(row)
        self._session.flush()

    def lines_done(self, import_id: str) -> frozenset[int]:
        """Numbers of the lines that have been settled."""
        query = select(FaceImportLine.line_no).where(FaceImportLine.import_id == import_id)
        return frozenset(self._session.scalars(query))

    def lines(
        self, import_id: str, *, outcome: str | None = None, after: int | None = None, limit: int
    ) -> Sequence[FaceImportLine]:
        """In order."""
        query = select(FaceImportLine).where(
            FaceImportLine.import_id == import_id, equal(FaceImportLine.outcome, outcome)
        )
        if after is not None:
            query = query.where(FaceImportLine.line_no > after)
        return self._session.scalars(query.order_by(FaceImportLine.line_no).limit(limit)).all()

    def repeated(self, import_ids: Iterable[str]) -> Mapping[str, int]:
        """How many pictures of each were enrolled already."""
        query = (
            select(FaceImportLine.import_id, func.count())
            .where(FaceImportLine.import_id.in_(list(import_ids)), FaceImportLine.outcome == "repeated")
            .group_by(FaceImportLine.import_id)
        )
        return {import_id: int(count) for import_id, count in self._session.execute(query)}

    def sample_with(self, person_id: str, content_sha256: bytes) -> str | None:
        """The sample that was made of this very file."""
        query = select(FaceSample.sample_id).where(
            FaceSample.person_id == person_id, FaceSample.content_sha256 == content_sha256
        )
        return self._session.scalars(query).first()

    def person_with_ref(self, external_ref: str) -> str | None:
        """Who has this number now: where two turned out to be one, that one."""
        query = select(Person.person_id).where(Person.external_ref == external_ref)
        found = self._session.scalars(query).first()
        return None if found is None else self.person_now(found)

    def persons_called(self, name: str) -> Sequence[str]:
        """Persons of exactly this name; MariaDB alone would not tell Zoe from Zoë."""
        query = select(Person.person_id, Person.name).where(Person.name == name, Person.merged_into.is_(None))
        return [person_id for person_id, found in self._session.execute(query) if found == name]

    def person_now(self, person_id: str) -> str | None:
        """This person, or who it turned out to be; None when it is not enrolled."""
        row = self._session.get(Person, person_id)
        for _ in range(_LONGEST_CHAIN):
            if row is None or row.merged_into is None:
                break
            row = self._session.get(Person, row.merged_into)
        return None if row is None else row.person_id

    def add_person(self, row: Person) -> None:
        self._session.add(row)
        self._session.flush()

    def lists_named(self, words: Collection[str]) -> Mapping[str, str]:
        """Word → list, for those that are the code or name of a list."""
        if not words:
            return {}
        query = select(FaceList).where(or_(FaceList.code.in_(words), FaceList.name.in_(words)))
        rows = self._session.scalars(query).all()
        by_word = {row.name: row.list_id for row in rows} | {row.code: row.list_id for row in rows}
        return {word: by_word[word] for word in words if word in by_word}

    def lists_that_exist(self, list_ids: Collection[str]) -> Sequence[str]:
        return self._session.scalars(select(FaceList.list_id).where(FaceList.list_id.in_(list_ids))).all()

    def put_on_lists(self, person_id: str, list_ids: Iterable[str], moment: datetime) -> None:
        """Put a person on lists that they are not on yet."""
        on = select(PersonOnList.list_id).where(PersonOnList.person_id == person_id)
        already = frozenset(self._session.scalars(on))
        for list_id in sorted(set(list_ids) - already):
            self._session.add(PersonOnList(person_id=person_id, list_id=list_id, added_at=moment))
        self._session.flush()

    def ended_before(self, moment: datetime, limit: int) -> Sequence[str]:
        query = select(FaceImport.import_id).where(FaceImport.ended_at < moment).limit(limit)
        return self._session.scalars(query).all()

    def keys_in_use(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the object keys whose import has not ended."""
        query = select(FaceImport.object_key).where(
            FaceImport.object_key.in_(list(keys)), FaceImport.state.not_in(ENDED)
        )
        return frozenset(self._session.scalars(query))

    def delete(self, import_ids: Iterable[str]) -> None:
        """Remove imports with the lines of their reports."""
        wanted = list(import_ids)
        self._session.execute(delete(FaceImportLine).where(FaceImportLine.import_id.in_(wanted)))
        self._session.execute(delete(FaceImport).where(FaceImport.import_id.in_(wanted)))
