"""Duty photos, planned routes, patrols with their track and photos."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared_kernel.tables.columns import Base, Hash, Moment, Ulid, Word, ascii_text, one_of, table

LON = Numeric(9, 6)
LAT = Numeric(8, 6)


def in_range(lon: str = "lon", lat: str = "lat") -> tuple[CheckConstraint, CheckConstraint]:
    """That coordinates are degrees; a null passes."""
    return (
        CheckConstraint(f"{lon} >= -180 AND {lon} <= 180", name=lon),
        CheckConstraint(f"{lat} >= -90 AND {lat} <= 90", name=lat),
    )


class DutyPhoto(Base):
    """The face at the first login of a day."""

    __tablename__ = "duty_photos"
    __table_args__ = (
        UniqueConstraint("user_id", "duty_date"),
        UniqueConstraint("object_key"),
        Index("ix_duty_photos_taken_at", "taken_at"),
        *in_range(),
        table("The face of somebody at the first login of a day on duty: one a user and day."),
    )

    duty_photo_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    user_id: Mapped[Ulid] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), comment="who")
    duty_date: Mapped[date] = mapped_column(Date, comment="which day, in the zone of the site")
    object_key: Mapped[str] = mapped_column(ascii_text(255), comment="where the picture lies")
    quality: Mapped[str] = mapped_column(Text, comment="JSON: what was measured at the gates")
    lon: Mapped[Decimal | None] = mapped_column(LON, comment="longitude, degrees, WGS-84")
    lat: Mapped[Decimal | None] = mapped_column(LAT, comment="latitude, degrees, WGS-84")
    taken_at: Mapped[Moment] = mapped_column(comment="when it was accepted")


class PatrolRoute(Base):
    """A way that is to be patrolled."""

    __tablename__ = "patrol_routes"
    __table_args__ = (
        Index("ix_patrol_routes_org_id", "org_id"),
        table("A way that is to be patrolled, and when."),
    )

    route_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    org_id: Mapped[Ulid] = mapped_column(ForeignKey("organisations.org_id"), comment="whose people walk it")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    plan: Mapped[str | None] = mapped_column(Text, comment="JSON: weekdays and times of its starts; null: any time")
    enabled: Mapped[bool] = mapped_column(comment="false: not offered")
    created_by: Mapped[Ulid] = mapped_column(comment="which user made it")
    created_at: Mapped[Moment] = mapped_column(comment="when")
    updated_at: Mapped[Moment] = mapped_column(comment="when it or a checkpoint last changed")
    deleted_at: Mapped[Moment | None] = mapped_column(comment="removed; the row stays because its patrols do")


class RouteCheckpoint(Base):
    """A place on a route where one has to have been."""

    __tablename__ = "route_checkpoints"
    __table_args__ = (
        UniqueConstraint("route_id", "position"),
        UniqueConstraint("code"),
        CheckConstraint("radius_m >= 1 AND radius_m <= 1000", name="radius_m"),
        CheckConstraint("position >= 0", name="position"),
        CheckConstraint("due_s IS NULL OR due_s >= 0", name="due_s"),
        *in_range(),
        table("A place on a route where one has to have been: near enough, or by scanning its code."),
    )

    checkpoint_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    route_id: Mapped[Ulid] = mapped_column(
        ForeignKey("patrol_routes.route_id", ondelete="CASCADE"), comment="of which route"
    )
    position: Mapped[int] = mapped_column(Integer, comment="order on the route, from 0")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    lon: Mapped[Decimal] = mapped_column(LON, comment="longitude, degrees, WGS-84")
    lat: Mapped[Decimal] = mapped_column(LAT, comment="latitude, degrees, WGS-84")
    radius_m: Mapped[int] = mapped_column(Integer, comment="how near counts, metres")
    code: Mapped[str | None] = mapped_column(
        ascii_text(64), comment="text of its QR code or NFC tag; then being near is not enough. null: none"
    )
    due_s: Mapped[int | None] = mapped_column(comment="when it is due, seconds after the start; null: any time")
    tolerance_s: Mapped[int] = mapped_column(Integer, comment="how much later still counts as in time, seconds")


class Patrol(Base):
    """One walk of one user."""

    __tablename__ = "patrols"
    __table_args__ = (
        UniqueConstraint("active_user"),
        Index("ix_patrols_user_id", "user_id", "started_at", "patrol_id"),
        Index("ix_patrols_org_id", "org_id", "started_at", "patrol_id"),
        Index("ix_patrols_heard_at", "state", "heard_at"),
        Index("ix_patrols_route_id", "route_id", "started_at"),
        one_of("state", "active", "finished", "abandoned"),
        CheckConstraint("(state = 'active') = (active_user IS NOT NULL)", name="active_user"),
        CheckConstraint("(state = 'active') = (ended_at IS NULL)", name="ended_at"),
        *in_range("start_lon", "start_lat"),
        table("One walk of one user. At most one is active per user; totals are counted by the server."),
    )

    patrol_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    user_id: Mapped[Ulid] = mapped_column(ForeignKey("users.user_id"), comment="who walks")
    org_id: Mapped[Ulid] = mapped_column(ForeignKey("organisations.org_id"), comment="the user's organisation then")
    route_id: Mapped[Ulid | None] = mapped_column(
        ForeignKey("patrol_routes.route_id"), comment="which planned route; null: none"
    )
    state: Mapped[Word] = mapped_column(comment="active, finished or abandoned (closed by the clock)")
    active_user: Mapped[Ulid | None] = mapped_column(comment="the user while it is active, else null: so there is one")
    start_lon: Mapped[Decimal | None] = mapped_column(LON, comment="longitude at the start, degrees, WGS-84")
    start_lat: Mapped[Decimal | None] = mapped_column(LAT, comment="latitude at the start, degrees, WGS-84")
    started_at: Mapped[Moment] = mapped_column(comment="when it began, by our clock")
    heard_at: Mapped[Moment] = mapped_column(comment="when something last came of it; silent ones are abandoned")
    ended_at: Mapped[Moment | None] = mapped_column(comment="when it was finished or abandoned")
    skew_ms: Mapped[int] = mapped_column(BigInteger, comment="phone's clock minus ours, milliseconds, as last measured")
    with_mask: Mapped[int] = mapped_column(Integer, comment="faces with a mask on its photos")
    without_mask: Mapped[int] = mapped_column(Integer, comment="faces without")
    worn_incorrectly: Mapped[int] = mapped_column(Integer, comment="faces with a mask worn incorrectly")
    photos: Mapped[int] = mapped_column(Integer, comment="photos that count")
    points: Mapped[int] = mapped_column(Integer, comment="points of its track")
    length_m: Mapped[float] = mapped_column(Double, comment="length of its track without jumps, metres")
    checkpoints_hit: Mapped[int] = mapped_column(Integer, comment="checkpoints of the route that were reached")
    checkpoints_missed: Mapped[int] = mapped_column(Integer, comment="those that were not, known at the end")
    checkpoints_late: Mapped[int] = mapped_column(Integer, comment="those that were reached too late")
    updated_at: Mapped[Moment] = mapped_column(comment="when the row last changed")


class TrackPoint(Base):
    """Where somebody was on a patrol."""

    __tablename__ = "track_points"
    __table_args__ = (
        Index("ix_track_points_recorded_at", "patrol_id", "recorded_at"),
        CheckConstraint("seq >= 0", name="seq"),
        *in_range(),
        table("Where somebody was on a patrol. The phone numbers the points, so a repeated upload changes nothing."),
    )

    patrol_id: Mapped[Ulid] = mapped_column(
        ForeignKey("patrols.patrol_id", ondelete="CASCADE"), primary_key=True, comment="on which patrol"
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="number by the phone, from 0")
    recorded_at: Mapped[Moment] = mapped_column(comment="when, corrected to our clock")
    received_at: Mapped[Moment] = mapped_column(comment="when it came; hours later after an offline time")
    lon: Mapped[Decimal] = mapped_column(LON, comment="longitude, degrees, WGS-84")
    lat: Mapped[Decimal] = mapped_column(LAT, comment="latitude, degrees, WGS-84")
    accuracy_m: Mapped[float | None] = mapped_column(Double, comment="how exact, metres, as the phone says")
    speed_mps: Mapped[float | None] = mapped_column(Double, comment="metres per second, as the phone says")
    jump: Mapped[bool] = mapped_column(comment="nobody walks that fast: kept, but not counted")


class PatrolPhoto(Base):
    """A photo of people taken on a patrol."""

    __tablename__ = "patrol_photos"
    __table_args__ = (
        UniqueConstraint("patrol_id", "client_key"),
        UniqueConstraint("object_key"),
        Index("ix_patrol_photos_taken_at", "taken_at", "photo_id"),
        Index("ix_patrol_photos_state", "state", "received_at"),
        one_of("state", "queued", "done", "failed"),
        *in_range(),
        table("A photo of people taken on a patrol, and what was found on it. A repeated upload is the same row."),
    )

    photo_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from patrol and key")
    patrol_id: Mapped[Ulid] = mapped_column(ForeignKey("patrols.patrol_id"), comment="on which patrol")
    client_key: Mapped[str] = mapped_column(ascii_text(64), comment="the phone's Idempotency-Key")
    content_sha256: Mapped[Hash] = mapped_column(comment="of the picture: another one may not take the key")
    object_key: Mapped[str] = mapped_column(ascii_text(255), comment="where the picture lies")
    annotated_key: Mapped[str | None] = mapped_column(ascii_text(255), comment="the same with boxes; null: not yet")
    width: Mapped[int | None] = mapped_column(comment="pixels")
    height: Mapped[int | None] = mapped_column(comment="pixels")
    lon: Mapped[Decimal | None] = mapped_column(LON, comment="longitude, degrees, WGS-84")
    lat: Mapped[Decimal | None] = mapped_column(LAT, comment="latitude, degrees, WGS-84")
    taken_at: Mapped[Moment] = mapped_column(comment="when, corrected to our clock")
    received_at: Mapped[Moment] = mapped_column(comment="when it came")
    state: Mapped[Word] = mapped_column(comment="queued (to be analysed), done or failed")
    boxes: Mapped[str | None] = mapped_column(Text, comment="JSON: faces with state, score and box as fractions")
    with_mask: Mapped[int | None] = mapped_column(comment="faces with a mask; null: not analysed")
    without_mask: Mapped[int | None] = mapped_column(comment="faces without")
    worn_incorrectly: Mapped[int | None] = mapped_column(comment="faces with a mask worn incorrectly")
    analysed_at: Mapped[Moment | None] = mapped_column(comment="when the answer came")
    failure: Mapped[str | None] = mapped_column(ascii_text(32), comment="code of why it failed")
    deleted_at: Mapped[Moment | None] = mapped_column(comment="removed by a person; its objects are gone")


class CheckpointHit(Base):
    """Somebody was at a checkpoint."""

    __tablename__ = "checkpoint_hits"
    __table_args__ = (
        Index("ix_checkpoint_hits_checkpoint_id", "checkpoint_id", "reached_at"),
        one_of("how", "position", "qr", "nfc"),
        table("Somebody was at a checkpoint on a patrol: the first time counts."),
    )

    patrol_id: Mapped[Ulid] = mapped_column(
        ForeignKey("patrols.patrol_id", ondelete="CASCADE"), primary_key=True, comment="on which patrol"
    )
    checkpoint_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="which; no foreign key, routes change")
    how: Mapped[Word] = mapped_column(comment="position, qr or nfc")
    reached_at: Mapped[Moment] = mapped_column(comment="when")
    distance_m: Mapped[float | None] = mapped_column(Double, comment="how far from it, metres")
    late_s: Mapped[int] = mapped_column(Integer, comment="how much later than it was due, seconds; 0: in time")
