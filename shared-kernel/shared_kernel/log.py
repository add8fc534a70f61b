"""Structured logs: one line an event, `key=value`, on stderr. Standard library only.

`log = get_logger(__name__)`, then `log.info("camera connected", extra=fields(camera_id=…, reason=…))`.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_FIELDS = "xunshi_fields"
get_logger = logging.getLogger


def fields(**values: object) -> dict[str, dict[str, object]]:
    """The `extra=` argument of a log call."""
    return {_FIELDS: values}


class KeyValueFormatter(logging.Formatter):
    """`at=… level=info service=… logger=… message="…" camera_id=…`; values with blanks are quoted as JSON strings."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        pairs: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            pairs["trace"] = self.formatException(record.exc_info)
        return " ".join(f"{key}={_quoted(value)}" for key, value in pairs.items())


def _quoted(value: object) -> str:
    text = str(value)
    plain = text and all(char.isprintable() and char not in ' "=\\' for char in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def configure(service: str, level: str = "INFO") -> None:
    """Send all logs of this process to stderr in the form above. Called once, in `__main__`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
