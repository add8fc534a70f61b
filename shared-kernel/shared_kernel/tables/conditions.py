"""Which rows a list has: what somebody may ask for, where None narrows nothing, and pages with the newest first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, or_, true

S = TypeVar("S", bound=Select[*tuple[Any, ...]])


def equal(column: SQLColumnExpression[Any], wanted: object) -> ColumnElement[bool]:
    """`column` is `wanted`; any row when that is None."""
    return true() if wanted is None else column == wanted


def among(column: SQLColumnExpression[Any], wanted: Collection[object] | None) -> ColumnElement[bool]:
    """`column` is one of `wanted`; any row when that is None."""
    return true() if wanted is None else column.in_(wanted)


def within(
    column: SQLColumnExpression[datetime], since: datetime | None, until: datetime | None
) -> ColumnElement[bool]:
    """`column` is in [since, until); None: no bound on that side."""
    return and_(true() if since is None else column >= since, true() if until is None else column < until)


def newest_first(
    query: S,
    at: SQLColumnExpression[datetime],
    row_id: SQLColumnExpression[str],
    after: tuple[datetime, str] | None,
    limit: int,
) -> S:
    """A page of a query. `after`: (time, id) of the last row of the page before."""
    if after is not None:
        query = query.where(or_(at < after[0], and_(at == after[0], row_id < after[1])))
    return query.order_by(at.desc(), row_id.desc()).limit(limit)
