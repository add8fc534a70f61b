"""Plays one mount to one client, in real time, obeying its fault. A thread a client. Started by `server` at PLAY."""

from __future__ import annotations

import contextlib
import random
import struct
import threading
import time
from collections.abc import Callable, Iterator

from shared_kernel.testing.rtsp.clip import AccessUnit, Clip
from shared_kernel.testing.rtsp.faults import Fault, Mount

_CLOCK_HZ = 90_000
_TRICKLE_S = 2.0
_RTP_VERSION, _PAYLOAD_TYPE, _MARKER = 0x80, 96, 0x80


class Sender(threading.Thread):
    """Sends RTP until the clip ends (when it does not loop), the client goes, or `stop` is set."""

    def __init__(self, mount: Mount, send: Callable[[bytes], None], hang_up: Callable[[], None]) -> None:
        super().__init__(daemon=True, name=f"rtsp {mount.name}")
        self.stop = threading.Event()
        self._mount, self._send, self._hang_up = mount, send, hang_up
        self.first_sequence = self._sequence = random.randrange(1 << 16)
        self.first_timestamp = random.getrandbits(31)
        self._source = random.getrandbits(32)

    def run(self) -> None:
        """Thread body. A client that goes away ends it without a word."""
        begun_s = time.monotonic()
        with contextlib.suppress(OSError):
            for clip, offset_s, unit, jumped_s in self._schedule():
                due_s = 0.0 if self._mount.suffers(Fault.FLOOD, begun_s) else begun_s + offset_s + unit.send_at_s
                if self.stop.wait(max(0.0, due_s - time.monotonic())):
                    return
                if self._mount.suffers(Fault.HANG, begun_s):
                    self._wait_for_mercy()
                    return
                if self._mount.suffers(Fault.CLOSE, begun_s):
                    break
                if self._mount.suffers(Fault.TRICKLE, begun_s) and self.stop.wait(_TRICKLE_S):
                    return
                self._send_unit(clip, unit, offset_s + jumped_s, garbage=self._mount.suffers(Fault.GARBAGE, begun_s))
        self._hang_up()

    def _schedule(self) -> Iterator[tuple[Clip, float, AccessUnit, float]]:
        offset_s, jumped_s = 0.0, 0.0
        while True:
            for clip in self._mount.clips:
                for unit in clip.units:
                    yield clip, offset_s, unit, jumped_s
                offset_s += clip.duration_s
            if not self._mount.loop:
                return
            jumped_s = self._mount.jump_s - jumped_s

    def _wait_for_mercy(self) -> None:
        """A healed camera does not go on where it froze: it drops the client, which then connects anew."""
        while not self.stop.wait(0.02):
            if self._mount.fault is not Fault.HANG:
                self._hang_up()
                return

    def _send_unit(self, clip: Clip, unit: AccessUnit, offset_s: float, *, garbage: bool) -> None:
        timestamp = self.first_timestamp + round((offset_s + unit.shown_at_s) * _CLOCK_HZ)
        for payload, marker in clip.payloads(unit):
            kind = _PAYLOAD_TYPE | (_MARKER if marker else 0)
            sequence = self._sequence & 0xFFFF
            self._sequence += 1
            head = struct.pack(">BBHII", _RTP_VERSION, kind, sequence, timestamp & 0xFFFFFFFF, self._source)
            body = payload[:1] + random.randbytes(len(payload) - 1) if garbage else payload
            self._send(head + body)
