"""Organisations and roles in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared_kernel.tables import Base, Camera, Organisation, Role, User


class Organisations:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, organisation: Organisation) -> None:
        self._session.add(organisation)
        self._session.flush()

    def get(self, org_id: str, *, lock: bool = False) -> Organisation | None:
        return self._session.get(Organisation, org_id, with_for_update=lock or None)

    def by_code(self, code: str) -> Organisation | None:
        return self._session.scalars(select(Organisation).where(Organisation.code == code)).one_or_none()

    def below(self, path: str) -> Sequence[Organisation]:
        """The one with this path and all below it, each before what is below it."""
        query = select(Organisation).where(Organisation.path.startswith(path, autoescape=True))
        return self._session.scalars(query.order_by(Organisation.path)).all()

    def ids_below(self, path: str) -> frozenset[str]:
        """Ids of the one with this path and all below it."""
        query = select(Organisation.org_id).where(Organisation.path.startswith(path, autoescape=True))
        return frozenset(self._session.scalars(query))

    def count(self) -> int:
        return self._session.scalars(select(func.count()).select_from(Organisation)).one()

    def holds(self, org_id: str) -> str | None:
        """Name of a table with a row of this organisation; cameras that were removed do not count."""
        for table in Base.metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.column is not Organisation.__table__.c.org_id:
                    continue
                query = select(key.parent).where(key.parent == org_id).limit(1)
                if table is Camera.__table__:
                    query = query.where(Camera.deleted_at.is_(None))
                if self._session.execute(query).first():
                    return table.name
        return None

    def remove(self, organisation: Organisation, moment: datetime) -> None:
        """Remove an empty one. What is left of its removed cameras goes to the one above."""
        mine = update(Camera).where(Camera.org_id == organisation.org_id)
        self._session.execute(mine.values(org_id=organisation.parent_id, updated_at=moment))
        self._session.delete(organisation)
        self._session.flush()


class Roles:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, role: Role) -> None:
        self._session.add(role)
        self._session.flush()

    def get(self, code: str, *, lock: bool = False) -> Role | None:
        return self._session.get(Role, code, with_for_update=lock or None)

    def all(self) -> Sequence[Role]:
        """Lowest rank first."""
        return self._session.scalars(select(Role).order_by(Role.rank_no, Role.code)).all()

    def is_held(self, code: str) -> bool:
        """Whether somebody has the role."""
        return self._session.scalars(select(User.user_id).where(User.role == code).limit(1)).first() is not None

    def remove(self, role: Role) -> None:
        self._session.delete(role)
        self._session.flush()
