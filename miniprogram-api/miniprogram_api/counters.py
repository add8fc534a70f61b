"""How many people passed with and without protection, by hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of
from miniprogram_api.rules import ALL_STATES, hour_of
from miniprogram_api.shapes import Query, Ulid, When
from shared_kernel.clock import now
from shared_kernel.errors import Invalid
from shared_kernel.messages import Moment

_HOUR: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=31)


class CountersQuery(Query):
    since: When | None = Field(None, alias="from", description="first hour; default 24 hours ago")
    until: When | None = Field(None, alias="to", description="end; default now")
    bucket: Literal["hour"] = "hour"
    camera_id: Ulid | None = None


class Totals(BaseModel):
    with_mask: int = 0
    without_mask: int = 0
    mask_worn_incorrectly: int = 0


class Bucket(Totals):
    start: Moment = Field(description="begin of the hour, UTC")


class CountersOut(BaseModel):
    buckets: list[Bucket] = Field(description="every hour of the range, also those without a pass")
    totals: Totals


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /counters."""
    routes = APIBlueprint("counters", __name__, tag="Passes")

    @routes.get("/counters")
    @allow("user", "pass.view", scoped=True)
    @routes.input(CountersQuery, location="query", arg_name="query")
    @routes.output(CountersOut)
    def counters(query: CountersQuery) -> CountersOut:
        until = query.until or now()
        since = hour_of(query.since or until - timedelta(hours=24))
        if since >= until:
            raise Invalid.field("from", "expected a time before `to`")
        if until - since > _LONGEST:
            raise Invalid.field("from", f"expected at most {_LONGEST.days} days before `to`")
        with parts.database.read() as store:
            cameras = scope_of(store, caller().user_id).cameras
            rows = store.counts.by_hour(since, until, cameras, query.camera_id)
        hours = {since + n * _HOUR: dict.fromkeys(ALL_STATES, 0) for n in range(-(-(until - since) // _HOUR))}
        totals = dict.fromkeys(ALL_STATES, 0)
        for hour, state, passes in rows:
            hours[hour][state] += passes
            totals[state] += passes
        return CountersOut(
            buckets=[Bucket(start=hour, **counts) for hour, counts in hours.items()], totals=Totals(**totals)
        )

    return routes
