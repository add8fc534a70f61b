"""Entries of the index name who took a photo: those of photos are put in again.

Revision 0006, after 0005.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE face_vectors SET index_state = 'pending' WHERE kind = 'sighting' AND index_state = 'indexed' "
        "AND subject_id IN (SELECT sighting_id FROM sightings WHERE source = 'photo')"
    )


def downgrade() -> None:
    """The entries say more than is asked of them: nothing is to be done."""
