"""Cameras, who may see which, and what is kept of how they were."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Hash, Moment, Ulid, Word, ascii_text, one_of, table
from shared_kernel.tables.organisations import ROOT_ORG_ID


class Camera(Base):
    """A place with a camera, and how the camera is."""

    __tablename__ = "cameras"
    __table_args__ = (
        Index("ix_cameras_name", "name"),
        Index("ix_cameras_org_id", "org_id", "camera_id"),
        Index("ix_cameras_geohash", "geohash"),
        Index("ix_cameras_lat", "lat", "lon"),
        Index("ix_cameras_url_sha256", "url_sha256"),
        CheckConstraint("lon IS NULL OR (lon >= -180 AND lon <= 180)", name="lon"),
        CheckConstraint("lat IS NULL OR (lat >= -90 AND lat <= 90)", name="lat"),
        one_of("state", "connecting", "online", "degraded", "stale", "offline", "paused"),
        one_of("decode", "all", "adaptive", "keyframes"),
        one_of("footage", "off", "clips", "continuous"),
        CheckConstraint("analysed_fps IS NULL OR (analysed_fps > 0 AND analysed_fps <= 30)", name="analysed_fps"),
        table("A place with a camera, what its owner last reported, and where the picture comes from (encrypted)."),
    )

    camera_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    org_id: Mapped[Ulid] = mapped_column(
        ForeignKey("organisations.org_id"), default=ROOT_ORG_ID, comment="whose: seen from this organisation and above"
    )
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    url_cipher: Mapped[str] = mapped_column(ascii_text(4096), comment="address with credentials, Fernet")
    url_sha256: Mapped[Hash] = mapped_column(comment="keyed SHA-256 (HMAC) of the address, to compare without opening")
    address: Mapped[str] = mapped_column(String(512), comment="host and path for people, without any secret")
    lon: Mapped[Decimal | None] = mapped_column(Numeric(9, 6), comment="longitude, degrees, WGS-84")
    lat: Mapped[Decimal | None] = mapped_column(Numeric(8, 6), comment="latitude, degrees, WGS-84")
    geohash: Mapped[str | None] = mapped_column(ascii_text(12), comment="of its place, for maps; null: no place")
    model: Mapped[str] = mapped_column(ascii_text(64), comment="which analysis runs on its frames")
    detect_url_cipher: Mapped[str | None] = mapped_column(
        ascii_text(4096), comment="second stream for the analysis, Fernet; null: one stream for all"
    )
    detect_address: Mapped[str | None] = mapped_column(String(512), comment="its host and path, without any secret")
    decode: Mapped[Word | None] = mapped_column(comment="all, adaptive or keyframes; null: as the service is set")
    analysed_fps: Mapped[float | None] = mapped_column(
        Double, comment="analysed frames per second; null: as the service is set"
    )
    zones: Mapped[str | None] = mapped_column(Text, comment="JSON: polygons where people count, or do not")
    privacy_masks: Mapped[str | None] = mapped_column(Text, comment="JSON: polygons that nobody ever sees")
    plan: Mapped[str | None] = mapped_column(Text, comment="JSON: when it works, by weekday; null: always")
    footage: Mapped[Word | None] = mapped_column(comment="off, clips or continuous; null: clips")
    enabled: Mapped[bool] = mapped_column(comment="false: nobody connects to it")
    is_demo: Mapped[bool] = mapped_column(comment="true for the clip that plays until the first own camera")
    state: Mapped[Word] = mapped_column(
        comment="connecting, online, degraded, stale, offline or paused, as last reported"
    )
    state_reason: Mapped[str | None] = mapped_column(ascii_text(32), comment="code, see CameraReason")
    state_detail: Mapped[str | None] = mapped_column(String(500), comment="the reason in words, without credentials")
    state_at: Mapped[Moment] = mapped_column(comment="since when it is in this state")
    reported_at: Mapped[Moment | None] = mapped_column(comment="time in the last report; older reports are ignored")
    heard_at: Mapped[Moment] = mapped_column(comment="when we last heard of it; after silence it counts as down")
    width: Mapped[int | None] = mapped_column(comment="picture width, pixels")
    height: Mapped[int | None] = mapped_column(comment="picture height, pixels")
    fps: Mapped[float | None] = mapped_column(Double, comment="frames per second")
    codec: Mapped[str | None] = mapped_column(ascii_text(32), comment="video codec, such as h264")
    transport: Mapped[Word | None] = mapped_column(comment="tcp or udp; null: not RTSP, or unknown")
    last_frame_at: Mapped[Moment | None] = mapped_column(comment="when the last frame came")
    skipped_frames: Mapped[int] = mapped_column(BigInteger, comment="sampled frames never analysed, since its start")
    decoded_per_s: Mapped[float | None] = mapped_column(Double, comment="pictures decoded per second, lately")
    analysed_per_s: Mapped[float | None] = mapped_column(
        Double, comment="frames sent to be analysed per second, lately"
    )
    cpu_share: Mapped[float | None] = mapped_column(Double, comment="processor time of decoding; 1 is one core")
    analysed_frames: Mapped[int | None] = mapped_column(
        BigInteger, comment="frames whose analysis came, since its start"
    )
    fence: Mapped[int | None] = mapped_column(
        BigInteger, comment="token of the replica that was last heard; older ones are ignored"
    )
    resumes_at: Mapped[Moment | None] = mapped_column(comment="when its plan wants it again, while it is paused")
    accounted_at: Mapped[Moment | None] = mapped_column(comment="its hours are written up to here; null: never")
    created_at: Mapped[Moment] = mapped_column(comment="when it was added")
    updated_at: Mapped[Moment] = mapped_column(comment="when a person last changed it")
    deleted_at: Mapped[Moment | None] = mapped_column(comment="removed; the row stays because its passes do")


class CameraGrant(Base):
    """A guard may see a camera."""

    __tablename__ = "camera_grants"
    __table_args__ = (
        Index("ix_camera_grants_user_id", "user_id"),
        Index("ix_camera_grants_expires_at", "expires_at"),
        table("A user may see a camera, beyond what the role gives. Removing the row ends running streams."),
    )

    camera_id: Mapped[Ulid] = mapped_column(
        ForeignKey("cameras.camera_id", ondelete="CASCADE"), primary_key=True, comment="which camera"
    )
    user_id: Mapped[Ulid] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True, comment="who may see it"
    )
    granted_by: Mapped[Ulid] = mapped_column(comment="who allowed it")
    granted_at: Mapped[Moment] = mapped_column(comment="since when")
    expires_at: Mapped[Moment | None] = mapped_column(comment="until when; null: no end")
    request_id: Mapped[Ulid | None] = mapped_column(comment="the request that it answers; null: given unasked")


class CameraGroup(Base):
    """Cameras that belong together for people."""

    __tablename__ = "camera_groups"
    __table_args__ = (
        UniqueConstraint("org_id", "name"),
        table("Cameras that belong together for people: an entrance, a floor."),
    )

    group_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    org_id: Mapped[Ulid] = mapped_column(ForeignKey("organisations.org_id"), comment="whose cameras")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    created_at: Mapped[Moment] = mapped_column(comment="when it was made")
    updated_at: Mapped[Moment] = mapped_column(comment="when it or its members last changed")


class CameraInGroup(Base):
    """A camera is in a group."""

    __tablename__ = "camera_group_members"
    __table_args__ = (
        Index("ix_camera_group_members_camera_id", "camera_id"),
        table("Which camera is in which group."),
    )

    group_id: Mapped[Ulid] = mapped_column(
        ForeignKey("camera_groups.group_id", ondelete="CASCADE"), primary_key=True, comment="in which group"
    )
    camera_id: Mapped[Ulid] = mapped_column(
        ForeignKey("cameras.camera_id", ondelete="CASCADE"), primary_key=True, comment="which camera"
    )


class CameraHour(Base):
    """How one camera was in one hour, so that a count can be read with its coverage."""

    __tablename__ = "camera_hours"
    __table_args__ = (
        Index("ix_camera_hours_hour_at", "hour_at"),
        CheckConstraint("online_s >= 0 AND degraded_s >= 0 AND stale_s >= 0 AND offline_s >= 0", name="times"),
        table("How one camera was in one hour: seconds in each state, frames analysed and skipped."),
    )

    camera_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="which camera; no foreign key")
    hour_at: Mapped[Moment] = mapped_column(primary_key=True, comment="begin of the hour")
    online_s: Mapped[float] = mapped_column(Double, comment="seconds with a picture as it should be")
    degraded_s: Mapped[float] = mapped_column(Double, comment="seconds with a picture, but less than it should be")
    stale_s: Mapped[float] = mapped_column(Double, comment="seconds connected without a new picture")
    offline_s: Mapped[float] = mapped_column(Double, comment="seconds without a connection")
    paused_s: Mapped[float] = mapped_column(Double, comment="seconds in which nobody wanted it")
    analysed_frames: Mapped[int] = mapped_column(BigInteger, comment="frames that were analysed")
    skipped_frames: Mapped[int] = mapped_column(BigInteger, comment="sampled frames that were not")


class CameraOutage(Base):
    """A time in which a camera gave no picture."""

    __tablename__ = "camera_outages"
    __table_args__ = (
        Index("ix_camera_outages_camera_id", "camera_id", "began_at"),
        Index("ix_camera_outages_began_at", "began_at"),
        table("A time in which a camera gave no picture, for longer than a moment."),
    )

    outage_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from camera and beginning")
    camera_id: Mapped[Ulid] = mapped_column(comment="which camera; no foreign key")
    began_at: Mapped[Moment] = mapped_column(comment="when the picture went")
    noticed_at: Mapped[Moment] = mapped_column(comment="when it was told: a blink is no outage")
    ended_at: Mapped[Moment | None] = mapped_column(comment="when the picture had come back for good; null: not yet")
    reason: Mapped[str | None] = mapped_column(ascii_text(32), comment="code, see CameraReason")
    detail: Mapped[str | None] = mapped_column(String(500), comment="the reason in words, without credentials")
