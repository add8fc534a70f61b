"""Persons: whom the installation knows by face, their lists, samples and vectors.

Revision 0003, after 0002.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
HASH = sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
VECTOR = sa.LargeBinary(4096).with_variant(mysql.VARBINARY(4096), "mysql", "mariadb")
LONG_JSON = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")

#: In an order in which each finds what it refers to.
TABLES = (
    "face_lists",
    "persons",
    "person_lists",
    "face_samples",
    "face_models",
    "face_vectors",
    "gallery_changes",
)

#: The lists that every installation begins with: id, code and kind, name, whether it alerts. They may be renamed.
FIRST_LISTS = (
    ("6QQW527M28BZTRB4AMTKRZKM88", "staff", "员工", 0),
    ("5VXR5MMSQGA4ER5XF52D6N62F0", "visitor", "访客", 0),
    ("3F8QWD8B2QB1GAM6EX9BZAFWQ6", "watch", "布控名单", 1),
)


def upgrade() -> None:
    create_face_lists()
    add_first_lists()
    create_persons()
    create_person_lists()
    create_face_samples()
    create_face_models()
    create_face_vectors()
    create_gallery_changes()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def create_face_lists() -> None:
    op.create_table(
        "face_lists",
        sa.Column("list_id", ULID, nullable=False, comment="ULID"),
        sa.Column("code", ascii_text(32), nullable=False, comment="short name for imports and filters"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="staff, visitor, watch or own"),
        sa.Column("alerts", sa.Boolean(), nullable=False, comment="true: seeing somebody of it raises an alert"),
        sa.Column(
            "keep_days",
            sa.Integer(),
            nullable=True,
            comment="sightings older than this go; null: as the service is set",
        ),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was made"),
        sa.CheckConstraint("kind IN ('staff', 'visitor', 'watch', 'own')", name=op.f("ck_face_lists_kind")),
        sa.CheckConstraint("keep_days IS NULL OR keep_days >= 1", name=op.f("ck_face_lists_keep_days")),
        sa.PrimaryKeyConstraint("list_id", name=op.f("pk_face_lists")),
        sa.UniqueConstraint("code", name=op.f("uq_face_lists_code")),
        comment="A list that persons are on: staff, visitors, those to watch for, and own ones.",
        **INNODB,
    )


def add_first_lists() -> None:
    for place, (list_id, code, name, alerts) in enumerate(FIRST_LISTS):
        op.execute(
            "INSERT INTO face_lists (list_id, code, name, kind, alerts, keep_days, created_at) "  # noqa: S608 - ours
            f"VALUES ('{list_id}', '{code}', '{name}', '{code}', {alerts}, NULL, '2026-01-01 00:00:00.00{place}')"
        )


def create_persons() -> None:
    op.create_table(
        "persons",
        sa.Column("person_id", ULID, nullable=False, comment="ULID"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call them"),
        sa.Column(
            "external_ref", sa.String(length=64), nullable=True, comment="number in another system, such as staff no."
        ),
        sa.Column("note", sa.String(length=500), nullable=False, comment="what guards should know"),
        sa.Column(
            "basis", ascii_text(32), nullable=False, comment="consent, contract, duty (of law) or (public) safety"
        ),
        sa.Column(
            "basis_detail", sa.String(length=200), nullable=False, comment="such as where the signed consent lies"
        ),
        sa.Column("consented_at", MOMENT, nullable=True, comment="when consent was given"),
        sa.Column("expires_at", MOMENT, nullable=True, comment="after this the person is erased; null: no end"),
        sa.Column("merged_into", ULID, nullable=True, comment="who this turned out to be; null: a person of their own"),
        sa.Column("created_by", ULID, nullable=True, comment="user; null: command line"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when the row was made"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when the row last changed"),
        sa.CheckConstraint("basis IN ('consent', 'contract', 'duty', 'safety')", name=op.f("ck_persons_basis")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_persons")),
        sa.UniqueConstraint("external_ref", name=op.f("uq_persons_external_ref")),
        comment="Somebody who is enrolled, on what legal basis, and until when. Erasing removes the row.",
        **INNODB,
    )
    op.create_index("ix_persons_created_at", "persons", ["created_at", "person_id"])
    op.create_index("ix_persons_expires_at", "persons", ["expires_at"])
    op.create_index("ix_persons_merged_into", "persons", ["merged_into"])
    op.create_index("ix_persons_name", "persons", ["name"])


def create_person_lists() -> None:
    op.create_table(
        "person_lists",
        sa.Column("person_id", ULID, nullable=False, comment="who"),
        sa.Column("list_id", ULID, nullable=False, comment="on which list"),
        sa.Column("added_at", MOMENT, nullable=False, comment="since when"),
        sa.ForeignKeyConstraint(
            ["list_id"], ["face_lists.list_id"], name=op.f("fk_person_lists_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.person_id"], name=op.f("fk_person_lists_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "list_id", name=op.f("pk_person_lists")),
        comment="Who is on which list.",
        **INNODB,
    )
    op.create_index("ix_person_lists_list_id", "person_lists", ["list_id"])


def create_face_samples() -> None:
    op.create_table(
        "face_samples",
        sa.Column("sample_id", ULID, nullable=False, comment="ULID"),
        sa.Column("person_id", ULID, nullable=False, comment="whose face"),
        sa.Column(
            "content_sha256",
            HASH,
            nullable=False,
            comment="of the picture as it was sent: a repeat is no second sample",
        ),
        sa.Column("crop_key", ascii_text(255), nullable=False, comment="the face with some surroundings, JPEG"),
        sa.Column(
            "aligned_key", ascii_text(255), nullable=False, comment="the upright face as the network reads it, PNG"
        ),
        sa.Column("quality", sa.Double(), nullable=False, comment="0 to 1"),
        sa.Column(
            "quality_reasons", ascii_text(200), nullable=False, comment="codes of what is not good, comma separated"
        ),
        sa.Column("mask_state", ascii_text(32), nullable=False, comment="what the face wears"),
        sa.Column("covered", sa.Boolean(), nullable=False, comment="mouth or nose cannot be seen"),
        sa.Column("source", ascii_text(32), nullable=False, comment="upload, import or sighting"),
        sa.Column("sighting_id", ULID, nullable=True, comment="the sighting it was taken from"),
        sa.Column("created_by", ULID, nullable=True, comment="user; null: command line"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was enrolled"),
        sa.CheckConstraint(
            "mask_state IN ('with_mask', 'without_mask', 'mask_worn_incorrectly')",
            name=op.f("ck_face_samples_mask_state"),
        ),
        sa.CheckConstraint("source IN ('upload', 'import', 'sighting')", name=op.f("ck_face_samples_source")),
        sa.CheckConstraint("quality >= 0 AND quality <= 1", name=op.f("ck_face_samples_quality")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.person_id"], name=op.f("fk_face_samples_person_id")),
        sa.PrimaryKeyConstraint("sample_id", name=op.f("pk_face_samples")),
        sa.UniqueConstraint("person_id", "content_sha256", name=op.f("uq_face_samples_person_id")),
        comment="A picture by which a person is recognised: the cut face, from which vectors can be made again.",
        **INNODB,
    )
    op.create_index("ix_face_samples_sighting_id", "face_samples", ["sighting_id"])


def create_face_models() -> None:
    op.create_table(
        "face_models",
        sa.Column("model", ascii_text(32), nullable=False, comment="name and version, such as sface-2021dec"),
        sa.Column("dimension", sa.Integer(), nullable=False, comment="of its vectors"),
        sa.Column("state", ascii_text(32), nullable=False, comment="building, serving or retired"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when the first vector was asked of it"),
        sa.Column("served_at", MOMENT, nullable=True, comment="since when it answers searches"),
        sa.CheckConstraint("state IN ('building', 'serving', 'retired')", name=op.f("ck_face_models_state")),
        sa.CheckConstraint("dimension >= 16 AND dimension <= 1024", name=op.f("ck_face_models_dimension")),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_face_models")),
        comment="An embedding model whose vectors are kept. One is serving; another may be building beside it.",
        **INNODB,
    )


def create_face_vectors() -> None:
    op.create_table(
        "face_vectors",
        sa.Column("vector_id", ULID, nullable=False, comment="derived from subject and model; id in the index"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="sample or sighting"),
        sa.Column("subject_id", ULID, nullable=False, comment="which sample or sighting"),
        sa.Column("model", ascii_text(32), nullable=False, comment="which model made it"),
        sa.Column("vector", VECTOR, nullable=False, comment="float32, little-endian, length 1"),
        sa.Column(
            "index_state",
            ascii_text(32),
            nullable=False,
            comment="pending: not in the index yet; indexed; removing: to be taken out",
        ),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when the row last changed"),
        sa.CheckConstraint(
            "index_state IN ('pending', 'indexed', 'removing')", name=op.f("ck_face_vectors_index_state")
        ),
        sa.CheckConstraint("kind IN ('sample', 'sighting')", name=op.f("ck_face_vectors_kind")),
        sa.PrimaryKeyConstraint("vector_id", name=op.f("pk_face_vectors")),
        sa.UniqueConstraint("subject_id", "model", name=op.f("uq_face_vectors_subject_id")),
        comment="The vector of one face by one model: the truth, of which the vector index is a cache.",
        **INNODB,
    )
    op.create_index("ix_face_vectors_index_state", "face_vectors", ["index_state", "model"])
    op.create_index("ix_face_vectors_model", "face_vectors", ["model", "vector_id"])


def create_gallery_changes() -> None:
    op.create_table(
        "gallery_changes",
        sa.Column("change_id", ULID, nullable=False, comment="ULID"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="merge, split, not_this_person, confirm or lists"),
        sa.Column("person_id", ULID, nullable=False, comment="about whom"),
        sa.Column("other_id", ascii_text(26), nullable=True, comment="the other person or the sighting"),
        sa.Column(
            "before", LONG_JSON, nullable=False, comment="JSON: ids and links as they were, never names or pictures"
        ),
        sa.Column("created_by", ULID, nullable=True, comment="user; null: command line"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("undone_at", MOMENT, nullable=True, comment="when it was taken back"),
        sa.Column("undone_by", ULID, nullable=True, comment="by which user"),
        sa.CheckConstraint(
            "kind IN ('merge', 'split', 'not_this_person', 'confirm', 'lists')", name=op.f("ck_gallery_changes_kind")
        ),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_gallery_changes")),
        comment="A decision about who is who, with what is needed to take it back.",
        **INNODB,
    )
    op.create_index("ix_gallery_changes_created_at", "gallery_changes", ["created_at"])
    op.create_index("ix_gallery_changes_person_id", "gallery_changes", ["person_id", "created_at"])
