"""Hands of a worker: a few threads that handle what a loop took from the bus, each item from its beginning to its end.

`work` gives them deliveries of photos and of live sessions. Items with the same key are handled one after the other, so
the pictures of one session stay in order while no session waits for another.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Generic, TypeVar

from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)
Item = TypeVar("Item")


class Hands(Generic[Item]):
    """Handles items in threads. One thread gives, see `give`."""

    def __init__(self, name: str, count: int, handle: Callable[[Item], None]) -> None:
        """Make the hands.

        Args:
            name: of the threads.
            count: how many items may be in hand at once.
            handle: does all of the work on one item; what it raises is logged, and the item is given up.
        """
        self._name = name
        self._count = count
        self._handle = handle
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._queues: dict[str, deque[Item]] = {}
        self._changed = Condition()

    def give(self, key: str, item: Item) -> None:
        """Have an item handled after those of the same key."""
        with self._changed:
            queue = self._queues.setdefault(key, deque())
            queue.append(item)
            first = len(queue) == 1
        if first:
            self._pool.submit(self._work, key)

    def holding(self) -> list[Item]:
        """What is in hand now."""
        with self._changed:
            return [item for queue in self._queues.values() for item in queue]

    def wait_free(self, timeout_s: float) -> int:
        """Wait until something may be given; how much, 0 when the time is over."""
        with self._changed:
            self._changed.wait_for(self._free, timeout_s)
            return self._free()

    def close(self, timeout_s: float) -> bool:
        """Finish what is in hand; whether that was done within the time."""
        with self._changed:
            done = self._changed.wait_for(lambda: not self._queues, timeout_s)
        self._pool.shutdown(wait=False, cancel_futures=True)
        return done

    def _free(self) -> int:
        return max(0, self._count - sum(map(len, self._queues.values())))

    def _work(self, key: str) -> None:
        item = self._queues[key][0]
        try:
            self._handle(item)
        except Unavailable as error:
            log.warning("part is away", extra=fields(loop=self._name, part=error.part, reason=error.reason))
        except Exception:
            # It is not acknowledged, so it is delivered again; the others must go on.
            log.exception("work failed", extra=fields(loop=self._name))
        with self._changed:
            queue = self._queues[key]
            queue.popleft()
            again = bool(queue)
            if not again:
                del self._queues[key]
            self._changed.notify_all()
        if again:
            self._pool.submit(self._work, key)
