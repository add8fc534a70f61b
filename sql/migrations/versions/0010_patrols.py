"""Patrols with their routes, tracks and photos, and rooms in which people write to each other.

Revision 0010, after 0009.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
HASH = sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")

#: In an order in which each finds what it refers to.
TABLES = (
    "duty_photos",
    "patrol_routes",
    "route_checkpoints",
    "patrols",
    "track_points",
    "patrol_photos",
    "checkpoint_hits",
    "chat_rooms",
    "chat_members",
    "chat_messages",
)


def upgrade() -> None:
    create_duty_photos()
    create_patrol_routes()
    create_route_checkpoints()
    create_patrols()
    create_track_points()
    create_patrol_photos()
    create_checkpoint_hits()
    create_chat_rooms()
    create_chat_members()
    create_chat_messages()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def create_duty_photos() -> None:
    op.create_table(
        "duty_photos",
        sa.Column("duty_photo_id", ULID, nullable=False, comment="ULID"),
        sa.Column("user_id", ULID, nullable=False, comment="who"),
        sa.Column("duty_date", sa.Date(), nullable=False, comment="which day, in the zone of the site"),
        sa.Column("object_key", ascii_text(255), nullable=False, comment="where the picture lies"),
        sa.Column("quality", sa.Text(), nullable=False, comment="JSON: what was measured at the gates"),
        sa.Column("lon", sa.Numeric(precision=9, scale=6), nullable=True, comment="longitude, degrees, WGS-84"),
        sa.Column("lat", sa.Numeric(precision=8, scale=6), nullable=True, comment="latitude, degrees, WGS-84"),
        sa.Column("taken_at", MOMENT, nullable=False, comment="when it was accepted"),
        sa.CheckConstraint("lat >= -90 AND lat <= 90", name=op.f("ck_duty_photos_lat")),
        sa.CheckConstraint("lon >= -180 AND lon <= 180", name=op.f("ck_duty_photos_lon")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_duty_photos_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("duty_photo_id", name=op.f("pk_duty_photos")),
        sa.UniqueConstraint("object_key", name=op.f("uq_duty_photos_object_key")),
        sa.UniqueConstraint("user_id", "duty_date", name=op.f("uq_duty_photos_user_id")),
        comment="The face of somebody at the first login of a day on duty: one a user and day.",
        **INNODB,
    )
    op.create_index("ix_duty_photos_taken_at", "duty_photos", ["taken_at"])


def create_patrol_routes() -> None:
    op.create_table(
        "patrol_routes",
        sa.Column("route_id", ULID, nullable=False, comment="ULID"),
        sa.Column("org_id", ULID, nullable=False, comment="whose people walk it"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("plan", sa.Text(), nullable=True, comment="JSON: weekdays and times of its starts; null: any time"),
        sa.Column("enabled", sa.Boolean(), nullable=False, comment="false: not offered"),
        sa.Column("created_by", ULID, nullable=False, comment="which user made it"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it or a checkpoint last changed"),
        sa.Column("deleted_at", MOMENT, nullable=True, comment="removed; the row stays because its patrols do"),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_patrol_routes_org_id")),
        sa.PrimaryKeyConstraint("route_id", name=op.f("pk_patrol_routes")),
        comment="A way that is to be patrolled, and when.",
        **INNODB,
    )
    op.create_index("ix_patrol_routes_org_id", "patrol_routes", ["org_id"])


def create_route_checkpoints() -> None:
    op.create_table(
        "route_checkpoints",
        sa.Column("checkpoint_id", ULID, nullable=False, comment="ULID"),
        sa.Column("route_id", ULID, nullable=False, comment="of which route"),
        sa.Column("position", sa.Integer(), nullable=False, comment="order on the route, from 0"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("lon", sa.Numeric(precision=9, scale=6), nullable=False, comment="longitude, degrees, WGS-84"),
        sa.Column("lat", sa.Numeric(precision=8, scale=6), nullable=False, comment="latitude, degrees, WGS-84"),
        sa.Column("radius_m", sa.Integer(), nullable=False, comment="how near counts, metres"),
        sa.Column(
            "code",
            ascii_text(64),
            nullable=True,
            comment="text of its QR code or NFC tag; then being near is not enough. null: none",
        ),
        sa.Column(
            "due_s", sa.Integer(), nullable=True, comment="when it is due, seconds after the start; null: any time"
        ),
        sa.Column(
            "tolerance_s", sa.Integer(), nullable=False, comment="how much later still counts as in time, seconds"
        ),
        sa.CheckConstraint("due_s IS NULL OR due_s >= 0", name=op.f("ck_route_checkpoints_due_s")),
        sa.CheckConstraint("lat >= -90 AND lat <= 90", name=op.f("ck_route_checkpoints_lat")),
        sa.CheckConstraint("lon >= -180 AND lon <= 180", name=op.f("ck_route_checkpoints_lon")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_route_checkpoints_position")),
        sa.CheckConstraint("radius_m >= 1 AND radius_m <= 1000", name=op.f("ck_route_checkpoints_radius_m")),
        sa.ForeignKeyConstraint(
            ["route_id"], ["patrol_routes.route_id"], name=op.f("fk_route_checkpoints_route_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("checkpoint_id", name=op.f("pk_route_checkpoints")),
        sa.UniqueConstraint("code", name=op.f("uq_route_checkpoints_code")),
        sa.UniqueConstraint("route_id", "position", name=op.f("uq_route_checkpoints_route_id")),
        comment="A place on a route where one has to have been: near enough, or by scanning its code.",
        **INNODB,
    )


def totals() -> list[sa.Column[Any]]:
    return [
        sa.Column("with_mask", sa.Integer(), nullable=False, comment="faces with a mask on its photos"),
        sa.Column("without_mask", sa.Integer(), nullable=False, comment="faces without"),
        sa.Column("worn_incorrectly", sa.Integer(), nullable=False, comment="faces with a mask worn incorrectly"),
        sa.Column("photos", sa.Integer(), nullable=False, comment="photos that count"),
        sa.Column("points", sa.Integer(), nullable=False, comment="points of its track"),
        sa.Column("length_m", sa.Double(), nullable=False, comment="length of its track without jumps, metres"),
        sa.Column(
            "checkpoints_hit", sa.Integer(), nullable=False, comment="checkpoints of the route that were reached"
        ),
        sa.Column("checkpoints_missed", sa.Integer(), nullable=False, comment="those that were not, known at the end"),
        sa.Column("checkpoints_late", sa.Integer(), nullable=False, comment="those that were reached too late"),
    ]


def create_patrols() -> None:
    op.create_table(
        "patrols",
        sa.Column("patrol_id", ULID, nullable=False, comment="ULID"),
        sa.Column("user_id", ULID, nullable=False, comment="who walks"),
        sa.Column("org_id", ULID, nullable=False, comment="the user's organisation then"),
        sa.Column("route_id", ULID, nullable=True, comment="which planned route; null: none"),
        sa.Column(
            "state", ascii_text(32), nullable=False, comment="active, finished or abandoned (closed by the clock)"
        ),
        sa.Column(
            "active_user", ULID, nullable=True, comment="the user while it is active, else null: so there is one"
        ),
        sa.Column(
            "start_lon",
            sa.Numeric(precision=9, scale=6),
            nullable=True,
            comment="longitude at the start, degrees, WGS-84",
        ),
        sa.Column(
            "start_lat",
            sa.Numeric(precision=8, scale=6),
            nullable=True,
            comment="latitude at the start, degrees, WGS-84",
        ),
        sa.Column("started_at", MOMENT, nullable=False, comment="when it began, by our clock"),
        sa.Column(
            "heard_at", MOMENT, nullable=False, comment="when something last came of it; silent ones are abandoned"
        ),
        sa.Column("ended_at", MOMENT, nullable=True, comment="when it was finished or abandoned"),
        sa.Column(
            "skew_ms",
            sa.BigInteger(),
            nullable=False,
            comment="phone's clock minus ours, milliseconds, as last measured",
        ),
        *totals(),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when the row last changed"),
        sa.CheckConstraint("(state = 'active') = (active_user IS NOT NULL)", name=op.f("ck_patrols_active_user")),
        sa.CheckConstraint("(state = 'active') = (ended_at IS NULL)", name=op.f("ck_patrols_ended_at")),
        sa.CheckConstraint("state IN ('active', 'finished', 'abandoned')", name=op.f("ck_patrols_state")),
        sa.CheckConstraint("start_lat >= -90 AND start_lat <= 90", name=op.f("ck_patrols_start_lat")),
        sa.CheckConstraint("start_lon >= -180 AND start_lon <= 180", name=op.f("ck_patrols_start_lon")),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_patrols_org_id")),
        sa.ForeignKeyConstraint(["route_id"], ["patrol_routes.route_id"], name=op.f("fk_patrols_route_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_patrols_user_id")),
        sa.PrimaryKeyConstraint("patrol_id", name=op.f("pk_patrols")),
        sa.UniqueConstraint("active_user", name=op.f("uq_patrols_active_user")),
        comment="One walk of one user. At most one is active per user; totals are counted by the server.",
        **INNODB,
    )
    op.create_index("ix_patrols_heard_at", "patrols", ["state", "heard_at"])
    op.create_index("ix_patrols_org_id", "patrols", ["org_id", "started_at", "patrol_id"])
    op.create_index("ix_patrols_route_id", "patrols", ["route_id", "started_at"])
    op.create_index("ix_patrols_user_id", "patrols", ["user_id", "started_at", "patrol_id"])


def create_track_points() -> None:
    op.create_table(
        "track_points",
        sa.Column("patrol_id", ULID, nullable=False, comment="on which patrol"),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False, comment="number by the phone, from 0"),
        sa.Column("recorded_at", MOMENT, nullable=False, comment="when, corrected to our clock"),
        sa.Column("received_at", MOMENT, nullable=False, comment="when it came; hours later after an offline time"),
        sa.Column("lon", sa.Numeric(precision=9, scale=6), nullable=False, comment="longitude, degrees, WGS-84"),
        sa.Column("lat", sa.Numeric(precision=8, scale=6), nullable=False, comment="latitude, degrees, WGS-84"),
        sa.Column("accuracy_m", sa.Double(), nullable=True, comment="how exact, metres, as the phone says"),
        sa.Column("speed_mps", sa.Double(), nullable=True, comment="metres per second, as the phone says"),
        sa.Column("jump", sa.Boolean(), nullable=False, comment="nobody walks that fast: kept, but not counted"),
        sa.CheckConstraint("lat >= -90 AND lat <= 90", name=op.f("ck_track_points_lat")),
        sa.CheckConstraint("lon >= -180 AND lon <= 180", name=op.f("ck_track_points_lon")),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_track_points_seq")),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_track_points_patrol_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patrol_id", "seq", name=op.f("pk_track_points")),
        comment="Where somebody was on a patrol. The phone numbers the points, so a repeated upload changes nothing.",
        **INNODB,
    )
    op.create_index("ix_track_points_recorded_at", "track_points", ["patrol_id", "recorded_at"])


def create_patrol_photos() -> None:
    op.create_table(
        "patrol_photos",
        sa.Column("photo_id", ULID, nullable=False, comment="derived from patrol and key"),
        sa.Column("patrol_id", ULID, nullable=False, comment="on which patrol"),
        sa.Column("client_key", ascii_text(64), nullable=False, comment="the phone's Idempotency-Key"),
        sa.Column("content_sha256", HASH, nullable=False, comment="of the picture: another one may not take the key"),
        sa.Column("object_key", ascii_text(255), nullable=False, comment="where the picture lies"),
        sa.Column("annotated_key", ascii_text(255), nullable=True, comment="the same with boxes; null: not yet"),
        sa.Column("width", sa.Integer(), nullable=True, comment="pixels"),
        sa.Column("height", sa.Integer(), nullable=True, comment="pixels"),
        sa.Column("lon", sa.Numeric(precision=9, scale=6), nullable=True, comment="longitude, degrees, WGS-84"),
        sa.Column("lat", sa.Numeric(precision=8, scale=6), nullable=True, comment="latitude, degrees, WGS-84"),
        sa.Column("taken_at", MOMENT, nullable=False, comment="when, corrected to our clock"),
        sa.Column("received_at", MOMENT, nullable=False, comment="when it came"),
        sa.Column("state", ascii_text(32), nullable=False, comment="queued (to be analysed), done or failed"),
        sa.Column("boxes", sa.Text(), nullable=True, comment="JSON: faces with state, score and box as fractions"),
        sa.Column("with_mask", sa.Integer(), nullable=True, comment="faces with a mask; null: not analysed"),
        sa.Column("without_mask", sa.Integer(), nullable=True, comment="faces without"),
        sa.Column("worn_incorrectly", sa.Integer(), nullable=True, comment="faces with a mask worn incorrectly"),
        sa.Column("analysed_at", MOMENT, nullable=True, comment="when the answer came"),
        sa.Column("failure", ascii_text(32), nullable=True, comment="code of why it failed"),
        sa.Column("deleted_at", MOMENT, nullable=True, comment="removed by a person; its objects are gone"),
        sa.CheckConstraint("state IN ('queued', 'done', 'failed')", name=op.f("ck_patrol_photos_state")),
        sa.CheckConstraint("lat >= -90 AND lat <= 90", name=op.f("ck_patrol_photos_lat")),
        sa.CheckConstraint("lon >= -180 AND lon <= 180", name=op.f("ck_patrol_photos_lon")),
        sa.ForeignKeyConstraint(["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_patrol_photos_patrol_id")),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_patrol_photos")),
        sa.UniqueConstraint("object_key", name=op.f("uq_patrol_photos_object_key")),
        sa.UniqueConstraint("patrol_id", "client_key", name=op.f("uq_patrol_photos_patrol_id")),
        comment="A photo of people taken on a patrol, and what was found on it. A repeated upload is the same row.",
        **INNODB,
    )
    op.create_index("ix_patrol_photos_state", "patrol_photos", ["state", "received_at"])
    op.create_index("ix_patrol_photos_taken_at", "patrol_photos", ["taken_at", "photo_id"])


def create_checkpoint_hits() -> None:
    op.create_table(
        "checkpoint_hits",
        sa.Column("patrol_id", ULID, nullable=False, comment="on which patrol"),
        sa.Column("checkpoint_id", ULID, nullable=False, comment="which; no foreign key, routes change"),
        sa.Column("how", ascii_text(32), nullable=False, comment="position, qr or nfc"),
        sa.Column("reached_at", MOMENT, nullable=False, comment="when"),
        sa.Column("distance_m", sa.Double(), nullable=True, comment="how far from it, metres"),
        sa.Column(
            "late_s", sa.Integer(), nullable=False, comment="how much later than it was due, seconds; 0: in time"
        ),
        sa.CheckConstraint("how IN ('position', 'qr', 'nfc')", name=op.f("ck_checkpoint_hits_how")),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.patrol_id"], name=op.f("fk_checkpoint_hits_patrol_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("patrol_id", "checkpoint_id", name=op.f("pk_checkpoint_hits")),
        comment="Somebody was at a checkpoint on a patrol: the first time counts.",
        **INNODB,
    )
    op.create_index("ix_checkpoint_hits_checkpoint_id", "checkpoint_hits", ["checkpoint_id", "reached_at"])


def create_chat_rooms() -> None:
    op.create_table(
        "chat_rooms",
        sa.Column("room_id", ULID, nullable=False, comment="ULID"),
        sa.Column("org_id", ULID, nullable=False, comment="whose people may be members"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="organisation, patrol or group"),
        sa.Column("subject_id", ULID, nullable=True, comment="which organisation or patrol: so it has one room"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("last_seq", sa.BigInteger(), nullable=False, comment="number of its newest message; 0: none"),
        sa.Column("created_by", ULID, nullable=True, comment="which user made it; null: nobody, it comes by itself"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("closed_at", MOMENT, nullable=True, comment="since when nobody may write; it can still be read"),
        sa.CheckConstraint("(kind = 'group') = (subject_id IS NULL)", name=op.f("ck_chat_rooms_subject_id")),
        sa.CheckConstraint("kind IN ('organisation', 'patrol', 'group')", name=op.f("ck_chat_rooms_kind")),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_chat_rooms_org_id")),
        sa.PrimaryKeyConstraint("room_id", name=op.f("pk_chat_rooms")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_chat_rooms_subject_id")),
        comment="Where people write to each other: one room an organisation, one a patrol, and groups of their own.",
        **INNODB,
    )
    op.create_index("ix_chat_rooms_org_id", "chat_rooms", ["org_id"])


def create_chat_members() -> None:
    op.create_table(
        "chat_members",
        sa.Column("room_id", ULID, nullable=False, comment="in which room"),
        sa.Column("user_id", ULID, nullable=False, comment="who"),
        sa.Column("standing", ascii_text(32), nullable=False, comment="member or moderator"),
        sa.Column("last_read_seq", sa.BigInteger(), nullable=False, comment="number of the last message that was read"),
        sa.Column("muted_until", MOMENT, nullable=True, comment="may not write before this"),
        sa.Column("joined_at", MOMENT, nullable=False, comment="since when"),
        sa.CheckConstraint("standing IN ('member', 'moderator')", name=op.f("ck_chat_members_standing")),
        sa.ForeignKeyConstraint(
            ["room_id"], ["chat_rooms.room_id"], name=op.f("fk_chat_members_room_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_chat_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_chat_members")),
        comment="Who is in a room, up to where they have read, and whether they may write.",
        **INNODB,
    )
    op.create_index("ix_chat_members_user_id", "chat_members", ["user_id"])


def create_chat_messages() -> None:
    op.create_table(
        "chat_messages",
        sa.Column("message_id", ULID, nullable=False, comment="ULID"),
        sa.Column("room_id", ULID, nullable=False, comment="in which room"),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="order in the room, from 1, without gaps"),
        sa.Column("sender_id", ULID, nullable=True, comment="who wrote it; null: the system"),
        sa.Column(
            "client_msg_id", ascii_text(64), nullable=False, comment="given by the client: resending is harmless"
        ),
        sa.Column("kind", ascii_text(32), nullable=False, comment="text, picture or system"),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="plain text, at most 2,000 characters; empty once it is deleted"
        ),
        sa.Column("mentions", sa.Text(), nullable=True, comment="JSON: ids of users who were mentioned"),
        sa.Column("object_key", ascii_text(255), nullable=True, comment="where its picture lies"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was accepted"),
        sa.Column("deleted_at", MOMENT, nullable=True, comment="taken back, or removed by a moderator"),
        sa.Column("deleted_by", ULID, nullable=True, comment="by which user"),
        sa.CheckConstraint("kind IN ('text', 'picture', 'system')", name=op.f("ck_chat_messages_kind")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_chat_messages_seq")),
        sa.ForeignKeyConstraint(
            ["room_id"], ["chat_rooms.room_id"], name=op.f("fk_chat_messages_room_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_chat_messages")),
        sa.UniqueConstraint("room_id", "sender_id", "client_msg_id", name="uq_chat_messages_client_msg_id"),
        sa.UniqueConstraint("room_id", "seq", name=op.f("uq_chat_messages_room_id")),
        comment="What was written, numbered within its room. The same client id a second time is the same message.",
        **INNODB,
    )
    op.create_index("ix_chat_messages_created_at", "chat_messages", ["created_at"])
