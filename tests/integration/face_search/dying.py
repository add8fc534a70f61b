"""Parts that die: the process ends at the n-th thing it does, before or after it was done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from obstore.store import LocalStore

from face_search.adapters.store import Store
from shared_kernel.blobs import Blobs
from shared_kernel.database import Database
from shared_kernel.messages import Message

T = TypeVar("T")


class Killed(BaseException):
    """As `kill -9`: nothing that handles errors handles it."""


class Countdown:
    """Steps until the end. Every step can be the last: at an even one before it is done, at an odd one after it."""

    def __init__(self, steps: int) -> None:
        self._left = steps
        self.reached = False

    @contextmanager
    def step(self) -> Iterator[None]:
        self._tick()
        yield
        self._tick()

    def _tick(self) -> None:
        if self._left == 0:
            self.reached = True
            raise Killed
        self._left -= 1


class DyingBlobs(Blobs):
    """Changes objects until the end."""

    def __init__(self, folder: str, countdown: Countdown) -> None:
        super().__init__(LocalStore(prefix=folder))
        self._countdown = countdown

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        with self._countdown.step():
            super().put(key, data, content_type=content_type)

    def delete(self, key: str) -> None:
        with self._countdown.step():
            super().delete(key)


class DyingDatabase(Database[Store]):
    """Commits until the end."""

    def __init__(self, url: str, countdown: Countdown) -> None:
        super().__init__(url, Store)
        self._countdown = countdown

    @contextmanager
    def write(self) -> Iterator[Store]:
        with self._countdown.step(), super().write() as store:
            yield store

    def run(self, work: Callable[[Store], T]) -> T:
        with self.write() as store:
            return work(store)


class DyingBus:
    """Publishes until the end; keeps what came out."""

    def __init__(self, countdown: Countdown, published: list[Message]) -> None:
        self._countdown = countdown
        self._published = published

    def publish(self, message: Message) -> None:
        with self._countdown.step():
            self._published.append(message)
