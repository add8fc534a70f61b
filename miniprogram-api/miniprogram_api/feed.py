"""Live events for all clients of this process: one thread reads the log and fans out.

It is woken by a hint after each commit, and looks every `POLL_S` anyway. Ids of a log can become visible out of order
(two writers, the later commits first), so a gap is not passed before it is `GAP_PATIENCE_S` old. A client that reads
too slowly is dropped: it comes back with the last id it saw and misses nothing. Rights are asked again every
`RIGHTS_EVERY_S`, for all clients at once.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import Counter, Gauge

from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.store import Store
from miniprogram_api.permissions import Permission
from miniprogram_api.rights import Scope, Thing, decide, scopes
from miniprogram_api.rules import settled
from miniprogram_api.sighted import SIGHTING, WATCH
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.tables import EventLog

log = get_logger(__name__)

POLL_S: Final = 0.2
GAP_PATIENCE_S: Final = 2.0
RIGHTS_EVERY_S: Final = 2.0
#: With older rights nothing is sent; it waits, seconds.
RIGHTS_MAX_AGE_S: Final = 5.0
#: Events that may wait for one slow client.
QUEUE_EVENTS: Final = 500
_PAGE: Final = 500
_STOP_WITHIN_S: Final = 2.0
#: Name of the hint that processes give each other after adding events.
HINT: Final = "events"

_clients = Gauge("live_event_clients", "Clients that hear live events now")
_dropped = Counter("live_event_clients_dropped_total", "Clients dropped because they read too slowly")

#: What one has to hold to hear an event.
_NEEDED: Final[Mapping[str, Permission]] = {SIGHTING: "face.view", WATCH: "face.view", "alert": "alert.read"}

#: Yields True for a hint, False when none came for a while; raises Unavailable.
Hints = Callable[[], Iterator[bool]]


def _thing(event: EventLog) -> Thing:
    """What the event is about, as far as rights look at it."""
    if event.scope_type == "camera":
        return Thing("camera", camera_id=event.scope_id)
    if event.scope_type == "organisation":
        return Thing("notice", org_id=event.scope_id)
    return Thing("photo", owner_id=event.scope_id)  # whose it is, and who sees everything


class Listener:
    """One client. `queue` gives events in order; None means: the stream ends."""

    def __init__(self, user_id: str, scope: Scope, position: int, skip: frozenset[int]) -> None:
        self.user_id = user_id
        self.scope = scope
        #: Events up to this id are not in the queue: a client that resumes reads them from the log.
        self.position = position
        self.skip = skip
        self.queue: queue.Queue[EventLog | None] = queue.Queue(QUEUE_EVENTS + 1)
        self.rights_at = time.monotonic()
        self.ended = threading.Event()

    def may_hear(self, event: EventLog) -> bool:
        """Whether the rights as of now allow it. Waits while they are older than `RIGHTS_MAX_AGE_S`."""
        while time.monotonic() - self.rights_at > RIGHTS_MAX_AGE_S:
            if self.ended.wait(POLL_S):
                return False
        needed = _NEEDED.get(event.event, "pass.read")
        return self.scope.may(needed) and decide(self.scope, needed, _thing(event))

    def end(self) -> None:
        self.ended.set()
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(None)


class Feed:
    """Reads the log, fans out. `open` starts its threads, `close` ends them and every stream."""

    def __init__(self, database: Database, hints: Hints, *, max_listeners: int) -> None:
        self._database = database
        self._hints = hints
        self.max_listeners = max_listeners
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._position: int | None = None
        self._held_back: frozenset[int] = frozenset()
        self._gaps: dict[int, float] = {}
        self._rights_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether the log could be read."""
        return self._position is not None

    @property
    def position(self) -> int:
        """Every event up to this id was fanned out."""
        return self._position or 0

    @property
    def held_back(self) -> frozenset[int]:
        """Visible ids that wait for a smaller one."""
        return self._held_back

    def open(self) -> None:
        """Start to read."""
        for target in (self._read_forever, self._hear_hints):
            thread = threading.Thread(target=target, name=f"feed-{target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """End all streams. Safe to call twice."""
        self._stop.set()
        self._wake.set()
        with self._lock:
            for listener in self._listeners:
                listener.end()
        for thread in self._threads:
            thread.join(_STOP_WITHIN_S)

    def join(self, user_id: str, scope: Scope, *, new: bool) -> Listener:
        """A listener of everything after its `position`; a `new` one hears nothing that is already visible.

        Raises:
            Unavailable: too many listeners, or the log could not be read yet.
        """
        with self._lock:
            if self._stop.is_set():
                raise Unavailable("live events", "the server stops")
            if self._position is None:
                raise Unavailable("live events", "the log could not be read yet")
            if len(self._listeners) >= self.max_listeners:
                raise Unavailable("live events", f"{self.max_listeners} clients are connected, no more fit")
            listener = Listener(user_id, scope, self._position, self._held_back if new else frozenset())
            self._listeners.add(listener)
            _clients.set(len(self._listeners))
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget the listener. Safe to call twice."""
        with self._lock:
            self._listeners.discard(listener)
            _clients.set(len(self._listeners))

    def _read_forever(self) -> None:
        while not self._stop.is_set():
            try:
                self._step()
                self._wake.wait(POLL_S)
            except Unavailable as error:
                log.warning("live events wait", extra=fields(part=error.part, reason=error.reason))
                self._stop.wait(1.0)
            self._wake.clear()

    def _hear_hints(self) -> None:
        while not self._stop.is_set():
            try:
                for hinted in self._hints():
                    if hinted:
                        self._wake.set()
                    if self._stop.is_set():
                        return
            except Unavailable:
                self._stop.wait(1.0)  # polling goes on meanwhile

    def _step(self) -> None:
        with self._database.read() as store:
            if self._position is None:
                self._position = store.events.bounds()[1]
            if time.monotonic() - self._rights_at >= RIGHTS_EVERY_S:
                self._renew_rights(store)
            rows = store.events.after(self._position, _PAGE)
        if rows:
            self._fan_out(rows, self._position)
        if len(rows) == _PAGE:
            self._wake.set()

    def _fan_out(self, rows: Sequence[EventLog], position: int) -> None:
        moment, ages = time.monotonic(), {}
        for before, row in zip([position, *(row.event_id for row in rows)], rows, strict=False):
            if row.event_id != before + 1:
                ages[row.event_id] = moment - self._gaps.setdefault(row.event_id, moment)
        ids = [row.event_id for row in rows]
        reached = settled(ids, position, ages, patience_s=GAP_PATIENCE_S)
        self._gaps = {
            event_id: since for event_id, since in self._gaps.items() if event_id > reached and event_id in ages
        }
        with self._lock:
            self._position = reached
            self._held_back = frozenset(event_id for event_id in ids if event_id > reached)
            for listener in list(self._listeners):
                self._offer(listener, [row for row in rows if row.event_id <= reached])

    def _offer(self, listener: Listener, rows: Iterable[EventLog]) -> None:
        for row in rows:
            if row.event_id in listener.skip or row.event_id <= listener.position:
                continue
            if listener.queue.qsize() >= QUEUE_EVENTS:
                _dropped.inc()
                self._listeners.discard(listener)
                _clients.set(len(self._listeners))
                listener.end()
                return
            listener.queue.put_nowait(row)

    def _renew_rights(self, store: Store) -> None:
        asked_at = time.monotonic()
        with self._lock:
            listeners = list(self._listeners)  # whoever joins after this brings rights just asked
        found = scopes(store, {listener.user_id for listener in listeners}) if listeners else {}
        self._rights_at = asked_at
        for listener in listeners:
            scope = found.get(listener.user_id)
            if scope is None:
                listener.end()
            else:
                listener.scope, listener.rights_at = scope, asked_at
