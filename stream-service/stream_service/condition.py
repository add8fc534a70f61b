"""How a camera is: one state with its reason and since when, with hysteresis. Pure: times and counts are given.

`camera` shows the machine what there is to see several times a second (`Signs`) and reports what it says.

    connecting   nothing was seen yet; or the picture went a moment ago and it is being fetched again
    online       pictures come as they should
    degraded     pictures come, but fewer, damaged, hardly analysed, or on a connection that keeps breaking
    stale        connected, and no new picture
    offline      no picture and no connection
    paused       nobody wants it now

A blink is no outage: darkness adds up and light takes away, so a camera that flaps is one outage, not fifty; and an
outage is over only when pictures came for a while without a break.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from shared_kernel.messages import CameraReason, CameraState

#: A connection that sent nothing for this long has no new picture, seconds.
STALE_AFTER_S: Final = 3.0
#: Packets that give no picture for this long are none, seconds.
BLIND_AFTER_S: Final = 6.0
#: A camera whose picture went is being fetched again for this long, then it is offline, seconds.
OFFLINE_AFTER_S: Final = 5.0
#: Darkness that is an outage; light in between takes as much away, seconds.
OUTAGE_AFTER_S: Final = 10.0
#: Pictures for this long without a break: the camera is back, seconds.
BACK_AFTER_S: Final = 15.0
#: So many breaks within this time are a connection that keeps breaking.
UNSTEADY_BREAKS: Final = 3
UNSTEADY_WITHIN_S: Final = 120.0
#: Quality is judged over this long at most and at least, seconds.
QUALITY_OVER_S: Final = 30.0
QUALITY_LEAST_S: Final = 10.0
#: A camera that promises more pictures a second than this says nothing: some announce their clock.
MAX_PROMISE_FPS: Final = 120.0


class Tally(NamedTuple):
    """Counts since the camera's start; they only rise."""

    packets: int = 0
    pictures: int = 0
    damaged: int = 0
    dropped: int = 0
    sampled: int = 0
    skipped: int = 0


NOTHING: Final = Tally()


class Failure(NamedTuple):
    """Why the last connection ended or was none."""

    reason: CameraReason
    detail: str


@dataclass(frozen=True)
class Signs:
    """What is to be seen of a camera at one moment. Seconds of the monotonic clock; None: not in this connection.

    `lacking` is why people see nothing though pictures are analysed: the other stream of the camera is away.
    `at` is the wall clock of `at_s`; `blind_since_s` the first packet since the last picture that the decoder had;
    `promised_fps` what the camera said, None where it says nothing worth believing.
    """

    at_s: float
    at: datetime
    wanted: bool = True
    opened_s: float | None = None
    arrived_s: float | None = None
    pictured_s: float | None = None
    blind_since_s: float | None = None
    promised_fps: float | None = None
    tally: Tally = NOTHING
    lacking: Failure | None = None


@dataclass(frozen=True)
class Verdict:
    """How a camera is. `picture_since` None: no pictures now; `outage_since` None: no outage, or not yet one."""

    state: CameraState
    since: datetime
    reason: CameraReason | None = None
    detail: str | None = None
    picture_since: datetime | None = None
    outage_since: datetime | None = None


class Condition:
    """The state of one camera. Not thread safe; `verdict` may be read by any thread."""

    def __init__(self, at_s: float, at: datetime) -> None:
        self.verdict = Verdict("connecting", at)
        self._failure: Failure | None = None
        self._looked_s = at_s
        #: When pictures last were there; before the first one, when we began to want them.
        self._light_s = at_s
        self._ever = False
        self._lit_since_s: float | None = None
        self._dark_s = 0.0
        self._dark_since_s = at_s
        self._breaks: deque[float] = deque()
        self._quality = _Quality()

    def failed(self, reason: CameraReason, detail: str) -> None:
        """The connection ended, or there was none."""
        self._failure = Failure(reason, detail)

    def look(self, signs: Signs) -> bool:
        """See what there is to see. True: something changed that screens want to know at once."""
        before, passed_s = self.verdict, max(0.0, signs.at_s - self._looked_s)
        self._looked_s = signs.at_s
        if not signs.wanted:
            self._rest(signs)
        else:
            lit = self._is_lit(signs)
            self._count_light(signs, passed_s, lit=lit)
            state, because = self._judged(signs, lit=lit)
            self._become(signs, state, because)
        after = self.verdict
        return (before.state, before.reason, before.outage_since is None) != (
            after.state,
            after.reason,
            after.outage_since is None,
        )

    @staticmethod
    def _is_lit(signs: Signs) -> bool:
        """Whether pictures come now."""
        if signs.opened_s is None or signs.arrived_s is None or signs.pictured_s is None:
            return False
        blind = signs.blind_since_s is not None and signs.at_s - signs.blind_since_s > BLIND_AFTER_S
        return signs.at_s - signs.arrived_s <= STALE_AFTER_S and not blind

    def _count_light(self, signs: Signs, passed_s: float, *, lit: bool) -> None:
        if lit:
            if self._lit_since_s is None:
                self._lit_since_s = signs.at_s
            self._dark_s = max(0.0, self._dark_s - passed_s)
            self._light_s, self._ever, self._failure = signs.at_s, True, None
            return
        if self._lit_since_s is not None:
            self._lit_since_s = None
            self._light_s = min(self._light_s, signs.arrived_s or self._light_s)
            self._breaks.append(signs.at_s)
            passed_s = signs.at_s - self._light_s
        if not self._dark_s:
            self._dark_since_s = self._light_s
        self._dark_s += passed_s

    def _judged(self, signs: Signs, *, lit: bool) -> tuple[CameraState, Failure | None]:
        while self._breaks and signs.at_s - self._breaks[0] > UNSTEADY_WITHIN_S:
            self._breaks.popleft()
        unsteady = len(self._breaks) >= UNSTEADY_BREAKS
        flaw = self._quality.flaw(signs) if lit else None
        if not lit:
            self._quality.forget()
        breaking = Failure(CameraReason.UNSTEADY, f"camera: the picture broke off {len(self._breaks)} times in 2 min")
        if lit:
            flaw = signs.lacking or flaw or (breaking if unsteady else None)
            return ("degraded", flaw) if flaw else ("online", None)
        gone_s = signs.at_s - self._light_s
        if unsteady and gone_s < OFFLINE_AFTER_S:
            return "degraded", breaking
        if signs.opened_s is not None and signs.pictured_s is not None:
            return "stale", self._why_stale(signs)
        if self._failure is None:
            return "connecting", None
        if self._ever and gone_s < OFFLINE_AFTER_S:
            return "connecting", self._failure
        return "offline", self._failure

    @staticmethod
    def _why_stale(signs: Signs) -> Failure:
        if signs.arrived_s is not None and signs.at_s - signs.arrived_s > STALE_AFTER_S:
            return Failure(CameraReason.FROZEN, "camera: is connected and sends nothing")
        return Failure(CameraReason.INVALID_DATA, "camera: sends data that does not become pictures")

    def _rest(self, signs: Signs) -> None:
        """Nobody wants it: what was before says nothing of what comes after."""
        self._failure, self._lit_since_s, self._dark_s, self._ever = None, None, 0.0, False
        self._light_s = signs.at_s
        self._breaks.clear()
        self._quality.forget()
        self._become(signs, "paused", Failure(CameraReason.PLAN, "camera: rests by its plan"))

    def _become(self, signs: Signs, state: CameraState, because: Failure | None) -> None:
        old, lit_since_s = self.verdict, self._lit_since_s
        since = old.since if state == old.state else signs.at
        if state == "offline" != old.state and self._ever:
            since = self._wall(signs, self._light_s)  # without a picture since then, though it was hoped for
        self.verdict = replace(
            old,
            state=state,
            since=since,
            reason=because and because.reason,
            detail=because and because.detail,
            picture_since=None if lit_since_s is None else old.picture_since or self._wall(signs, lit_since_s),
            outage_since=self._outage(signs, old.outage_since),
        )

    def _outage(self, signs: Signs, since: datetime | None) -> datetime | None:
        if not signs.wanted:
            return None
        if since is None:
            dark = self._lit_since_s is None and self._dark_s >= OUTAGE_AFTER_S
            return self._wall(signs, self._dark_since_s) if dark else None
        back = self._lit_since_s is not None and signs.at_s - self._lit_since_s >= BACK_AFTER_S
        if back:
            self._dark_s = 0.0
        return None if back else since

    @staticmethod
    def _wall(signs: Signs, moment_s: float) -> datetime:
        return signs.at - timedelta(seconds=signs.at_s - moment_s)


class _Quality:
    """Whether what comes is worth something, over the last half minute of light."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Tally]] = deque()
        self._flaw: CameraReason | None = None

    def forget(self) -> None:
        self._seen.clear()
        self._flaw = None

    def flaw(self, signs: Signs) -> Failure | None:
        """What is wrong, or None. What was wrong stays so until it is clearly better."""
        if not self._seen or signs.at_s - self._seen[-1][0] >= 1.0:
            self._seen.append((signs.at_s, signs.tally))
        while signs.at_s - self._seen[0][0] > QUALITY_OVER_S:
            self._seen.popleft()
        began_s, began = self._seen[0]
        passed_s = signs.at_s - began_s
        if passed_s < QUALITY_LEAST_S:
            return None
        seen = Tally(*(new - old for new, old in zip(signs.tally, began, strict=True)))
        found = next((one for one in _flaws(seen, passed_s, signs.promised_fps) if self._counts(one)), None)
        self._flaw = found.reason if found else None
        return Failure(found.reason, found.detail) if found else None

    def _counts(self, one: _Flaw) -> bool:
        return one.value >= (one.leave if one.reason is self._flaw else one.enter)


class _Flaw(NamedTuple):
    """Something that may be wrong: it begins at `enter` and ends below `leave`."""

    reason: CameraReason
    value: float
    enter: float
    leave: float
    detail: str


def _flaws(seen: Tally, passed_s: float, promised_fps: float | None) -> list[_Flaw]:
    """The worst first. Shares of what came in `passed_s` seconds."""
    fps = seen.packets / passed_s
    promised = promised_fps if promised_fps and promised_fps <= MAX_PROMISE_FPS else None
    return [
        _Flaw(
            CameraReason.DAMAGED,
            _share(seen.damaged, seen.damaged + seen.pictures, least=3),
            0.1,
            0.03,
            f"camera: {seen.damaged} damaged packets in {passed_s:.0f} s",
        ),
        _Flaw(
            CameraReason.FEW_PICTURES,
            1.0 - fps / promised if promised else 0.0,
            0.6,
            0.5,
            f"camera: sends {fps:.1f} pictures a second, promised {promised:g}" if promised else "",
        ),
        _Flaw(
            CameraReason.NOT_ANALYSED,
            _share(seen.skipped, seen.sampled, least=4),
            0.5,
            0.2,
            f"{seen.skipped} of {seen.sampled} frames were not analysed in {passed_s:.0f} s",
        ),
        _Flaw(
            CameraReason.OVERLOADED,
            _share(seen.dropped, seen.packets, least=5),
            0.1,
            0.02,
            f"{seen.dropped} of {seen.packets} pictures were dropped in {passed_s:.0f} s: the machine is too slow",
        ),
    ]


def _share(part: int, whole: int, *, least: int) -> float:
    return part / whole if whole >= least else 0.0
