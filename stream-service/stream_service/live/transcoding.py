"""Video that browsers cannot play, or must not show as it is, made into a channel: decoded, covered, encoded.

A thread of its own for each, so that the camera's reading thread never waits; only `Slots` many in this process.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final

from shared_kernel.log import fields, get_logger
from stream_service.live.channel import Channel
from stream_service.live.endings import RESTART, Ending
from stream_service.ports import Packet, Transcoder

log = get_logger(__name__)

#: With more packets waiting than this, pictures are decoded but not encoded: fewer pictures rather than a delay.
BEHIND_PACKETS: Final = 8
#: More packets wait only when not even decoding keeps up: then they are dropped up to the next key frame.
MAX_WAITING_PACKETS: Final = 400
#: Its first viewer joins within this time, seconds: on a busy machine at the second attempt, when a picture is there.
JOINED_WITHIN_S: Final = 15.0

_FAILED: Final = Ending(RESTART, "conversion_failed", "converting the video failed; it begins again")


class Slots:
    """How many may be transcoded at the same time. Thread safe."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            if self.used >= self.limit:
                return False
            self.used += 1
            return True

    def free(self) -> None:
        with self._lock:
            self.used -= 1


class Transcoding:
    """One camera's packets on their way through a transcoder into `channel`. Holds a slot until it ends."""

    def __init__(self, camera_id: str, transcoder: Transcoder, channel: Channel, slots: Slots) -> None:
        self.channel = channel
        self._camera_id, self._transcoder, self._slots = camera_id, transcoder, slots
        self._waiting: deque[Packet] = deque()
        self._arrived = threading.Condition()
        self._shown_from_s, self._began_s = 0.0, time.monotonic()
        self._until_key = self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"transcode-{camera_id}", daemon=True)

    def start(self, group: list[Packet]) -> None:
        """Begin with the packets since the last key frame; of those only the last one is shown."""
        self._waiting.extend(group)
        self._shown_from_s = group[-1].arrived_s if group else 0.0
        self._thread.start()

    @property
    def wanted(self) -> bool:
        """Whether it works and somebody watches, or is about to."""
        awaited = not self.channel.used and time.monotonic() - self._began_s < JOINED_WITHIN_S
        return not self._stopping and (awaited or not self.channel.idle)

    def put(self, packet: Packet) -> None:
        """The next packet. Never waits."""
        with self._arrived:
            if self._until_key and not packet.key:
                return
            self._until_key = False
            if len(self._waiting) >= MAX_WAITING_PACKETS:
                self._waiting.clear()
                self._until_key = not packet.key
                if self._until_key:
                    return
            self._waiting.append(packet)
            self._arrived.notify()

    def stop(self, ending: Ending) -> None:
        """Close its views; the thread ends soon."""
        with self._arrived:
            self._stopping = True
            self._arrived.notify()
        self.channel.refuse(ending)

    def _run(self) -> None:
        try:
            while (packet := self._next()) is not None:
                for made in self._transcoder.feed(packet, show=self._is_shown(packet)):
                    self.channel.feed(made)
        except Exception:
            log.exception("transcoding failed", extra=fields(camera_id=self._camera_id))
            self.stop(_FAILED)
        finally:
            self._slots.free()

    def _is_shown(self, packet: Packet) -> bool:
        return packet.arrived_s >= self._shown_from_s and len(self._waiting) <= BEHIND_PACKETS

    def _next(self) -> Packet | None:
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting or self._stopping)
            return None if self._stopping else self._waiting.popleft()
