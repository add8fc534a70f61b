"""What crosses the wire: answers and request bodies that several resources share.

Requests are made of `shared_kernel.shapes`; answers carry times as RFC 3339 in UTC and boxes as fractions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from miniprogram_api.camera_settings import CameraSettings, settings_of
from miniprogram_api.permissions import Permission, in_order, permissions_of
from shared_kernel.messages import CameraState, MaskState, Moment
from shared_kernel.tables import Camera, Pass, Role, User

T = TypeVar("T")


class UserOut(BaseModel):
    user_id: str
    username: str
    display_name: str
    org_id: str = Field(description="whose: sees what belongs to this organisation and those below it")
    role: str = Field(description="code of the role")
    role_name: str = Field(description="what people call the role")
    rank: int = Field(description="1 to 100: people of a higher rank cannot be changed")
    patrol_radius_m: int = Field(description="how far around one the map shows cameras, metres")
    permissions: list[Permission]
    must_change_password: bool = Field(description="true: only /me, /me/password and logout work until it is changed")


class CameraOut(CameraSettings):
    camera_id: str
    org_id: str | None = Field(
        None,
        description="whose: seen from this organisation and those above it; null: not told",
    )
    name: str
    lon: float | None = Field(description="degrees, WGS-84")
    lat: float | None = Field(description="degrees, WGS-84")
    model: str
    enabled: bool
    is_demo: bool
    state: CameraState | Literal["disabled"] = Field(description="how it is; `disabled`: switched off by a person")
    state_reason: str | None = Field(description="stable code, see CameraReason; also `no_report`")
    state_detail: str | None = Field(description="the reason in words")
    state_at: Moment = Field(description="since when it is in this state")
    resumes_at: Moment | None = Field(None, description="when its plan wants it again, while it is paused")
    width: int | None
    height: int | None
    fps: float | None
    codec: str | None
    transport: Literal["tcp", "udp"] | None = Field(None, description="over what an RTSP camera sends its pictures")
    last_frame_at: Moment | None
    skipped_frames: int
    decoded_per_s: float | None = Field(None, description="pictures decoded per second, lately")
    analysed_per_s: float | None = Field(None, description="frames sent to be analysed per second, lately")
    cpu_share: float | None = Field(None, description="processor time of decoding and sampling; 1 is one core")
    address: str | None = Field(description="host and path without credentials; only for who may manage cameras")
    detect_address: str | None = Field(None, description="the same of the second stream, which is analysed; null: none")
    created_at: Moment


class BoxOut(BaseModel):
    """Corners as fractions of the picture."""

    x0: float
    y0: float
    x1: float
    y1: float


class PassFacts(BaseModel):
    """A pass without addresses of pictures: what the event log keeps."""

    pass_id: str
    camera_id: str
    camera_name: str | None
    state: MaskState
    protected: bool
    confidence: float
    opened_at: Moment
    last_seen_at: Moment
    closed_at: Moment | None
    frames: int
    box: BoxOut


class PassNote(PassFacts):
    face_media_id: str
    scene_media_id: str


class PassOut(PassFacts):
    face_url: str | None = Field(description="opens for ten minutes for this user")
    scene_url: str | None = Field(description="opens for ten minutes for this user")


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = Field(description="`after` of the next page; null on the last")


class CameraPage(Page[CameraOut]):
    """A page of cameras."""


class PassPage(Page[PassOut]):
    """A page of passes, newest first."""


def user_out(user: User, role: Role, *, must_change: bool) -> UserOut:
    return UserOut(
        user_id=user.user_id,
        username=user.username,
        display_name=user.display_name,
        org_id=user.org_id,
        role=user.role,
        role_name=role.name,
        rank=role.rank_no,
        patrol_radius_m=role.patrol_radius_m,
        permissions=in_order(permissions_of(role)),
        must_change_password=must_change,
    )


def camera_out(camera: Camera) -> CameraOut:
    """The camera as its manager sees it; `for_viewer` takes out what others may not see."""
    return CameraOut(
        camera_id=camera.camera_id,
        org_id=camera.org_id,
        name=camera.name,
        lon=None if camera.lon is None else float(camera.lon),
        lat=None if camera.lat is None else float(camera.lat),
        model=camera.model,
        enabled=camera.enabled,
        is_demo=camera.is_demo,
        state=camera.state if camera.enabled else "disabled",
        state_reason=camera.state_reason if camera.enabled else None,
        state_detail=camera.state_detail if camera.enabled else None,
        state_at=camera.state_at,
        resumes_at=camera.resumes_at if camera.enabled and camera.state == "paused" else None,
        width=camera.width,
        height=camera.height,
        fps=camera.fps,
        codec=camera.codec,
        transport=camera.transport,
        last_frame_at=camera.last_frame_at,
        skipped_frames=camera.skipped_frames,
        decoded_per_s=camera.decoded_per_s,
        analysed_per_s=camera.analysed_per_s,
        cpu_share=camera.cpu_share,
        address=camera.address,
        detect_address=camera.detect_address,
        **dict(settings_of(camera)),
        created_at=camera.created_at,
    )


def for_viewer(camera: CameraOut, *, manages: bool) -> CameraOut:
    return camera if manages else camera.model_copy(update={"address": None, "detect_address": None})


def pass_note(row: Pass, camera_name: str | None) -> PassNote:
    return PassNote(
        pass_id=row.pass_id,
        camera_id=row.camera_id,
        camera_name=camera_name,
        state=MaskState(row.state),
        protected=MaskState(row.state).protected,
        confidence=row.confidence,
        opened_at=row.opened_at,
        last_seen_at=row.last_seen_at,
        closed_at=row.closed_at,
        frames=row.frames,
        box=BoxOut(x0=row.x0, y0=row.y0, x1=row.x1, y1=row.y1),
        face_media_id=row.face_media_id,
        scene_media_id=row.scene_media_id,
    )


def pass_out(note: PassNote, media_url: Callable[[str], str]) -> PassOut:
    """The pass with pictures that open for one user."""
    facts = note.model_dump(exclude={"face_media_id", "scene_media_id"})
    return PassOut(**facts, face_url=media_url(note.face_media_id), scene_url=media_url(note.scene_media_id))
