"""Step 3 of 4. FrameAnalysed in; tracks per camera; PassObserved out, one opened and one closed for each visit.

Before it: inference-service. After it: `outbox`, and over the bus `record` of miniprogram-api (step 4). The full frame
of each analysis still waits in the camera's ring (`capture` put it there): evidence is cut from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Face, FrameAnalysed, PassObserved
from stream_service.evidence import Pending
from stream_service.passes import Announcement, CameraPasses
from stream_service.ports import FullFrame, Outgoing

log = get_logger(__name__)


class Rings(Protocol):
    """The full frames of the running cameras."""

    def take(self, camera_id: str, frame_id: str) -> FullFrame | None:
        """The frame whose analysis has come, or None when it is gone."""
        ...

    def runs(self, camera_id: str) -> bool:
        """Whether this camera is (still) ours."""
        ...

    def attend(self, camera_id: str) -> None:
        """Somebody new is in the picture of this camera: look at the full rate for a while."""
        ...


@dataclass(frozen=True)
class Limits:
    """What following needs to know. Results older than `max_age_s` are left out: their pictures are gone."""

    analysis_side: int
    max_age_s: float


def follow(
    frames: Iterable[FrameAnalysed | None],
    rings: Rings,
    outgoing: Outgoing,
    limits: Limits,
    *,
    show: Callable[[FrameAnalysed], None] = lambda _: None,
    sharpen: Callable[[str, FullFrame, Face, float], Pending | None] = lambda *_: None,
    seconds_now: Callable[[], float] = lambda: now().timestamp(),
) -> Iterator[PassObserved]:
    """Follow every face of every camera.

    Args:
        frames: As they come from the bus; None at least once a second, so that passes end without further frames.
        rings: Full frames by camera.
        outgoing: Makes each message durable. While it cannot, the message is offered again later.
        limits: See there.
        show: Gets every frame that is followed, its faces with the verdict of their person so far.
        sharpen: Looks for a better picture of a face than that of its frame, by camera; see `evidence.Sharpen`.
        seconds_now: The time, in seconds since the epoch.

    Yields:
        Every message that was made durable. At the end of `frames`, all open passes are closed.
    """
    cameras: dict[str, CameraPasses] = {}

    settled = partial(_settled, outgoing)
    for frame in frames:
        if frame is not None:
            full = rings.take(frame.camera_id, frame.frame_id)
            if rings.runs(frame.camera_id) and seconds_now() - frame.captured_at.timestamp() <= limits.max_age_s:
                passes = cameras.get(frame.camera_id)
                if passes is None:
                    passes = CameraPasses(frame.camera_id, limits.analysis_side, partial(sharpen, frame.camera_id))
                    cameras[frame.camera_id] = passes
                yield from settled(passes, passes.see(frame, full))
                show(frame.model_copy(update={"faces": passes.faces}))
                if passes.has_new(frame.captured_at.timestamp()):
                    rings.attend(frame.camera_id)
            continue
        for camera_id, passes in list(cameras.items()):
            if rings.runs(camera_id):
                yield from settled(passes, passes.tick(seconds_now()))
            else:
                yield from settled(passes, passes.end())
                del cameras[camera_id]
        outgoing.remember([one for passes in cameras.values() for one in passes.progress()])
    for passes in cameras.values():
        yield from settled(passes, passes.end())


def _settled(outgoing: Outgoing, passes: CameraPasses, announcements: Iterable[Announcement]) -> Iterator[PassObserved]:
    """Make announcements durable; those that cannot be now are offered again by `passes`."""
    for one in announcements:
        try:
            outgoing.accept(one.message, one.pictures)
        except Unavailable as error:
            log.warning("pass not accepted", extra=fields(pass_id=one.message.pass_id, reason=str(error)))
            continue
        passes.settle(one)
        yield one.message
