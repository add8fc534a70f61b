"""The worker's loops: from the bus through the story (`analyse`) and back. At least once, in order.

Frames of cameras go through in batches, photos and live pictures one a hand (`hands`). Results are published before the
delivery is acknowledged. When Redis or the object store is away the loops wait for it; everything that was not
acknowledged is delivered again, to this worker or another.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, Generic, TypeVar

from inference_service.analyse import Analyst
from inference_service.hands import Hands
from shared_kernel.blobs import Blobs
from shared_kernel.bus import CLAIM_AFTER_MS, Bus, Delivery, Subscription
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import FrameCaptured, LiveFrameSubmitted, Message, PhotoSubmitted

log = get_logger(__name__)
M = TypeVar("M", bound=Message)

#: Consumer group of this service.
GROUP: Final = "inference-service"

#: Frames that are taken over at once: enough to see the newest of every camera when the worker is behind.
MAX_BACKLOG: Final = 64

#: What one worker has in hand at once; the rest stays in Redis, where another worker may take it.
PHOTOS_IN_HAND: Final = 4
JOBS_IN_HAND: Final = 2
LIVE_IN_HAND: Final = 8

#: A blocking read returns after this, so that a stop is noticed, milliseconds.
BLOCK_MS: Final = 500

#: What is in hand is claimed again this often, or it would be given to another worker as left behind, seconds.
HOLD_EVERY_S: Final = CLAIM_AFTER_MS / 1000 / 3

#: What is in hand at a stop may take this long to be finished; what is not is delivered to another worker, seconds.
DRAIN_S: Final = 3.0

#: Pause after a part was found away, seconds.
AWAY_PAUSE_S: Final = 0.5

#: Pause after a failure that nobody foresaw, so that the log is not flooded, seconds.
FAILURE_PAUSE_S: Final = 1.0


@dataclass(frozen=True)
class Worker:
    """Four loops around one `Analyst`: frames, photos for which people wait, jobs, and live sessions."""

    bus: Bus
    blobs: Blobs
    analyst: Analyst
    stop: Event

    def start(self) -> list[Thread]:
        """Start the loops; after `stop` is set each finishes what it has in hand and ends."""
        loops: dict[str, Callable[[], None]] = {
            "frames": self.frames,
            "photos": self.photos,
            "jobs": self.jobs,
            "live": self.live,
        }
        threads = [Thread(target=loop, name=name, daemon=True) for name, loop in loops.items()]
        for thread in threads:
            thread.start()
        return threads

    def frames(self) -> None:
        """Analyse frames of cameras until the stop."""
        subscription = self.bus.subscribe(FrameCaptured, GROUP)
        self._loop("frames", lambda: self._frames_once(subscription))

    def photos(self) -> None:
        """Analyse photos until the stop."""
        subscription = self.bus.subscribe(PhotoSubmitted, GROUP)
        self._hand_out("photos", subscription, PHOTOS_IN_HAND, self._photo, _photo_id)

    def jobs(self) -> None:
        """Analyse photos of jobs until the stop; they have a stream of their own, see `PhotoSubmitted.route`."""
        subscription = self.bus.subscribe(PhotoSubmitted, GROUP, route="jobs")
        self._hand_out("jobs", subscription, JOBS_IN_HAND, self._photo, _photo_id)

    def live(self) -> None:
        """Analyse pictures of live sessions until the stop."""
        subscription = self.bus.subscribe(LiveFrameSubmitted, GROUP)
        self._hand_out("live", subscription, LIVE_IN_HAND, self._live, _session_id)

    def _frames_once(self, subscription: Subscription[FrameCaptured]) -> None:
        deliveries = subscription.receive(count=MAX_BACKLOG, block_ms=BLOCK_MS)
        for analysed in self.analyst.frames([delivery.message for delivery in deliveries]):
            # Another worker may have been quicker with a newer frame of this camera; time runs one way there.
            line, owner = f"camera:{analysed.camera_id}", analysed.owner
            if not self.bus.publish_in_order(analysed, route=owner, line=line, number=analysed.seq):
                self.analyst.tally.frame_skipped("overtaken")
        subscription.ack(*deliveries)

    def _photo(self, delivery: Delivery[PhotoSubmitted]) -> None:
        answer = self.analyst.photo(delivery.message, self.blobs, delivery.deliveries)
        if answer is not None:
            self.bus.reply(answer.photo_id, answer)
            code = answer.error and answer.error.code
            log.info("photo answered", extra=fields(photo_id=answer.photo_id, found=len(answer.objects), error=code))

    def _live(self, delivery: Delivery[LiveFrameSubmitted]) -> None:
        answer = self.analyst.live(delivery.message)
        self.bus.publish(answer, route=answer.owner)

    def _hand_out(
        self,
        name: str,
        subscription: Subscription[M],
        count: int,
        handle: Callable[[Delivery[M]], None],
        key: Callable[[M], str],
    ) -> None:
        def finish(delivery: Delivery[M]) -> None:
            handle(delivery)
            subscription.ack(delivery)

        hands = Hands(name, count, finish)
        self._loop(name, Feed(subscription, hands, key).step)
        if not hands.close(DRAIN_S):
            log.warning("work is left to others", extra=fields(loop=name, items=len(hands.holding())))

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


class Feed(Generic[M]):
    """Takes from the bus as much as hands are free, and keeps what is in hand from being given to others."""

    def __init__(self, subscription: Subscription[M], hands: Hands[Delivery[M]], key: Callable[[M], str]) -> None:
        self._subscription = subscription
        self._hands = hands
        self._key = key
        self._hold_at_s = 0.0

    def step(self) -> None:
        """Wait a moment for a free hand, then for something to put into it."""
        free = self._hands.wait_free(BLOCK_MS / 1000)
        holding = self._hands.holding()
        if time.monotonic() >= self._hold_at_s:
            self._subscription.hold(*holding)
            self._hold_at_s = time.monotonic() + HOLD_EVERY_S
        if free:
            # What a worker may have died over is tried one at a time: others that were merely in hand with it must not
            # be counted again when this worker dies over it, too.
            left_behind = 0 if any(delivery.deliveries > 1 for delivery in holding) else 1
            for delivery in self._subscription.receive(count=free, block_ms=BLOCK_MS, left_behind=left_behind):
                self._hands.give(self._key(delivery.message), delivery)


def _photo_id(photo: PhotoSubmitted) -> str:
    return photo.photo_id


def _session_id(frame: LiveFrameSubmitted) -> str:
    return frame.session_id
