"""All live sessions of this process: opened, resumed, fed with the workers' answers, closed when the right is gone.

Two threads: one reads answers from the bus, one gives up lost pictures, forgets sessions whose client did not come
back, and asks every few seconds who may still be here. A session lives in the process that opened it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter, Gauge

from inference_service.rules import PERMISSION
from inference_service.web.session import Choice, LiveSession, Taken
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.door import Door
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import LiveFrameAnalysed, LiveFrameSubmitted, new_id

log = get_logger(__name__)

#: WebSocket close codes.
TICKET, WITHDRAWN, NO_MODEL, SILENT, REPLACED, TOO_FAST, FULL, RESTART = 4401, 4403, 4404, 4408, 4409, 4429, 1013, 1012

#: A session waits this long for its client to come back, seconds.
RESUME_WITHIN_S: Final = 30.0
#: Sessions of one user at once, resumable ones included.
MAX_OF_ONE_USER: Final = 4
#: A withdrawn right closes a session within five seconds: asked this often, seconds.
ASK_EVERY_S: Final = 2.5
#: Sessions stay this long while nobody can say whether they may, seconds.
GRACE_S: Final = 15.0
#: The second thread looks this often, seconds.
_LOOK_EVERY_S: Final = 0.5
#: Consumer group of the answers; they are routed to this process.
GROUP: Final = "inference-web"
_BLOCK_MS: Final = 500
_RETRY_S: Final = 0.5

_frames = Counter("inference_live_frames_total", "Pictures of live sessions that went to workers")
_open = Gauge("inference_live_sessions", "Live sessions, resumable ones included")


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection is closed: WebSocket code, a stable reason, and plain words."""

    code: int
    reason: str
    detail: str


class Sessions:
    """Thread safe."""

    def __init__(
        self,
        bus: Bus,
        door: Door,
        owner: str,
        max_sessions: int,
        *,
        resume_within_s: float = RESUME_WITHIN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus, self._door, self._owner = bus, door, owner
        self._max_sessions = max_sessions
        self._resume_within_s = resume_within_s
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, LiveSession] = {}
        self._endings: dict[str, Ending] = {}
        self._answered_s = clock()
        self._asked_s = clock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._forever, args=(step,), name=name, daemon=True)
            for name, step in (("live-answers", self._read_answers), ("live-watch", self._watch))
        ]

    def start(self) -> None:
        """Begin to read answers."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close every session; clients may come back at once."""
        self._stopping.set()
        with self._lock:
            ending = Ending(RESTART, "restart", "the service restarts; connect again")
            self._endings.update(dict.fromkeys(self._sessions, ending))
            found = list(self._sessions.values())
        for session in found:
            session.wake()

    def open(self, user_id: str, choice: Choice, session_id: str | None) -> tuple[LiveSession, bool] | Ending:
        """Give the session that a client wants to resume, else a new one; and whether it was resumed."""
        with self._lock:
            if self._stopping.is_set():
                return Ending(RESTART, "restart", "the service restarts; connect again")
            found = self._sessions.get(session_id or "")
            if found is not None and found.user_id == user_id and found.session_id not in self._endings:
                return found, True
            if refusal := self._refusal(user_id):
                return refusal
            session = LiveSession(new_id(), user_id, choice, self._clock)
            self._sessions[session.session_id] = session
            _open.set(len(self._sessions))
            return session, False

    def ending(self, session: LiveSession) -> Ending | None:
        """Say why a session must end now, or None."""
        return self._endings.get(session.session_id)

    def forget(self, session: LiveSession) -> None:
        """End a session for good."""
        with self._lock:
            self._sessions.pop(session.session_id, None)
            self._endings.pop(session.session_id, None)
            _open.set(len(self._sessions))

    def submit(self, session: LiveSession, taken: Taken) -> None:
        """Send a picture to the workers; when Redis is away the client is told."""
        choice = session.choice
        frame = LiveFrameSubmitted(
            session_id=session.session_id,
            owner=self._owner,
            seq=taken.seq,
            sent_at=now(),
            model=choice.card.name,
            version=choice.card.version,
            min_score=choice.min_score,
            jpeg=taken.jpeg,
        )
        try:
            self._bus.publish(frame)
            _frames.inc()
        except Unavailable as error:
            session.failed(taken.seq, "unavailable", f"{error.part} does not answer")

    def _refusal(self, user_id: str) -> Ending | None:
        """Make room among those that wait for their client; say why there is none otherwise."""
        of_user = [one for one in self._sessions.values() if one.user_id == user_id]
        for sessions, limit, detail in (
            (of_user, MAX_OF_ONE_USER, f"expected at most {MAX_OF_ONE_USER} live sessions of one user"),
            (list(self._sessions.values()), self._max_sessions, "as many live sessions are open as may"),
        ):
            if len(sessions) < limit:
                continue
            left = [one for one in sessions if one.left_s is not None]
            if not left:
                return Ending(FULL, "full", detail)
            oldest = min(left, key=lambda one: one.left_s or 0.0)
            self._sessions.pop(oldest.session_id)
        return None

    def _read_answers(self) -> None:
        subscription = self._bus.subscribe(LiveFrameAnalysed, GROUP, route=self._owner)
        while not self._stopping.is_set():
            deliveries = subscription.receive(count=64, block_ms=_BLOCK_MS)
            for delivery in deliveries:
                session = self._sessions.get(delivery.message.session_id)
                if session is not None:
                    session.answered(delivery.message)
            subscription.ack(*deliveries)

    def look(self) -> None:
        """Give up lost pictures, forget who did not come back, and ask now and then who may still be here."""
        with self._lock:
            found = list(self._sessions.values())
        for session in found:
            session.give_up_lost()
            if session.left_s is not None and self._clock() - session.left_s > self._resume_within_s:
                self.forget(session)
        if self._clock() - self._asked_s >= ASK_EVERY_S:
            self._asked_s = self._clock()
            self._ask_rights([one for one in found if one.session_id in self._sessions])

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            self.look()

    def _ask_rights(self, sessions: list[LiveSession]) -> None:
        if not sessions:
            self._answered_s = self._clock()
            return
        try:
            holders = self._door.holders(PERMISSION, {one.user_id for one in sessions})
            self._answered_s = self._clock()
        except Unavailable as error:
            log.warning("rights unknown", extra=fields(sessions=len(sessions), reason=error.reason))
            if self._clock() - self._answered_s > GRACE_S:
                self._end(sessions, Ending(RESTART, "rights_unknown", "nobody can say now whether you may do this"))
            return
        gone = [one for one in sessions if one.user_id not in holders]
        self._end(gone, Ending(WITHDRAWN, "withdrawn", "you may not analyse pictures any more"))

    def _end(self, sessions: list[LiveSession], ending: Ending) -> None:
        for session in sessions:
            log.info("live session ends", extra=fields(user_id=session.user_id, reason=ending.reason))
            if session.left_s is not None:
                self.forget(session)
                continue
            self._endings[session.session_id] = ending
            session.wake()

    def _forever(self, step: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                step()
            except Unavailable as error:
                log.warning("part is away", extra=fields(part=error.part, reason=error.reason))
                self._stopping.wait(_RETRY_S)
            except Exception:
                log.exception("live sessions failed")
                self._stopping.wait(_RETRY_S)
