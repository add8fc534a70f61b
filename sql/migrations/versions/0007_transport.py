"""Over what an RTSP camera sends its pictures: over UDP lost packets are to be expected.

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ASCII = {"charset": "ascii", "collation": "ascii_bin"}
WORD = sa.String(32).with_variant(mysql.VARCHAR(32, **ASCII), "mysql", "mariadb")


def upgrade() -> None:
    column = sa.Column("transport", WORD, nullable=True, comment="tcp or udp; null: not RTSP, or unknown")
    with op.batch_alter_table("cameras") as cameras:
        cameras.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("cameras") as cameras:
        cameras.drop_column("transport")
