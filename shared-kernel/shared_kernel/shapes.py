"""What request bodies and parameters are made of. They refuse unknown fields, wrong types and words without ink.

Answers are the services' own; they carry times as RFC 3339 in UTC and boxes as fractions.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from shared_kernel.cursors import moment_cursor, read_moment_cursor

R = TypeVar("R")

Ulid = Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$", description="ULID")]


def _printable(text: str) -> str:
    text = text.strip()
    if not text.isprintable():
        raise ValueError("expected no control characters")
    if not text:
        raise ValueError("expected at least one character that is not blank")
    return text


#: One line of text for people.
Line = Annotated[str, AfterValidator(_printable)]


def _moment(value: object) -> datetime:
    """Made a time here: JSON has none, and a strict body takes no text for one; pydantic would also take numbers."""
    if isinstance(value, str) and _RFC3339.match(value):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value.upper())
    if isinstance(value, datetime):  # a body that is made of another
        return value
    raise ValueError("expected a time such as 2026-01-02T03:04:05Z")


def _in_range(moment: datetime) -> datetime:
    if not 1970 <= moment.year <= 9000:  # noqa: PLR2004 - what every database and time zone can hold
        raise ValueError("expected a year from 1970 to 9000")
    return moment


_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:")
#: A time in a request, be it JSON or a parameter: RFC 3339 with a zone.
When = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_in_range)]


class Body(BaseModel):
    """A JSON request body: no unknown fields, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """Query parameters: they are text, so numbers and times are read from it."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Query):
    after: str | None = Field(None, max_length=128, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200, description="most items of one page")

    @property
    def place(self) -> tuple[datetime, str] | None:
        """(time, id) of the row behind which the page begins, in a list by time; None: at its begin.

        Raises:
            Invalid: `after` is no cursor of such a list.
        """
        return None if self.after is None else read_moment_cursor(self.after)

    def page(self, rows: Sequence[R], place: Callable[[R], tuple[datetime, str]]) -> tuple[Sequence[R], str | None]:
        """What is shown of `rows`, of which one more was asked for than a page has, and the cursor that goes on."""
        shown = rows[: self.limit]
        return shown, moment_cursor(*place(shown[-1])) if len(rows) > self.limit else None


class Empty(BaseModel):
    """A request body without content; what else is in it is ignored."""
