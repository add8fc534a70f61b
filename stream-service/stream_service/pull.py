"""Reads one connection of one camera in a thread of its own, which may hang: the peer decides, not we.

Packets go to the live hub and into a short queue for `capture`. `Pull.watched` is the other end of the queue and the
watchdog: it looks at the time of the last packet, and leaves a hanging thread behind rather than wait for it. While
nothing happens and nobody watches, packets are handed on a quarter of a second's at a time: each by itself would cost
more than reading it, in waking threads and in code that the processor has forgotten meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator

from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason
from stream_service.ports import Feed, Packet, StreamInfo
from stream_service.rules import FROZEN_AFTER_S, OPEN_TIMEOUT_S, CameraFailed

log = get_logger(__name__)

#: More packets wait only when the processor is too slow: then they are dropped up to the next keyframe.
MAX_WAITING_PACKETS = 200
#: Packets that are held back at most.
MAX_HELD_PACKETS = 25
#: How long `watched` waits for a packet before it yields None, seconds.
TICK_S = 0.25
#: How long the end of a connection may take before its thread is left behind, seconds.
JOIN_S = 0.5


class Pull:
    """One connection being read. Used by one thread; the reading thread is inside."""

    def __init__(
        self,
        feed: Feed,
        camera_id: str,
        *,
        on_open: Callable[[StreamInfo], None],
        on_packet: Callable[[Packet], None],
        patience: Callable[[], int] = lambda: 0,
    ) -> None:
        """Take whom to tell.

        Args:
            feed: The connection; read by a thread inside.
            camera_id: For the log.
            on_open: Told when it is open.
            on_packet: Gets every packet, in order; called by one thread at a time.
            patience: Packets up to this size, in bytes, that are no key frames may be held back for now.
        """
        self._feed = feed
        self._camera_id = camera_id
        self._on_open, self._on_packet, self._patience = on_open, on_packet, patience
        self._arrived = threading.Condition()
        self._waiting: deque[Packet] = deque()
        self._held: list[Packet] = []
        self._patient_bytes = 0
        self._until_key = False
        self._left_behind = False
        self._failed: CameraFailed | None = None
        self._began_s = time.monotonic()
        self._last_s: float | None = None
        self.info: StreamInfo | None = None
        self.dropped_packets = 0
        self._thread = threading.Thread(target=self._read, name=f"pull-{camera_id}", daemon=True)

    def watched(self, stopping: Callable[[], bool]) -> Generator[Packet | None]:
        """Start reading; packets as they come, None every `TICK_S` without one, until `stopping`.

        Raises:
            CameraFailed: the connection ended, did not open in time, or froze.
        """
        self._began_s = time.monotonic()
        self._thread.start()
        try:
            while not stopping():
                packet = self._next()
                if packet is None:
                    self._check()
                yield packet
        finally:
            self.leave()

    def rouse(self) -> None:
        """From now on every packet is wanted as it comes."""
        with self._arrived:
            self._patient_bytes = 0
            self._arrived.notify()

    def leave(self) -> None:
        """End the connection; a thread that hangs in it stays behind and ends when its peer lets go."""
        with self._arrived:
            self._left_behind = True
            self._waiting.clear()
            self._held.clear()
        self._feed.close()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        if self._thread.is_alive():
            log.warning("connection left behind", extra=fields(camera_id=self._camera_id))

    def _next(self) -> Packet | None:
        with self._arrived:
            self._hand_on()
            if not self._waiting and self._failed is None:
                self._patient_bytes = self._patience()
                self._arrived.wait(TICK_S)
                self._hand_on()
            return self._waiting.popleft() if self._waiting else None

    def _check(self) -> None:
        if self._failed is not None:
            raise self._failed
        now_s = time.monotonic()
        if self._last_s is None:
            if now_s - self._began_s > OPEN_TIMEOUT_S:
                raise CameraFailed(CameraReason.TIMEOUT, f"camera: sent no picture within {OPEN_TIMEOUT_S:g} s")
        elif now_s - self._last_s > FROZEN_AFTER_S:
            raise CameraFailed(CameraReason.FROZEN, f"camera: has sent nothing for {FROZEN_AFTER_S:g} s")

    def _read(self) -> None:
        try:
            info = self._feed.open()
            with self._arrived:
                if not self._left_behind:
                    self.info = info
                    self._on_open(info)
            for packet in self._feed.packets():
                with self._arrived:
                    if self._left_behind:
                        break
                    self._take(packet)
        except CameraFailed as error:
            self._end(error)
        except Exception:
            log.exception("reading failed", extra=fields(camera_id=self._camera_id))
            self._end(CameraFailed(CameraReason.INVALID_DATA, "camera: reading failed; the log has the reason"))
        else:
            self._end(CameraFailed(CameraReason.CLOSED, "camera: ended the stream"))

    def _take(self, packet: Packet) -> None:
        self._last_s = packet.arrived_s
        self._held.append(packet)
        if packet.key or len(packet.data) > self._patient_bytes or len(self._held) >= MAX_HELD_PACKETS:
            self._hand_on()
            self._arrived.notify()

    def _hand_on(self) -> None:
        """To both sides what was held back."""
        for packet in self._held:
            self._on_packet(packet)
            self._queue(packet)
        self._held.clear()

    def _queue(self, packet: Packet) -> None:
        if self._until_key and not packet.key:
            self.dropped_packets += 1
            return
        self._until_key = False
        if len(self._waiting) >= MAX_WAITING_PACKETS:
            self.dropped_packets += len(self._waiting)
            self._waiting.clear()
            self._until_key = not packet.key
            if self._until_key:
                self.dropped_packets += 1
                return
        self._waiting.append(packet)

    def _end(self, error: CameraFailed) -> None:
        with self._arrived:
            self._hand_on()
            self._failed = error
            self._arrived.notify()
