"""A migrated database as new: without rows but those that the migrations wrote."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from shared_kernel.tables import Base, Organisation, Role

_CAME_WITH_IT = ("organisations", "roles")


def as_migrated(connection: Connection) -> None:
    """Remove what tests wrote. The root organisation and the built-in roles stay, as they were."""
    for table in reversed(Base.metadata.sorted_tables):
        if table.name not in _CAME_WITH_IT:
            connection.execute(table.delete())
    connection.execute(delete(Role).where(Role.built_in.is_(False)))
    connection.execute(update(Role).values(permissions=None))
    below = select(Organisation.org_id).where(Organisation.parent_id.is_not(None)).order_by(Organisation.path.desc())
    for org_id in connection.scalars(below).all():
        connection.execute(delete(Organisation).where(Organisation.org_id == org_id))
