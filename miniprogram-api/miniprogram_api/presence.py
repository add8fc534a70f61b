"""How many people are before each camera now, with and without protection: passes that opened and have not closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of
from miniprogram_api.rules import ALL_STATES
from miniprogram_api.shapes import Query, Ulid
from shared_kernel.clock import now
from shared_kernel.messages import Moment

#: A pass that opened longer ago is left out: its closing was lost with the machine that owed it.
_LONGEST: Final = timedelta(hours=24)
#: States in which a camera sees who is there.
_SEEING: Final = ("online", "degraded")


class PresenceQuery(Query):
    camera_id: Ulid | None = None


class Present(BaseModel):
    with_mask: int = 0
    without_mask: int = 0
    mask_worn_incorrectly: int = 0


class CameraPresence(Present):
    camera_id: str


class PresenceOut(BaseModel):
    at: Moment
    cameras: list[CameraPresence] = Field(description="those with somebody before them")
    totals: Present


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /presence."""
    routes = APIBlueprint("presence", __name__, tag="Passes")

    @routes.get("/presence")
    @allow("user", "pass.view", scoped=True)
    @routes.input(PresenceQuery, location="query", arg_name="query")
    @routes.output(PresenceOut)
    def presence(query: PresenceQuery) -> PresenceOut:
        moment = now()
        with parts.database.read() as store:
            cameras = scope_of(store, caller().user_id).cameras
            rows = store.passes.open_since(moment - _LONGEST, cameras, query.camera_id)
            # what the others said last is no presence: they cannot close a pass now
            seeing = {one.camera_id for one in store.cameras.all() if one.enabled and one.state in _SEEING}
        found: dict[str, dict[str, int]] = {}
        totals = dict.fromkeys(ALL_STATES, 0)
        for camera_id, state, people in rows:
            if camera_id in seeing:
                found.setdefault(camera_id, dict.fromkeys(ALL_STATES, 0))[state] += people
                totals[state] += people
        each = [CameraPresence(camera_id=camera_id, **counts) for camera_id, counts in sorted(found.items())]
        return PresenceOut(at=moment, cameras=each, totals=Present(**totals))

    return routes
