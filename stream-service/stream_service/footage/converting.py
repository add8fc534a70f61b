"""Footage of cameras whose packets may not be kept as they are: privacy masks, or a codec that no film can have.

Their packets wait in memory only. While a clip is open, or always for a recording, a thread decodes them, burns the
masks in, codes them again, and hands them to a tap of its own: nothing unmasked ever reaches the disk. Converting is
costly, so only a few cameras are converted at once; when there is no place, there is no footage.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from shared_kernel.log import fields, get_logger
from shared_kernel.messages import FrameAnalysed, PassObserved
from stream_service.footage.ring import PacketRing
from stream_service.footage.tap import CODECS, DECISION_S, RING_MEGABYTES, FootageTap
from stream_service.ports import Packet, StreamInfo, Transcoder
from stream_service.rules import CameraFailed

log = get_logger(__name__)

#: A converter that is this far behind is given up, packets: half a minute and what was before.
MAX_BEHIND: Final = 1500
_REMEMBERED: Final = 256

Convert = Callable[[StreamInfo], Transcoder]
Item = Packet | FrameAnalysed | PassObserved


class Session:
    """One stretch of converting, in a thread. Ends by itself when `lasting` is False and no clip is open any more."""

    def __init__(self, tap: FootageTap, info: StreamInfo, convert: Convert, *, lasting: bool) -> None:
        self._tap, self._info, self._convert, self._lasting = tap, info, convert, lasting
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._judged = False
        self._ended: Callable[[], None] = lambda: None

    def start(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        threading.Thread(target=self._run, name="footage-converting", daemon=True).start()

    def put(self, item: Item) -> bool:
        """Take it in turn; False when the session is over, or too far behind."""
        with self._changed:
            if len(self._items) > MAX_BEHIND:
                log.warning("converting too slow: footage ends here", extra=fields(behind=len(self._items)))
                self._items.clear()
                self._closed = True
            if not self._closed:
                self._items.append(item)
            self._changed.notify()
            return not self._closed

    def close(self) -> None:
        """No more comes; what waits is still converted."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        try:
            # the size is known when the first picture is written
            self._tap.begin(StreamInfo("h264", 0, 0, self._info.fps, b""))
            transcoder = self._convert(self._info)
            while (item := self._next()) is not None:
                self._take(item, transcoder)
            for packet in transcoder.flush():
                self._tap.feed(packet)
        except CameraFailed as error:
            log.warning("footage not converted", extra=fields(reason=error.detail))
        except Exception:
            log.exception("converting failed")
        finally:
            self.close()
            self._tap.end()
            self._ended()

    def _take(self, item: Item, transcoder: Transcoder) -> None:
        if isinstance(item, Packet):
            for packet in transcoder.feed(item):
                self._tap.feed(packet)
        elif isinstance(item, FrameAnalysed):
            self._tap.analysed(item)
        else:
            self._tap.observed(item)
            self._judged = True

    def _next(self) -> Item | None:
        with self._changed:
            if self._is_done():
                self._closed = True
                self._items.clear()
            self._changed.wait_for(lambda: self._items or self._closed)
            return self._items.popleft() if self._items else None

    def _is_done(self) -> bool:
        """The passes that were to be shown have been, and none waits."""
        idle = self._judged and not self._lasting and not self._tap.open_clips
        return idle and not any(isinstance(item, PassObserved) for item in self._items)


class ConvertingTap:
    """See `ports.Tap`; also `analysed` and `observed` of `tap`. Thread safe.

    Args:
        make: A tap for what may be kept. One of them takes packets as they are, each session has its own.
        convert: Makes a converter that burns the masks in.
        masked: There are masks.
        lasting: Recorded continuously.
        before_s: What of a pass its clip shows before it, seconds.
        places: How many may convert at once.
    """

    def __init__(
        self,
        make: Callable[[], FootageTap],
        convert: Convert,
        places: threading.Semaphore,
        *,
        masked: bool,
        lasting: bool,
        before_s: float,
    ) -> None:
        self._make, self._convert, self._places = make, convert, places
        self._masked, self._lasting, self._before = masked, lasting, timedelta(seconds=before_s)
        self._plain = make()
        self._ring = PacketRing(seconds=before_s + DECISION_S, megabytes=RING_MEGABYTES)
        self._analysed: deque[FrameAnalysed] = deque()
        self._clipped: deque[str] = deque(maxlen=_REMEMBERED)
        self._info: StreamInfo | None = None
        self._session: Session | None = None
        self._lock = threading.Lock()
        self.refused = 0

    @property
    def _converts(self) -> bool:
        return self._info is not None and (self._masked or self._info.codec not in CODECS)

    def begin(self, info: StreamInfo) -> None:
        with self._lock:
            self._close()
            self._info = info
            if not self._converts:
                self._plain.begin(info)

    def feed(self, packet: Packet) -> None:
        with self._lock:
            if not self._converts:
                self._plain.feed(packet)
                return
            self._ring.add(packet)
            if self._session is None and self._lasting and packet.key:
                self._open()
            if self._session is not None and not self._session.put(packet):
                self._session = None

    def end(self) -> None:
        with self._lock:
            self._close()
            self._plain.end()

    def analysed(self, frame: FrameAnalysed) -> None:
        with self._lock:
            if not self._converts:
                self._plain.analysed(frame)
                return
            self._analysed.append(frame)
            oldest = frame.captured_at - self._before - timedelta(seconds=DECISION_S)
            while self._analysed[0].captured_at < oldest:
                self._analysed.popleft()
            if self._session is not None:
                self._session.put(frame)

    def observed(self, message: PassObserved) -> None:
        with self._lock:
            if not self._converts:
                self._plain.observed(message)
                return
            if self._session is not None and self._session.put(message):
                self._clipped.append(message.pass_id)
                return
            if message.state.protected or message.pass_id in self._clipped or not self._open():
                return
            self._clipped.append(message.pass_id)
            before: list[Item] = [*self._ring.since(message.opened_at - self._before), *self._analysed, message]
            for item in before:
                if self._session is not None:
                    self._session.put(item)

    def _open(self) -> bool:
        """Begin to convert, if there is a place."""
        if self._info is None or not self._places.acquire(blocking=False):
            self.refused += 1
            self._session = None
            return False
        self._session = Session(self._make(), self._info, self._convert, lasting=self._lasting)
        self._session.start(self._places.release)
        return True

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = self._info = None
        self._ring.clear()
        self._analysed.clear()
