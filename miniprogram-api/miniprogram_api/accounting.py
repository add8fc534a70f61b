"""Keeps how a camera was, hour by hour, from one report to the next. Called by `record` and `chores`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from miniprogram_api.coverage import LONGEST_GAP, Kept, gained, spread
from miniprogram_api.rules import hour_of
from shared_kernel.messages import CameraReported
from shared_kernel.tables import Camera

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store


def account(store: Store, camera: Camera, message: CameraReported) -> None:
    """Add the time since the report before, in the state that `camera` still has, and the frames since then."""
    since = camera.accounted_at
    if since is not None and since < message.at <= since + LONGEST_GAP:
        add_time(store, camera, since, message.at, camera.state)
    analysed = gained(message.analysed_frames, camera.analysed_frames)
    skipped = gained(message.skipped_frames, camera.skipped_frames)
    if analysed or skipped:
        kept = Kept(analysed_frames=analysed, skipped_frames=skipped)
        store.hours.add(camera.camera_id, hour_of(message.at), kept)
    camera.analysed_frames, camera.accounted_at = message.analysed_frames, message.at


def add_time(store: Store, camera: Camera, begin: datetime, end: datetime, state: str) -> None:
    """Add the time from `begin` to `end` to a state."""
    for hour, seconds in spread(begin, end):
        store.hours.add(camera.camera_id, hour, Kept.spent(state, seconds))
