"""One live session: pictures of a camera in a browser or phone go up, what is found in them comes down in order.

Pure logic: no socket, no bus. The client may have `WINDOW` pictures under way (credits), so that it never floods us;
once it has said how many results it can take, it gets no more than that. Results that a lost connection swallowed are
kept and sent again to the client that comes back. `docs/guide/inference-api.md` describes the messages.
"""

import json
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from inference_service.packs.card import Card
from inference_service.web.shapes import boxes_out
from shared_kernel.messages import LiveFrameAnalysed

#: Pictures that may be under way at once.
WINDOW: Final = 4
#: One picture at most, bytes; a larger one is answered with an error.
MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
#: A picture without an answer for this long is given up, seconds.
LOST_AFTER_S: Final = 8.0
#: Results that are kept for a client that comes back.
KEPT_RESULTS: Final = 64
#: Pictures beyond the credits that are forgiven; then the connection is closed.
MAX_OVERDRAFT: Final = 16
#: Refused pictures and texts in one second that are borne; a client that sends more is broken or means harm.
MAX_NOISE_A_SECOND: Final = 100
#: More result credits than this are as good as no limit.
MAX_CREDITS: Final = 1000
_NO_CREDIT: Final = "no_credit"
#: Before the JPEG: number of the picture (rising), and when it was taken, milliseconds since 1970; big-endian.
HEADER: Final = struct.Struct("!IQ")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a session asks of each of its pictures."""

    card: Card
    min_score: float | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A picture that goes to a worker. `seq` counts up from 0 without gaps."""

    seq: int
    jpeg: bytes


@dataclass(slots=True)
class _Under:
    """A picture under way."""

    frame_no: int
    captured_ms: int
    came_s: float


@dataclass(slots=True)
class _Second:
    """What happened since the last `stat`."""

    began_s: float
    results: int = 0
    noise: int = 0
    queued_ms: list[float] = field(default_factory=list)


class TooFast(Exception):
    """The client ignores its credits, or sends nothing but noise."""


class LiveSession:
    """Thread safe. `wake` of the connection that is attached is called when there is something to send."""

    def __init__(
        self, session_id: str, user_id: str, choice: Choice, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.session_id = session_id
        self.user_id = user_id
        self.choice = choice
        self._clock = clock
        self._lock = threading.Lock()
        self._wake: Callable[[], None] = _nobody
        self._turn = 0
        self.left_s: float | None = clock()
        self._credits = WINDOW
        self._overdraft = 0
        self._result_credits: int | None = None
        self._last_no = -1
        self._seq = 0
        self._under: dict[int, _Under] = {}
        self._ready: dict[int, tuple[int, str]] = {}
        self._next_seq = 0
        self._kept: deque[tuple[int, str]] = deque(maxlen=KEPT_RESULTS)
        self._again: deque[str] = deque()
        self._notes: deque[str] = deque()
        self._dropped = 0
        self._second = _Second(clock())

    def attach(self, wake: Callable[[], None], after: int | None) -> int:
        """Begin to serve a connection; the one before, if any, has been replaced.

        Args:
            wake: called from any thread when there is something to send.
            after: number of the last picture whose result the client has; None for a new session.

        Returns:
            The turn of this connection; once `is_current` says no, another has taken over.
        """
        with self._lock:
            before, self._wake = self._wake, wake
            self._turn += 1
            self.left_s = None
            self._notes.clear()
            self._overdraft, self._result_credits = 0, None
            self._again = deque(text for number, text in self._kept if after is not None and number > after)
            self._credits = WINDOW - len(self._under) - len(self._ready)
            self._note({"type": "session", **self._about(resumed=after is not None)})
            if self._credits:
                self._note({"type": "credit", "n": self._credits})
            turn = self._turn
        before()
        return turn

    def detach(self, turn: int) -> None:
        """A connection ended; the session waits for the client to come back."""
        with self._lock:
            if turn == self._turn:
                self._wake, self.left_s = _nobody, self._clock()

    def is_current(self, turn: int) -> bool:
        """Tell whether no other connection has taken over."""
        return turn == self._turn

    def wake(self) -> None:
        """Have the connection look again."""
        self._wake()

    def frame(self, message: bytes) -> Taken | None:
        """Take a picture from the client; None when it was refused, which the client is told.

        Raises:
            TooFast: too many pictures came without credit.
        """
        with self._lock:
            refusal = self._refusal(message)
            if refusal is not None:
                self._refuse(*refusal)
                return None
            frame_no, captured_ms = HEADER.unpack_from(message)
            seq, self._seq = self._seq, self._seq + 1
            self._last_no, self._credits = frame_no, self._credits - 1
            self._under[seq] = _Under(frame_no, captured_ms, self._clock())
            return Taken(seq, message[HEADER.size :])

    def reply(self, message: dict[str, Any]) -> None:
        """Answer a text of the client soon.

        Raises:
            TooFast: too many texts came in a second.
        """
        with self._lock:
            self._note(message)
            self._bear()

    def note_stat(self) -> None:
        """Say soon how the last moment was."""
        stat = self.stat()
        with self._lock:
            self._note(stat)

    def grant(self, number: int) -> None:
        """The client can take so many results more; from the first time on it gets no others."""
        with self._lock:
            self._result_credits = min(MAX_CREDITS, (self._result_credits or 0) + number)

    def answered(self, answer: LiveFrameAnalysed) -> None:
        """A worker answered; what was answered before or given up is ignored."""
        with self._lock:
            under = self._under.get(answer.seq)
            if under is None:
                return
            waited_ms = (self._clock() - under.came_s) * 1000 - answer.infer_ms
            self._second.queued_ms.append(max(0.0, waited_ms))
            body: dict[str, Any] = {
                "width": answer.width,
                "height": answer.height,
                "model": answer.model,
                "version": answer.version,
                "boxes": [box.model_dump(mode="json") for box in boxes_out(answer.objects, self.choice.card)],
                "infer_ms": round(answer.infer_ms, 1),
            }
            error = answer.error.model_dump() if answer.error else None
            self._dropped += error is not None and error["code"] == "skipped"
            self._finish(answer.seq, {**body, "error": error})
        self._wake()

    def failed(self, seq: int, code: str, detail: str) -> None:
        """A picture will never be answered."""
        with self._lock:
            if seq in self._under:
                self._dropped += 1
                self._finish(seq, {"boxes": [], "infer_ms": 0.0, "error": {"code": code, "detail": detail}})
        self._wake()

    def give_up_lost(self) -> None:
        """Give up pictures whose answer is overdue, so that the results after them can go out."""
        with self._lock:
            late = [seq for seq, one in self._under.items() if self._clock() - one.came_s > LOST_AFTER_S]
        for seq in late:
            self.failed(seq, "lost", f"no worker answered within {LOST_AFTER_S:g} s")

    def outgoing(self) -> list[str]:
        """Give what may be sent now, in order, and the credits for it."""
        with self._lock:
            found = list(self._notes)
            self._notes.clear()
            while self._again and self._may_send():
                found.append(self._again.popleft())
            sent = 0
            while not self._again and self._next_seq in self._ready and self._may_send():
                number, text = self._ready.pop(self._next_seq)
                self._next_seq += 1
                self._kept.append((number, text))
                found.append(text)
                sent += 1
            self._second.results += sent
            self._credits += sent
            if sent:
                found.append(json.dumps({"type": "credit", "n": sent}))
            return found

    def stat(self) -> dict[str, Any]:
        """Say how the last moment was; begins a new one."""
        with self._lock:
            at_s = self._clock()
            span_s = max(0.001, at_s - self._second.began_s)
            queued = self._second.queued_ms
            found = {
                "type": "stat",
                "fps": round(self._second.results / span_s, 1),
                "dropped": self._dropped,
                "queue_ms": round(sum(queued) / len(queued), 1) if queued else 0.0,
            }
            self._second = _Second(at_s)
            return found

    def _finish(self, seq: int, body: dict[str, Any]) -> None:
        under = self._under.pop(seq)
        head = {"type": "result", "frame_no": under.frame_no, "captured_ms": under.captured_ms}
        self._ready[seq] = under.frame_no, json.dumps({**head, **body}, ensure_ascii=False)

    def _may_send(self) -> bool:
        """Take a result credit, if the client wants to be asked."""
        if self._result_credits is None:
            return True
        if self._result_credits == 0:
            return False
        self._result_credits -= 1
        return True

    def _refusal(self, message: bytes) -> tuple[int | None, str, str] | None:
        """Say what is wrong with a picture: its number, a code, words."""
        if len(message) < HEADER.size:
            return None, "header", f"expected {HEADER.size} bytes before the JPEG, got fewer"
        frame_no, _ = HEADER.unpack_from(message)
        size = len(message) - HEADER.size
        if self._credits <= 0:
            return frame_no, _NO_CREDIT, "expected a credit for each picture, got none left"
        if frame_no <= self._last_no:
            return frame_no, "frame_no", f"expected a number above {self._last_no}, got {frame_no}"
        if not 0 < size <= MAX_FRAME_BYTES:
            code = "too_large" if size else "not_an_image"
            return frame_no, code, f"expected 1 to {MAX_FRAME_BYTES} bytes of JPEG, got {size}"
        return None

    def _refuse(self, frame_no: int | None, code: str, detail: str) -> None:
        self._note({"type": "error", "frame_no": frame_no, "code": code, "detail": detail})
        if code == _NO_CREDIT:
            self._dropped += 1
            self._overdraft += 1
            if self._overdraft > MAX_OVERDRAFT:
                raise TooFast("more pictures came than credits were given")
        self._bear()

    def _bear(self) -> None:
        self._second.noise += 1
        if self._second.noise > MAX_NOISE_A_SECOND:
            raise TooFast(f"expected at most {MAX_NOISE_A_SECOND} texts and refused pictures a second")

    def _note(self, message: dict[str, Any]) -> None:
        self._notes.append(json.dumps(message, ensure_ascii=False))

    def _about(self, *, resumed: bool) -> dict[str, Any]:
        return {
            "session": self.session_id,
            "resumed": resumed,
            "last_frame_no": self._last_no if self._last_no >= 0 else None,
            "window": WINDOW,
            "max_frame_bytes": MAX_FRAME_BYTES,
            "model": self.choice.card.name,
            "version": self.choice.card.version,
        }


def _nobody() -> None:
    """There is no connection to wake."""
