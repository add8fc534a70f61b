"""Floor plans in SQL; their pictures are in object storage."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared_kernel.tables import FloorPlan


class FloorPlans:
    """The table floor_plans."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, plan_id: str, *, lock: bool = False) -> FloorPlan | None:
        """Give the plan of this id, if there is one."""
        return self._session.get(FloorPlan, plan_id, with_for_update=lock or None)

    def all(self) -> Sequence[FloorPlan]:
        """Give all, by name."""
        return self._session.scalars(select(FloorPlan).order_by(FloorPlan.name, FloorPlan.plan_id)).all()

    def count(self) -> int:
        """Say how many there are."""
        return self._session.scalar(select(func.count()).select_from(FloorPlan)) or 0

    def add(self, row: FloorPlan) -> None:
        """Add a plan whose picture is stored."""
        self._session.add(row)
        self._session.flush()

    def delete(self, row: FloorPlan) -> None:
        """Remove the row; whoever calls removes the picture."""
        self._session.delete(row)
        self._session.flush()
