"""Keys and forms of what lies in Redis, and redis' errors in our words; used by `client` and `subscription`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, TypeVar

import redis
from pydantic_core import from_json

from shared_kernel.errors import Unavailable
from shared_kernel.messages import Message

M = TypeVar("M", bound=Message)

PREFIX: Final = "xunshi:"


def stream_key(topic: str, route: str | None = None) -> str:
    """Redis key of a topic's stream."""
    return f"{PREFIX}{topic}:{route}" if route else f"{PREFIX}{topic}"


def dead_key(kind: type[Message]) -> str:
    """Redis key of a topic's dead letters."""
    return stream_key(kind.topic) + ".dead"


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """redis errors become ours: away, out of memory and read-only all mean "try again later"."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ReadOnlyError) as error:
        raise Unavailable("redis", str(error)) from error
    except redis.exceptions.OutOfMemoryError as error:
        raise Unavailable("redis", f"memory is full: {error}") from error


def parse(kind: type[M], entry: dict[bytes, bytes]) -> M:
    """The message of a stream entry.

    Raises:
        ValueError: it is none, or none of this kind.
    """
    values = from_json(entry.get(b"m", b"{}"))
    if kind.attachment is not None and isinstance(values, dict):
        values[kind.attachment] = entry.get(b"b", b"")
    return kind.model_validate(values)


def order(entry_id: bytes) -> tuple[int, int]:
    """Sorts entry ids by age."""
    milliseconds, _, seq = entry_id.partition(b"-")
    return int(milliseconds), int(seq or 0)


def make_group(client: redis.Redis, key: str, group: str) -> None:
    """Create `group`, from the oldest entry on; nothing when it is there."""
    try:
        client.xgroup_create(key, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
