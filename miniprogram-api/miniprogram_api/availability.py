"""How cameras were: by hour, and the times in which they gave no picture."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller
from miniprogram_api.adapters.availability import OutageFilter
from miniprogram_api.coverage import HOUR, LONGEST_GAP, Kept, overlap_s
from miniprogram_api.outages import OutageOut, outage_out
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of, visible_camera
from miniprogram_api.rules import hour_of
from miniprogram_api.shapes import Page
from shared_kernel.clock import now
from shared_kernel.errors import Invalid
from shared_kernel.messages import Moment
from shared_kernel.shapes import PageQuery, Query, Ulid, When

_LONGEST: Final = timedelta(days=31)


class HoursQuery(Query):
    since: When | None = Field(None, alias="from", description="first hour; default 24 hours ago")
    until: When | None = Field(None, alias="to", description="end; default now")


class TimesOut(BaseModel):
    """Seconds in each state. `unknown_s`: nobody reported."""

    online_s: float
    degraded_s: float = Field(description="pictures came, but fewer or worse than they should")
    stale_s: float = Field(description="connected without a new picture")
    offline_s: float
    paused_s: float = Field(description="nobody wanted it: plan, or switched off")
    unknown_s: float
    analysed_frames: int
    skipped_frames: int = Field(description="sampled frames that were never analysed")
    coverage: float | None = Field(
        description="share of the wanted time in which pictures came and were analysed, 0 to 1; null: nothing is known"
    )


class HourOut(TimesOut):
    start: Moment = Field(description="begin of the hour, UTC")


class HoursOut(BaseModel):
    items: list[HourOut] = Field(description="every hour of the range")
    totals: TimesOut


class OutageQuery(PageQuery):
    camera_id: Ulid | None = None
    open: bool | None = Field(None, description="true: those that go on; false: those that are over")
    since: When | None = Field(None, alias="from", description="lasted until then or later, RFC 3339")
    until: When | None = Field(None, alias="to", description="began before, RFC 3339")


class CameraOutageQuery(PageQuery):
    open: bool | None = Field(None, description="true: the one that goes on; false: those that are over")
    since: When | None = Field(None, alias="from", description="lasted until then or later, RFC 3339")
    until: When | None = Field(None, alias="to", description="began before, RFC 3339")


class OutagePage(Page[OutageOut]):
    """A page of outages, newest first."""


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /cameras/{camera_id}/hours, /cameras/{camera_id}/outages and /outages."""
    routes = APIBlueprint("availability", __name__, tag="Cameras")

    @routes.get("/cameras/<ulid:camera_id>/hours")
    @allow("user", scoped=True)
    @routes.input(HoursQuery, location="query", arg_name="query")
    @routes.output(HoursOut)
    def hours(camera_id: str, query: HoursQuery) -> HoursOut:
        since, until = checked_range(query.since, query.until)
        with parts.database.read() as store:
            camera = visible_camera(store, caller().user_id, camera_id)
            kept = store.hours.of_camera(camera_id, since, until)
        end = accounted_until(camera.accounted_at, enabled=camera.enabled)
        items, whole, expected_s = [], Kept(), 0.0
        for n in range(-(-(until - since) // HOUR)):
            start = since + n * HOUR
            one, length_s = kept.get(start, Kept()), overlap_s(start, camera.created_at, end)
            items.append(HourOut(start=start, **_times(one, length_s)))
            whole, expected_s = whole + one, expected_s + max(length_s, one.known_s)
        return HoursOut(items=items, totals=TimesOut.model_validate(_times(whole, expected_s)))

    @routes.get("/cameras/<ulid:camera_id>/outages")
    @allow("user", scoped=True)
    @routes.input(CameraOutageQuery, location="query", arg_name="query")
    @routes.output(OutagePage)
    def outages_of_camera(camera_id: str, query: CameraOutageQuery) -> OutagePage:
        with parts.database.read() as store:
            visible_camera(store, caller().user_id, camera_id)
        return _outages(parts, query, camera_id)

    @routes.get("/outages")
    @allow("user", scoped=True)
    @routes.input(OutageQuery, location="query", arg_name="query")
    @routes.output(OutagePage)
    def outages(query: OutageQuery) -> OutagePage:
        return _outages(parts, query, query.camera_id)

    return routes


def checked_range(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The first hour and the end of what was asked for; a day when nothing was said.

    Raises:
        Invalid: it ends before it begins, or is too long.
    """
    end = until or now()
    begin = hour_of(since or end - timedelta(hours=24))
    if begin >= end:
        raise Invalid.field("from", "expected a time before `to`")
    if end - begin > _LONGEST:
        raise Invalid.field("from", f"expected at most {_LONGEST.days} days before `to`")
    return begin, end


def accounted_until(last: datetime | None, *, enabled: bool) -> datetime:
    """Up to when something should be known of a camera: `last`, its newest report, while they come."""
    moment = now()
    slack = LONGEST_GAP if enabled else LONGEST_GAP * 3  # who is switched off is accounted once a minute
    return last if last is not None and moment - slack < last < moment else moment


def _times(kept: Kept, length_s: float) -> dict[str, float | int | None]:
    return {
        "online_s": round(kept.online_s, 1),
        "degraded_s": round(kept.degraded_s, 1),
        "stale_s": round(kept.stale_s, 1),
        "offline_s": round(kept.offline_s, 1),
        "paused_s": round(kept.paused_s, 1),
        "unknown_s": round(max(0.0, length_s - kept.known_s), 1),
        "analysed_frames": kept.analysed_frames,
        "skipped_frames": kept.skipped_frames,
        "coverage": kept.coverage(length_s),
    }


def _outages(parts: Parts, query: OutageQuery | CameraOutageQuery, camera_id: str | None) -> OutagePage:
    with parts.database.read() as store:
        cameras = scope_of(store, caller().user_id).cameras
        which = OutageFilter(cameras, camera_id, query.open, query.since, query.until, query.place)
        rows = store.outages.page(which, query.limit + 1)
        names = store.cameras.names(row.camera_id for row in rows)
    shown, following = query.page(rows, lambda row: (row.began_at, row.outage_id))
    return OutagePage(items=[outage_out(row, names.get(row.camera_id)) for row in shown], next=following)
