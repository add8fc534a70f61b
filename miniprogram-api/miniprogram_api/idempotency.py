"""`Idempotency-Key` of this service: see `shared_kernel.idempotency`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from miniprogram_api.adapters.store import Store
from miniprogram_api.parts import Parts
from shared_kernel import idempotency


def once(
    parts: Parts, user_id: str, route: str, given: BaseModel, create: Callable[[Store], BaseModel]
) -> tuple[dict[str, Any], bool]:
    """What `create` answers, or what it answered before to the same key; and whether it happened now.

    Raises:
        Invalid: the header is malformed.
        Conflict: the key was used for another request.
    """
    secret = parts.settings.jwt_key.get_secret_value()
    return idempotency.once(parts.database, secret, idempotency.Creation(user_id, route, given), create)
