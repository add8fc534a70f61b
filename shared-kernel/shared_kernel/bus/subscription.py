"""One consumer of a topic: takes new messages and those that others left behind, acknowledges, buries what cannot be.

Opened by `client`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, cast

import redis

from shared_kernel.bus.entries import M, dead_key, make_group, parse, stream_key, translated
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import new_id

log = get_logger(__name__)

#: A message that its consumer neither acknowledged nor held for this long is given to another consumer.
CLAIM_AFTER_MS: Final = 10_000
#: How often a subscription looks for such messages, seconds.
CLAIM_EVERY_S: Final = 2.0
#: After this many deliveries a message is a dead letter.
MAX_DELIVERIES: Final = 5
#: A blocking read returns at the latest after this long, so that a stop is noticed, milliseconds.
BLOCK_MS: Final = 1_000
#: Consumers that vanished are forgotten after this long without pending messages, milliseconds.
FORGET_CONSUMER_MS: Final = 3_600_000


@dataclass(frozen=True)
class Delivery(Generic[M]):
    """One message in the hand of one consumer. `deliveries` is 1 unless somebody failed before."""

    entry_id: str
    message: M
    deliveries: int = 1


class Subscription(Generic[M]):
    """One consumer of one topic in one group. One thread receives; any thread may acknowledge and hold."""

    def __init__(self, client: redis.Redis, kind: type[M], group: str, route: str | None) -> None:
        self._redis = client
        self._kind = kind
        #: What it receives, for metrics and logs.
        self.topic = kind.topic
        self._key = stream_key(kind.topic, route)
        self._group = group
        self._consumer = f"{os.uname().nodename}-{os.getpid()}-{new_id()}"
        self._claim_at = 0.0
        self._claim_from: Any = "0-0"

    def receive(self, *, count: int = 16, block_ms: int = BLOCK_MS, left_behind: int = 1000) -> list[Delivery[M]]:
        """Up to `count` messages: what others left behind (`left_behind` at most), else new ones, [] after `block_ms`.

        What cannot be parsed, and what was delivered MAX_DELIVERIES times before, goes to the dead letters.

        Raises:
            Unavailable: Redis is away.
        """
        with translated():
            try:
                due = left_behind > 0 and time.monotonic() >= self._claim_at
                if due and (claimed := self._claim(min(count, left_behind))):
                    return claimed
                return self._read(count, block_ms)
            except redis.ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                make_group(self._redis, self._key, self._group)
                return self._read(count, block_ms)

    def ack(self, *deliveries: Delivery[M]) -> None:
        """Done: never deliver these again. Call it after the results are published."""
        if deliveries:
            with translated():
                self._redis.xack(self._key, self._group, *[delivery.entry_id for delivery in deliveries])

    def hold(self, *deliveries: Delivery[M]) -> None:
        """Still at it (a part is away): do not give these to another consumer. Call it every few seconds."""
        if deliveries:
            ids: Any = [delivery.entry_id for delivery in deliveries]
            with translated():
                self._redis.xclaim(self._key, self._group, self._consumer, 0, ids, justid=True)

    def excuse(self, *deliveries: Delivery[M]) -> None:
        """A part is away: to be given these was no failure, and does not bring them nearer to the dead letters."""
        with translated():
            for one in deliveries:
                self._redis.xclaim(
                    self._key,
                    self._group,
                    self._consumer,
                    0,
                    [one.entry_id],
                    retrycount=one.deliveries - 1,
                    justid=True,
                )

    def bury(self, delivery: Delivery[M], reason: str) -> None:
        """To the dead letters now: this message can never be handled."""
        with translated():
            self._bury(delivery.entry_id, self._entry(delivery.entry_id), reason)

    def _read(self, count: int, block_ms: int) -> list[Delivery[M]]:
        found = cast(
            "Any", self._redis.xreadgroup(self._group, self._consumer, {self._key: ">"}, count=count, block=block_ms)
        )
        if not found:
            return []
        entries = found[0][1] if isinstance(found, list) else next(iter(found.values()))[0]
        return list(self._parsed(entries, {}))

    def _claim(self, count: int) -> list[Delivery[M]]:
        """Take over what other consumers left: dead workers, and messages whose handling failed."""
        answer = cast(
            "Any",
            self._redis.xautoclaim(
                self._key, self._group, self._consumer, CLAIM_AFTER_MS, start_id=self._claim_from, count=count
            ),
        )
        self._claim_from, entries = answer[0], answer[1]  # two items on Redis 6.2, three on 7: slice, don't unpack
        if self._claim_from in (b"0-0", "0-0"):
            self._claim_at = time.monotonic() + CLAIM_EVERY_S
        if not entries:
            return []
        ids = [entry_id for entry_id, _ in entries]
        times: dict[bytes, int] = {}
        for row in cast("Any", self._redis.xpending_range(self._key, self._group, ids[0], ids[-1], count * 8)):
            times[row["message_id"]] = row["times_delivered"]
        return list(self._parsed(entries, times))

    def _parsed(self, entries: Sequence[tuple[bytes, Any]], times: dict[bytes, int]) -> Iterator[Delivery[M]]:
        for raw_id, entry in entries:
            entry_id, deliveries = raw_id.decode(), times.get(raw_id, 1)
            if entry is None:  # a lossy stream dropped it while it was pending
                self._redis.xack(self._key, self._group, entry_id)
            elif deliveries > MAX_DELIVERIES:
                self._bury(entry_id, entry, f"not acknowledged after {MAX_DELIVERIES} deliveries")
            else:
                try:
                    yield Delivery(entry_id, parse(self._kind, entry), deliveries)
                except ValueError as error:  # pydantic's ValidationError, or no JSON at all
                    self._bury(entry_id, entry, f"not a {self._kind.__name__}: {error}"[:500])

    def _entry(self, entry_id: str) -> dict[bytes, bytes]:
        found = cast("Any", self._redis.xrange(self._key, entry_id, entry_id))
        return cast("dict[bytes, bytes]", found[0][1]) if found else {}

    def _bury(self, entry_id: str, entry: dict[bytes, bytes], reason: str) -> None:
        pipe = self._redis.pipeline()
        pipe.xadd(dead_key(self._kind), cast("Any", {**entry, b"group": self._group, b"reason": reason}), maxlen=10_000)
        pipe.xack(self._key, self._group, entry_id)
        pipe.execute()
        log.error("message buried", extra=fields(topic=self._kind.topic, entry_id=entry_id, reason=reason))
