"""How many people are before each camera now, with and without protection, and how many came in each minute.

Now: passes that opened and have not closed. `counters` has the hours, which are kept for longer than passes are.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of
from miniprogram_api.rules import ALL_STATES, minute_of
from shared_kernel.clock import now
from shared_kernel.errors import Invalid
from shared_kernel.messages import Moment
from shared_kernel.shapes import Query, Ulid, When

#: A pass that opened longer ago is left out: its closing was lost with the machine that owed it.
_LONGEST: Final = timedelta(hours=24)
_MINUTE: Final = timedelta(minutes=1)
_LONGEST_MINUTES: Final = timedelta(hours=6)
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


class MinutesQuery(PresenceQuery):
    since: When | None = Field(None, alias="from", description="first minute; default an hour before `to`")
    until: When | None = Field(None, alias="to", description="end; default now")


class Minute(Present):
    start: Moment = Field(description="begin of the minute, UTC")


class MinutesOut(BaseModel):
    minutes: list[Minute] = Field(description="every minute of the range, also those in which nobody came")


class PresenceOut(BaseModel):
    at: Moment
    cameras: list[CameraPresence] = Field(description="those with somebody before them")
    totals: Present


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /presence and /presence/minutes."""
    routes = APIBlueprint("presence", __name__, tag="Passes")

    @routes.get("/presence")
    @allow("user", "pass.read", scoped=True)
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

    @routes.get("/presence/minutes")
    @allow("user", "pass.read", scoped=True)
    @routes.input(MinutesQuery, location="query", arg_name="query")
    @routes.output(MinutesOut)
    def minutes(query: MinutesQuery) -> MinutesOut:
        until = query.until or now()
        since = minute_of(query.since or until - timedelta(hours=1))
        if since >= until:
            raise Invalid.field("from", "expected a time before `to`")
        if until - since > _LONGEST_MINUTES:
            raise Invalid.field("from", f"expected at most {_LONGEST_MINUTES // _MINUTE} minutes before `to`")
        with parts.database.read() as store:
            cameras = scope_of(store, caller().user_id).cameras
            opened = store.passes.opened_between(since, until, cameras, query.camera_id)
        count = -(-(until - since) // _MINUTE)
        found = {since + n * _MINUTE: dict.fromkeys(ALL_STATES, 0) for n in range(count)}
        for opened_at, state in opened:
            found[minute_of(opened_at)][state] += 1
        return MinutesOut(minutes=[Minute(start=start, **counts) for start, counts in found.items()])

    return routes
