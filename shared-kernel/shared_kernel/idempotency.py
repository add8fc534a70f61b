"""`Idempotency-Key`: a creation that is sent twice happens once, and answers the same both times."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from flask import request
from pydantic import BaseModel

from shared_kernel.database import Database
from shared_kernel.errors import Conflict, Invalid

_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")


class Answer(NamedTuple):
    """What was answered to a request, of which only a keyed SHA-256 is kept."""

    request_hash: bytes
    json: str


class Answers(Protocol):
    """Answers of the last day by user, route and key."""

    def find(self, user_id: str, route: str, key: str) -> Answer | None:
        """The answer that was given before."""
        ...

    def keep(self, user_id: str, route: str, key: str, answer: Answer) -> None:
        """Keep an answer, with the transaction that made it."""
        ...


class HasAnswers(Protocol):
    """A store that keeps answers."""

    @property
    def answers(self) -> Answers:
        """The answers."""
        ...


StoreT = TypeVar("StoreT", bound=HasAnswers)


class Creation(NamedTuple):
    """Who creates what: the route in the words of its documentation, and the request."""

    user_id: str
    route: str
    given: BaseModel


def once(
    database: Database[StoreT], secret: str, creation: Creation, create: Callable[[StoreT], BaseModel]
) -> tuple[dict[str, Any], bool]:
    """What `create` answers, or what it answered before to the same key; and whether it happened now.

    Raises:
        Invalid: the header is malformed.
        Conflict: the key was used for another request.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return database.run(create).model_dump(mode="json"), True
    if not _KEY.fullmatch(key):
        raise Invalid.field("Idempotency-Key", "expected 1 to 64 printable ASCII characters without blanks")
    user_id, route, given = creation
    digest = hmac.digest(secret.encode(), given.model_dump_json().encode(), "sha256")

    def work(store: StoreT) -> tuple[dict[str, Any], bool]:
        before = store.answers.find(user_id, route, key)
        if before is not None:
            if before.request_hash != digest:
                raise Conflict("Idempotency-Key: expected the same request as before", code="idempotency_key_reused")
            return json.loads(before.json), False
        answer = create(store)
        store.answers.keep(user_id, route, key, Answer(digest, answer.model_dump_json()))
        return answer.model_dump(mode="json"), True

    return database.run(work)
