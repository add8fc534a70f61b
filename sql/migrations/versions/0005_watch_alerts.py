"""Alerts about people on watch lists, which stay until their sighting goes.

Revision 0005, after 0004.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_unicode_ci"}

ULID = sa.CHAR(26).with_variant(mysql.CHAR(26, **ASCII), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "watch_alerts",
        sa.Column("alert_id", ULID, nullable=False, comment="derived from sighting and person"),
        sa.Column("sighting_id", ULID, nullable=False, comment="which sighting; whoever may see it may see the alert"),
        sa.Column("person_id", ULID, nullable=False, comment="who is on the list"),
        sa.Column(
            "list_names",
            sa.Text(),
            nullable=False,
            comment="JSON: the lists that wanted to be told, as they were called",
        ),
        sa.Column("score", sa.Double(), nullable=True, comment="cosine to the person then, -1 to 1"),
        sa.Column("threshold", sa.Double(), nullable=True, comment="what it had to reach then"),
        sa.Column("near_tie", sa.Boolean(), nullable=False, comment="another person was about as near"),
        sa.Column("seen_at", MOMENT, nullable=False, comment="when the face was seen"),
        sa.Column("raised_at", MOMENT, nullable=False, comment="when the row was made"),
        sa.Column("acknowledged_by", ULID, nullable=True, comment="user who has seen to it first"),
        sa.Column("acknowledged_at", MOMENT, nullable=True, comment="when; null: nobody yet"),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_watch_alerts")),
        sa.UniqueConstraint("sighting_id", "person_id", name=op.f("uq_watch_alerts_sighting_id")),
        comment="Somebody on a list that wants to be told was seen: one row a sighting and person. Gone with either.",
        **INNODB,
    )
    op.create_index("ix_watch_alerts_person_id", "watch_alerts", ["person_id"])
    op.create_index("ix_watch_alerts_seen_at", "watch_alerts", ["seen_at", "alert_id"])


def downgrade() -> None:
    op.drop_table("watch_alerts")
