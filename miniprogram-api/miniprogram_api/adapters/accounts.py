"""Users, their passwords, refresh tokens and failed logins in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from shared_kernel.tables import ROOT_ORG_ID, AuthSession, LoginThrottle, Organisation, Role, User, UserCredential


class Users:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, user: User, credential: UserCredential) -> None:
        self._session.add(user)
        self._session.flush()
        self.add_credential(credential)

    def add_credential(self, credential: UserCredential) -> None:
        self._session.add(credential)
        self._session.flush()

    def get(self, user_id: str, *, lock: bool = False) -> User | None:
        return self._session.get(User, user_id, with_for_update=lock or None)

    def several(self, user_ids: Iterable[str]) -> Sequence[User]:
        return self._session.scalars(select(User).where(User.user_id.in_(list(user_ids)))).all()

    def with_places(self, user_ids: Iterable[str]) -> Sequence[tuple[User, Role, Organisation]]:
        """Those of them that are active, with role and organisation."""
        query = (
            select(User, Role, Organisation)
            .join(Role, Role.code == User.role)
            .join(Organisation, Organisation.org_id == User.org_id)
            .where(User.user_id.in_(list(user_ids)), User.status == "active")
        )
        return [(row[0], row[1], row[2]) for row in self._session.execute(query)]

    def by_username(self, username: str) -> User | None:
        return self._session.scalars(select(User).where(User.username == username)).one_or_none()

    def credential(self, user_id: str) -> UserCredential | None:
        return self._session.get(UserCredential, user_id)

    def page(self, after: str | None, limit: int, orgs: frozenset[str] | None = None) -> Sequence[User]:
        """In the order in which they were added; of these organisations, None: of all."""
        query = select(User).order_by(User.user_id).limit(limit)
        if after:
            query = query.where(User.user_id > after)
        if orgs is not None:
            query = query.where(User.org_id.in_(orgs))
        return self._session.scalars(query).all()

    def active_administrators(self) -> int:
        """How many may do everything everywhere."""
        query = select(func.count()).where(
            User.role == "administrator", User.status == "active", User.org_id == ROOT_ORG_ID
        )
        return self._session.scalars(query).one()


class AuthSessions:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, token: AuthSession) -> None:
        self._session.add(token)
        self._session.flush()

    def all(self) -> Sequence[AuthSession]:
        return self._session.scalars(select(AuthSession)).all()

    def by_hash(self, refresh_hash: bytes) -> AuthSession | None:
        """The token's row, locked until the transaction ends: of two uses at once, one is the second."""
        query = select(AuthSession).where(AuthSession.refresh_hash == refresh_hash).with_for_update()
        return self._session.scalars(query).one_or_none()

    def user_of_family(self, family_id: str, moment: datetime) -> tuple[User, UserCredential, Role] | None:
        """Who is behind a login that still stands at `moment`."""
        query = (
            select(User, UserCredential, Role)
            .join(AuthSession, AuthSession.user_id == User.user_id)
            .join(UserCredential, UserCredential.user_id == User.user_id)
            .join(Role, Role.code == User.role)
            .where(
                AuthSession.family_id == family_id,
                AuthSession.replaced_at.is_(None),
                AuthSession.revoked_at.is_(None),
                AuthSession.expires_at > moment,
            )
        )
        found = self._session.execute(query).first()
        return None if found is None else (found[0], found[1], found[2])

    def revoke_family(self, family_id: str, moment: datetime) -> None:
        self._revoke(AuthSession.family_id == family_id, moment)

    def revoke_user(self, user_id: str, moment: datetime, *, except_family: str | None = None) -> None:
        which = AuthSession.user_id == user_id
        self._revoke(which if except_family is None else which & (AuthSession.family_id != except_family), moment)

    def _revoke(self, which: ColumnElement[bool], moment: datetime) -> None:
        statement = update(AuthSession).where(which, AuthSession.revoked_at.is_(None))
        self._session.execute(statement.values(revoked_at=moment))

    def delete_expired(self, before: datetime) -> int:
        return _rows(self._session, delete(AuthSession).where(AuthSession.expires_at < before))


class Throttles:
    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, subject: str, *, lock: bool = False) -> LoginThrottle | None:
        return self._session.get(LoginThrottle, subject, with_for_update=lock or None)

    def all(self) -> Sequence[LoginThrottle]:
        return self._session.scalars(select(LoginThrottle)).all()

    def add(self, throttle: LoginThrottle) -> None:
        self._session.add(throttle)
        self._session.flush()

    def forget(self, subject: str) -> None:
        self._session.execute(delete(LoginThrottle).where(LoginThrottle.subject == subject))

    def delete_old(self, before: datetime) -> int:
        return _rows(self._session, delete(LoginThrottle).where(LoginThrottle.updated_at < before))


def _rows(session: Session, statement: object) -> int:
    return int(session.execute(statement).rowcount)  # type: ignore[call-overload]
