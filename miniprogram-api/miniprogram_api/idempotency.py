"""`Idempotency-Key`: a creation that is sent twice happens once, and answers the same both times."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from typing import Any, Final

from flask import request
from pydantic import BaseModel

from miniprogram_api.adapters.store import Store
from miniprogram_api.parts import Parts
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, Invalid
from shared_kernel.tables import IdempotencyKey

_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")


def once(
    parts: Parts, user_id: str, route: str, given: BaseModel, create: Callable[[Store], BaseModel]
) -> tuple[dict[str, Any], bool]:
    """What `create` answers, or what it answered before to the same key; and whether it happened now.

    Raises:
        Invalid: the header is malformed.
        Conflict: the key was used for another request.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return parts.database.run(create).model_dump(mode="json"), True
    if not _KEY.fullmatch(key):
        raise Invalid.field("Idempotency-Key", "expected 1 to 64 printable ASCII characters without blanks")
    secret = parts.settings.jwt_key.get_secret_value().encode()
    digest = hmac.digest(secret, given.model_dump_json().encode(), "sha256")

    def work(store: Store) -> tuple[dict[str, Any], bool]:
        before = store.answers.get(user_id, route, key)
        if before is not None:
            if before.request_hash != digest:
                raise Conflict("Idempotency-Key: expected the same request as before", code="idempotency_key_reused")
            return json.loads(before.answer), False
        answer = create(store)
        row = IdempotencyKey(user_id=user_id, route=route, idempotency_key=key, request_hash=digest, status=201)
        row.answer, row.created_at = answer.model_dump_json(), now()
        store.answers.add(row)
        return answer.model_dump(mode="json"), True

    return parts.database.run(work)
