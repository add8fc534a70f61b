"""Step 4 of 4. PassObserved and CameraReported in; rows, counts and live events out.

One message is one transaction, and it is acknowledged after the commit. A pass is reported twice (opened, closed), in
any order and any number of times: the greatest report by `rules.rank` is the row, the hourly count moves with it, and
each report makes one live event at most.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from miniprogram_api.accounting import account
from miniprogram_api.outages import end_outage, note_outage
from miniprogram_api.rules import checked_pass, hour_of, rank
from miniprogram_api.shapes import CameraOut, PassNote, camera_out, pass_note
from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.messages import CameraReported, Evidence, Moment, PassObserved, Wire, derived_id
from shared_kernel.tables import Camera, EventLog, Media, Pass
from shared_kernel.wire import is_ulid

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store


#: Reports with an older token count again when the holder of the newest was not heard for this long.
FENCE_KEPT: Final = timedelta(seconds=30)


class CameraEvent(Wire):
    """Payload of a `camera` event."""

    at: Moment
    camera: CameraOut
    deleted: bool = False


def record_pass(store: Store, message: PassObserved) -> None:
    """Make the pass's row, pictures, count and event what this report says, if it says more than the row.

    Raises:
        Poison: it can never be a row.
    """
    checked_pass(message)
    media_ids = [_record_media(store, message, kind) for kind in ("face", "scene")]
    row = store.passes.get(message.pass_id, lock=True)
    if row is None:
        row = Pass(pass_id=message.pass_id, recorded_at=now())
        _fill(row, message, media_ids)
        store.passes.add(row)
        store.counts.change(row.camera_id, hour_of(row.opened_at), row.state, 1)
    elif _rank_of_message(message) > _rank_of_row(row):
        counted = (row.camera_id, hour_of(row.opened_at), row.state)
        _fill(row, message, media_ids)
        counts = (row.camera_id, hour_of(row.opened_at), row.state)
        if counts != counted:
            store.counts.change(*counted, -1)
            store.counts.change(*counts, 1)
    name = store.cameras.names([row.camera_id]).get(row.camera_id)
    _tell(store, message.message_id, row.camera_id, pass_note(row, name), at=message.last_seen_at)


def record_report(store: Store, message: CameraReported) -> None:
    """Note how a camera is; tell live clients when that changed.

    Raises:
        Poison: it can never belong to a camera.
    """
    if not is_ulid(message.camera_id):
        raise Poison(f"CameraReported camera_id: expected a ULID, got {message.camera_id[:40]!r}")
    camera = store.cameras.get(message.camera_id, lock=True)
    if camera is None or camera.deleted_at is not None:
        return
    if _is_outdated(camera, message):
        return
    before = _appearance(camera)
    account(store, camera, message)
    if camera.state != message.condition:
        camera.state_at = message.since or message.at
    camera.state = message.condition
    camera.state_reason = None if message.reason is None else message.reason[:32]
    camera.state_detail = None if message.detail is None else message.detail[:500]
    camera.reported_at, camera.heard_at, camera.fence = message.at, now(), message.fence
    camera.skipped_frames = message.skipped_frames
    camera.decoded_per_s, camera.analysed_per_s = message.decoded_per_s, message.analysed_per_s
    camera.cpu_share = message.cpu_share
    camera.last_frame_at = message.last_frame_at or camera.last_frame_at
    camera.resumes_at = message.resumes_at
    if message.condition in ("online", "degraded"):
        camera.width, camera.height, camera.fps = message.width, message.height, message.fps
        camera.codec = None if message.codec is None else message.codec[:32]
        camera.transport = message.transport
    if camera.enabled:
        note_outage(store, camera, message)
    if _appearance(camera) != before:
        tell_camera(store, camera, message.at, cause=f"{message.at.isoformat()}/{message.state}/{message.reason}")


def _is_outdated(camera: Camera, message: CameraReported) -> bool:
    """Whether this says less than is known: delivered again, or of a replica that has lost the camera to another.

    Tokens are compared before times, because the clocks of two replicas differ. When the one with the greatest token
    has been silent for a while, whoever reports is believed: Redis may have forgotten a lease.
    """
    if camera.reported_at is None:
        return False
    fence = camera.fence or 0
    if message.fence == fence:
        return message.at < camera.reported_at
    return message.fence < fence and now() - camera.heard_at < FENCE_KEPT


def tell_camera(store: Store, camera: Camera, at: datetime, *, cause: str) -> None:
    """Live event about a camera. `cause` makes its id: the same cause is told once.

    Nobody wants a camera that is switched off or removed: its outage is over.
    """
    if not camera.enabled:
        end_outage(store, camera, at)
    event = CameraEvent(at=at, camera=camera_out(camera), deleted=camera.deleted_at is not None)
    _tell(store, derived_id(camera.camera_id, cause), camera.camera_id, event, at=at)


def _tell(store: Store, message_id: str, camera_id: str, payload: PassNote | CameraEvent, *, at: datetime) -> None:
    event = "camera" if isinstance(payload, CameraEvent) else "pass"
    row = EventLog(message_id=message_id, event=event, scope_type="camera", scope_id=camera_id)
    row.payload = payload.model_dump_json()
    row.occurred_at, row.created_at = at, now()
    store.events.append(row)


def _record_media(store: Store, message: PassObserved, kind: str) -> str:
    evidence: Evidence = getattr(message, kind)
    media_id = derived_id(message.pass_id, evidence.key)
    row = Media(media_id=media_id, pass_id=message.pass_id, camera_id=message.camera_id, kind=kind)
    row.object_key, row.mime, row.created_at = evidence.key, "image/jpeg", now()
    row.width, row.height, row.bytes = evidence.width, evidence.height, evidence.bytes
    store.media.put(row)
    return media_id


def _fill(row: Pass, message: PassObserved, media_ids: list[str]) -> None:
    row.camera_id, row.state = message.camera_id, message.state.value
    row.confidence, row.frames = message.confidence, message.frames
    row.x0, row.y0, row.x1, row.y1 = message.box.x0, message.box.y0, message.box.x1, message.box.y1
    row.opened_at, row.last_seen_at = message.opened_at, message.last_seen_at
    row.closed_at = (message.closed_at or message.last_seen_at) if message.phase == "closed" else None
    row.face_media_id, row.scene_media_id = media_ids
    row.updated_at = now()


def _rank_of_message(message: PassObserved) -> tuple[object, ...]:
    return rank(
        closed=message.phase == "closed",
        last_seen_at=message.last_seen_at,
        frames=message.frames,
        confidence=message.confidence,
        state=message.state.value,
    )


def _rank_of_row(row: Pass) -> tuple[object, ...]:
    return rank(
        closed=row.closed_at is not None,
        last_seen_at=row.last_seen_at,
        frames=row.frames,
        confidence=row.confidence,
        state=row.state,
    )


def _appearance(camera: Camera) -> tuple[object, ...]:
    """What a live client would show differently."""
    return camera.state, camera.state_reason, camera.width, camera.height, camera.codec
