"""Every look for a face is counted and, before it is answered, written down: who, why, with what, what was shown.

The record keeps ids and no pictures. When it cannot be written nothing is answered.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from face_search.adapters.store import Store
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.errors import Throttled
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceQuery

Kind = Literal["search", "compare", "batch", "person", "trajectory", "export"]

#: An allowance fills again within this time, seconds.
ALLOWANCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Look:
    """A look for a face.

    Attributes:
        user_id: who looks.
        kind: what is done.
        purpose: why, in the words of the user; empty where the route asks for none.
        subject: `photo`, or the id of a person or sighting.
        parameters: filters, threshold, how many.
        address: network address of the caller.
    """

    user_id: str
    kind: Kind
    purpose: str
    subject: str
    parameters: Mapping[str, Any]
    address: str | None


def take_allowance(bus: Bus, user_id: str, amount: int, per_minute: int) -> None:
    """Count looks of a user, over all processes. A batch is as many as it has photos, but never more than all.

    Raises:
        Throttled: too many within a minute.
        Unavailable: Redis is away: nobody looks uncounted.
    """
    wait_s = bus.take(f"face-looks:{user_id}", min(amount, per_minute), limit=per_minute, per_s=ALLOWANCE_S)
    if wait_s > 0:
        detail = f"expected at most {per_minute} looks for a face a minute; try again later"
        raise Throttled(detail, retry_after_s=int(wait_s) + 1)


def record(store: Store, look: Look, shown: Collection[str]) -> str:
    """Write a look down; give its id. `shown`: ids of persons and sightings, in the order of the answer."""
    row = FaceQuery(query_id=new_id(), user_id=look.user_id, kind=look.kind, purpose=look.purpose, subject=look.subject)
    row.parameters = json.dumps(dict(look.parameters), ensure_ascii=False, sort_keys=True)
    row.shown = json.dumps(list(dict.fromkeys(shown)))
    row.address, row.created_at = look.address, now()
    store.queries.add(row)
    return row.query_id
