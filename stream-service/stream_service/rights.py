"""Closes live views whose right was withdrawn: all open (user, camera) pairs are asked in one call every few seconds.

When nobody can say (miniprogram-api away), open views stay for a grace period and are then closed: closed by default.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from shared_kernel.errors import Forbidden, Unavailable
from shared_kernel.log import fields, get_logger
from stream_service.live import RESTART, WITHDRAWN, Ending, Watcher
from stream_service.ports import Rights, Seen, Sight

log = get_logger(__name__)

#: A withdrawn right closes the view within five seconds: asked this often, seconds.
ASK_EVERY_S = 4.0
#: Views stay open this long while nobody can say whether they may, seconds.
GRACE_S = 15.0
#: A snapshot does not ask again within this time, seconds.
REMEMBER_S = 2.0
_MAX_REMEMBERED = 10_000

UNKNOWN = Ending(RESTART, "rights_unknown", "nobody can say now whether you may watch this camera")
COVERED = Ending(RESTART, "masked", "you may not see what privacy masks hide (any more)")
NOT_ALLOWED = Ending(WITHDRAWN, "withdrawn", "you may not watch this camera (any more)")


class RightsWatch:
    """Thread safe; one thread asks."""

    def __init__(
        self,
        rights: Rights,
        viewers: Callable[[], Iterable[Watcher]],
        *,
        ask_every_s: float = ASK_EVERY_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._rights = rights
        self._viewers = viewers
        self._ask_every_s, self._grace_s = ask_every_s, grace_s
        self._answered_s = time.monotonic()
        self._remembered: dict[Seen, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rights", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(0.2)  # it may wait for an answer; nothing depends on it

    def check(self, seen: Seen) -> Sight | Ending:
        """How this view may be opened, or why not. Its ticket was found valid before."""
        try:
            sight = self._ask({seen}).get(seen)
        except Unavailable:
            return UNKNOWN if self._silent_too_long() else "masked"
        return sight or NOT_ALLOWED

    def require(self, seen: Seen) -> None:
        """For snapshots: like `check`, answered from memory for a moment.

        Raises:
            Forbidden: the right was withdrawn.
            Unavailable: nobody can say, for too long already.
        """
        if time.monotonic() - self._remembered.get(seen, -REMEMBER_S) < REMEMBER_S:
            return
        found = self.check(seen)
        if found is UNKNOWN:
            raise Unavailable("miniprogram-api", "nobody can say who may watch")
        if isinstance(found, Ending):
            raise Forbidden(found.detail, code=found.reason)
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[seen] = time.monotonic()

    def ask_now(self) -> None:
        """One round: close what may no longer be open."""
        viewers = list(self._viewers())
        if not viewers:
            return
        try:
            allowed = self._ask({viewer.seen for viewer in viewers})
        except Unavailable as error:
            log.warning("rights unknown", extra=fields(viewers=len(viewers), reason=str(error)))
            if self._silent_too_long():
                for viewer in viewers:
                    viewer.close(UNKNOWN)
            return
        for viewer in viewers:
            sight = allowed.get(viewer.seen)
            if sight == "masked" and viewer.unmasked:
                viewer.close(COVERED)
            if sight is None:
                log.info("view closed", extra=fields(user_id=viewer.seen.user_id, camera_id=viewer.seen.camera_id))
                viewer.close(NOT_ALLOWED)

    def _ask(self, pairs: set[Seen]) -> Mapping[Seen, Sight]:
        asked_s = time.monotonic()
        allowed = self._rights.allowed(pairs)
        self._answered_s = max(self._answered_s, asked_s)
        return allowed

    def _silent_too_long(self) -> bool:
        return time.monotonic() - self._answered_s > self._grace_s

    def _run(self) -> None:
        while not self._stopping.wait(self._ask_every_s):
            try:
                self.ask_now()
            except Exception:
                log.exception("rights round failed")
