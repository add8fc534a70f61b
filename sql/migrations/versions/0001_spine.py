"""The spine: users, cameras, passes, live events.

Revision 0001, the first.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
HASH = sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EXACT_NAME = sa.String(64).with_variant(
    mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
)


def upgrade() -> None:
    create_audit_log()
    create_cameras()
    create_event_log()
    create_idempotency_keys()
    create_login_throttles()
    create_media()
    create_pass_counts()
    create_passes()
    create_users()
    create_auth_sessions()
    create_camera_grants()
    create_user_credentials()


def downgrade() -> None:
    for table in (
        "user_credentials",
        "camera_grants",
        "auth_sessions",
        "users",
        "passes",
        "pass_counts",
        "media",
        "login_throttles",
        "idempotency_keys",
        "event_log",
        "cameras",
        "audit_log",
    ):
        op.drop_table(table)  # with its indexes: MySQL keeps those that a foreign key needs


def create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("audit_id", SERIAL, autoincrement=True, nullable=False, comment="rises"),
        sa.Column("actor_id", ULID, nullable=True, comment="who; null for an unknown user or the command line"),
        sa.Column("action", ascii_text(32), nullable=False, comment="such as camera.create"),
        sa.Column("target_type", ascii_text(32), nullable=False, comment="kind of object"),
        sa.Column("target_id", ULID, nullable=True, comment="id of the object"),
        sa.Column("outcome", ascii_text(32), nullable=False, comment="done or refused"),
        sa.Column("address", ascii_text(45), nullable=True, comment="network address of the caller"),
        sa.Column("detail", sa.String(length=500), nullable=True, comment="what changed, without secrets"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_log")),
        comment="Who did what: logins, and every change a person makes. Only added to.",
        **INNODB,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_actor_id", "audit_log", ["actor_id", "created_at"], unique=False)
    op.create_index("ix_audit_log_target_id", "audit_log", ["target_id", "created_at"], unique=False)


def create_cameras() -> None:
    op.create_table(
        "cameras",
        sa.Column("camera_id", ULID, nullable=False, comment="ULID"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("url_cipher", ascii_text(4096), nullable=False, comment="address with credentials, Fernet"),
        sa.Column(
            "url_sha256",
            HASH,
            nullable=False,
            comment="keyed SHA-256 (HMAC) of the address, to compare without opening",
        ),
        sa.Column(
            "address", sa.String(length=512), nullable=False, comment="host and path for people, without any secret"
        ),
        sa.Column("lon", sa.Numeric(precision=9, scale=6), nullable=True, comment="longitude, degrees, WGS-84"),
        sa.Column("lat", sa.Numeric(precision=8, scale=6), nullable=True, comment="latitude, degrees, WGS-84"),
        sa.Column("model", ascii_text(64), nullable=False, comment="which analysis runs on its frames"),
        sa.Column("enabled", sa.Boolean(), nullable=False, comment="false: nobody connects to it"),
        sa.Column(
            "is_demo", sa.Boolean(), nullable=False, comment="true for the clip that plays until the first own camera"
        ),
        sa.Column("state", ascii_text(32), nullable=False, comment="connecting, live or down, as last reported"),
        sa.Column("state_reason", ascii_text(32), nullable=True, comment="code, see CameraReason"),
        sa.Column(
            "state_detail", sa.String(length=500), nullable=True, comment="the reason in words, without credentials"
        ),
        sa.Column("state_at", MOMENT, nullable=False, comment="since when it is in this state"),
        sa.Column("reported_at", MOMENT, nullable=True, comment="time in the last report; older reports are ignored"),
        sa.Column(
            "heard_at", MOMENT, nullable=False, comment="when we last heard of it; after silence it counts as down"
        ),
        sa.Column("width", sa.Integer(), nullable=True, comment="picture width, pixels"),
        sa.Column("height", sa.Integer(), nullable=True, comment="picture height, pixels"),
        sa.Column("fps", sa.Double(), nullable=True, comment="frames per second"),
        sa.Column("codec", ascii_text(32), nullable=True, comment="video codec, such as h264"),
        sa.Column("last_frame_at", MOMENT, nullable=True, comment="when the last frame came"),
        sa.Column(
            "skipped_frames", sa.BigInteger(), nullable=False, comment="sampled frames never analysed, since its start"
        ),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was added"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when a person last changed it"),
        sa.Column("deleted_at", MOMENT, nullable=True, comment="removed; the row stays because its passes do"),
        sa.CheckConstraint("state IN ('connecting', 'live', 'down')", name=op.f("ck_cameras_state")),
        sa.CheckConstraint("lat IS NULL OR (lat >= -90 AND lat <= 90)", name=op.f("ck_cameras_lat")),
        sa.CheckConstraint("lon IS NULL OR (lon >= -180 AND lon <= 180)", name=op.f("ck_cameras_lon")),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_cameras")),
        comment="A place with a camera, what its owner last reported, and where the picture comes from (encrypted).",
        **INNODB,
    )
    op.create_index("ix_cameras_name", "cameras", ["name"], unique=False)
    op.create_index("ix_cameras_url_sha256", "cameras", ["url_sha256"], unique=False)


def create_event_log() -> None:
    op.create_table(
        "event_log",
        sa.Column("event_id", SERIAL, autoincrement=True, nullable=False, comment="rises; may have gaps"),
        sa.Column(
            "message_id", ULID, nullable=False, comment="derived from the cause: a repeated cause makes no second event"
        ),
        sa.Column("event", ascii_text(32), nullable=False, comment="name of the server-sent event"),
        sa.Column(
            "scope_type", ascii_text(32), nullable=False, comment="kind of object whose rights decide who hears it"
        ),
        sa.Column("scope_id", ULID, nullable=False, comment="id of that object"),
        sa.Column("payload", sa.Text(), nullable=False, comment="JSON as it was then, without tickets"),
        sa.Column("occurred_at", MOMENT, nullable=False, comment="when the cause happened"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when the row was made; removed after two days"),
        sa.CheckConstraint("event IN ('pass', 'camera')", name=op.f("ck_event_log_event")),
        sa.CheckConstraint("scope_type IN ('camera')", name=op.f("ck_event_log_scope_type")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_log")),
        sa.UniqueConstraint("message_id", name=op.f("uq_event_log_message_id")),
        comment="What live clients are told, in order. The id is that of the server-sent event: clients resume there.",
        **INNODB,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_log_created_at", "event_log", ["created_at"], unique=False)


def create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", ULID, nullable=False, comment="whose key"),
        sa.Column("route", ascii_text(64), nullable=False, comment="for which request"),
        sa.Column("idempotency_key", ascii_text(64), nullable=False, comment="as the client sent it"),
        sa.Column(
            "request_hash",
            HASH,
            nullable=False,
            comment="keyed SHA-256 of the request: another one may not take the key",
        ),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status of the answer"),
        sa.Column("answer", sa.Text(), nullable=False, comment="JSON of the answer"),
        sa.Column("created_at", MOMENT, nullable=False, comment="removed after a day"),
        sa.PrimaryKeyConstraint("user_id", "route", "idempotency_key", name=op.f("pk_idempotency_keys")),
        comment="The answer to a creation, given again when the same key comes again. Written with what it created.",
        **INNODB,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)


def create_login_throttles() -> None:
    op.create_table(
        "login_throttles",
        sa.Column(
            "subject", ascii_text(80), nullable=False, comment="user:<SHA-256 of the name> or address:<network address>"
        ),
        sa.Column("failed_count", sa.Integer(), nullable=False, comment="failures since the window began"),
        sa.Column("window_started_at", MOMENT, nullable=False, comment="first failure that counts"),
        sa.Column("blocked_until", MOMENT, nullable=True, comment="attempts before this are refused unseen"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="last attempt; old rows are removed"),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_throttles")),
        comment="Failed logins of one name or one address. In the database, so that a restart forgives nobody.",
        **INNODB,
    )
    op.create_index("ix_login_throttles_updated_at", "login_throttles", ["updated_at"], unique=False)


def create_media() -> None:
    op.create_table(
        "media",
        sa.Column("media_id", ULID, nullable=False, comment="derived from the object key: a repeat is one row"),
        sa.Column("pass_id", ULID, nullable=False, comment="the pass it belongs to"),
        sa.Column("camera_id", ULID, nullable=False, comment="whoever may see this camera may see the picture"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="face (padded crop) or scene (whole frame)"),
        sa.Column("object_key", ascii_text(255), nullable=False, comment="where it lies in object storage"),
        sa.Column("mime", ascii_text(32), nullable=False, comment="content type"),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="size in storage"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was recorded"),
        sa.CheckConstraint("kind IN ('face', 'scene')", name=op.f("ck_media_kind")),
        sa.CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name=op.f("ck_media_sizes")),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_media")),
        sa.UniqueConstraint("object_key", name=op.f("uq_media_object_key")),
        comment="One stored picture: the evidence of a pass. No foreign keys: it grows with every pass.",
        **INNODB,
    )
    op.create_index("ix_media_pass_id", "media", ["pass_id"], unique=False)


def create_pass_counts() -> None:
    op.create_table(
        "pass_counts",
        sa.Column("camera_id", ULID, nullable=False, comment="which camera"),
        sa.Column("hour_at", MOMENT, nullable=False, comment="begin of the hour in which the pass opened"),
        sa.Column("state", ascii_text(32), nullable=False, comment="verdict of the pass"),
        sa.Column("passes", sa.Integer(), nullable=False, comment="how many"),
        sa.CheckConstraint(
            "state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')", name=op.f("ck_pass_counts_state")
        ),
        sa.CheckConstraint("passes >= 0", name=op.f("ck_pass_counts_passes")),
        sa.PrimaryKeyConstraint("camera_id", "hour_at", "state", name=op.f("pk_pass_counts")),
        comment="Passes per camera, hour and state; changed in the transaction of the pass. Kept beyond the evidence.",
        **INNODB,
    )
    op.create_index("ix_pass_counts_hour_at", "pass_counts", ["hour_at"], unique=False)


def create_passes() -> None:
    op.create_table(
        "passes",
        sa.Column("pass_id", ULID, nullable=False, comment="given by the camera's owner"),
        sa.Column("camera_id", ULID, nullable=False, comment="which camera saw it; no foreign key"),
        sa.Column(
            "state", ascii_text(32), nullable=False, comment="verdict over all frames; only with_mask is protected"
        ),
        sa.Column("confidence", sa.Double(), nullable=False, comment="share of the votes for the state, 0 to 1"),
        sa.Column("frames", sa.Integer(), nullable=False, comment="frames in which the person was seen"),
        sa.Column(
            "x0", sa.Double(), nullable=False, comment="left edge of the face in the scene, fraction of its width"
        ),
        sa.Column("y0", sa.Double(), nullable=False, comment="upper edge, fraction of the height"),
        sa.Column("x1", sa.Double(), nullable=False, comment="right edge, fraction of the width"),
        sa.Column("y1", sa.Double(), nullable=False, comment="lower edge, fraction of the height"),
        sa.Column("opened_at", MOMENT, nullable=False, comment="when the verdict fell"),
        sa.Column("last_seen_at", MOMENT, nullable=False, comment="last frame with the person"),
        sa.Column("closed_at", MOMENT, nullable=True, comment="when the person was gone; null while before the camera"),
        sa.Column("face_media_id", ULID, nullable=False, comment="picture of the face"),
        sa.Column("scene_media_id", ULID, nullable=False, comment="picture of the scene"),
        sa.Column("recorded_at", MOMENT, nullable=False, comment="when the row was made"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when the row last changed"),
        sa.CheckConstraint(
            "state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')", name=op.f("ck_passes_state")
        ),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name=op.f("ck_passes_confidence")),
        sa.CheckConstraint("frames >= 1", name=op.f("ck_passes_frames")),
        sa.CheckConstraint(
            "x0 >= 0 AND x0 <= x1 AND x1 <= 1 AND y0 >= 0 AND y0 <= y1 AND y1 <= 1", name=op.f("ck_passes_box")
        ),
        sa.PrimaryKeyConstraint("pass_id", name=op.f("pk_passes")),
        comment="One person's visit before one camera. Exactly one row, however often its messages arrive.",
        **INNODB,
    )
    op.create_index("ix_passes_camera_id", "passes", ["camera_id", "opened_at", "pass_id"], unique=False)
    op.create_index("ix_passes_opened_at", "passes", ["opened_at", "pass_id"], unique=False)
    op.create_index("ix_passes_state", "passes", ["state", "opened_at", "pass_id"], unique=False)


def create_users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", ULID, nullable=False, comment="ULID"),
        sa.Column(
            "username",
            EXACT_NAME,
            nullable=False,
            comment="what is typed at login; stored case-folded (NFKC), so the same name exists once",
        ),
        sa.Column("display_name", sa.String(length=64), nullable=False, comment="what others see"),
        sa.Column(
            "role",
            ascii_text(32),
            nullable=False,
            comment="administrator, officer (sees all cameras) or guard (granted ones)",
        ),
        sa.Column(
            "status",
            ascii_text(32),
            nullable=False,
            comment="active or disabled; a disabled user is out within seconds",
        ),
        sa.Column("created_at", MOMENT, nullable=False, comment="when the account was made"),
        sa.Column("last_login_at", MOMENT, nullable=True, comment="last successful login"),
        sa.CheckConstraint("role IN ('administrator', 'officer', 'guard')", name=op.f("ck_users_role")),
        sa.CheckConstraint("status IN ('active', 'disabled')", name=op.f("ck_users_status")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        comment="Somebody who logs in. The role decides the permissions; grants decide single cameras.",
        **INNODB,
    )


def create_auth_sessions() -> None:
    op.create_table(
        "auth_sessions",
        sa.Column("auth_session_id", ULID, nullable=False, comment="ULID"),
        sa.Column("family_id", ULID, nullable=False, comment="one login: all tokens that came from it"),
        sa.Column("user_id", ULID, nullable=False, comment="who logged in"),
        sa.Column("refresh_hash", HASH, nullable=False, comment="SHA-256 of the token; the token itself is nowhere"),
        sa.Column("rotation", sa.Integer(), nullable=False, comment="0 at login, one more with each replacement"),
        sa.Column("address", ascii_text(45), nullable=False, comment="network address that asked for it"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was given out"),
        sa.Column("expires_at", MOMENT, nullable=False, comment="after this it is refused"),
        sa.Column("replaced_at", MOMENT, nullable=True, comment="when it was used; using it again is an alarm"),
        sa.Column("revoked_at", MOMENT, nullable=True, comment="logout, password change, or reuse of an old token"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_auth_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("auth_session_id", name=op.f("pk_auth_sessions")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_auth_sessions_refresh_hash")),
        comment="One refresh token. Each use replaces it by a new one of its family; a second use revokes the family.",
        **INNODB,
    )
    op.create_index("ix_auth_sessions_expires_at", "auth_sessions", ["expires_at"], unique=False)
    op.create_index("ix_auth_sessions_family_id", "auth_sessions", ["family_id"], unique=False)
    op.create_index("ix_auth_sessions_user_id", "auth_sessions", ["user_id"], unique=False)


def create_camera_grants() -> None:
    op.create_table(
        "camera_grants",
        sa.Column("camera_id", ULID, nullable=False, comment="which camera"),
        sa.Column("user_id", ULID, nullable=False, comment="who may see it"),
        sa.Column("granted_by", ULID, nullable=False, comment="who allowed it"),
        sa.Column("granted_at", MOMENT, nullable=False, comment="since when"),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.camera_id"], name=op.f("fk_camera_grants_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_camera_grants_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("camera_id", "user_id", name=op.f("pk_camera_grants")),
        comment="A user may see a camera, beyond what the role gives. Removing the row ends running streams.",
        **INNODB,
    )
    op.create_index("ix_camera_grants_user_id", "camera_grants", ["user_id"], unique=False)


def create_user_credentials() -> None:
    op.create_table(
        "user_credentials",
        sa.Column("user_id", ULID, nullable=False, comment="whose password"),
        sa.Column("password_hash", ascii_text(255), nullable=False, comment="argon2id, encoded with its parameters"),
        sa.Column(
            "must_change",
            sa.Boolean(),
            nullable=False,
            comment="true for one-time passwords: nothing else works before",
        ),
        sa.Column("changed_at", MOMENT, nullable=False, comment="when this password was set"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_user_credentials_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_credentials")),
        comment="Password of a user, apart from the user so that no profile query can return it.",
        **INNODB,
    )
