"""Who did what, and answers that are given again, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared_kernel.clock import now
from shared_kernel.idempotency import Answer
from shared_kernel.tables import AuditLog, IdempotencyKey

_CREATED: Final = 201


class Audit:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        action: str,
        *,
        actor_id: str | None,
        target: tuple[str, str | None],
        address: str | None = None,
        outcome: str = "done",
        detail: str | None = None,
    ) -> None:
        """Note what somebody did to `target` (kind, id)."""
        kind, target_id = target
        row = AuditLog(actor_id=actor_id, action=action, target_type=kind, target_id=target_id, outcome=outcome)
        row.address, row.detail, row.created_at = address, detail, now()
        self._session.add(row)

    def of(self, actor_id: str) -> Sequence[AuditLog]:
        """What one user did, in order."""
        query = select(AuditLog).where(AuditLog.actor_id == actor_id).order_by(AuditLog.audit_id)
        return self._session.scalars(query).all()

    def latest(self, action: str, limit: int) -> Sequence[AuditLog]:
        """The last times that something was done, newest first."""
        query = select(AuditLog).where(AuditLog.action == action).order_by(AuditLog.audit_id.desc()).limit(limit)
        return self._session.scalars(query).all()


class Answers:
    """Answers by idempotency key."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, user_id: str, route: str, key: str) -> Answer | None:
        row = self._session.get(IdempotencyKey, (user_id, route, key))
        return None if row is None else Answer(row.request_hash, row.answer)

    def all(self) -> Sequence[IdempotencyKey]:
        return self._session.scalars(select(IdempotencyKey)).all()

    def keep(self, user_id: str, route: str, key: str, answer: Answer) -> None:
        row = IdempotencyKey(user_id=user_id, route=route, idempotency_key=key, request_hash=answer.request_hash)
        row.status, row.answer, row.created_at = _CREATED, answer.json, now()
        self._session.add(row)
        self._session.flush()

    def delete_before(self, moment: datetime) -> int:
        statement = delete(IdempotencyKey).where(IdempotencyKey.created_at < moment)
        return int(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]
