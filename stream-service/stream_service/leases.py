"""Which cameras this replica holds: asked for every second, and who holds the others.

`fleet` says which cameras there are, runs those that are held here and gives back what others have room for; `mailbox`
sends with the fence of the camera; `web.forward` finds the replica that holds a camera. See docs/design/0013-leases.md.

While Redis is away nothing changes: nobody else can take a camera then, and nobody can send. What was held before is
held again when Redis is back, unless another replica was quicker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from shared_kernel.bus import Round
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

#: What is leased.
KIND: Final = "camera"
#: Leases are renewed, and free cameras looked for, this often, seconds.
ROUND_EVERY_S: Final = 1.0
#: Cameras without a replica are reported this often, seconds.
ROOMLESS_EVERY_S: Final = 10.0


class LeaseStore(Protocol):
    """Where the replicas meet. Every method raises Unavailable while it is away."""

    def round(self, wanted: Sequence[str]) -> Round: ...

    def release(self, things: Sequence[str]) -> None: ...

    def leave(self, things: Sequence[str]) -> None: ...


class _Nowhere:
    """Before the start nothing is held."""

    def round(self, wanted: Sequence[str]) -> Round:  # noqa: ARG002
        return Round()

    def release(self, things: Sequence[str]) -> None: ...

    def leave(self, things: Sequence[str]) -> None: ...


class Leases:
    """Thread safe; one thread asks, and calls what was given for changes there.

    Args:
        on_forgotten: Takes the name of a replica that will not come back.
        on_roomless: Takes the cameras that no replica has room for, every ten seconds.
        round_every_s: Pause between two rounds.
    """

    def __init__(
        self,
        on_forgotten: Callable[[str], None],
        on_roomless: Callable[[Sequence[str]], None],
        *,
        round_every_s: float = ROUND_EVERY_S,
    ) -> None:
        self._store: LeaseStore = _Nowhere()
        self._on_forgotten, self._on_roomless = on_forgotten, on_roomless
        self._roomless_said_s = -ROOMLESS_EVERY_S
        self._round_every_s = round_every_s
        self._on_change: Callable[[], None] = lambda: None
        self._wanted: tuple[str, ...] | None = None
        self._now = Round()
        self._leaving: frozenset[str] = frozenset()
        self._away = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    def start(self, store: LeaseStore, on_change: Callable[[], None]) -> None:
        self._store, self._on_change = store, on_change
        self._thread.start()

    def stop(self) -> None:
        """Give everything back, so that others need not wait. Call it when the cameras have ended."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(0.5)
        held, self._now = list(self._now.held), Round()
        try:
            self._store.leave(held)
        except Unavailable as error:
            log.warning("leases not given back", extra=fields(cameras=len(held), reason=str(error)))

    def want(self, camera_ids: Sequence[str]) -> None:
        """These are all cameras that somebody has to hold. Before the first call this replica takes none."""
        wanted = tuple(camera_ids)
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    def runs_here(self, camera_id: str) -> bool:
        """Whether this replica has to run the camera: it is held, and not about to be given back."""
        return camera_id in self._now.held and camera_id not in self._leaving

    def fence(self, camera_id: str) -> int:
        """The token of our holding, 0 when there is none."""
        return self._now.held.get(camera_id, 0)

    def elsewhere(self, camera_id: str) -> str | None:
        """host:port of the other replica that holds the camera, None when there is none."""
        return self._now.others.get(camera_id) or None

    def roomless(self) -> tuple[str, ...]:
        """Cameras that no replica has room for."""
        return self._now.roomless

    def leaving(self) -> frozenset[str]:
        """Cameras to be stopped and given back: another replica has room for them."""
        return self._leaving

    def release(self, camera_ids: Sequence[str]) -> None:
        """These have been stopped here: whoever wants may take them."""
        try:
            self._store.release(camera_ids)
        except Unavailable as error:
            log.warning("leases not given back", extra=fields(cameras=len(camera_ids), reason=str(error)))

    def check(self) -> str | None:
        """Readiness: why this replica may not hold cameras, or None."""
        taken = self._now.namesake
        return f"another replica, at {taken}, has the same name; set STREAM_OWNER" if taken else None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._ask()
            except Unavailable as error:
                if not self._away:
                    log.warning("leases not renewed", extra=fields(reason=str(error)))
                self._away = True
            except Exception:
                log.exception("round of leases failed")
            self._wake.wait(self._round_every_s)

    def _ask(self) -> None:
        wanted = self._wanted
        if wanted is None:
            return
        found = self._store.round(wanted)
        if self._stopping.is_set():
            return
        self._away = False
        before, self._now, self._leaving = self._now, found, frozenset(found.surplus)
        self._say(before, found)
        for name in found.forgotten:
            self._on_forgotten(name)
        if found.surplus or found.held.keys() != before.held.keys():
            self._on_change()
        if found.roomless and time.monotonic() - self._roomless_said_s >= ROOMLESS_EVERY_S:
            self._roomless_said_s = time.monotonic()
            self._on_roomless(found.roomless)

    @staticmethod
    def _say(before: Round, found: Round) -> None:
        took, lost = found.held.keys() - before.held.keys(), before.held.keys() - found.held.keys()
        for camera_id in sorted(took):
            log.info("camera taken", extra=fields(camera_id=camera_id, fence=found.held[camera_id]))
        for camera_id in sorted(lost):
            log.info("camera given up", extra=fields(camera_id=camera_id, fence=before.held[camera_id]))
        if found.namesake and not before.namesake:
            log.error("name taken", extra=fields(other=found.namesake))
        if found.roomless and len(found.roomless) != len(before.roomless):
            log.warning("no room for cameras", extra=fields(cameras=len(found.roomless)))
