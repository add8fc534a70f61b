"""How many people passed with and without protection, by hour, and how much of that time was watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller
from miniprogram_api.adapters.store import Store
from miniprogram_api.availability import HoursQuery, accounted_until, checked_range
from miniprogram_api.coverage import HOUR, Kept, overlap_s
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of
from miniprogram_api.rules import ALL_STATES
from shared_kernel.messages import Moment
from shared_kernel.shapes import Ulid


class CountersQuery(HoursQuery):
    bucket: Literal["hour"] = "hour"
    camera_id: Ulid | None = None


class Totals(BaseModel):
    with_mask: int = 0
    without_mask: int = 0
    mask_worn_incorrectly: int = 0


class Watched(BaseModel):
    """How far counts can be trusted."""

    coverage: float | None = Field(
        None,
        description="share of the wanted camera time in which pictures came and were analysed, 0 to 1; null: nothing"
        " is known",
    )
    analysed_frames: int = 0
    skipped_frames: int = Field(0, description="sampled frames that were never analysed")


class Bucket(Totals, Watched):
    start: Moment = Field(description="begin of the hour, UTC")


class CountersOut(BaseModel):
    buckets: list[Bucket] = Field(description="every hour of the range, also those without a pass")
    totals: Totals
    watched: Watched


@dataclass(frozen=True)
class Watch:
    """How some cameras were, by hour: those that exist, those that were removed since, and how long each was wanted."""

    present: Mapping[datetime, Kept]
    removed: Mapping[datetime, Kept]
    #: (added, accounted until) of each camera that exists.
    lives: Sequence[tuple[datetime, datetime]]

    @classmethod
    def of(
        cls, store: Store, since: datetime, until: datetime, cameras: frozenset[str] | None, camera_id: str | None
    ) -> Watch:
        """What is kept of the cameras that the caller may see."""
        lives = store.cameras.lives(cameras, camera_id)
        return cls(
            present=store.hours.of_cameras(since, until, cameras, camera_id, removed=False),
            removed=store.hours.of_cameras(since, until, cameras, camera_id, removed=True),
            lives=[(added, accounted_until(last, enabled=enabled)) for added, last, enabled in lives],
        )

    def during(self, hours: Iterable[datetime]) -> dict[str, Any]:
        """The fields of `Watched` for these hours together. Hours of which nothing is known count for nothing."""
        whole, expected_s = Kept(), 0.0
        for hour in hours:
            present, removed = self.present.get(hour, Kept()), self.removed.get(hour, Kept())
            if present.known_s or removed.known_s:
                whole += present + removed
                expected_s += sum(overlap_s(hour, *life) for life in self.lives) + removed.known_s
        return {
            "coverage": whole.coverage(expected_s),
            "analysed_frames": whole.analysed_frames,
            "skipped_frames": whole.skipped_frames,
        }


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /counters."""
    routes = APIBlueprint("counters", __name__, tag="Passes")

    @routes.get("/counters")
    @allow("user", "pass.read", scoped=True)
    @routes.input(CountersQuery, location="query", arg_name="query")
    @routes.output(CountersOut)
    def counters(query: CountersQuery) -> CountersOut:
        since, until = checked_range(query.since, query.until)
        with parts.database.read() as store:
            cameras = scope_of(store, caller().user_id).cameras
            rows = store.counts.by_hour(since, until, cameras, query.camera_id)
            watch = Watch.of(store, since, until, cameras, query.camera_id)
        hours = {since + n * HOUR: dict.fromkeys(ALL_STATES, 0) for n in range(-(-(until - since) // HOUR))}
        totals = dict.fromkeys(ALL_STATES, 0)
        for hour, state, passes in rows:
            hours[hour][state] += passes
            totals[state] += passes
        return CountersOut(
            buckets=[Bucket(start=hour, **counts, **watch.during([hour])) for hour, counts in hours.items()],
            totals=Totals(**totals),
            watched=Watched(**watch.during(hours)),
        )

    return routes
