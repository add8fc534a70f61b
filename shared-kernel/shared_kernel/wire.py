"""What every message is made of: ids, times, boxes, the frozen model, how long a topic keeps. Used by `messages`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar, Final, NamedTuple, Self
from uuid import UUID, uuid5

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from ulid import ULID

from shared_kernel.clock import rfc3339, to_milliseconds

#: Namespace of every derived id of this project (`uuid5(NAMESPACE_XUNSHI, "<parent>/<index>")`).
NAMESPACE_XUNSHI = UUID("6f1d7a52-3c0e-5c57-9a37-0f4f9b1f2c11")

_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")

Moment = Annotated[datetime, AfterValidator(to_milliseconds), PlainSerializer(rfc3339, when_used="json")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


def new_id() -> str:
    """A new ULID: 26 characters, sortable by time, safe in JavaScript and in file names."""
    return str(ULID())


def is_ulid(text: str) -> bool:
    """Tell whether a text can be an id."""
    return _ULID.fullmatch(text) is not None


def derived_id(parent: str, index: str | int) -> str:
    """The same id for the same parent and index, so that a redelivery repeats ids and a unique key absorbs it."""
    return str(ULID.from_uuid(uuid5(NAMESPACE_XUNSHI, f"{parent}/{index}")))


class Retention(NamedTuple):
    """How long a topic keeps its messages.

    `max_len` messages at most (lossy: frames), or None: durable, kept until every group in `groups` has acknowledged.
    """

    max_len: int | None
    groups: tuple[str, ...]


class Wire(BaseModel):
    """What crosses a wire: frozen, tolerant of fields that a newer sender added."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")


class Box(Wire):
    """Axis-aligned box, corners as fractions of the picture's width and height."""

    x0: Fraction
    y0: Fraction
    x1: Fraction
    y1: Fraction

    @model_validator(mode="after")
    def _corners_are_ordered(self) -> Self:
        if self.x1 < self.x0 or self.y1 < self.y0:
            raise ValueError(f"box: expected x0 <= x1 and y0 <= y1, got {self.x0, self.y0, self.x1, self.y1}")
        return self


class Message(Wire):
    """One entry of a topic. `attachment` names the field whose bytes travel beside the JSON, not in it."""

    topic: ClassVar[str]
    retention: ClassVar[Retention]
    attachment: ClassVar[str | None] = None
