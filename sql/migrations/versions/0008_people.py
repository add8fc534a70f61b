"""People: organisations as a tree, roles as rows, notices; cameras and users belong to an organisation.

Revision 0008, after 0007.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
HASH = sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")

ROOT = "00000000000000000000000001"

#: Built-in roles: code, name, rank, how far the map reaches in metres. What they may do stands in the code.
ROLES = (
    ("guard", "保安员", 10, 500),
    ("senior_guard", "高级保安员", 20, 1000),
    ("team_leader", "保安班长", 30, 2000),
    ("officer", "安全员", 40, 3000),
    ("regional_administrator", "区域管理员", 60, 10000),
    ("administrator", "管理员", 100, 100000),
)
#: What the roles of this revision become before it; whoever sees less than the whole becomes a guard.
FORMER_ROLES = ("administrator", "officer", "guard")
FORMER_ROLE_COMMENT = "administrator, officer (sees all cameras) or guard (granted ones)"

USERS = sa.table("users", sa.column("org_id"), sa.column("role"))

WORDS = ("pass", "camera", "camera_down", "camera_up", "sighting", "watch")
NEW_WORDS = ("request", "notice", "patrol", "patrol_photo", "chat", "alert", "grant")
SCOPES = ("camera", "photo")
NEW_SCOPES = ("user", "organisation", "patrol", "room")


def listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def upgrade() -> None:
    create_organisations()
    create_roles()
    fill_roles()
    change_events(WORDS + NEW_WORDS, SCOPES + NEW_SCOPES)
    change_users()
    change_cameras()
    change_audit_log()
    create_notices()


def downgrade() -> None:
    op.drop_table("notices")
    restore_audit_log()
    restore_cameras()
    restore_users()
    event_log = sa.table("event_log", sa.column("event"), sa.column("scope_type"))
    op.execute(event_log.delete().where(event_log.c.event.in_(NEW_WORDS) | event_log.c.scope_type.in_(NEW_SCOPES)))
    change_events(WORDS, SCOPES)
    op.drop_table("roles")
    op.drop_table("organisations")


def fill_roles() -> None:
    """The root, which takes in whatever there is, and the built-in roles."""
    moment = sa.func.current_timestamp()
    organisations = sa.table("organisations", *map(sa.column, ("org_id", "path", "code", "name")), *stamps())
    op.execute(
        organisations.insert().values(
            org_id=ROOT, path=f"/{ROOT}/", code="root", name="全部", created_at=moment, updated_at=moment
        )
    )
    names = ("code", "org_id", "name", "rank_no", "patrol_radius_m", "built_in")
    roles = sa.table("roles", *map(sa.column, names), *stamps())
    for code, name, rank, radius_m in ROLES:
        values = (code, ROOT, name, rank, radius_m, True)
        op.execute(roles.insert().values(**dict(zip(names, values, strict=True)), created_at=moment, updated_at=moment))


def stamps() -> tuple[sa.ColumnClause[Any], ...]:
    return sa.column("created_at"), sa.column("updated_at")


def change_events(words: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    with op.batch_alter_table("event_log") as table:
        table.drop_constraint(op.f("ck_event_log_event"), type_="check")
        table.drop_constraint(op.f("ck_event_log_scope_type"), type_="check")
        table.create_check_constraint(op.f("ck_event_log_event"), f"event IN ({listed(words)})")
        table.create_check_constraint(op.f("ck_event_log_scope_type"), f"scope_type IN ({listed(scopes)})")


def org_column(comment: str, *, nullable: bool) -> sa.Column[Any]:
    return sa.Column("org_id", ULID, nullable=nullable, comment=comment)


OF_USER = "whose: sees this organisation and those below"
OF_CAMERA = "whose: seen from this organisation and above"


def change_users() -> None:
    with op.batch_alter_table("users") as table:
        table.add_column(org_column(OF_USER, nullable=True))
        table.add_column(sa.Column("bio", sa.String(length=200), nullable=True, comment="what they say of themselves"))
        table.add_column(
            sa.Column("phone", ascii_text(20), nullable=True, comment="telephone number, for their superiors")
        )
        table.add_column(
            sa.Column("note", sa.String(length=500), nullable=True, comment="what superiors note about them")
        )
        table.add_column(
            sa.Column("updated_at", MOMENT, nullable=True, comment="when the account last changed; null: never")
        )
        table.add_column(
            sa.Column(
                "totp_cipher", ascii_text(255), nullable=True, comment="secret of the second factor, Fernet; null: none"
            )
        )
        table.add_column(
            sa.Column("totp_at", MOMENT, nullable=True, comment="since when it is asked for; null: not confirmed yet")
        )
        table.add_column(
            sa.Column("totp_step", sa.BigInteger(), nullable=True, comment="time step of the last code: it works once")
        )
        table.add_column(
            sa.Column("totp_recovery", sa.Text(), nullable=True, comment="JSON: hashes of the unused recovery codes")
        )
        table.drop_constraint(op.f("ck_users_role"), type_="check")
    op.execute(USERS.update().values(org_id=ROOT))
    with op.batch_alter_table("users") as table:
        table.alter_column("org_id", existing_type=ULID, nullable=False, existing_comment=OF_USER)
        table.alter_column(
            "role",
            existing_type=ascii_text(32),
            existing_nullable=False,
            comment="which role: decides the permissions",
        )
        table.create_foreign_key(op.f("fk_users_org_id"), "organisations", ["org_id"], ["org_id"])
        table.create_foreign_key(op.f("fk_users_role"), "roles", ["role"], ["code"])
    op.create_index("ix_users_org_id", "users", ["org_id", "user_id"])
    op.create_index("ix_users_role", "users", ["role"])
    op.create_index("ix_users_created_at", "users", ["created_at"])
    with op.batch_alter_table("auth_sessions") as table:
        table.add_column(sa.Column("client", ascii_text(32), nullable=True, comment="browser, mini_program or token"))
        table.add_column(
            sa.Column("device", sa.String(length=120), nullable=True, comment="what the client calls itself")
        )
    op.execute("UPDATE auth_sessions SET client = 'browser'")
    with op.batch_alter_table("auth_sessions") as table:
        table.alter_column(
            "client",
            existing_type=ascii_text(32),
            nullable=False,
            existing_comment="browser, mini_program or token",
        )


def restore_users() -> None:
    """Back to three roles that see the whole site: who saw less becomes a guard."""
    with op.batch_alter_table("auth_sessions") as table:
        table.drop_column("device")
        table.drop_column("client")
    with op.batch_alter_table("users") as table:
        table.drop_constraint(op.f("fk_users_role"), type_="foreignkey")
        table.drop_constraint(op.f("fk_users_org_id"), type_="foreignkey")
    for name in ("ix_users_created_at", "ix_users_role", "ix_users_org_id"):
        op.drop_index(name, "users")
    sees_all = (USERS.c.org_id == ROOT) & USERS.c.role.in_(FORMER_ROLES)
    op.execute(USERS.update().where(~sees_all).values(role="guard"))
    with op.batch_alter_table("users") as table:
        for name in ("totp_recovery", "totp_step", "totp_at", "totp_cipher", "updated_at", "note", "phone", "bio"):
            table.drop_column(name)
        table.drop_column("org_id")
        table.alter_column("role", existing_type=ascii_text(32), existing_nullable=False, comment=FORMER_ROLE_COMMENT)
        table.create_check_constraint(op.f("ck_users_role"), f"role IN ({listed(FORMER_ROLES)})")


def change_cameras() -> None:
    with op.batch_alter_table("cameras") as table:
        table.add_column(org_column(OF_CAMERA, nullable=True))
        table.add_column(
            sa.Column("geohash", ascii_text(12), nullable=True, comment="of its place, for maps; null: no place")
        )
    op.execute(sa.table("cameras", sa.column("org_id")).update().values(org_id=ROOT))
    with op.batch_alter_table("cameras") as table:
        table.alter_column("org_id", existing_type=ULID, nullable=False, existing_comment=OF_CAMERA)
        table.create_foreign_key(op.f("fk_cameras_org_id"), "organisations", ["org_id"], ["org_id"])
    op.create_index("ix_cameras_org_id", "cameras", ["org_id", "camera_id"])
    op.create_index("ix_cameras_geohash", "cameras", ["geohash"])
    op.create_index("ix_cameras_lat", "cameras", ["lat", "lon"])
    with op.batch_alter_table("camera_grants") as table:
        table.add_column(sa.Column("expires_at", MOMENT, nullable=True, comment="until when; null: no end"))
        table.add_column(
            sa.Column("request_id", ULID, nullable=True, comment="the request that it answers; null: given unasked")
        )
    op.create_index("ix_camera_grants_expires_at", "camera_grants", ["expires_at"])


def restore_cameras() -> None:
    """Grants that would have ended end now: the older form knows no end."""
    op.execute("DELETE FROM camera_grants WHERE expires_at IS NOT NULL")
    op.drop_index("ix_camera_grants_expires_at", "camera_grants")
    with op.batch_alter_table("camera_grants") as table:
        table.drop_column("request_id")
        table.drop_column("expires_at")
    with op.batch_alter_table("cameras") as table:
        table.drop_constraint(op.f("fk_cameras_org_id"), type_="foreignkey")
    for name in ("ix_cameras_lat", "ix_cameras_geohash", "ix_cameras_org_id"):
        op.drop_index(name, "cameras")
    with op.batch_alter_table("cameras") as table:
        table.drop_column("geohash")
        table.drop_column("org_id")


def change_audit_log() -> None:
    with op.batch_alter_table("audit_log") as table:
        table.add_column(org_column("organisation of the object or actor then; null: unknown", nullable=True))
        table.add_column(
            sa.Column("previous_hash", HASH, nullable=True, comment="chain_hash of the row before it in the chain")
        )
        table.add_column(
            sa.Column(
                "chain_hash",
                HASH,
                nullable=True,
                comment="SHA-256 of this row and previous_hash; null: older than the chain, or not chained yet",
            )
        )
        table.create_unique_constraint(op.f("uq_audit_log_chain_hash"), ["chain_hash"])
    op.create_index("ix_audit_log_org_id", "audit_log", ["org_id", "audit_id"])
    op.create_index("ix_audit_log_created_at", "audit_log", ["created_at"])


def restore_audit_log() -> None:
    op.drop_index("ix_audit_log_created_at", "audit_log")
    op.drop_index("ix_audit_log_org_id", "audit_log")
    with op.batch_alter_table("audit_log") as table:
        table.drop_constraint(op.f("uq_audit_log_chain_hash"), type_="unique")
        for name in ("chain_hash", "previous_hash", "org_id"):
            table.drop_column(name)


def create_organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("org_id", ULID, nullable=False, comment="ULID"),
        sa.Column("parent_id", ULID, nullable=True, comment="what it is part of; null: the root"),
        sa.Column(
            "path",
            ascii_text(255),
            nullable=False,
            comment="ids from the root down to it, /a/b/: whatever is below begins with it",
        ),
        sa.Column("code", ascii_text(32), nullable=False, comment="short name for imports and the command line"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was added"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it last changed"),
        sa.ForeignKeyConstraint(["parent_id"], ["organisations.org_id"], name=op.f("fk_organisations_parent_id")),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
        sa.UniqueConstraint("path", name=op.f("uq_organisations_path")),
        comment="A company, a site or a part of one: a tree with one root. People see their own and what is below it.",
        **INNODB,
    )
    op.create_index("ix_organisations_parent_id", "organisations", ["parent_id"])


def create_roles() -> None:
    op.create_table(
        "roles",
        sa.Column("code", ascii_text(32), nullable=False, comment="short name; never changes"),
        sa.Column(
            "org_id", ULID, nullable=False, comment="whose people may have it: of this organisation and those below"
        ),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column(
            "rank_no",
            sa.Integer(),
            nullable=False,
            comment="1 to 100: nobody changes people of a higher rank or gives one",
        ),
        sa.Column(
            "patrol_radius_m", sa.Integer(), nullable=False, comment="how far around one the map shows cameras, metres"
        ),
        sa.Column(
            "permissions",
            sa.Text(),
            nullable=True,
            comment="JSON: names of permissions; null: what the release gives to the built-in role of this code",
        ),
        sa.Column(
            "built_in",
            sa.Boolean(),
            nullable=False,
            comment="true: comes with every installation and cannot be removed",
        ),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was made"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it last changed"),
        sa.CheckConstraint(
            "patrol_radius_m >= 1 AND patrol_radius_m <= 1000000", name=op.f("ck_roles_patrol_radius_m")
        ),
        sa.CheckConstraint("rank_no >= 1 AND rank_no <= 100", name=op.f("ck_roles_rank_no")),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_roles_org_id")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_roles")),
        comment="What somebody is: rank, permissions, and how far around them the map shows cameras.",
        **INNODB,
    )
    op.create_index("ix_roles_org_id", "roles", ["org_id"])


def create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("notice_id", ULID, nullable=False, comment="ULID"),
        sa.Column("org_id", ULID, nullable=False, comment="whose people read it"),
        sa.Column("title", sa.String(length=120), nullable=False, comment="one line"),
        sa.Column("body", sa.Text(), nullable=False, comment="plain text, at most 4,000 characters"),
        sa.Column("starts_at", MOMENT, nullable=False, comment="shown from here"),
        sa.Column("ends_at", MOMENT, nullable=True, comment="shown until here; null: no end"),
        sa.Column("created_by", ULID, nullable=False, comment="which user wrote it"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it last changed"),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_notices_ends_at")),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_notices_org_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
        comment="Something that people of an organisation and those below it are to read, for a time.",
        **INNODB,
    )
    op.create_index("ix_notices_org_id", "notices", ["org_id", "starts_at"])
