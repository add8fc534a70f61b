"""Sightings: where faces were seen, searches, imports, erasures, floor plans; their live events.

Revision 0004, after 0003.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
HASH = sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")

EVENTS = "event IN ('pass', 'camera', 'camera_down', 'camera_up', 'sighting', 'watch')"
FORMER_EVENTS = "event IN ('pass', 'camera', 'camera_down', 'camera_up')"
SCOPES = "scope_type IN ('camera', 'photo')"
FORMER_SCOPES = "scope_type IN ('camera')"

#: In an order in which each finds what it refers to.
TABLES = (
    "sightings",
    "face_negatives",
    "face_queries",
    "face_imports",
    "face_import_lines",
    "face_erasures",
    "floor_plans",
    "face_answers",
)


def upgrade() -> None:
    create_sightings()
    create_face_negatives()
    create_face_queries()
    create_face_imports()
    create_face_import_lines()
    create_face_erasures()
    create_floor_plans()
    create_face_answers()
    with op.batch_alter_table("event_log") as table:
        table.drop_constraint(op.f("ck_event_log_event"), type_="check")
        table.drop_constraint(op.f("ck_event_log_scope_type"), type_="check")
        table.create_check_constraint(op.f("ck_event_log_event"), EVENTS)
        table.create_check_constraint(op.f("ck_event_log_scope_type"), SCOPES)


def downgrade() -> None:
    op.execute("DELETE FROM event_log WHERE event IN ('sighting', 'watch')")
    with op.batch_alter_table("event_log") as table:
        table.drop_constraint(op.f("ck_event_log_event"), type_="check")
        table.drop_constraint(op.f("ck_event_log_scope_type"), type_="check")
        table.create_check_constraint(op.f("ck_event_log_event"), FORMER_EVENTS)
        table.create_check_constraint(op.f("ck_event_log_scope_type"), FORMER_SCOPES)
    for name in reversed(TABLES):
        op.drop_table(name)


def create_sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("sighting_id", ULID, nullable=False, comment="derived from its source: a repeat is one row"),
        sa.Column("source", ascii_text(32), nullable=False, comment="pass (of a camera) or photo (of a patrol)"),
        sa.Column("source_id", ULID, nullable=False, comment="which pass or photo"),
        sa.Column("face_no", sa.Integer(), nullable=False, comment="which face of the photo, from 0"),
        sa.Column("camera_id", ULID, nullable=True, comment="whoever may see this camera may see the sighting"),
        sa.Column("taken_by", ULID, nullable=True, comment="user who took the photo"),
        sa.Column("seen_at", MOMENT, nullable=False, comment="when the face was seen"),
        sa.Column("lon", sa.Numeric(precision=9, scale=6), nullable=True, comment="longitude then, degrees, WGS-84"),
        sa.Column("lat", sa.Numeric(precision=8, scale=6), nullable=True, comment="latitude then, degrees, WGS-84"),
        sa.Column("crop_key", ascii_text(255), nullable=False, comment="the face with some surroundings, JPEG"),
        sa.Column("aligned_key", ascii_text(255), nullable=True, comment="the upright face, PNG; null: no face found"),
        sa.Column("mask_state", ascii_text(32), nullable=False, comment="what the face wore"),
        sa.Column(
            "covered",
            sa.Boolean(),
            nullable=False,
            comment="mouth or nose cannot be seen: compared by another threshold",
        ),
        sa.Column("quality", sa.Double(), nullable=False, comment="0 to 1"),
        sa.Column(
            "quality_reasons", ascii_text(200), nullable=False, comment="codes of what is not good, comma separated"
        ),
        sa.Column("model", ascii_text(32), nullable=False, comment="model that compared it"),
        sa.Column("person_id", ULID, nullable=True, comment="who it is; null: unknown"),
        sa.Column(
            "decision",
            ascii_text(32),
            nullable=False,
            comment="unknown, auto, near_tie, confirmed, rejected (by a human) or unusable (too poor to compare)",
        ),
        sa.Column("score", sa.Double(), nullable=True, comment="cosine to the nearest person, -1 to 1"),
        sa.Column("threshold", sa.Double(), nullable=True, comment="what the score had to reach then"),
        sa.Column("runner_up_id", ULID, nullable=True, comment="the next nearest person, when near"),
        sa.Column("runner_up_score", sa.Double(), nullable=True, comment="their cosine"),
        sa.Column("decided_by", ULID, nullable=True, comment="user who confirmed or rejected"),
        sa.Column("decided_at", MOMENT, nullable=True, comment="when"),
        sa.Column("recorded_at", MOMENT, nullable=False, comment="when the row was made"),
        sa.CheckConstraint(
            "decision IN ('unknown', 'auto', 'near_tie', 'confirmed', 'rejected', 'unusable')",
            name=op.f("ck_sightings_decision"),
        ),
        sa.CheckConstraint(
            "mask_state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')", name=op.f("ck_sightings_mask_state")
        ),
        sa.CheckConstraint("source IN ('pass', 'photo')", name=op.f("ck_sightings_source")),
        sa.CheckConstraint("quality >= 0 AND quality <= 1", name=op.f("ck_sightings_quality")),
        sa.PrimaryKeyConstraint("sighting_id", name=op.f("pk_sightings")),
        comment="A face that was seen, recognised or not: one row a pass, or face of a photo. No foreign keys.",
        **INNODB,
    )
    op.create_index("ix_sightings_camera_id", "sightings", ["camera_id", "seen_at", "sighting_id"])
    op.create_index("ix_sightings_person_id", "sightings", ["person_id", "seen_at", "sighting_id"])
    op.create_index("ix_sightings_seen_at", "sightings", ["seen_at", "sighting_id"])
    op.create_index("ix_sightings_source_id", "sightings", ["source_id"])


def create_face_negatives() -> None:
    op.create_table(
        "face_negatives",
        sa.Column("person_id", ULID, nullable=False, comment="who it is not"),
        sa.Column("sighting_id", ULID, nullable=False, comment="whose face; its vector is the negative sample"),
        sa.Column("created_by", ULID, nullable=True, comment="user; null: command line"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.person_id"], name=op.f("fk_face_negatives_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "sighting_id", name=op.f("pk_face_negatives")),
        comment="A human said that a sighting is not this person; searches respect it for faces like that one.",
        **INNODB,
    )
    op.create_index("ix_face_negatives_sighting_id", "face_negatives", ["sighting_id"])


def create_face_queries() -> None:
    op.create_table(
        "face_queries",
        sa.Column("query_id", ULID, nullable=False, comment="ULID"),
        sa.Column("user_id", ULID, nullable=False, comment="who searched"),
        sa.Column(
            "kind", ascii_text(32), nullable=False, comment="search, compare, batch, person, trajectory or export"
        ),
        sa.Column("purpose", sa.String(length=200), nullable=False, comment="why, in the words of the user"),
        sa.Column("subject", ascii_text(64), nullable=False, comment="photo, or the id of the person or sighting"),
        sa.Column("parameters", sa.Text(), nullable=False, comment="JSON: filters, threshold, how many"),
        sa.Column("shown", sa.Text(), nullable=False, comment="JSON: ids of persons and sightings that were shown"),
        sa.Column("address", ascii_text(45), nullable=True, comment="network address of the caller"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.CheckConstraint(
            "kind IN ('search', 'compare', 'batch', 'person', 'trajectory', 'export')",
            name=op.f("ck_face_queries_kind"),
        ),
        sa.PrimaryKeyConstraint("query_id", name=op.f("pk_face_queries")),
        comment="Every look for a face: who, why, with what, and what was shown. Only added to.",
        **INNODB,
    )
    op.create_index("ix_face_queries_created_at", "face_queries", ["created_at", "query_id"])
    op.create_index("ix_face_queries_user_id", "face_queries", ["user_id", "created_at"])


def create_face_imports() -> None:
    op.create_table(
        "face_imports",
        sa.Column("import_id", ULID, nullable=False, comment="ULID"),
        sa.Column("name", sa.String(length=120), nullable=False, comment="file or folder, as it was called"),
        sa.Column("object_key", ascii_text(255), nullable=False, comment="where the ZIP lies; removed when it is done"),
        sa.Column("settings", sa.Text(), nullable=False, comment="JSON: list, basis, expiry for those whom it brings"),
        sa.Column("state", ascii_text(32), nullable=False, comment="waiting, running, done, failed or cancelled"),
        sa.Column("total", sa.Integer(), nullable=False, comment="pictures in it"),
        sa.Column("accepted", sa.Integer(), nullable=False, comment="enrolled"),
        sa.Column("refused", sa.Integer(), nullable=False, comment="not enrolled, with a reason"),
        sa.Column("detail", sa.String(length=200), nullable=True, comment="why it failed"),
        sa.Column("created_by", ULID, nullable=True, comment="user; null: command line"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it came"),
        sa.Column("heard_at", MOMENT, nullable=False, comment="last progress; a silent one is taken over"),
        sa.Column("ended_at", MOMENT, nullable=True, comment="when it was done, failed or cancelled"),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_face_imports_state")
        ),
        sa.CheckConstraint("total >= 0 AND accepted >= 0 AND refused >= 0", name=op.f("ck_face_imports_counts")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_face_imports")),
        comment="A ZIP or folder of pictures that is being enrolled; resumed where it stopped.",
        **INNODB,
    )
    op.create_index("ix_face_imports_created_at", "face_imports", ["created_at"])


def create_face_import_lines() -> None:
    op.create_table(
        "face_import_lines",
        sa.Column("import_id", ULID, nullable=False, comment="which import"),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False, comment="from 1"),
        sa.Column("file", sa.String(length=255), nullable=False, comment="path in the ZIP or folder"),
        sa.Column(
            "outcome", ascii_text(32), nullable=False, comment="accepted, repeated (was enrolled already) or refused"
        ),
        sa.Column("reason", ascii_text(32), nullable=True, comment="code of why it was refused"),
        sa.Column("detail", sa.String(length=200), nullable=True, comment="the reason in words"),
        sa.Column("person_id", ULID, nullable=True, comment="whom it was enrolled for"),
        sa.Column("sample_id", ULID, nullable=True, comment="as which sample"),
        sa.CheckConstraint("outcome IN ('accepted', 'repeated', 'refused')", name=op.f("ck_face_import_lines_outcome")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["face_imports.import_id"], name=op.f("fk_face_import_lines_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "line_no", name=op.f("pk_face_import_lines")),
        comment="What became of one picture of an import: the report, and where a resumed one goes on.",
        **INNODB,
    )


def create_face_erasures() -> None:
    op.create_table(
        "face_erasures",
        sa.Column("erasure_id", ULID, nullable=False, comment="ULID, printed on the receipt"),
        sa.Column("subject_id", ULID, nullable=False, comment="person that was erased, or derived from the photo"),
        sa.Column("cause", ascii_text(32), nullable=False, comment="request, expiry (of consent) or retention"),
        sa.Column("reason", sa.String(length=200), nullable=False, comment="in the words of who asked"),
        sa.Column("state", ascii_text(32), nullable=False, comment="running (goes on after a crash) or done"),
        sa.Column(
            "removed", sa.Text(), nullable=False, comment="JSON: how many rows, vectors, pictures; and their ids"
        ),
        sa.Column("requested_by", ULID, nullable=True, comment="user; null: the clock or the command line"),
        sa.Column("requested_at", MOMENT, nullable=False, comment="when it was asked"),
        sa.Column("done_at", MOMENT, nullable=True, comment="when nothing was left"),
        sa.CheckConstraint("cause IN ('request', 'expiry', 'retention')", name=op.f("ck_face_erasures_cause")),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("ck_face_erasures_state")),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_face_erasures")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_face_erasures_subject_id")),
        comment="What was removed for one person or photo. Names ids and counts only; kept also beside the database.",
        **INNODB,
    )
    op.create_index("ix_face_erasures_requested_at", "face_erasures", ["requested_at"])


def create_floor_plans() -> None:
    op.create_table(
        "floor_plans",
        sa.Column("plan_id", ULID, nullable=False, comment="ULID"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="such as Building 2, ground floor"),
        sa.Column("object_key", ascii_text(255), nullable=False, comment="where the picture lies"),
        sa.Column("width", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("height", sa.Integer(), nullable=False, comment="pixels"),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="size"),
        sa.Column("west", sa.Double(), nullable=False, comment="longitude of the left edge, degrees, WGS-84"),
        sa.Column("south", sa.Double(), nullable=False, comment="latitude of the lower edge"),
        sa.Column("east", sa.Double(), nullable=False, comment="longitude of the right edge"),
        sa.Column("north", sa.Double(), nullable=False, comment="latitude of the upper edge"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was added"),
        sa.CheckConstraint("west < east AND south < north", name=op.f("ck_floor_plans_corners")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_floor_plans")),
        comment="A picture to draw movements on, laid between two corners.",
        **INNODB,
    )


def create_face_answers() -> None:
    op.create_table(
        "face_answers",
        sa.Column("user_id", ULID, nullable=False, comment="whose key"),
        sa.Column("route", ascii_text(64), nullable=False, comment="for which request"),
        sa.Column("idempotency_key", ascii_text(64), nullable=False, comment="as the client sent it"),
        sa.Column(
            "request_hash",
            HASH,
            nullable=False,
            comment="keyed SHA-256 of the request: another one may not take the key",
        ),
        sa.Column("answer", sa.Text(), nullable=False, comment="JSON of the answer"),
        sa.Column("created_at", MOMENT, nullable=False, comment="removed after a day"),
        sa.PrimaryKeyConstraint("user_id", "route", "idempotency_key", name=op.f("pk_face_answers")),
        comment="The answer to a creation, given again when the same key comes again. Written with what it created.",
        **INNODB,
    )
    op.create_index("ix_face_answers_created_at", "face_answers", ["created_at"])
