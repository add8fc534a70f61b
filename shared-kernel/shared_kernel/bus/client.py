"""The sending side of the bus, replies, hints and locks; opens subscriptions. See the package for keys and promises."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar, cast

import redis

from shared_kernel.bus.allowance import TAKE, allowance_key, arguments
from shared_kernel.bus.entries import PREFIX, M, dead_key, make_group, order, parse, stream_key, translated
from shared_kernel.bus.leases import PUBLISH_HELD, Leases, Replica, leases_key
from shared_kernel.bus.subscription import BLOCK_MS, FORGET_CONSUMER_MS, Subscription
from shared_kernel.messages import Message, Wire

W = TypeVar("W", bound=Wire)

#: A line of numbers is forgotten when nothing was published for this long: the sender's clock may have been set back.
ORDER_KEPT_S: Final = 10
_SOCKET_TIMEOUT_S: Final = 10.0
#: Of one process: every thread may wait on one of its own. At redis' own limit of 100 the server would seem away.
_MAX_CONNECTIONS: Final = 2_000
_IN_ORDER: Final = """
if tonumber(redis.call('GET', KEYS[2]) or '-1') >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'm', ARGV[4])
return 1"""


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
        with translated():
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
        with translated():
            if max_len is None:
                for group in message.retention.groups:
                    self._ensure_group(key, group)
            entry_id = self._redis.xadd(key, entry, maxlen=max_len, approximate=max_len is not None)
        return cast("bytes", entry_id).decode()

    def publish_in_order(self, message: Message, *, route: str, line: str, number: int) -> bool:
        """Publish a lossy message; False when one of this `line` with this number or a higher one went out before."""
        keys = stream_key(message.topic, route), f"{PREFIX}order:{line}"
        entry = ORDER_KEPT_S, message.retention.max_len or 0, message.model_dump_json()
        with translated():
            return bool(self._redis.eval(_IN_ORDER, 2, *keys, number, *entry))

    def publish_held(self, message: Message, *, kind: str, thing: str, fence: int) -> bool:
        """Publish a lossy message about a leased thing; False when `fence` is not the current one of its lease."""
        entry: list[Any] = ["m", message.model_dump_json()]
        if message.attachment:
            entry += ["b", getattr(message, message.attachment)]
        keys = leases_key(kind), stream_key(message.topic)
        with translated():
            answer = self._redis.eval(PUBLISH_HELD, 2, *keys, thing, fence, message.retention.max_len or 0, *entry)
        return bool(answer)

    def leases(self, kind: str, me: Replica) -> Leases:
        """The leases of one kind of thing, for one replica."""
        return Leases(self._redis, kind, me)

    def take(self, name: str, amount: int, *, limit: int, per_s: float) -> float:
        """Take `amount` of the allowance `name`, which is `limit` and fills again within `per_s` seconds.

        Returns:
            0.0: taken. Else nothing is taken, and so much is there again in this many seconds.

        Raises:
            ValueError: `amount` is not from 1 to `limit`.
        """
        given = arguments(amount, limit, per_s)
        with translated():
            return int(cast("bytes", self._redis.eval(TAKE, 1, allowance_key(name), *given))) / 1_000_000

    def forget_route(self, kind: type[Message], route: str) -> None:
        """Drop the stream of an instance that will not come back."""
        with translated():
            self._redis.delete(stream_key(kind.topic, route))

    def subscribe(self, kind: type[M], group: str, *, route: str | None = None) -> Subscription[M]:
        """A consumer of `kind` in `group`. Every call makes a consumer of its own."""
        return Subscription(self._redis, kind, group, route)

    def follow(self, kind: type[M], *, block_ms: int = BLOCK_MS) -> Iterator[M | None]:
        """Every message of a broadcast topic from now on; None after `block_ms` without one. For hints, not records."""
        key = stream_key(kind.topic)
        with translated():
            newest = cast("Any", self._redis.xrevrange(key, count=1))
        last = newest[0][0] if newest else b"0-0"
        while True:
            with translated():
                found = cast("Any", self._redis.xread({key: last}, count=100, block=block_ms))
            if not found:
                yield None
                continue
            entries = found[0][1] if isinstance(found, list) else next(iter(found.values()))[0]
            for entry_id, entry in entries:
                last = entry_id
                with contextlib.suppress(ValueError):
                    yield parse(kind, entry)

    def reply(self, reply_id: str, answer: Wire, *, keep_s: int = 60) -> None:
        """Answer the caller that waits in `await_reply`."""
        key = f"{PREFIX}reply:{reply_id}"
        with translated():
            pipe = self._redis.pipeline()
            pipe.rpush(key, answer.model_dump_json())
            pipe.expire(key, keep_s)
            pipe.execute()

    def await_reply(self, reply_id: str, kind: type[W], *, timeout_s: float) -> W | None:
        """The answer to `reply_id`, or None when none came in time."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            with translated():
                # shorter than the socket's timeout, or a slow answer would look like a dead Redis
                found = self._redis.blpop([f"{PREFIX}reply:{reply_id}"], timeout=min(left, _SOCKET_TIMEOUT_S / 2))
            if found:
                return kind.model_validate_json(cast("Sequence[bytes]", found)[1])
        return None

    def backlog(self, kind: type[Message], route: str | None = None) -> int:
        """Entries in the stream: waiting, or kept until every group has them."""
        with translated():
            return self._redis.xlen(stream_key(kind.topic, route))

    def pending(self, kind: type[Message], group: str, route: str | None = None) -> int:
        """Messages that consumers of `group` have in hand. 0 while the group does not exist."""
        with translated():
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
        with translated():
            if not self._redis.exists(key):
                return 0
            groups = {cast("Any", g)["name"].decode(): g for g in cast("list[Any]", self._redis.xinfo_groups(key))}
            if not kind.retention.groups or any(name not in groups for name in kind.retention.groups):
                return 0
            keep_from = min((self._first_needed(key, groups[name]) for name in kind.retention.groups), key=order)
            for name in groups:
                self._forget_consumers(key, name)
            return self._redis.xtrim(key, minid=keep_from, approximate=False)

    def dead_letters(self, kind: type[Message], *, count: int = 100) -> list[tuple[str, str, str]]:
        """(entry id, reason, message as JSON) of the newest dead letters of a topic."""
        with translated():
            found = cast("Any", self._redis.xrevrange(dead_key(kind), count=count))
        return [(i.decode(), e.get(b"reason", b"").decode(), e.get(b"m", b"").decode()) for i, e in found]

    def replay(self, kind: type[Message]) -> int:
        """Put every dead letter of a topic back into its stream. Returns how many."""
        key, moved = stream_key(kind.topic), 0
        with translated():
            for entry_id, entry in cast("Any", self._redis.xrange(dead_key(kind))):
                self._redis.xadd(key, {name: value for name, value in entry.items() if name in (b"m", b"b")})
                self._redis.xdel(dead_key(kind), entry_id)
                moved += 1
        return moved

    def lock(self, name: str, *, ttl_s: float) -> Any:
        """A Redis lock (`acquire(blocking=False)`, `extend`, `release`) that only one process of a cluster holds."""
        return self._redis.lock(f"{PREFIX}lock:{name}", timeout=ttl_s)

    @contextlib.contextmanager
    def alone(self, name: str, *, ttl_s: float) -> Iterator[bool]:
        """True inside for the one process of a cluster that got the lock `name`, False for the others."""
        lock = self.lock(name, ttl_s=ttl_s)
        with translated():
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
        with translated():
            self._redis.publish(f"{PREFIX}hint:{name}", b"")

    def hints(self, name: str, *, block_s: float) -> Iterator[bool]:
        """True for each hint from now on, False after `block_s` without one."""
        with translated(), cast("Any", self._redis).pubsub(ignore_subscribe_messages=True) as waiting:
            waiting.subscribe(f"{PREFIX}hint:{name}")
            while True:
                yield waiting.get_message(timeout=block_s) is not None

    def _ensure_group(self, key: str, group: str) -> None:
        if (key, group) not in self._known_groups:
            make_group(self._redis, key, group)
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
