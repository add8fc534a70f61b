"""Listens to the packets of one camera and decides what of them is kept.

Called by the reading thread (`begin`, `feed`, `end`) and by `follow` through `keeping` (`analysed`, `observed`).
Packets are handed on, never decoded. A clip begins when somebody is found unprotected, with the seconds before out of
the ring, and ends some seconds after that person was last seen. A recording is cut into
pieces of about a minute at key frames.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared_kernel.messages import FrameAnalysed, PassObserved, derived_id
from stream_service import h264, h265
from stream_service.footage.reel import ReelHead, Sighted
from stream_service.footage.ring import PacketRing
from stream_service.footage.room import Kind, Room
from stream_service.footage.writing import OpenReel, Writing
from stream_service.ports import Packet, StreamInfo
from stream_service.rules import ClipWindow, Footage

#: What MP4 and browsers know. Other codecs are not kept.
CODECS: Final = frozenset({"h264", "hevc"})
#: A recording is cut at the first key frame after this long.
PIECE: Final = timedelta(seconds=60)
#: A verdict falls and its pass reaches us this long after the first picture of the person, at most.
DECISION_S: Final = 10.0
#: Packets of one camera that wait in memory, megabytes.
RING_MEGABYTES: Final = 48
#: Analyses come this much later than their pictures: a clip stays open as long, to have its boxes.
_BOXES_LATE: Final = timedelta(seconds=2)
#: Clips of one camera at a time; when one more begins, the oldest ends.
MAX_CLIPS: Final = 8
#: Passes that have their clip and may still close: one pass is one clip.
_REMEMBERED: Final = 256


@dataclass
class _Clip:
    pass_id: str
    reel: OpenReel
    until: datetime


class FootageTap:
    """See `ports.Tap`. Thread safe."""

    def __init__(self, camera_id: str, mode: Footage, window: ClipWindow, writing: Writing, room: Room) -> None:
        self._camera_id, self._mode, self._window = camera_id, mode, window
        self._writing, self._room = writing, room
        self._ring = PacketRing(seconds=window.before_s + DECISION_S, megabytes=RING_MEGABYTES)
        self._sighted: deque[Sighted] = deque()
        self._clips: list[_Clip] = []
        self._clipped: deque[str] = deque(maxlen=_REMEMBERED)
        self._recording: OpenReel | None = None
        self._piece_until: datetime | None = None
        self._info: StreamInfo | None = None
        self._sets = b""
        self._lock = threading.Lock()

    @property
    def open_clips(self) -> int:
        return len(self._clips)

    def begin(self, info: StreamInfo) -> None:
        """A connection opened; packets of another one never meet these."""
        with self._lock:
            self._cut()
            self._info = info if info.codec in CODECS and self._mode != "off" else None
            self._sets = b""

    def feed(self, packet: Packet) -> None:
        """The next packet."""
        with self._lock:
            if self._info is None:
                return
            if packet.key:
                self._look_at(packet)
            self._ring.add(packet)
            if self._mode == "continuous":
                self._record(packet)
            for clip in list(self._clips):
                self._writing.add(clip.reel, packet)
                if clip.reel.ended or packet.arrived_at >= clip.until + _BOXES_LATE:
                    self._finish(clip)

    def end(self) -> None:
        """The connection is gone."""
        with self._lock:
            self._cut()
            self._info = None

    def analysed(self, frame: FrameAnalysed) -> None:
        """The faces of one picture."""
        one = Sighted(at=frame.captured_at, faces=frame.faces)
        with self._lock:
            self._sighted.append(one)
            oldest = one.at - timedelta(seconds=self._window.before_s + DECISION_S)
            while self._sighted[0].at < oldest:
                self._sighted.popleft()
            for reel in (self._recording, *(clip.reel for clip in self._clips)):
                if reel is not None:
                    self._writing.add(reel, one)

    def observed(self, message: PassObserved) -> None:
        """A pass that was made durable: begin its clip when somebody is not protected, end it after it closed."""
        with self._lock:
            clip = next((one for one in self._clips if one.pass_id == message.pass_id), None)
            if clip is None and not message.state.protected and message.pass_id not in self._clipped:
                clip = self._begin_clip(message)
            if clip is not None and message.phase == "closed":
                clip.until = min(clip.until, message.last_seen_at + timedelta(seconds=self._window.after_s))

    def _look_at(self, keyframe: Packet) -> None:
        """A file has one set of parameters: when they change, everything is cut here."""
        find = h264.parameter_sets if self._info and self._info.codec == "h264" else h265.parameter_sets
        sets = find(keyframe.data)
        if self._sets and sets and sets != self._sets:
            self._cut()
        self._sets = sets or self._sets

    def _cut(self) -> None:
        for clip in list(self._clips):
            self._finish(clip)
        self._end_recording()
        self._ring.clear()

    def _begin_clip(self, message: PassObserved) -> _Clip | None:
        begin = message.opened_at - timedelta(seconds=self._window.before_s)
        packets = self._ring.since(begin)
        if not packets or not self._room.has("clip"):
            return None
        if len(self._clips) >= MAX_CLIPS:
            self._finish(self._clips[0])
        reel = self._begin_reel("clip", derived_id(message.pass_id, "clip"), packets[0], message.pass_id)
        clip = _Clip(message.pass_id, reel, message.opened_at + timedelta(seconds=self._window.longest_s))
        self._clips.append(clip)
        self._clipped.append(message.pass_id)
        for packet in packets:
            self._writing.add(reel, packet)
        for sighted in self._sighted:
            self._writing.add(reel, sighted)
        return clip

    def _finish(self, clip: _Clip) -> None:
        self._clips.remove(clip)
        self._writing.end(clip.reel, clip.until)

    def _record(self, packet: Packet) -> None:
        if packet.key and self._piece_until is not None and packet.arrived_at >= self._piece_until:
            self._end_recording()
        if self._recording is not None and self._recording.ended:
            self._end_recording()
        if self._recording is None and packet.key and self._room.has("recording"):
            footage_id = derived_id(self._camera_id, f"recording/{packet.arrived_at.isoformat()}")
            self._recording = self._begin_reel("recording", footage_id, packet, None)
            self._piece_until = packet.arrived_at + PIECE
        if self._recording is not None:
            self._writing.add(self._recording, packet)

    def _end_recording(self) -> None:
        if self._recording is not None:
            self._writing.end(self._recording)
        self._recording = self._piece_until = None

    def _begin_reel(self, kind: Kind, footage_id: str, first: Packet, pass_id: str | None) -> OpenReel:
        codec, extradata = (self._info.codec, self._info.extradata) if self._info else ("", b"")
        head = ReelHead(
            footage_id=footage_id,
            camera_id=self._camera_id,
            kind=kind,
            pass_id=pass_id,
            codec=codec,
            extradata=extradata,
        )
        return self._writing.begin(head, first.arrived_at)
