"""The worker's two loops: batches from the bus through the story (`analyse`) and back. At least once, in order.

Results are published before the delivery is acknowledged. When Redis or the object store is away the loop waits for
it; everything that was not acknowledged is delivered again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from inference_service.analyse import Analyst
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus, Delivery, Subscription
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import FrameCaptured, PhotoSubmitted

log = get_logger(__name__)

#: Consumer group of this service.
GROUP: Final = "inference-service"

#: Frames that are taken over at once: enough to see the newest of every camera when the worker is behind.
MAX_BACKLOG: Final = 64

#: A blocking read returns after this, so that a stop is noticed, milliseconds.
BLOCK_MS: Final = 500

#: Pause after a part was found away, seconds.
AWAY_PAUSE_S: Final = 0.5

#: Pause after a failure that nobody foresaw, so that the log is not flooded, seconds.
FAILURE_PAUSE_S: Final = 1.0


@dataclass(frozen=True)
class Worker:
    """Frames and photos in two threads, which share one `Analyst`."""

    bus: Bus
    blobs: Blobs
    analyst: Analyst
    stop: Event

    def start(self) -> list[Thread]:
        """Start both loops; they end soon after `stop` is set."""
        loops: dict[str, Callable[[], None]] = {"frames": self.frames, "photos": self.photos}
        threads = [Thread(target=loop, name=name, daemon=True) for name, loop in loops.items()]
        for thread in threads:
            thread.start()
        return threads

    def frames(self) -> None:
        """Analyse frames until the stop."""
        subscription = self.bus.subscribe(FrameCaptured, GROUP)
        self._loop("frames", lambda: self._frames_once(subscription))

    def photos(self) -> None:
        """Analyse photos until the stop; one at a time, so that a deadly one takes no other with it."""
        subscription = self.bus.subscribe(PhotoSubmitted, GROUP)
        self._loop("photos", lambda: self._photo_once(subscription))

    def _frames_once(self, subscription: Subscription[FrameCaptured]) -> None:
        deliveries = subscription.receive(count=MAX_BACKLOG, block_ms=BLOCK_MS)
        for analysed in self.analyst.frames([delivery.message for delivery in deliveries]):
            self.bus.publish(analysed, route=analysed.owner)
        subscription.ack(*deliveries)

    def _photo_once(self, subscription: Subscription[PhotoSubmitted]) -> None:
        for delivery in subscription.receive(count=1, block_ms=BLOCK_MS):
            self._answer(delivery)
            subscription.ack(delivery)

    def _answer(self, delivery: Delivery[PhotoSubmitted]) -> None:
        photo = delivery.message
        answer = self.analyst.photo(photo, self.blobs.get, delivery.deliveries)
        if answer is not None:
            self.bus.reply(photo.photo_id, answer)
            log.info(
                "photo answered",
                extra=fields(
                    photo_id=photo.photo_id, faces=len(answer.faces), error=answer.error and answer.error.code
                ),
            )

    def _loop(self, name: str, step: Callable[[], None]) -> None:
        away = False
        while not self.stop.is_set():
            try:
                step()
                if away:
                    log.info("part is back", extra=fields(loop=name))
                away = False
            except Unavailable as error:
                if not away:
                    log.warning("part is away", extra=fields(loop=name, part=error.part, reason=error.reason))
                away = True
                self.stop.wait(AWAY_PAUSE_S)
            except Exception:
                # What was in hand is not acknowledged and is delivered again; the others must go on.
                log.exception("work failed", extra=fields(loop=name))
                self.stop.wait(FAILURE_PAUSE_S)
