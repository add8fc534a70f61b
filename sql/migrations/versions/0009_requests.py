"""Bound identities, links, tokens, groups of cameras, requests; the runs of the clock.

Revision 0009, after 0008.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0009"
down_revision = "0008"
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
    "user_identities",
    "one_time_links",
    "api_tokens",
    "camera_groups",
    "camera_group_members",
    "requests",
    "clock_runs",
)


def upgrade() -> None:
    create_user_identities()
    create_one_time_links()
    create_api_tokens()
    create_camera_groups()
    create_camera_group_members()
    create_requests()
    create_clock_runs()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def create_user_identities() -> None:
    op.create_table(
        "user_identities",
        sa.Column("provider", ascii_text(32), nullable=False, comment="wechat"),
        sa.Column("subject", ascii_text(64), nullable=False, comment="openid of the mini-program"),
        sa.Column("union_id", ascii_text(64), nullable=True, comment="unionid, where WeChat gives one"),
        sa.Column("user_id", ULID, nullable=False, comment="whose"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was bound"),
        sa.CheckConstraint("provider IN ('wechat')", name=op.f("ck_user_identities_provider")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_user_identities_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("provider", "subject", name=op.f("pk_user_identities")),
        sa.UniqueConstraint("user_id", "provider", name=op.f("uq_user_identities_user_id")),
        comment="A WeChat identity that is bound to an account. One an account, one account an identity.",
        **INNODB,
    )
    op.create_index("ix_user_identities_union_id", "user_identities", ["union_id"])


def create_one_time_links() -> None:
    op.create_table(
        "one_time_links",
        sa.Column("link_id", ULID, nullable=False, comment="ULID"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="reset, or first (of a new account)"),
        sa.Column("link_hash", HASH, nullable=False, comment="SHA-256 of its secret; the secret itself is nowhere"),
        sa.Column("user_id", ULID, nullable=False, comment="whose password"),
        sa.Column("created_by", ULID, nullable=True, comment="which user made it; null: command line"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("expires_at", MOMENT, nullable=False, comment="after this it is refused"),
        sa.Column("used_at", MOMENT, nullable=True, comment="when it was used; a second use is refused"),
        sa.CheckConstraint("kind IN ('reset', 'first')", name=op.f("ck_one_time_links_kind")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_one_time_links_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_one_time_links")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_one_time_links_link_hash")),
        comment="A link with which somebody sets a password: once, and for a while.",
        **INNODB,
    )
    op.create_index("ix_one_time_links_expires_at", "one_time_links", ["expires_at"])
    op.create_index("ix_one_time_links_user_id", "one_time_links", ["user_id"])


def create_api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("token_id", ULID, nullable=False, comment="ULID"),
        sa.Column("token_hash", HASH, nullable=False, comment="SHA-256 of the token; the token itself is nowhere"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what it is for"),
        sa.Column("org_id", ULID, nullable=False, comment="where its permissions hold, with those below"),
        sa.Column("permissions", sa.Text(), nullable=False, comment="JSON: names of permissions"),
        sa.Column("created_by", ULID, nullable=False, comment="who made it and answers for it"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("expires_at", MOMENT, nullable=True, comment="after this it is refused; null: no end"),
        sa.Column("last_used_at", MOMENT, nullable=True, comment="about when it last was used"),
        sa.Column("last_address", ascii_text(45), nullable=True, comment="from which network address"),
        sa.Column("revoked_at", MOMENT, nullable=True, comment="when it was taken back"),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.user_id"], name=op.f("fk_api_tokens_created_by"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_api_tokens_org_id")),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
        comment="A key for a program: some permissions in one organisation, never more than who made it holds.",
        **INNODB,
    )
    op.create_index("ix_api_tokens_created_by", "api_tokens", ["created_by"])
    op.create_index("ix_api_tokens_org_id", "api_tokens", ["org_id"])


def create_camera_groups() -> None:
    op.create_table(
        "camera_groups",
        sa.Column("group_id", ULID, nullable=False, comment="ULID"),
        sa.Column("org_id", ULID, nullable=False, comment="whose cameras"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was made"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it or its members last changed"),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_camera_groups_org_id")),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_camera_groups")),
        sa.UniqueConstraint("org_id", "name", name=op.f("uq_camera_groups_org_id")),
        comment="Cameras that belong together for people: an entrance, a floor.",
        **INNODB,
    )


def create_camera_group_members() -> None:
    op.create_table(
        "camera_group_members",
        sa.Column("group_id", ULID, nullable=False, comment="in which group"),
        sa.Column("camera_id", ULID, nullable=False, comment="which camera"),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.camera_id"], name=op.f("fk_camera_group_members_camera_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["camera_groups.group_id"], name=op.f("fk_camera_group_members_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "camera_id", name=op.f("pk_camera_group_members")),
        comment="Which camera is in which group.",
        **INNODB,
    )
    op.create_index("ix_camera_group_members_camera_id", "camera_group_members", ["camera_id"])


def create_requests() -> None:
    op.create_table(
        "requests",
        sa.Column("request_id", ULID, nullable=False, comment="ULID"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="camera_access, role_upgrade or camera_onboard"),
        sa.Column("applicant_id", ULID, nullable=False, comment="who asks"),
        sa.Column("org_id", ULID, nullable=False, comment="whose people decide: the applicant's, or the camera's"),
        sa.Column(
            "camera_id", ULID, nullable=True, comment="which camera; of an approved onboarding the one that it became"
        ),
        sa.Column("role", ascii_text(32), nullable=True, comment="which role is asked for"),
        sa.Column(
            "payload",
            sa.Text(),
            nullable=True,
            comment="JSON of what a new camera would be; its address is sealed with the installation's key",
        ),
        sa.Column("reason", sa.String(length=500), nullable=False, comment="why, in the words of the applicant"),
        sa.Column(
            "status", ascii_text(32), nullable=False, comment="unread, read, approved, rejected, withdrawn or expired"
        ),
        sa.Column(
            "open_key",
            ascii_text(120),
            nullable=True,
            comment="kind:applicant:object while it is open, else null: so there is one",
        ),
        sa.Column("read_at", MOMENT, nullable=True, comment="when somebody who may decide opened it first"),
        sa.Column("decided_by", ULID, nullable=True, comment="which user decided; null for withdrawn and expired ones"),
        sa.Column("decided_at", MOMENT, nullable=True, comment="when it ended"),
        sa.Column("note", sa.String(length=500), nullable=True, comment="why it was decided so, for the applicant"),
        sa.Column("grant_expires_at", MOMENT, nullable=True, comment="until when the right was given; null: no end"),
        sa.Column("expires_at", MOMENT, nullable=True, comment="when it ends undecided; null: never"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was asked"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it last changed"),
        sa.CheckConstraint(
            "(kind = 'camera_access') = (camera_id IS NOT NULL) OR kind = 'camera_onboard'",
            name=op.f("ck_requests_object"),
        ),
        sa.CheckConstraint(
            "(status IN ('unread', 'read')) = (open_key IS NOT NULL)", name=op.f("ck_requests_open_key")
        ),
        sa.CheckConstraint(
            "kind IN ('camera_access', 'role_upgrade', 'camera_onboard')", name=op.f("ck_requests_kind")
        ),
        sa.CheckConstraint(
            "status IN ('unread', 'read', 'approved', 'rejected', 'withdrawn', 'expired')",
            name=op.f("ck_requests_status"),
        ),
        sa.ForeignKeyConstraint(["applicant_id"], ["users.user_id"], name=op.f("fk_requests_applicant_id")),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.camera_id"], name=op.f("fk_requests_camera_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_requests_org_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_requests")),
        sa.UniqueConstraint("open_key", name=op.f("uq_requests_open_key")),
        comment="Somebody asks for a camera, a role or a new camera. One open request per person, kind and object.",
        **INNODB,
    )
    index_requests()


def index_requests() -> None:
    op.create_index("ix_requests_applicant_id", "requests", ["applicant_id", "created_at", "request_id"])
    op.create_index("ix_requests_camera_id", "requests", ["camera_id"])
    op.create_index("ix_requests_expires_at", "requests", ["expires_at"])
    op.create_index("ix_requests_org_id", "requests", ["org_id", "status", "created_at", "request_id"])


def create_clock_runs() -> None:
    op.create_table(
        "clock_runs",
        sa.Column("run_id", ULID, nullable=False, comment="ULID"),
        sa.Column("chore", ascii_text(32), nullable=False, comment="which chore"),
        sa.Column("planned_at", MOMENT, nullable=False, comment="when it was due"),
        sa.Column("started_at", MOMENT, nullable=False, comment="when it began"),
        sa.Column("ended_at", MOMENT, nullable=True, comment="when it ended; null: not yet, or its process died"),
        sa.Column(
            "outcome", ascii_text(32), nullable=False, comment="running, done, failed or missed (nobody was there)"
        ),
        sa.Column("detail", sa.String(length=500), nullable=True, comment="what it did, or why it failed"),
        sa.CheckConstraint("outcome IN ('running', 'done', 'failed', 'missed')", name=op.f("ck_clock_runs_outcome")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_clock_runs")),
        sa.UniqueConstraint("chore", "planned_at", name=op.f("uq_clock_runs_chore")),
        comment="One chore of the clock, done at its time or caught up: once among all replicas, with its result.",
        **INNODB,
    )
    op.create_index("ix_clock_runs_started_at", "clock_runs", ["started_at"])
