"""The bus: typed messages over Redis Streams with consumer groups. The only module that imports redis.

Uses the command set of Redis 6.2, so that valkey on a laptop and a cluster behave alike. Delivery is at least once:
a consumer publishes its results, then acknowledges; what a dead consumer held goes to another after `CLAIM_AFTER_MS`.

Redis keys:
    xunshi:<topic>            stream of a topic; fields `m` (JSON) and `b` (attachment bytes)
    xunshi:<topic>:<route>    the same, for messages that only one instance can use
    xunshi:<topic>.dead       messages that failed MAX_DELIVERIES times, with `group` and `reason`; replayable
    xunshi:reply:<id>         list with one reply for a waiting caller; expires
    xunshi:hint:<name>        pub/sub channel that wakes those who would otherwise poll
    xunshi:lock:<name>        lock of a job that one process of a cluster does
    xunshi:order:<line>       highest number that was published in order; expires
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

import redis
from pydantic_core import from_json

from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Message, Wire, new_id

log = get_logger(__name__)
M = TypeVar("M", bound=Message)
W = TypeVar("W", bound=Wire)

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
#: A line of numbers is forgotten when nothing was published for this long: the sender's clock may have been set back.
ORDER_KEPT_S: Final = 10
_SOCKET_TIMEOUT_S: Final = 10.0
#: Of one process: every thread may wait on one of its own. At redis' own limit of 100 the server would seem away.
_MAX_CONNECTIONS: Final = 2_000
_PREFIX: Final = "xunshi:"
_IN_ORDER: Final = """
if tonumber(redis.call('GET', KEYS[2]) or '-1') >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'm', ARGV[4])
return 1"""


def stream_key(topic: str, route: str | None = None) -> str:
    """Redis key of a topic's stream."""
    return f"{_PREFIX}{topic}:{route}" if route else f"{_PREFIX}{topic}"


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """redis errors become ours: away, out of memory and read-only all mean "try again later"."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ReadOnlyError) as error:
        raise Unavailable("redis", str(error)) from error
    except redis.exceptions.OutOfMemoryError as error:
        raise Unavailable("redis", f"memory is full: {error}") from error


@dataclass(frozen=True)
class Delivery(Generic[M]):
    """One message in the hand of one consumer. `deliveries` is 1 unless somebody failed before."""

    entry_id: str
    message: M
    deliveries: int = 1


class Bus:
    """Publishes, and opens subscriptions. Thread safe; connects on first use.

    Raises (every method):
        Unavailable: Redis is away, out of memory or read-only.
    """

    def __init__(self, url: str) -> None:
        self._redis: redis.Redis = redis.Redis.from_url(
            url,
            max_connections=_MAX_CONNECTIONS,
            socket_connect_timeout=2.0,
            socket_timeout=_SOCKET_TIMEOUT_S,
            health_check_interval=15,
        )
        self._known_groups: set[tuple[str, str]] = set()

    def close(self) -> None:
        self._redis.close()

    def ping(self) -> None:
        with _translated():
            self._redis.ping()

    def publish(self, message: Message, *, route: str | None = None) -> str:
        """Append `message` to its topic; durable topics get their groups first, so that nobody misses it.

        Returns:
            The id of the stream entry.
        """
        key = stream_key(message.topic, route)
        entry: dict[Any, Any] = {"m": message.model_dump_json()}
        if message.attachment:
            entry["b"] = getattr(message, message.attachment)
        max_len = message.retention.max_len
        with _translated():
            if max_len is None:
                for group in message.retention.groups:
                    self._ensure_group(key, group)
            entry_id = self._redis.xadd(key, entry, maxlen=max_len, approximate=max_len is not None)
        return cast("bytes", entry_id).decode()

    def publish_in_order(self, message: Message, *, route: str, line: str, number: int) -> bool:
        """Publish a lossy message; False when one of this `line` with this number or a higher one went out before."""
        keys = stream_key(message.topic, route), f"{_PREFIX}order:{line}"
        entry = ORDER_KEPT_S, message.retention.max_len or 0, message.model_dump_json()
        with _translated():
            return bool(self._redis.eval(_IN_ORDER, 2, *keys, number, *entry))

    def subscribe(self, kind: type[M], group: str, *, route: str | None = None) -> Subscription[M]:
        """A consumer of `kind` in `group`. Every call makes a consumer of its own."""
        return Subscription(self, self._redis, kind, group, route)

    def follow(self, kind: type[M], *, block_ms: int = BLOCK_MS) -> Iterator[M | None]:
        """Every message of a broadcast topic from now on; None after `block_ms` without one. For hints, not records."""
        key = stream_key(kind.topic)
        with _translated():
            newest = cast("Any", self._redis.xrevrange(key, count=1))
        last = newest[0][0] if newest else b"0-0"
        while True:
            with _translated():
                found = cast("Any", self._redis.xread({key: last}, count=100, block=block_ms))
            if not found:
                yield None
                continue
            entries = found[0][1] if isinstance(found, list) else next(iter(found.values()))[0]
            for entry_id, entry in entries:
                last = entry_id
                with contextlib.suppress(ValueError):
                    yield _parse(kind, entry)

    def reply(self, reply_id: str, answer: Wire, *, keep_s: int = 60) -> None:
        """Answer the caller that waits in `await_reply`."""
        key = f"{_PREFIX}reply:{reply_id}"
        with _translated():
            pipe = self._redis.pipeline()
            pipe.rpush(key, answer.model_dump_json())
            pipe.expire(key, keep_s)
            pipe.execute()

    def await_reply(self, reply_id: str, kind: type[W], *, timeout_s: float) -> W | None:
        """The answer to `reply_id`, or None when none came in time."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            with _translated():
                # shorter than the socket's timeout, or a slow answer would look like a dead Redis
                found = self._redis.blpop([f"{_PREFIX}reply:{reply_id}"], timeout=min(left, _SOCKET_TIMEOUT_S / 2))
            if found:
                return kind.model_validate_json(cast("Sequence[bytes]", found)[1])
        return None

    def backlog(self, kind: type[Message], route: str | None = None) -> int:
        """Entries in the stream: waiting, or kept until every group has them."""
        with _translated():
            return self._redis.xlen(stream_key(kind.topic, route))

    def pending(self, kind: type[Message], group: str, route: str | None = None) -> int:
        """Messages that consumers of `group` have in hand. 0 while the group does not exist."""
        with _translated():
            try:
                return int(cast("Any", self._redis.xpending(stream_key(kind.topic, route), group))["pending"])
            except redis.ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                return 0

    def trim(self, kind: type[Message]) -> int:
        """Drop what every declared group of a durable topic has acknowledged; forget vanished consumers.

        Returns:
            How many entries went. None go while a declared group does not exist yet.
        """
        if kind.retention.max_len is not None:
            return 0
        key = stream_key(kind.topic)
        with _translated():
            if not self._redis.exists(key):
                return 0
            groups = {cast("Any", g)["name"].decode(): g for g in cast("list[Any]", self._redis.xinfo_groups(key))}
            if not kind.retention.groups or any(name not in groups for name in kind.retention.groups):
                return 0
            keep_from = min((self._first_needed(key, groups[name]) for name in kind.retention.groups), key=_order)
            for name in groups:
                self._forget_consumers(key, name)
            return self._redis.xtrim(key, minid=keep_from, approximate=False)

    def dead_letters(self, kind: type[Message], *, count: int = 100) -> list[tuple[str, str, str]]:
        """(entry id, reason, message as JSON) of the newest dead letters of a topic."""
        with _translated():
            found = cast("Any", self._redis.xrevrange(_dead_key(kind), count=count))
        return [(i.decode(), e.get(b"reason", b"").decode(), e.get(b"m", b"").decode()) for i, e in found]

    def replay(self, kind: type[Message]) -> int:
        """Put every dead letter of a topic back into its stream. Returns how many."""
        key, moved = stream_key(kind.topic), 0
        with _translated():
            for entry_id, entry in cast("Any", self._redis.xrange(_dead_key(kind))):
                self._redis.xadd(key, {name: value for name, value in entry.items() if name in (b"m", b"b")})
                self._redis.xdel(_dead_key(kind), entry_id)
                moved += 1
        return moved

    def lock(self, name: str, *, ttl_s: float) -> Any:
        """A Redis lock (`acquire(blocking=False)`, `extend`, `release`) that only one process of a cluster holds."""
        return self._redis.lock(f"{_PREFIX}lock:{name}", timeout=ttl_s)

    @contextlib.contextmanager
    def alone(self, name: str, *, ttl_s: float) -> Iterator[bool]:
        """True inside for the one process of a cluster that got the lock `name`, False for the others."""
        lock = self.lock(name, ttl_s=ttl_s)
        with _translated():
            mine = bool(lock.acquire(blocking=False))
        try:
            yield mine
        finally:
            if mine:
                # it may have expired meanwhile, or Redis went away: then it ends by itself
                with contextlib.suppress(redis.RedisError):
                    lock.release()

    def hint(self, name: str) -> None:
        """Wake those who wait in `hints(name)` now. May get lost: whoever waits also looks from time to time."""
        with _translated():
            self._redis.publish(f"{_PREFIX}hint:{name}", b"")

    def hints(self, name: str, *, block_s: float) -> Iterator[bool]:
        """True for each hint from now on, False after `block_s` without one."""
        with _translated(), cast("Any", self._redis).pubsub(ignore_subscribe_messages=True) as waiting:
            waiting.subscribe(f"{_PREFIX}hint:{name}")
            while True:
                yield waiting.get_message(timeout=block_s) is not None

    def _ensure_group(self, key: str, group: str, *, again: bool = False) -> None:
        if not again and (key, group) in self._known_groups:
            return
        try:
            self._redis.xgroup_create(key, group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._known_groups.add((key, group))

    def _first_needed(self, key: str, group: Any) -> bytes:
        """The oldest entry id that `group` still needs."""
        pending = cast("Any", self._redis.xpending(key, group["name"]))
        if pending["pending"]:
            return cast("bytes", pending["min"])
        milliseconds, _, seq = cast("bytes", group["last-delivered-id"]).partition(b"-")
        return b"%s-%d" % (milliseconds, int(seq) + 1)

    def _forget_consumers(self, key: str, group: str) -> None:
        for consumer in cast("list[Any]", self._redis.xinfo_consumers(key, group)):
            if consumer["pending"] == 0 and consumer["idle"] > FORGET_CONSUMER_MS:
                self._redis.xgroup_delconsumer(key, group, consumer["name"])


class Subscription(Generic[M]):
    """One consumer of one topic in one group. One thread receives; any thread may acknowledge and hold."""

    def __init__(self, bus: Bus, client: redis.Redis, kind: type[M], group: str, route: str | None) -> None:
        self._bus = bus
        self._redis = client
        self._kind = kind
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
        with _translated():
            try:
                due = left_behind > 0 and time.monotonic() >= self._claim_at
                if due and (claimed := self._claim(min(count, left_behind))):
                    return claimed
                return self._read(count, block_ms)
            except redis.ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                self._bus._ensure_group(self._key, self._group, again=True)  # noqa: SLF001 - same module
                return self._read(count, block_ms)

    def ack(self, *deliveries: Delivery[M]) -> None:
        """Done: never deliver these again. Call it after the results are published."""
        if deliveries:
            with _translated():
                self._redis.xack(self._key, self._group, *[delivery.entry_id for delivery in deliveries])

    def hold(self, *deliveries: Delivery[M]) -> None:
        """Still at it (a part is away): do not give these to another consumer. Call it every few seconds."""
        if deliveries:
            ids: Any = [delivery.entry_id for delivery in deliveries]
            with _translated():
                self._redis.xclaim(self._key, self._group, self._consumer, 0, ids, justid=True)

    def bury(self, delivery: Delivery[M], reason: str) -> None:
        """To the dead letters now: this message can never be handled."""
        with _translated():
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
                    yield Delivery(entry_id, _parse(self._kind, entry), deliveries)
                except ValueError as error:  # pydantic's ValidationError, or no JSON at all
                    self._bury(entry_id, entry, f"not a {self._kind.__name__}: {error}"[:500])

    def _entry(self, entry_id: str) -> dict[bytes, bytes]:
        found = cast("Any", self._redis.xrange(self._key, entry_id, entry_id))
        return cast("dict[bytes, bytes]", found[0][1]) if found else {}

    def _bury(self, entry_id: str, entry: dict[bytes, bytes], reason: str) -> None:
        pipe = self._redis.pipeline()
        pipe.xadd(
            _dead_key(self._kind), cast("Any", {**entry, b"group": self._group, b"reason": reason}), maxlen=10_000
        )
        pipe.xack(self._key, self._group, entry_id)
        pipe.execute()
        log.error("message buried", extra=fields(topic=self._kind.topic, entry_id=entry_id, reason=reason))


def _dead_key(kind: type[Message]) -> str:
    return stream_key(kind.topic) + ".dead"


def _parse(kind: type[M], entry: dict[bytes, bytes]) -> M:
    values = from_json(entry.get(b"m", b"{}"))
    if kind.attachment is not None and isinstance(values, dict):
        values[kind.attachment] = entry.get(b"b", b"")
    return kind.model_validate(values)


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, seq = entry_id.partition(b"-")
    return int(milliseconds), int(seq or 0)
