"""Answers to creations in SQL, see `shared_kernel.idempotency`."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Session

from shared_kernel.clock import now
from shared_kernel.idempotency import Answer
from shared_kernel.tables import FaceAnswer


class Answers:
    """The table face_answers."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, user_id: str, route: str, key: str) -> Answer | None:
        """The answer that was given before."""
        row = self._session.get(FaceAnswer, (user_id, route, key))
        return None if row is None else Answer(row.request_hash, row.answer)

    def keep(self, user_id: str, route: str, key: str, answer: Answer) -> None:
        """Keep an answer, with the transaction that made it."""
        row = FaceAnswer(user_id=user_id, route=route, idempotency_key=key, request_hash=answer.request_hash)
        row.answer, row.created_at = answer.json, now()
        self._session.add(row)
        self._session.flush()

    def delete_before(self, moment: datetime) -> int:
        """Remove what nobody will ask for again; say how many."""
        result = self._session.execute(delete(FaceAnswer).where(FaceAnswer.created_at < moment))
        return cast("CursorResult[tuple[()]]", result).rowcount
