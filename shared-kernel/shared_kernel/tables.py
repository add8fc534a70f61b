"""Every table as a typed class; `sql/migrations` makes them and `sql/schema.sql` shows them as MySQL sees them.

One service writes a table: all of these are written by miniprogram-api. Ids are ULIDs; times are UTC in milliseconds;
closed lists of words are strings with a CHECK; boxes are fractions of the picture. Tables that grow with every pass
have no foreign keys, so that a pass is never lost over a camera that went, and so that they can be partitioned.
MySQL and MariaDB decide; SQLite is the twin for one machine.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from shared_kernel.clock import to_milliseconds

_ASCII: Final = {"charset": "ascii", "collation": "ascii_bin"}
_MYSQL: Final = ("mysql", "mariadb")


class Utc(TypeDecorator[datetime]):
    """A moment: aware UTC in Python, DATETIME(3) without a zone in the database, rounded before it gets there."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in _MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else to_milliseconds(value).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


def _ascii_text(length: int) -> String:
    """ASCII compared byte by byte: short keys, and no surprises from a collation."""
    return String(length).with_variant(mysql.VARCHAR(length, **_ASCII), *_MYSQL)


_ULID = CHAR(26).with_variant(mysql.CHAR(26, **_ASCII), *_MYSQL)
_HASH = LargeBinary(32).with_variant(mysql.BINARY(32), *_MYSQL)
_SERIAL = BigInteger().with_variant(Integer, "sqlite")

Ulid = Annotated[str, mapped_column(_ULID)]
Hash = Annotated[bytes, mapped_column(_HASH)]
Word = Annotated[str, mapped_column(_ascii_text(32))]
Moment = Annotated[datetime, mapped_column(Utc)]
Fraction = Annotated[float, mapped_column(Double)]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


def _table(comment: str, *, autoincrement: bool = False) -> dict[str, Any]:
    """Options of a table. Without AUTOINCREMENT, SQLite would give the ids of deleted rows again."""
    return {
        "comment": comment,
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_unicode_ci",
        **({"sqlite_autoincrement": True} if autoincrement else {}),
    }


def _one_of(column: str, *words: str, name: str | None = None) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=name or column)


class User(Base):
    """Somebody who logs in."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("username"),
        _one_of("role", "administrator", "officer", "guard"),
        _one_of("status", "active", "disabled"),
        _table("Somebody who logs in. The role decides the permissions; grants decide single cameras."),
    )

    user_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    username: Mapped[str] = mapped_column(
        String(64).with_variant(mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin"), *_MYSQL),
        comment="what is typed at login; stored case-folded (NFKC), so the same name exists once",
    )
    display_name: Mapped[str] = mapped_column(String(64), comment="what others see")
    role: Mapped[Word] = mapped_column(comment="administrator, officer (sees all cameras) or guard (granted ones)")
    status: Mapped[Word] = mapped_column(comment="active or disabled; a disabled user is out within seconds")
    created_at: Mapped[Moment] = mapped_column(comment="when the account was made")
    last_login_at: Mapped[Moment | None] = mapped_column(comment="last successful login")


class UserCredential(Base):
    """The password, apart from the user, so that no profile query can return it."""

    __tablename__ = "user_credentials"
    __table_args__ = (_table("Password of a user, apart from the user so that no profile query can return it."),)

    user_id: Mapped[Ulid] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True, comment="whose password"
    )
    password_hash: Mapped[str] = mapped_column(_ascii_text(255), comment="argon2id, encoded with its parameters")
    must_change: Mapped[bool] = mapped_column(comment="true for one-time passwords: nothing else works before")
    changed_at: Mapped[Moment] = mapped_column(comment="when this password was set")


class AuthSession(Base):
    """One refresh token of a login."""

    __tablename__ = "auth_sessions"
    __table_args__ = (
        UniqueConstraint("refresh_hash"),
        Index("ix_auth_sessions_family_id", "family_id"),
        Index("ix_auth_sessions_user_id", "user_id"),
        Index("ix_auth_sessions_expires_at", "expires_at"),
        _table("One refresh token. Each use replaces it by a new one of its family; a second use revokes the family."),
    )

    auth_session_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    family_id: Mapped[Ulid] = mapped_column(comment="one login: all tokens that came from it")
    user_id: Mapped[Ulid] = mapped_column(ForeignKey("users.user_id", ondelete="CASCADE"), comment="who logged in")
    refresh_hash: Mapped[Hash] = mapped_column(comment="SHA-256 of the token; the token itself is nowhere")
    rotation: Mapped[int] = mapped_column(comment="0 at login, one more with each replacement")
    address: Mapped[str] = mapped_column(_ascii_text(45), comment="network address that asked for it")
    created_at: Mapped[Moment] = mapped_column(comment="when it was given out")
    expires_at: Mapped[Moment] = mapped_column(comment="after this it is refused")
    replaced_at: Mapped[Moment | None] = mapped_column(comment="when it was used; using it again is an alarm")
    revoked_at: Mapped[Moment | None] = mapped_column(comment="logout, password change, or reuse of an old token")


class LoginThrottle(Base):
    """Failed logins of one name or one address."""

    __tablename__ = "login_throttles"
    __table_args__ = (
        Index("ix_login_throttles_updated_at", "updated_at"),
        _table("Failed logins of one name or one address. In the database, so that a restart forgives nobody."),
    )

    subject: Mapped[str] = mapped_column(
        _ascii_text(80), primary_key=True, comment="user:<SHA-256 of the name> or address:<network address>"
    )
    failed_count: Mapped[int] = mapped_column(comment="failures since the window began")
    window_started_at: Mapped[Moment] = mapped_column(comment="first failure that counts")
    blocked_until: Mapped[Moment | None] = mapped_column(comment="attempts before this are refused unseen")
    updated_at: Mapped[Moment] = mapped_column(comment="last attempt; old rows are removed")


class Camera(Base):
    """A place with a camera, and how the camera is."""

    __tablename__ = "cameras"
    __table_args__ = (
        Index("ix_cameras_name", "name"),
        Index("ix_cameras_url_sha256", "url_sha256"),
        CheckConstraint("lon IS NULL OR (lon >= -180 AND lon <= 180)", name="lon"),
        CheckConstraint("lat IS NULL OR (lat >= -90 AND lat <= 90)", name="lat"),
        _one_of("state", "connecting", "live", "down"),
        _table("A place with a camera, what its owner last reported, and where the picture comes from (encrypted)."),
    )

    camera_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="ULID")
    name: Mapped[str] = mapped_column(String(64), comment="what people call it")
    url_cipher: Mapped[str] = mapped_column(_ascii_text(4096), comment="address with credentials, Fernet")
    url_sha256: Mapped[Hash] = mapped_column(comment="keyed SHA-256 (HMAC) of the address, to compare without opening")
    address: Mapped[str] = mapped_column(String(512), comment="host and path for people, without any secret")
    lon: Mapped[Decimal | None] = mapped_column(Numeric(9, 6), comment="longitude, degrees, WGS-84")
    lat: Mapped[Decimal | None] = mapped_column(Numeric(8, 6), comment="latitude, degrees, WGS-84")
    model: Mapped[str] = mapped_column(_ascii_text(64), comment="which analysis runs on its frames")
    enabled: Mapped[bool] = mapped_column(comment="false: nobody connects to it")
    is_demo: Mapped[bool] = mapped_column(comment="true for the clip that plays until the first own camera")
    state: Mapped[Word] = mapped_column(comment="connecting, live or down, as last reported")
    state_reason: Mapped[str | None] = mapped_column(_ascii_text(32), comment="code, see CameraReason")
    state_detail: Mapped[str | None] = mapped_column(String(500), comment="the reason in words, without credentials")
    state_at: Mapped[Moment] = mapped_column(comment="since when it is in this state")
    reported_at: Mapped[Moment | None] = mapped_column(comment="time in the last report; older reports are ignored")
    heard_at: Mapped[Moment] = mapped_column(comment="when we last heard of it; after silence it counts as down")
    width: Mapped[int | None] = mapped_column(comment="picture width, pixels")
    height: Mapped[int | None] = mapped_column(comment="picture height, pixels")
    fps: Mapped[float | None] = mapped_column(Double, comment="frames per second")
    codec: Mapped[str | None] = mapped_column(_ascii_text(32), comment="video codec, such as h264")
    last_frame_at: Mapped[Moment | None] = mapped_column(comment="when the last frame came")
    skipped_frames: Mapped[int] = mapped_column(BigInteger, comment="sampled frames never analysed, since its start")
    created_at: Mapped[Moment] = mapped_column(comment="when it was added")
    updated_at: Mapped[Moment] = mapped_column(comment="when a person last changed it")
    deleted_at: Mapped[Moment | None] = mapped_column(comment="removed; the row stays because its passes do")


class CameraGrant(Base):
    """A guard may see a camera."""

    __tablename__ = "camera_grants"
    __table_args__ = (
        Index("ix_camera_grants_user_id", "user_id"),
        _table("A user may see a camera, beyond what the role gives. Removing the row ends running streams."),
    )

    camera_id: Mapped[Ulid] = mapped_column(
        ForeignKey("cameras.camera_id", ondelete="CASCADE"), primary_key=True, comment="which camera"
    )
    user_id: Mapped[Ulid] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True, comment="who may see it"
    )
    granted_by: Mapped[Ulid] = mapped_column(comment="who allowed it")
    granted_at: Mapped[Moment] = mapped_column(comment="since when")


class Media(Base):
    """One stored picture."""

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("object_key"),
        Index("ix_media_pass_id", "pass_id"),
        CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name="sizes"),
        _one_of("kind", "face", "scene"),
        _table("One stored picture: the evidence of a pass. No foreign keys: it grows with every pass."),
    )

    media_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="derived from the object key: a repeat is one row")
    pass_id: Mapped[Ulid] = mapped_column(comment="the pass it belongs to")
    camera_id: Mapped[Ulid] = mapped_column(comment="whoever may see this camera may see the picture")
    kind: Mapped[Word] = mapped_column(comment="face (padded crop) or scene (whole frame)")
    object_key: Mapped[str] = mapped_column(_ascii_text(255), comment="where it lies in object storage")
    mime: Mapped[str] = mapped_column(_ascii_text(32), comment="content type")
    width: Mapped[int] = mapped_column(comment="pixels")
    height: Mapped[int] = mapped_column(comment="pixels")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="size in storage")
    created_at: Mapped[Moment] = mapped_column(comment="when it was recorded")


class Pass(Base):
    """One person's visit before one camera."""

    __tablename__ = "passes"
    __table_args__ = (
        Index("ix_passes_opened_at", "opened_at", "pass_id"),
        Index("ix_passes_camera_id", "camera_id", "opened_at", "pass_id"),
        Index("ix_passes_state", "state", "opened_at", "pass_id"),
        _one_of("state", "with_mask", "without_mask", "mask_worn_incorrectly"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence"),
        CheckConstraint("x0 >= 0 AND x0 <= x1 AND x1 <= 1 AND y0 >= 0 AND y0 <= y1 AND y1 <= 1", name="box"),
        CheckConstraint("frames >= 1", name="frames"),
        _table("One person's visit before one camera. Exactly one row, however often its messages arrive."),
    )

    pass_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="given by the camera's owner")
    camera_id: Mapped[Ulid] = mapped_column(comment="which camera saw it; no foreign key")
    state: Mapped[Word] = mapped_column(comment="verdict over all frames; only with_mask is protected")
    confidence: Mapped[Fraction] = mapped_column(comment="share of the votes for the state, 0 to 1")
    frames: Mapped[int] = mapped_column(comment="frames in which the person was seen")
    x0: Mapped[Fraction] = mapped_column(comment="left edge of the face in the scene, fraction of its width")
    y0: Mapped[Fraction] = mapped_column(comment="upper edge, fraction of the height")
    x1: Mapped[Fraction] = mapped_column(comment="right edge, fraction of the width")
    y1: Mapped[Fraction] = mapped_column(comment="lower edge, fraction of the height")
    opened_at: Mapped[Moment] = mapped_column(comment="when the verdict fell")
    last_seen_at: Mapped[Moment] = mapped_column(comment="last frame with the person")
    closed_at: Mapped[Moment | None] = mapped_column(comment="when the person was gone; null while before the camera")
    face_media_id: Mapped[Ulid] = mapped_column(comment="picture of the face")
    scene_media_id: Mapped[Ulid] = mapped_column(comment="picture of the scene")
    recorded_at: Mapped[Moment] = mapped_column(comment="when the row was made")
    updated_at: Mapped[Moment] = mapped_column(comment="when the row last changed")


class PassCount(Base):
    """How many passes of one state opened before one camera in one hour."""

    __tablename__ = "pass_counts"
    __table_args__ = (
        Index("ix_pass_counts_hour_at", "hour_at"),
        _one_of("state", "with_mask", "without_mask", "mask_worn_incorrectly"),
        CheckConstraint("passes >= 0", name="passes"),
        _table("Passes per camera, hour and state; changed in the transaction of the pass. Kept beyond the evidence."),
    )

    camera_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="which camera")
    hour_at: Mapped[Moment] = mapped_column(primary_key=True, comment="begin of the hour in which the pass opened")
    state: Mapped[Word] = mapped_column(primary_key=True, comment="verdict of the pass")
    passes: Mapped[int] = mapped_column(comment="how many")


class EventLog(Base):
    """What live clients are told."""

    __tablename__ = "event_log"
    __table_args__ = (
        UniqueConstraint("message_id"),
        Index("ix_event_log_created_at", "created_at"),
        _one_of("event", "pass", "camera"),
        _one_of("scope_type", "camera"),
        _table(
            "What live clients are told, in order. The id is that of the server-sent event: clients resume there.",
            autoincrement=True,
        ),
    )

    event_id: Mapped[int] = mapped_column(_SERIAL, primary_key=True, autoincrement=True, comment="rises; may have gaps")
    message_id: Mapped[Ulid] = mapped_column(comment="derived from the cause: a repeated cause makes no second event")
    event: Mapped[Word] = mapped_column(comment="name of the server-sent event")
    scope_type: Mapped[Word] = mapped_column(comment="kind of object whose rights decide who hears it")
    scope_id: Mapped[Ulid] = mapped_column(comment="id of that object")
    payload: Mapped[str] = mapped_column(Text, comment="JSON as it was then, without tickets")
    occurred_at: Mapped[Moment] = mapped_column(comment="when the cause happened")
    created_at: Mapped[Moment] = mapped_column(comment="when the row was made; removed after two days")


class IdempotencyKey(Base):
    """An answer that is given again when the same request comes again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        Index("ix_idempotency_keys_created_at", "created_at"),
        _table("The answer to a creation, given again when the same key comes again. Written with what it created."),
    )

    user_id: Mapped[Ulid] = mapped_column(primary_key=True, comment="whose key")
    route: Mapped[str] = mapped_column(_ascii_text(64), primary_key=True, comment="for which request")
    idempotency_key: Mapped[str] = mapped_column(_ascii_text(64), primary_key=True, comment="as the client sent it")
    request_hash: Mapped[Hash] = mapped_column(comment="keyed SHA-256 of the request: another one may not take the key")
    status: Mapped[int] = mapped_column(comment="HTTP status of the answer")
    answer: Mapped[str] = mapped_column(Text, comment="JSON of the answer")
    created_at: Mapped[Moment] = mapped_column(comment="removed after a day")


class AuditLog(Base):
    """Who did what."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_actor_id", "actor_id", "created_at"),
        Index("ix_audit_log_target_id", "target_id", "created_at"),
        _table("Who did what: logins, and every change a person makes. Only added to.", autoincrement=True),
    )

    audit_id: Mapped[int] = mapped_column(_SERIAL, primary_key=True, autoincrement=True, comment="rises")
    actor_id: Mapped[Ulid | None] = mapped_column(comment="who; null for an unknown user or the command line")
    action: Mapped[Word] = mapped_column(comment="such as camera.create")
    target_type: Mapped[Word] = mapped_column(comment="kind of object")
    target_id: Mapped[str | None] = mapped_column(_ULID, comment="id of the object")
    outcome: Mapped[Word] = mapped_column(comment="done or refused")
    address: Mapped[str | None] = mapped_column(_ascii_text(45), comment="network address of the caller")
    detail: Mapped[str | None] = mapped_column(String(500), comment="what changed, without secrets")
    created_at: Mapped[Moment] = mapped_column(comment="when")
