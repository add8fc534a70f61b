"""Alerts with their rules and messages, and figures that are kept ready.

Revision 0011, after 0010.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}


def ascii_text(length: int) -> sa.String:
    return sa.String(length).with_variant(mysql.VARCHAR(length, **ASCII), "mysql", "mariadb")


ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")

#: In an order in which each finds what it refers to.
TABLES = ("alert_rules", "alerts", "alert_comments", "delivery_channels", "deliveries", "pass_rollups")


def upgrade() -> None:
    create_alert_rules()
    create_alerts()
    create_alert_comments()
    create_delivery_channels()
    create_deliveries()
    create_pass_rollups()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def create_alert_rules() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("rule_id", ULID, nullable=False, comment="ULID"),
        sa.Column("org_id", ULID, nullable=False, comment="whose cameras it watches, with those below"),
        sa.Column("camera_id", ULID, nullable=True, comment="only this camera"),
        sa.Column("group_id", ULID, nullable=True, comment="only cameras of this group"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="state (of a person who passes) or camera_down"),
        sa.Column("states", ascii_text(120), nullable=True, comment="JSON: which mask states; null for cameras"),
        sa.Column("hold_s", sa.Integer(), nullable=False, comment="for how long it has to be so, seconds"),
        sa.Column(
            "zone", sa.String(length=64), nullable=True, comment="name of a zone of the camera; null: everywhere"
        ),
        sa.Column("hours", sa.Text(), nullable=True, comment="JSON: when it counts, by weekday; null: always"),
        sa.Column(
            "cooldown_s", sa.Integer(), nullable=False, comment="after an alert this camera raises none for so long"
        ),
        sa.Column("min_confidence", sa.Double(), nullable=True, comment="how sure the verdict has to be, 0 to 1"),
        sa.Column("severity", ascii_text(32), nullable=False, comment="info, warning or critical"),
        sa.Column("enabled", sa.Boolean(), nullable=False, comment="false: raises nothing"),
        sa.Column("created_by", ULID, nullable=True, comment="which user made it; null: came with the installation"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it last changed"),
        sa.Column("deleted_at", MOMENT, nullable=True, comment="removed; the row stays because its alerts do"),
        sa.CheckConstraint("kind IN ('state', 'camera_down')", name=op.f("ck_alert_rules_kind")),
        sa.CheckConstraint("severity IN ('info', 'warning', 'critical')", name=op.f("ck_alert_rules_severity")),
        sa.CheckConstraint("camera_id IS NULL OR group_id IS NULL", name=op.f("ck_alert_rules_scope")),
        sa.CheckConstraint("hold_s >= 0 AND cooldown_s >= 0", name=op.f("ck_alert_rules_times")),
        sa.CheckConstraint(
            "min_confidence IS NULL OR (min_confidence >= 0 AND min_confidence <= 1)",
            name=op.f("ck_alert_rules_confidence"),
        ),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.camera_id"], name=op.f("fk_alert_rules_camera_id")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["camera_groups.group_id"], name=op.f("fk_alert_rules_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_alert_rules_org_id")),
        sa.PrimaryKeyConstraint("rule_id", name=op.f("pk_alert_rules")),
        comment="What raises an alert: a state for some time, in a zone, at some hours, then a pause.",
        **INNODB,
    )
    op.create_index("ix_alert_rules_camera_id", "alert_rules", ["camera_id"])
    op.create_index("ix_alert_rules_group_id", "alert_rules", ["group_id"])
    op.create_index("ix_alert_rules_org_id", "alert_rules", ["org_id"])


def create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", ULID, nullable=False, comment="derived from its cause"),
        sa.Column(
            "cause", ascii_text(120), nullable=False, comment="rule and what it saw: a repeated message is no second"
        ),
        sa.Column("rule_id", ULID, nullable=False, comment="which rule raised it"),
        sa.Column("org_id", ULID, nullable=False, comment="the camera's organisation then"),
        sa.Column("camera_id", ULID, nullable=True, comment="whoever may see this camera may see the alert"),
        sa.Column("pass_id", ULID, nullable=True, comment="the pass that raised it, with its pictures"),
        sa.Column("outage_id", ULID, nullable=True, comment="the outage that raised it"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="state or camera_down, as the rule said"),
        sa.Column("severity", ascii_text(32), nullable=False, comment="info, warning or critical, as the rule said"),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON: what was seen, for people and messages"),
        sa.Column(
            "state", ascii_text(32), nullable=False, comment="new, acknowledged, assigned, resolved or false_alarm"
        ),
        sa.Column(
            "repeats", sa.Integer(), nullable=False, comment="what came during the pause and raised no alert of its own"
        ),
        sa.Column("assigned_to", ULID, nullable=True, comment="which user sees to it"),
        sa.Column("raised_at", MOMENT, nullable=False, comment="when it happened"),
        sa.Column("acknowledged_at", MOMENT, nullable=True, comment="when somebody first said to have seen it"),
        sa.Column("acknowledged_by", ULID, nullable=True, comment="by which user"),
        sa.Column("closed_at", MOMENT, nullable=True, comment="when it was resolved or called false"),
        sa.Column("closed_by", ULID, nullable=True, comment="by which user; null: the cause ended by itself"),
        sa.Column(
            "kept_key",
            ascii_text(255),
            nullable=True,
            comment="of a false alarm: where its pictures are kept for training",
        ),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when the row last changed"),
        sa.CheckConstraint("kind IN ('state', 'camera_down')", name=op.f("ck_alerts_kind")),
        sa.CheckConstraint("severity IN ('info', 'warning', 'critical')", name=op.f("ck_alerts_severity")),
        sa.CheckConstraint("state <> 'assigned' OR assigned_to IS NOT NULL", name=op.f("ck_alerts_assigned_to")),
        sa.CheckConstraint(
            "state IN ('new', 'acknowledged', 'assigned', 'resolved', 'false_alarm')", name=op.f("ck_alerts_state")
        ),
        sa.CheckConstraint("repeats >= 0", name=op.f("ck_alerts_repeats")),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_alerts_org_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("cause", name=op.f("uq_alerts_cause")),
        comment="Something that somebody has to look at. The same cause makes one.",
        **INNODB,
    )
    op.create_index("ix_alerts_assigned_to", "alerts", ["assigned_to", "state"])
    op.create_index("ix_alerts_camera_id", "alerts", ["camera_id", "raised_at", "alert_id"])
    op.create_index("ix_alerts_org_id", "alerts", ["org_id", "raised_at", "alert_id"])
    op.create_index("ix_alerts_rule_id", "alerts", ["rule_id", "raised_at"])
    op.create_index("ix_alerts_state", "alerts", ["state", "raised_at", "alert_id"])


def create_alert_comments() -> None:
    op.create_table(
        "alert_comments",
        sa.Column("comment_id", ULID, nullable=False, comment="ULID"),
        sa.Column("alert_id", ULID, nullable=False, comment="about which alert"),
        sa.Column("user_id", ULID, nullable=True, comment="who; null: the system"),
        sa.Column(
            "body", sa.String(length=1000), nullable=False, comment="plain text; may be empty with a change of state"
        ),
        sa.Column("state", ascii_text(32), nullable=True, comment="what the alert became with it; null: only words"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_comments_alert_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_alert_comments")),
        comment="What somebody said about an alert, and every change of its state.",
        **INNODB,
    )
    op.create_index("ix_alert_comments_alert_id", "alert_comments", ["alert_id", "comment_id"])


def create_delivery_channels() -> None:
    op.create_table(
        "delivery_channels",
        sa.Column("channel_id", ULID, nullable=False, comment="ULID"),
        sa.Column("org_id", ULID, nullable=False, comment="whose alerts, with those below"),
        sa.Column("name", sa.String(length=64), nullable=False, comment="what people call it"),
        sa.Column("kind", ascii_text(32), nullable=False, comment="webhook, email, wecom, dingtalk or feishu"),
        sa.Column(
            "address_cipher",
            ascii_text(4096),
            nullable=False,
            comment="web or e-mail address, Fernet: addresses of robots are secrets",
        ),
        sa.Column("shown_address", sa.String(length=200), nullable=False, comment="what people see of it"),
        sa.Column("secret_cipher", ascii_text(1024), nullable=True, comment="what signs its messages, Fernet"),
        sa.Column("min_severity", ascii_text(32), nullable=False, comment="less severe alerts are not sent"),
        sa.Column("enabled", sa.Boolean(), nullable=False, comment="false: nothing is sent"),
        sa.Column("created_by", ULID, nullable=False, comment="which user made it"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it last changed"),
        sa.Column("deleted_at", MOMENT, nullable=True, comment="removed; the row stays because its deliveries do"),
        sa.CheckConstraint(
            "kind IN ('webhook', 'email', 'wecom', 'dingtalk', 'feishu')", name=op.f("ck_delivery_channels_kind")
        ),
        sa.CheckConstraint(
            "min_severity IN ('info', 'warning', 'critical')", name=op.f("ck_delivery_channels_min_severity")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["organisations.org_id"], name=op.f("fk_delivery_channels_org_id")),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_delivery_channels")),
        comment="Where alerts of an organisation are sent: a webhook, an e-mail address, a robot of a group.",
        **INNODB,
    )
    op.create_index("ix_delivery_channels_org_id", "delivery_channels", ["org_id"])


def create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", ULID, nullable=False, comment="derived from channel and cause: sent along"),
        sa.Column("channel_id", ULID, nullable=False, comment="to which channel"),
        sa.Column("alert_id", ULID, nullable=True, comment="about which alert; null: a test or a digest"),
        sa.Column("cause", ascii_text(120), nullable=False, comment="alert and what became of it: told once a channel"),
        sa.Column("payload", sa.Text(), nullable=False, comment="JSON that is sent, made when the cause happened"),
        sa.Column("state", ascii_text(32), nullable=False, comment="waiting, sent or failed"),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often it was tried"),
        sa.Column("next_at", MOMENT, nullable=True, comment="when it is tried next; null: not any more"),
        sa.Column("last_answer", sa.String(length=200), nullable=True, comment="what came back last, without secrets"),
        sa.Column("created_at", MOMENT, nullable=False, comment="when it was due first"),
        sa.Column("sent_at", MOMENT, nullable=True, comment="when it was accepted"),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed')", name=op.f("ck_deliveries_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_deliveries_attempts")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["delivery_channels.channel_id"], name=op.f("fk_deliveries_channel_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("channel_id", "cause", name=op.f("uq_deliveries_channel_id")),
        comment="One message to one channel: tried again with growing pauses, then failed; it can be sent anew.",
        **INNODB,
    )
    op.create_index("ix_deliveries_alert_id", "deliveries", ["alert_id"])
    op.create_index("ix_deliveries_created_at", "deliveries", ["created_at"])
    op.create_index("ix_deliveries_next_at", "deliveries", ["state", "next_at"])


def create_pass_rollups() -> None:
    op.create_table(
        "pass_rollups",
        sa.Column("scope", ascii_text(32), nullable=False, comment="camera, or organisation with all below it"),
        sa.Column("scope_id", ULID, nullable=False, comment="which"),
        sa.Column("bucket", ascii_text(32), nullable=False, comment="hour, day, week or month in the zone of the site"),
        sa.Column("bucket_start", MOMENT, nullable=False, comment="its begin"),
        sa.Column("with_mask", sa.BigInteger(), nullable=False, comment="passes with a mask"),
        sa.Column("without_mask", sa.BigInteger(), nullable=False, comment="passes without"),
        sa.Column("worn_incorrectly", sa.BigInteger(), nullable=False, comment="passes with a mask worn incorrectly"),
        sa.Column("watched_s", sa.Double(), nullable=False, comment="seconds that were watched, by all its cameras"),
        sa.Column("wanted_s", sa.Double(), nullable=False, comment="seconds that should have been"),
        sa.Column("updated_at", MOMENT, nullable=False, comment="when it was last counted"),
        sa.CheckConstraint("bucket IN ('hour', 'day', 'week', 'month')", name=op.f("ck_pass_rollups_bucket")),
        sa.CheckConstraint("scope IN ('camera', 'organisation')", name=op.f("ck_pass_rollups_scope")),
        sa.CheckConstraint("watched_s >= 0 AND wanted_s >= 0", name=op.f("ck_pass_rollups_times")),
        sa.CheckConstraint(
            "with_mask >= 0 AND without_mask >= 0 AND worn_incorrectly >= 0", name=op.f("ck_pass_rollups_counts")
        ),
        sa.PrimaryKeyConstraint("scope", "scope_id", "bucket", "bucket_start", name=op.f("pk_pass_rollups")),
        comment="Passes by state of one camera or organisation in one hour, day, week or month, with what was watched.",
        **INNODB,
    )
    op.create_index("ix_pass_rollups_bucket_start", "pass_rollups", ["bucket", "bucket_start", "scope"])
