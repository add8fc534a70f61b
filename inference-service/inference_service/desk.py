"""The desk of a worker: loops bring pictures from all sides, models get them in batches, first what is due first.

`work` has the loops, `analyse` submits and waits, `bootstrap` makes one desk a process. Every model has a queue of its
own. A picture is due its urgency's budget after it came (`rules.BUDGET_S`), so a job that waited long goes before a
person's photo that came just now: nobody starves. A batch takes what is there and never waits for more.
"""

import heapq
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Final

from inference_service.ports import DeskFull, DeskTally, Model, Models, ReadFailed
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import BUDGET_S, Found, Urgency

log = get_logger(__name__)

#: Pictures of one urgency that may wait for one model; more are refused, because they would only get old here.
MAX_WAITING: Final = 64

#: Nobody can step in while a batch runs, so a batch of a slow model is made smaller than this takes, seconds.
MAX_BATCH_S: Final = 0.25

#: Share of the newest batch in what is known of a model's pace.
_PACE_SHARE: Final = 0.3


@dataclass(order=True, slots=True)
class _Entry:
    """What one `submit` brought, in the order in which it is due; of equals the one that came first."""

    due_s: float
    number: int
    came_s: float = field(compare=False)
    name: str = field(compare=False)
    model: Model = field(compare=False)
    pictures: Sequence[Picture] = field(compare=False)
    urgency: Urgency = field(compare=False)
    future: Future[list[list[Found]]] = field(compare=False)


class Desk:
    """Takes pictures from any thread and has them read by one. See the module.

    Args:
        models: where models are opened by name.
        tally: counts batches and times.
        max_batch: pictures that a model gets at once.
        max_waiting: see `MAX_WAITING`.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        models: Models,
        tally: DeskTally,
        *,
        max_batch: int = 8,
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = models
        self._tally = tally
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._clock = clock
        self._queues: dict[int, list[_Entry]] = {}
        self._waiting: Counter[tuple[str, Urgency]] = Counter()
        self._pace_s: dict[str, float] = {}
        self._numbered = 0
        self._closed = False
        self._changed = Condition()
        self._busy = False

    def submit(
        self, name: str, pictures: Sequence[Picture], urgency: Urgency, version: str | None = None
    ) -> Future[list[list[Found]]]:
        """Have pictures read.

        Args:
            name: of the model; loading one that was not used before happens here, in the caller's time.
            pictures: each H x W x 3 uint8, blue-green-red; they are read one after the other in this order.
            urgency: how soon they are due.
            version: of the model; None takes the newest.

        Returns:
            Gives what was found in each picture, or raises ReadFailed, or Unavailable when the worker stopped first.
            What the same caller submits for the same model with the same urgency is done in that order.

        Raises:
            NotFound: there is no such model.
            ArtifactError: a file of the model is missing.
            DeskFull: too many wait already.
            Unavailable: the worker is stopping.
        """
        model = self._models.open(name, version)
        future: Future[list[list[Found]]] = Future()
        with self._changed:
            if self._closed:
                raise Unavailable("worker", "it is stopping")
            if self._waiting[name, urgency] and self._waiting[name, urgency] + len(pictures) > self._max_waiting:
                self._tally.refused(name, urgency)
                raise DeskFull("inference", f"{self._max_waiting} pictures wait for {name} ({urgency})")
            came_s = self._clock()
            self._numbered += 1
            entry = _Entry(came_s + BUDGET_S[urgency], self._numbered, came_s, name, model, pictures, urgency, future)
            heapq.heappush(self._queues.setdefault(id(model), []), entry)
            self._count(entry, len(pictures))
            self._changed.notify_all()
        return future

    def start(self) -> Thread:
        """Start the thread that has batches read until `close`."""
        thread = Thread(target=self._run, name="desk", daemon=True)
        thread.start()
        return thread

    def run_once(self) -> bool:
        """Have one batch read, now; False when nothing waits."""
        with self._changed:
            batch = self._next_batch()
            self._busy = bool(batch)
        if not batch:
            return False
        try:
            self._read(batch)
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        return True

    def close(self, timeout_s: float) -> bool:
        """Take no more, and finish what waits.

        Returns:
            Whether all of it was finished within `timeout_s`; the futures of the rest raise Unavailable.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            finished = self._changed.wait_for(lambda: not self._busy and not self._queues, timeout_s)
            left = [entry for queue in self._queues.values() for entry in queue]
            self._queues.clear()
        for entry in left:
            if entry.future.set_running_or_notify_cancel():
                entry.future.set_exception(Unavailable("worker", "it stopped first"))
        return finished

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queues or self._closed)
                if not self._queues:
                    return
            self.run_once()

    def _next_batch(self) -> list[_Entry]:
        """Take from the queue whose first is due first as much as fits into a batch; what nobody awaits is dropped."""
        batch: list[_Entry] = []
        while self._queues and not batch:
            key, queue = min(self._queues.items(), key=lambda item: item[1][0])
            room = self._room(queue[0].name)
            while queue and (not batch or len(queue[0].pictures) <= room):
                entry = heapq.heappop(queue)
                self._count(entry, -len(entry.pictures))
                if entry.future.set_running_or_notify_cancel():
                    batch.append(entry)
                    room -= len(entry.pictures)
            if not queue:
                del self._queues[key]
        return batch

    def _room(self, name: str) -> int:
        pace_s = self._pace_s.get(name, 0.0)
        return self._max_batch if pace_s * self._max_batch <= MAX_BATCH_S else max(1, int(MAX_BATCH_S / pace_s))

    def _read(self, batch: Sequence[_Entry]) -> None:
        """Read the entries together; when that fails each alone, so that one bad picture fails alone."""
        started_s = self._clock()
        model, pictures = batch[0].model, [picture for entry in batch for picture in entry.pictures]
        try:
            found = self._read_in_parts(model, pictures)
        except Exception as error:
            if len(batch) == 1:
                log.exception("model failed", extra=fields(model=batch[0].name, pictures=len(pictures)))
                batch[0].future.set_exception(ReadFailed(f"{batch[0].name}: {type(error).__name__}: {error}"))
                return
        else:
            self._hand_out(batch, found, started_s)
            return
        for entry in batch:
            self._read([entry])

    def _read_in_parts(self, model: Model, pictures: Sequence[Picture]) -> list[list[Found]]:
        found: list[list[Found]] = []
        for start in range(0, len(pictures), self._max_batch):
            part = pictures[start : start + self._max_batch]
            answers = model.read(part)
            if len(answers) != len(part):
                raise ValueError(f"model: expected answers to {len(part)} pictures, got {len(answers)}")
            found.extend(answers)
        return found

    def _hand_out(self, batch: Sequence[_Entry], found: Sequence[list[Found]], started_s: float) -> None:
        done_s, name = self._clock(), batch[0].name
        pace_s = (done_s - started_s) / max(1, len(found))
        self._pace_s[name] = pace_s * _PACE_SHARE + self._pace_s.get(name, pace_s) * (1 - _PACE_SHARE)
        self._tally.batch_read(name, len(found))
        start = 0
        for entry in batch:
            self._tally.picture_read(name, entry.urgency, started_s - entry.came_s, done_s - entry.came_s)
            entry.future.set_result(list(found[start : start + len(entry.pictures)]))
            start += len(entry.pictures)

    def _count(self, entry: _Entry, pictures: int) -> None:
        self._waiting[entry.name, entry.urgency] += pictures
        self._tally.waiting(entry.name, entry.urgency, self._waiting[entry.name, entry.urgency])
