"""When cameras gave no picture: told live when one goes, and when it is back for good.

stream-service decides what an outage is (`outage_since` of CameraReported, with its hysteresis); here it becomes a row
and two live events. A camera of which nobody reports is an outage too. Called by `record`, `chores` and `cameras`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from shared_kernel.clock import now
from shared_kernel.messages import CameraReported, Moment, derived_id
from shared_kernel.tables import Camera, CameraOutage, EventLog

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store

DOWN: Final = "camera_down"
UP: Final = "camera_up"
#: Pictures for this long without a break: the camera is back, also for a stream-service that has just started.
BACK_AFTER: Final = timedelta(seconds=15)


class OutageOut(BaseModel):
    """A time in which a camera gave no picture, for longer than a moment."""

    outage_id: str
    camera_id: str
    camera_name: str | None
    began_at: Moment = Field(description="when the picture went")
    noticed_at: Moment = Field(description="when it was told")
    ended_at: Moment | None = Field(description="when the picture had come back for good; null: not yet")
    reason: str | None = Field(description="stable code, see CameraReason; also `no_report`")
    detail: str | None = Field(description="the reason in words")


class OutageEvent(BaseModel):
    """Payload of the events `camera_down` and `camera_up`."""

    at: Moment
    back: bool = Field(description="pictures come again; false: gone, or nobody wants the camera any more")
    outage: OutageOut


def outage_out(row: CameraOutage, camera_name: str | None) -> OutageOut:
    return OutageOut(
        outage_id=row.outage_id,
        camera_id=row.camera_id,
        camera_name=camera_name,
        began_at=row.began_at,
        noticed_at=row.noticed_at,
        ended_at=row.ended_at,
        reason=row.reason,
        detail=row.detail,
    )


def note_outage(store: Store, camera: Camera, message: CameraReported) -> None:
    """Begin or end an outage, as this report says. A report that says neither changes nothing."""
    if message.outage_since is not None:
        reason, detail = camera.state_reason, camera.state_detail
        begin_outage(store, camera, message.outage_since, message.at, reason=reason, detail=detail)
    elif message.condition == "paused":
        end_outage(store, camera, message.at)
    elif message.picture_since is not None and message.at - message.picture_since >= BACK_AFTER:
        end_outage(store, camera, message.at, picture_since=message.picture_since)


def begin_outage(
    store: Store, camera: Camera, began_at: datetime, at: datetime, *, reason: str | None, detail: str | None
) -> None:
    """Tell that the camera is gone since `began_at`, if that is not known yet."""
    if store.outages.open_of(camera.camera_id) is not None:
        return
    outage_id = derived_id(camera.camera_id, f"outage/{began_at.isoformat()}")
    if store.outages.get(outage_id) is not None:
        return
    row = CameraOutage(
        outage_id=outage_id,
        camera_id=camera.camera_id,
        began_at=began_at,
        noticed_at=max(at, began_at),
        reason=reason,
        detail=detail,
    )
    store.outages.add(row)
    _tell(store, DOWN, row, camera, row.noticed_at, back=False)


def end_outage(store: Store, camera: Camera, at: datetime, *, picture_since: datetime | None = None) -> None:
    """Tell that the outage of this camera is over, if there is one: back since `picture_since`, or not wanted."""
    row = store.outages.open_of(camera.camera_id)
    if row is not None:
        row.ended_at = max(row.began_at, picture_since or at)
        _tell(store, UP, row, camera, at, back=picture_since is not None)


def _tell(store: Store, event: str, row: CameraOutage, camera: Camera, at: datetime, *, back: bool) -> None:
    payload = OutageEvent(at=at, back=back, outage=outage_out(row, camera.name))
    cause = derived_id(row.outage_id, event)
    told = EventLog(message_id=cause, event=event, scope_type="camera", scope_id=row.camera_id)
    told.payload, told.occurred_at, told.created_at = payload.model_dump_json(), at, now()
    store.events.append(told)
