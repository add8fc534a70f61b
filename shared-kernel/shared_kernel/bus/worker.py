"""The loop of a worker: takes messages, has each handled, acknowledges when that is done.

While a part (database, index, Redis, object store) is away the messages in hand are held and tried again; that never
counts as a failure. A message that can never be handled goes to the dead letters; one that fails for reasons of ours is
left to the bus, which gives it to a consumer a few times more before it buries it. Stands on `subscription`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic

from prometheus_client import Counter, Gauge

from shared_kernel.bus.entries import M
from shared_kernel.bus.subscription import Delivery, Subscription
from shared_kernel.errors import Poison, Unavailable
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

#: How often messages in hand are held: well below `CLAIM_AFTER_MS`, seconds.
_HOLD_EVERY_S: Final = 3.0
#: First and longest pause before something that was away is tried again, seconds.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
#: Messages that are taken at once.
_BATCH: Final = 32
#: How long all threads together may take to stop, seconds.
_STOP_WITHIN_S: Final = 4.0

#: Something that works in a thread of its own until it is told to stop, by name.
Task = tuple[str, Callable[[threading.Event], None]]

_handled = Counter("recorded_messages_total", "Messages by what became of them", ["topic", "outcome"])
_held = Gauge("held_messages", "Messages in hand while a part is away", ["topic"])


class Worker(Generic[M]):
    """One thread's consumer of one kind of message, and a second thread that keeps hold of what is in hand.

    Args:
        subscription: Where messages come from; of this thread alone.
        handle: Does the work of one message; safe to be called again with the same one. Raises Unavailable: try
            again later; Poison: this message never works.
        batch: Messages that are taken at once; the fewer, the better several workers share.
    """

    def __init__(self, subscription: Subscription[M], handle: Callable[[M], None], *, batch: int = _BATCH) -> None:
        self.topic = subscription.topic
        self._subscription = subscription
        self._handle = handle
        self._batch = batch
        self._in_hand: Sequence[Delivery[M]] = ()

    @property
    def task(self) -> Task:
        """What `run_tasks` takes."""
        return self.topic, self.run

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
        log.info("worker stopped", extra=fields(topic=self.topic))

    def _work(self, stop: threading.Event) -> None:
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            try:
                deliveries = self._subscription.receive(count=self._batch)
                pause_s = _FIRST_PAUSE_S
            except Unavailable as error:
                log.warning("worker waits", extra=fields(topic=self.topic, part=error.part))
                stop.wait(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            for done, delivery in enumerate(deliveries):
                self._in_hand = deliveries[done:]
                self._settle(delivery, stop)
            self._in_hand = ()

    def _keep_hold(self, ended: threading.Event) -> None:
        """Nobody else shall get what is in hand, however long a part hangs: that would count as a failure."""
        while not ended.wait(_HOLD_EVERY_S):
            in_hand = self._in_hand
            try:
                self._subscription.hold(*in_hand)
            except Unavailable as error:  # then nobody else can take them either
                log.warning("cannot hold messages", extra=fields(topic=self.topic, part=error.part))

    def _settle(self, delivery: Delivery[M], stop: threading.Event) -> None:
        """Handle and acknowledge one message; wait as long as it takes while a part is away."""
        pause_s, excused = _FIRST_PAUSE_S, False
        while not stop.is_set():
            try:
                outcome = self._once(delivery)
            except Unavailable as error:
                _held.labels(self.topic).set(len(self._in_hand))
                log.warning("message held", extra=fields(entry_id=delivery.entry_id, part=error.part))
                excused = excused or self._excuse()
                stop.wait(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            _held.labels(self.topic).set(0)
            _handled.labels(self.topic, outcome).inc()
            return

    def _excuse(self) -> bool:
        """Let what is in hand not count as given: many restarts while a part is away would bury it. Tell if it went."""
        try:
            self._subscription.excuse(*self._in_hand)
        except Unavailable:
            return False
        return True

    def _once(self, delivery: Delivery[M]) -> str:
        try:
            self._handle(delivery.message)
        except Unavailable:
            raise
        except Poison as error:
            self._subscription.bury(delivery, str(error)[:500])
            return "buried"
        except Exception:  # the worker loop: one message must not stop the others
            log.exception("message failed", extra=fields(entry_id=delivery.entry_id, deliveries=delivery.deliveries))
            return "failed"
        self._subscription.ack(delivery)
        return "recorded"


def run_tasks(tasks: Sequence[Task], stop: threading.Event) -> None:
    """Run every task in a thread until `stop`; when one ends by itself all stop, so that a supervisor starts anew."""
    threads = [threading.Thread(target=work, args=(stop,), name=name) for name, work in tasks]
    for thread in threads:
        thread.start()
    while not stop.wait(1.0):
        if ended := [thread.name for thread in threads if not thread.is_alive()]:
            log.error("a thread ended; stopping, so that the supervisor starts us again", extra=fields(thread=ended[0]))
            stop.set()
    deadline = time.monotonic() + _STOP_WITHIN_S
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
