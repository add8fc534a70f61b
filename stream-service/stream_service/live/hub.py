"""The viewers of one camera: what each may see decides which channel it gets.

`raw` is the camera's own video. Who must not see what privacy masks hide, or cannot play the codec, gets a transcoded
channel, which exists only while somebody watches it and only while a slot is free.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason, FrameAnalysed
from stream_service.live.branch import Format
from stream_service.live.channel import Channel, MakeMuxer
from stream_service.live.endings import BUSY, NO_PICTURE, NOT_PLAYABLE, RESTART, Ending
from stream_service.live.hls import HlsSession, Pieces
from stream_service.live.timing import StreamClock, faces_note
from stream_service.live.transcoding import Slots, Transcoding
from stream_service.live.viewer import StillViewer, Viewer, Watcher
from stream_service.ports import FullFrame, Packet, Seen, StreamInfo, Transcoder
from stream_service.rules import CameraFailed
from stream_service.zones import Polygon

log = get_logger(__name__)

#: Notes with boxes that are kept for HLS players, which are seconds late and ask for them.
_KEPT_NOTES: Final = 64

_UNWATCHED = Ending(RESTART, "unwatched", "nobody watches")


@dataclass(frozen=True)
class Conversion:
    """How video is transcoded, and how many at once in this process."""

    transcoder: Callable[[StreamInfo, Sequence[Polygon]], Transcoder]
    slots: Slots


class LiveHub:
    """Thread safe."""

    def __init__(
        self,
        camera_id: str,
        make_muxer: MakeMuxer,
        *,
        masks: Sequence[Polygon] = (),
        conversion: Conversion | None = None,
    ) -> None:
        self._camera_id, self._make_muxer = camera_id, make_muxer
        self._masks, self._conversion = tuple(masks), conversion
        self._raw = Channel(camera_id, make_muxer)
        self._changed = threading.Condition()
        self._info: StreamInfo | None = None
        self._clock = StreamClock()
        self._notes: deque[tuple[float, str]] = deque(maxlen=_KEPT_NOTES)
        #: By whether masks are burnt in.
        self._transcodings: dict[bool, Transcoding] = {}
        self._still_viewers: set[StillViewer] = set()
        self._stills: dict[int, tuple[FullFrame, bytes]] = {}
        self._still_lock = threading.Lock()
        #: Called when somebody begins to watch: whoever holds packets back gives them at once from now on.
        self.joined: Callable[[], None] = lambda: None

    @property
    def viewers(self) -> int:
        return len(self.watchers())

    @property
    def transcodings(self) -> int:
        return len(self._transcodings)

    def watchers(self) -> list[Watcher]:
        with self._changed:
            stills, channels = list(self._still_viewers), self._channels()
        found: list[Watcher] = [*stills]
        for channel in channels:
            found += [*channel.viewers(), *channel.sessions()]
        return found

    def begin(self, info: StreamInfo) -> None:
        """A connection opened."""
        with self._changed:
            self._reset(Ending(RESTART, "restart", "the camera connected again"))
            self._info = info

    def feed(self, packet: Packet) -> None:
        """The next packet. Called by the reading thread."""
        with self._changed:
            self._clock.note(packet)
            self._raw.feed(packet)
            for transcoding in self._transcodings.values():
                transcoding.put(packet)
            if packet.key:
                self._stop_unwatched()
                self._changed.notify_all()

    def end(self, reason: str, detail: str) -> None:
        """The connection is gone: viewers are closed and may come again."""
        with self._changed:
            self._reset(Ending(RESTART, reason, detail))

    def show_faces(self, analysed: FrameAnalysed) -> None:
        """Tell viewers what was found in a picture that they see or just saw."""
        with self._changed:
            viewers = [viewer for channel in self._channels() for viewer in channel.viewers()]
            asks = any(channel.sessions() for channel in self._channels())
            at_s = self._clock.seconds_of(analysed.captured_at) if viewers or asks else None
            if at_s is None:
                return
            note = faces_note(analysed, at_s)
            if asks:
                self._notes.append((at_s, note))
        for viewer in viewers:
            viewer.tell(note)

    def notes_after(self, at_s: float) -> list[str]:
        """What was found in pictures after this moment of the stream, seconds, for players that ask."""
        with self._changed:
            return [note for noted_s, note in self._notes if noted_s > at_s]

    def clock_note(self) -> str | None:
        """See `timing.StreamClock.reading`."""
        with self._changed:
            return self._clock.reading()

    def join(self, seen: Seen, timeout_s: float, *, kind: Format = "mp4", unmasked: bool = False) -> Viewer | Ending:
        """A new viewer; or why there can be none, after `timeout_s` at the latest.

        Args:
            seen: Who looks.
            timeout_s: How long to wait for a camera that is just connecting.
            kind: The container format.
            unmasked: The viewer may see what privacy masks hide, and wants to.
        """
        channel = self._channel(timeout_s, unmasked=unmasked)
        if isinstance(channel, Ending):
            return channel
        viewer = channel.join(kind, seen, timeout_s)
        if isinstance(viewer, Viewer):
            viewer.converted = channel is not self._raw
            viewer.unmasked = bool(self._masks) and unmasked
            viewer.masked = bool(self._masks) and not unmasked
            self.joined()
        return viewer

    def open_session(self, seen: Seen, timeout_s: float, *, unmasked: bool = False) -> HlsSession | Ending:
        """A new HLS player, like `join`."""
        channel = self._channel(timeout_s, unmasked=unmasked)
        if isinstance(channel, Ending):
            return channel
        session = channel.open_session(seen, timeout_s, unmasked=bool(self._masks) and unmasked)
        if isinstance(session, HlsSession):
            session.converted = channel is not self._raw
            session.masked = bool(self._masks) and not unmasked
            self.joined()
        return session

    def pieces_of(self, name: str, timeout_s: float) -> Pieces | Ending | None:
        """What an HLS session may fetch; None when there is no such session."""
        with self._changed:
            channels = self._channels()
        return next((found for one in channels if (found := one.pieces_of(name, timeout_s)) is not None), None)

    def look(self, seen: Seen) -> StillViewer:
        """Somebody who will be sent still pictures."""
        with self._changed:
            viewer = StillViewer(seen)
            self._still_viewers.add(viewer)
            return viewer

    def still(self, frame: FullFrame, side: int) -> bytes:
        """The JPEG of a frame, made once for all who look at it."""
        with self._still_lock:
            kept = self._stills.get(side)
            if kept is None or kept[0] is not frame:
                kept = (frame, frame.small_jpeg(side))
                self._stills[side] = kept
            return kept[1]

    def leave(self, viewer: Viewer | StillViewer) -> None:
        with self._changed:
            if isinstance(viewer, StillViewer):
                self._still_viewers.discard(viewer)
                return
            for channel in self._channels():
                channel.leave(viewer)
            self._stop_unwatched()

    def _channels(self) -> list[Channel]:
        return [self._raw, *(one.channel for one in self._transcodings.values())]

    def _channel(self, timeout_s: float, *, unmasked: bool) -> Channel | Ending:
        """What this viewer may see and can play."""
        with self._changed:
            self._changed.wait_for(lambda: self._info is not None and self._raw.ready, timeout_s)
            info = self._info
            if info is None or not self._raw.ready:
                return NO_PICTURE
            hidden = bool(self._masks) and not unmasked
            if not hidden and info.codec == "h264" and self._raw.unplayable is None:
                return self._raw
            return self._transcoded(info, hidden=hidden)

    def _transcoded(self, info: StreamInfo, *, hidden: bool) -> Channel | Ending:
        self._stop_unwatched()
        running = self._transcodings.get(hidden)
        if running is not None:
            return running.channel
        why = "it has privacy masks" if hidden else f"browsers do not play its {info.codec}"
        conversion = self._conversion
        if conversion is None or conversion.slots.limit == 0:
            return Ending(NOT_PLAYABLE, CameraReason.UNSUPPORTED_CODEC, f"{why}, and nothing is converted here")
        if not conversion.slots.take():
            detail = f"{why}, and {conversion.slots.limit} cameras are converted already, which is the limit here"
            return Ending(BUSY, "busy", detail)
        try:
            transcoder = conversion.transcoder(info, self._masks if hidden else ())
        except CameraFailed as error:
            conversion.slots.free()
            return Ending(NOT_PLAYABLE, CameraReason.UNSUPPORTED_CODEC, error.detail)
        channel = Channel(self._camera_id, self._make_muxer)
        started = Transcoding(self._camera_id, transcoder, channel, conversion.slots)
        self._transcodings[hidden] = started
        started.start(self._raw.group)
        log.info("transcoding began", extra=fields(camera_id=self._camera_id, reason=why))
        return channel

    def _stop_unwatched(self) -> None:
        for hidden, running in list(self._transcodings.items()):
            if not running.wanted:
                running.stop(_UNWATCHED)
                del self._transcodings[hidden]

    def _reset(self, ending: Ending) -> None:
        self._raw.close(ending)
        for running in self._transcodings.values():
            running.stop(ending)
        self._transcodings.clear()
        for viewer in self._still_viewers:
            viewer.close(ending)
        self._still_viewers.clear()
        self._stills.clear()
        self._notes.clear()
        self._info, self._clock = None, StreamClock()
