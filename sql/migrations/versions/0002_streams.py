"""Streams: settings of a camera, how it was by hour, outages, footage, archived frames.

Revision 0002, after 0001.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")

STATES = "state IN ('connecting', 'online', 'degraded', 'stale', 'offline', 'paused')"
FORMER_STATES = "state IN ('connecting', 'live', 'down')"
STATE_COMMENT = "connecting, online, degraded, stale, offline or paused, as last reported"
FORMER_STATE_COMMENT = "connecting, live or down, as last reported"

CHECKS = {
    "decode": "decode IN ('all', 'adaptive', 'keyframes')",
    "footage": "footage IN ('off', 'clips', 'continuous')",
    "analysed_fps": "analysed_fps IS NULL OR (analysed_fps > 0 AND analysed_fps <= 30)",
}


def settings() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            "detect_url_cipher",
            ascii_text(4096),
            nullable=True,
            comment="second stream for the analysis, Fernet; null: one stream for all",
        ),
        sa.Column(
            "detect_address", sa.String(length=512), nullable=True, comment="its host and path, without any secret"
        ),
        sa.Column(
            "decode", ascii_text(32), nullable=True, comment="all, adaptive or keyframes; null: as the service is set"
        ),
        sa.Column(
            "analysed_fps",
            sa.Double(),
            nullable=True,
            comment="analysed frames per second; null: as the service is set",
        ),
        sa.Column("zones", sa.Text(), nullable=True, comment="JSON: polygons where people count, or do not"),
        sa.Column("privacy_masks", sa.Text(), nullable=True, comment="JSON: polygons that nobody ever sees"),
        sa.Column("plan", sa.Text(), nullable=True, comment="JSON: when it works, by weekday; null: always"),
        sa.Column("footage", ascii_text(32), nullable=True, comment="off, clips or continuous; null: clips"),
        sa.Column("decoded_per_s", sa.Double(), nullable=True, comment="pictures decoded per second, lately"),
        sa.Column(
            "analysed_per_s", sa.Double(), nullable=True, comment="frames sent to be analysed per second, lately"
        ),
        sa.Column("cpu_share", sa.Double(), nullable=True, comment="processor time of decoding; 1 is one core"),
        sa.Column(
            "analysed_frames", sa.BigInteger(), nullable=True, comment="frames whose analysis came, since its start"
        ),
        sa.Column(
            "fence",
            sa.BigInteger(),
            nullable=True,
            comment="token of the replica that was last heard; older ones are ignored",
        ),
        sa.Column("resumes_at", MOMENT, nullable=True, comment="when its plan wants it again, while it is paused"),
        sa.Column("accounted_at", MOMENT, nullable=True, comment="its hours are written up to here; null: never"),
    ]


def change_states(words: dict[str, str], rule: str, comment: str) -> None:
    """Other words for the states of a camera. The check goes first: neither words are allowed by both."""
    with op.batch_alter_table("cameras") as cameras:
        cameras.drop_constraint(op.f("ck_cameras_state"), type_="check")
    for former, word in words.items():
        op.execute(
            sa.text("UPDATE cameras SET state = :word WHERE state = :former").bindparams(word=word, former=former)
        )
    with op.batch_alter_table("cameras") as cameras:
        cameras.alter_column("state", existing_type=ascii_text(32), existing_nullable=False, comment=comment)
        cameras.create_check_constraint(op.f("ck_cameras_state"), rule)


def change_events(rule: str) -> None:
    with op.batch_alter_table("event_log") as event_log:
        event_log.drop_constraint(op.f("ck_event_log_event"), type_="check")
        event_log.create_check_constraint(op.f("ck_event_log_event"), rule)


def upgrade() -> None:
    change_events("event IN ('pass', 'camera', 'camera_down', 'camera_up')")
    change_states({"live": "online", "down": "offline"}, STATES, STATE_COMMENT)
    with op.batch_alter_table("cameras") as cameras:
        for column in settings():
            cameras.add_column(column)
        for name, rule in CHECKS.items():
            cameras.create_check_constraint(op.f(f"ck_cameras_{name}"), rule)
    create_archived_frames()
    create_camera_hours()
    create_camera_outages()
    create_footage()
    create_frame_batches()


def downgrade() -> None:
    for table in ("frame_batches", "footage", "camera_outages", "camera_hours", "archived_frames"):
        op.drop_table(table)
    with op.batch_alter_table("cameras") as cameras:
        for name in CHECKS:
            cameras.drop_constraint(op.f(f"ck_cameras_{name}"), type_="check")
        for column in settings():
            cameras.drop_column(column.name)
    words = {"online": "live", "degraded": "live", "stale": "down", "offline": "down", "paused": "down"}
    change_states(words, FORMER_STATES, FORMER_STATE_COMMENT)
    op.execute(sa.text("DELETE FROM event_log WHERE event IN ('camera_down', 'camera_up')"))
    change_events("event IN ('pass', 'camera')")


def create_archived_frames() -> None:
    op.create_table(
        "archived_frames",
        sa.Column("batch_id", ULID, nullable=False, comment="which batch; no foreign key"),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False, comment="place in the order"),
        sa.Column("captured_at", MOMENT, nullable=False, comment="time of the picture"),
        sa.Column("state", ascii_text(32), nullable=False, comment="stored or failed"),
        sa.Column("object_key", ascii_text(255), nullable=True, comment="SHA-256 of the bytes; null when failed"),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="size"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="uploads that were tried"),
        sa.Column("took_ms", sa.Double(), nullable=False, comment="from taken to settled, milliseconds"),
        sa.Column("reason", ascii_text(32), nullable=True, comment="code of why it was given up, see LostFrame"),
        sa.Column("detail", sa.String(length=200), nullable=True, comment="the reason in words, where there are more"),
        sa.CheckConstraint("state IN ('stored', 'failed')", name=op.f("ck_archived_frames_state")),
        sa.PrimaryKeyConstraint("batch_id", "seq", name=op.f("pk_archived_frames")),
        comment="One frame of a batch, in order of seq. Equal pictures share one object: its key is their content.",
        **INNODB,
    )
    op.create_index("ix_archived_frames_object_key", "archived_frames", ["object_key"])


def create_camera_hours() -> None:
    op.create_table(
        "camera_hours",
        sa.Column("camera_id", ULID, nullable=False, comment="which camera; no foreign key"),
        sa.Column("hour_at", MOMENT, nullable=False, comment="begin of the hour"),
        sa.Column("online_s", sa.Double(), nullable=False, comment="seconds with a picture as it should be"),
        sa.Column(
            "degraded_s", sa.Double(), nullable=False, comment="seconds with a picture, but less than it should be"
        ),
        sa.Column("stale_s", sa.Double(), nullable=False, comment="seconds connected without a new picture"),
        sa.Column("offline_s", sa.Double(), nullable=False, comment="seconds without a connection"),
        sa.Column("paused_s", sa.Double(), nullable=False, comment="seconds in which nobody wanted it"),
        sa.Column("analysed_frames", sa.BigInteger(), nullable=False, comment="frames that were analysed"),
        sa.Column("skipped_frames", sa.BigInteger(), nullable=False, comment="sampled frames that were not"),
        sa.CheckConstraint(
            "online_s >= 0 AND degraded_s >= 0 AND stale_s >= 0 AND offline_s >= 0", name=op.f("ck_camera_hours_times")
        ),
        sa.PrimaryKeyConstraint("camera_id", "hour_at", name=op.f("pk_camera_hours")),
        comment="How one camera was in one hour: seconds in each state, frames analysed and skipped.",
        **INNODB,
    )
    op.create_index("ix_camera_hours_hour_at", "camera_hours", ["hour_at"])


def create_camera_outages() -> None:
    op.create_table(
        "camera_outages",
        sa.Column("outage_id", ULID, nullable=False, comment="derived from camera and beginning"),
        sa.Column("camera_id", ULID, nullable=False, comment="which camera; no foreign key"),
        sa.Column("began_at", MOMENT, nullable=False, comment="when the picture went"),
        sa.Column("noticed_at", MOMENT, nullable=False, comment="when it was told: a blink is no outage"),
        sa.Column("ended_at", MOMENT, nullable=True, comment="when the picture had come back for good; null: not yet"),
        sa.Column("reason", ascii_text(32), nullable=True, comment="code, see CameraReason"),
        sa.Column("detail", sa.String(length=500), nullable=True, comment="the reason in words, without credentials"),
        sa.PrimaryKeyConstraint("outage_id", name=op.f("pk_camera_outages")),
        comment="A time in which a camera gave no picture, for longer than a moment.",
        **INNODB,
    )
    op.create_index("ix_camera_outages_began_at", "camera_outages", ["began_at"])
    op.create_index("ix_camera_outages_camera_id", "camera_outages", ["camera_id", "began_at"])


def create_footage() -> None:
    op.create_table(
        "footage",
        sa.Column("footage_id", ULID, nullable=False, comment="derived by its sender: a repeat is one row"),
        sa.Column("camera_id", ULID, nullable=False, comment="whoever may see this camera may see the footage"),
        sa.Column(
            "kind",
            ascii_text(32),
            nullable=False,
            comment="clip (of a pass) or recording (a piece of a continuous one)",
        ),
        sa.Column("pass_id", ULID, nullable=True, comment="the pass that a clip shows"),
        sa.Column("started_at", MOMENT, nullable=False, comment="time of its first picture"),
        sa.Column("ended_at", MOMENT, nullable=False, comment="time of its last picture"),
        sa.Column("object_key", ascii_text(255), nullable=False, comment="where the MP4 lies in object storage"),
        sa.Column("boxes_key", ascii_text(255), nullable=True, comment="where the JSON with its boxes lies"),
        sa.Column("mime", ascii_text(64), nullable=False, comment="content type with codecs, for the player"),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="size in storage, both files"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when the row was made"),
        sa.CheckConstraint("kind IN ('clip', 'recording')", name=op.f("ck_footage_kind")),
        sa.CheckConstraint("bytes > 0 AND ended_at > started_at", name=op.f("ck_footage_sizes")),
        sa.PrimaryKeyConstraint("footage_id", name=op.f("pk_footage")),
        sa.UniqueConstraint("object_key", name=op.f("uq_footage_object_key")),
        comment="One file of video: the clip of a pass, or a piece of a continuous recording. No foreign keys.",
        **INNODB,
    )
    op.create_index("ix_footage_camera_id", "footage", ["camera_id", "started_at"])
    op.create_index("ix_footage_kind", "footage", ["kind", "started_at"])
    op.create_index("ix_footage_pass_id", "footage", ["pass_id"])


def create_frame_batches() -> None:
    op.create_table(
        "frame_batches",
        sa.Column("batch_id", ULID, nullable=False, comment="given by the sender"),
        sa.Column("source", ascii_text(32), nullable=False, comment="camera, job or client"),
        sa.Column("source_id", ULID, nullable=False, comment="which one"),
        sa.Column(
            "expected", sa.Integer(), nullable=False, comment="frames it will have; as many as came when nobody said"
        ),
        sa.Column("stored", sa.Integer(), nullable=False, comment="frames that are stored"),
        sa.Column("failed", sa.Integer(), nullable=False, comment="frames that were given up"),
        sa.Column("state", ascii_text(32), nullable=False, comment="running, done, partial or failed"),
        sa.Column("every_s", sa.Double(), nullable=True, comment="seconds between frames of a camera; null: as sent"),
        sa.Column(
            "side", sa.Integer(), nullable=True, comment="long side of its pictures at most, pixels; null: as they came"
        ),
        sa.Column("started_at", MOMENT, nullable=False, comment="when its first frame was taken, or is due"),
        sa.Column("stop_at", MOMENT, nullable=True, comment="when somebody stopped it; what is under way still comes"),
        sa.Column("heard_at", MOMENT, nullable=False, comment="when anything about it last came"),
        sa.Column("ended_at", MOMENT, nullable=True, comment="when its last frame was settled"),
        sa.CheckConstraint("source IN ('camera', 'job', 'client')", name=op.f("ck_frame_batches_source")),
        sa.CheckConstraint("state IN ('running', 'done', 'partial', 'failed')", name=op.f("ck_frame_batches_state")),
        sa.CheckConstraint("expected >= 0 AND stored >= 0 AND failed >= 0", name=op.f("ck_frame_batches_counts")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_frame_batches")),
        comment="An ordered group of archived frames. A part that failed is a state, not an error.",
        **INNODB,
    )
    op.create_index("ix_frame_batches_source_id", "frame_batches", ["source_id", "started_at"])
    op.create_index("ix_frame_batches_started_at", "frame_batches", ["started_at"])
