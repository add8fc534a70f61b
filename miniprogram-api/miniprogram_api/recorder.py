"""The worker around `record.py`: takes messages, records each in a transaction, acknowledges after the commit.

While the database or Redis is away the messages in hand are held and tried again; that never counts as a failure. A
message that cannot be a row goes to the dead letters; one that fails for reasons of ours is left to the bus, which
gives it to a consumer a few times more before it buries it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.store import Store
from miniprogram_api.archive import record_frames
from miniprogram_api.erasure import erase_person
from miniprogram_api.footage_record import record_footage
from miniprogram_api.record import record_pass, record_report
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus, Delivery, Subscription
from shared_kernel.clock import now
from shared_kernel.errors import Poison, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReported, FootageRecorded, FramesArchived, Message, PassObserved, PersonErased

log = get_logger(__name__)
M = TypeVar("M", bound=Message)
Record = Callable[[Store, M], None]

GROUP: Final = "miniprogram-api"
#: How often messages in hand are held: well below `bus.CLAIM_AFTER_MS`, seconds.
_HOLD_EVERY_S: Final = 3.0
#: First and longest pause before something that was away is tried again, seconds.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_BATCH: Final = 32

_recorded = Counter("recorded_messages_total", "Messages by what became of them", ["topic", "outcome"])
_held = Gauge("held_messages", "Messages in hand while a part is away", ["topic"])
_lag = Histogram(
    "record_lag_seconds",
    "From the decision about a pass to its row",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)


class Worker(Generic[M]):
    """One thread's consumer of one kind of message, and a second thread that keeps hold of what is in hand."""

    def __init__(self, topic: str, subscription: Subscription[M], database: Database, record: Record[M]) -> None:
        self.topic = topic
        self._subscription = subscription
        self._database = database
        self._record = record
        self._in_hand: Sequence[Delivery[M]] = ()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`."""
        ended = threading.Event()
        keeper = threading.Thread(target=self._keep_hold, args=(ended,), name=f"{self.topic}-keeper")
        keeper.start()
        try:
            self._work(stop)
        finally:
            ended.set()
            keeper.join()
        log.info("recorder stopped", extra=fields(topic=self.topic))

    def _work(self, stop: threading.Event) -> None:
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            try:
                deliveries = self._subscription.receive(count=_BATCH)
                pause_s = _FIRST_PAUSE_S
            except Unavailable as error:
                log.warning("recorder waits", extra=fields(topic=self.topic, part=error.part))
                stop.wait(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            for done, delivery in enumerate(deliveries):
                self._in_hand = deliveries[done:]
                self._settle(delivery, stop)
            self._in_hand = ()

    def _keep_hold(self, ended: threading.Event) -> None:
        """Nobody else shall get what is in hand, however long the database hangs: that would count as a failure."""
        while not ended.wait(_HOLD_EVERY_S):
            in_hand = self._in_hand
            try:
                self._subscription.hold(*in_hand)
            except Unavailable as error:  # then nobody else can take them either
                log.warning("cannot hold messages", extra=fields(topic=self.topic, part=error.part))

    def _settle(self, delivery: Delivery[M], stop: threading.Event) -> None:
        """Record and acknowledge one message; wait as long as it takes while a part is away."""
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            try:
                outcome = self._once(delivery)
            except Unavailable as error:
                _held.labels(self.topic).set(len(self._in_hand))
                log.warning("message held", extra=fields(entry_id=delivery.entry_id, part=error.part))
                stop.wait(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            _held.labels(self.topic).set(0)
            _recorded.labels(self.topic, outcome).inc()
            return

    def _once(self, delivery: Delivery[M]) -> str:
        try:
            self._database.run(partial(self._recorded, message=delivery.message))
        except Unavailable:
            raise
        except Poison as error:
            self._subscription.bury(delivery, str(error)[:500])
            return "buried"
        except Exception:  # the worker loop: one message must not stop the others
            log.exception("message failed", extra=fields(entry_id=delivery.entry_id, deliveries=delivery.deliveries))
            return "failed"
        self._subscription.ack(delivery)
        if isinstance(delivery.message, PassObserved) and delivery.message.phase == "opened":
            _lag.observe(max(0.0, (now() - delivery.message.opened_at).total_seconds()))
        return "recorded"

    def _recorded(self, store: Store, message: M) -> None:
        self._record(store, message)


def run(bus: Bus, database: Database, blobs: Blobs, stop: threading.Event) -> None:
    """Record until `stop`; one thread a kind of message."""
    workers = (
        Worker(PassObserved.topic, bus.subscribe(PassObserved, GROUP), database, record_pass),
        Worker(CameraReported.topic, bus.subscribe(CameraReported, GROUP), database, record_report),
        Worker(FramesArchived.topic, bus.subscribe(FramesArchived, GROUP), database, record_frames),
        Worker(FootageRecorded.topic, bus.subscribe(FootageRecorded, GROUP), database, record_footage),
        Worker(PersonErased.topic, bus.subscribe(PersonErased, GROUP), database, partial(erase_person, blobs=blobs)),
    )
    threads = [threading.Thread(target=worker.run, args=(stop,), name=worker.topic) for worker in workers]
    for thread in threads:
        thread.start()
    while not stop.wait(1.0):
        if not all(thread.is_alive() for thread in threads):
            log.error("a recorder thread ended; stopping, so that the supervisor starts us again")
            stop.set()
    deadline = time.monotonic() + 4.0
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
