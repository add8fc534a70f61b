"""Every error that crosses a module, and how the web shows it.

XunshiError
├── Refused            the caller asked for something that cannot be (4xx); `status` and `fields` say which
│   ├── NotFound       404, also for what the caller may not see
│   ├── Unauthorised   401
│   ├── Forbidden      403
│   ├── Conflict       409
│   ├── Invalid        422, `fields` names what was wrong
│   └── Throttled      429, with `retry_after_s`
├── Unavailable        a part (Redis, database, object store, another service) is away: try again; 503
├── ArtifactError      a weights or sample file cannot be obtained, or is not what its list says
└── Poison             a message that will never be handled, however often it is tried
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One wrong field of a request: dotted path and what was expected, in words."""

    field: str
    message: str


class XunshiError(Exception):
    """Root of the tree above."""


class Refused(XunshiError):
    """The request cannot be granted; retrying it unchanged will not help."""

    status = 400
    title = "Bad request"

    def __init__(self, detail: str, *, code: str = "refused", fields: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.fields = fields


class NotFound(Refused):
    status = 404
    title = "Not found"


class Unauthorised(Refused):
    status = 401
    title = "Not logged in"


class Forbidden(Refused):
    status = 403
    title = "Not allowed"


class Conflict(Refused):
    status = 409
    title = "Conflict"


class Invalid(Refused):
    status = 422
    title = "Invalid request"

    @classmethod
    def field(cls, field: str, message: str, *, code: str = "invalid") -> Invalid:
        """The common case: one field is wrong."""
        return cls(f"{field}: {message}", code=code, fields=(FieldProblem(field, message),))


class Throttled(Refused):
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, code="throttled")
        self.retry_after_s = retry_after_s


class Unavailable(XunshiError):
    """A part is away. Callers wait and try again, or answer 503."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"{part} is not available: {reason}")
        self.part = part
        self.reason = reason


class ArtifactError(XunshiError):
    """A file of weights.toml or samples.toml: a bad entry, or no source gave the right bytes; each reason is named."""


class Poison(XunshiError):
    """A message that cannot be handled now or later; it goes to the dead letters."""
