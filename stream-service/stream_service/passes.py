"""Passes of one camera: a track, its votes and its best pictures become one pass, opened once and closed once.

Used by `follow`. A person who stands for an hour is one pass; flicker and missed frames change nothing. Who changes
for good (takes the mask off and stays so for `votes.TURN_WINDOW_S`) ends one pass and begins another, because each
pass is one verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from shared_kernel.clock import now
from shared_kernel.messages import Face, FrameAnalysed, MaskState, PassObserved, new_id
from stream_service.evidence import BETTER_BY, Cutter, Sharpen, Shot, keys
from stream_service.ports import FullFrame, Progress
from stream_service.scenes import SceneWatch
from stream_service.tracks import Sighting, Track, Tracker
from stream_service.votes import Vote, Votes, weight_of

#: Somebody who came less than this long ago is watched at the full rate, even standing still, seconds. Later a look
#: now and then keeps the pass, and whoever moves is seen by that.
NEW_FOR_S: Final = 30.0


@dataclass
class Pass:
    """One verdict about one track. `message` is what was last announced, None before the decision."""

    camera_id: str
    votes: Votes = field(default_factory=Votes)
    shots: dict[MaskState, Shot] = field(default_factory=dict)
    message: PassObserved | None = None
    shown: Shot | None = None
    pictures: int = 0
    #: What was decided while a better picture was still looked for.
    held: MaskState | None = None

    def see(self, sighting: Sighting, at_s: float, weight: float, cutter: Cutter | None) -> None:
        """One more sighting; its picture is kept when it is the best for its state."""
        state = sighting.face.state
        self.votes.add(Vote(state, weight, at_s, sighting.face.score))
        if cutter is None:
            return
        quality = cutter.quality(sighting.face)
        best = self.shots.get(state)
        if quality > 0 and (best is None or quality > best.quality * BETTER_BY):
            self.shots[state] = cutter.shot(sighting.face, quality)

    def waits(self, state: MaskState) -> bool:
        """Whether a better picture is being looked for: an alert begins with it, if it comes at once."""
        shot = self.shots.get(state)
        return shot is not None and shot.pending is not None and not shot.pending.done

    def opened(self, state: MaskState) -> Announcement | None:
        """The announcement of the decision; None while there is no picture to prove it."""
        shot = self._shot(state)
        return None if shot is None else self._announcement(new_id(), "opened", state, shot)

    def closed(self, at: datetime) -> Announcement | None:
        """The end of an announced pass, with the verdict of all its votes and its best pictures."""
        if self.message is None:
            return None
        state, share = self.votes.leader()
        state = state if share > 0 else self.message.state
        shot = self._shot(state) or self.shown
        return None if shot is None else self._announcement(self.message.pass_id, "closed", state, shot, at)

    def accept(self, announcement: Announcement) -> None:
        """The announcement is durable."""
        self.pictures += announcement.shot is not self.shown
        self.message, self.shown = announcement.message, announcement.shot

    def progress(self) -> Progress | None:
        """How an announced pass goes on."""
        if self.message is None:
            return None
        return Progress(self.message.pass_id, _moment(self.votes.last_s), max(1, self.votes.sightings))

    def _shot(self, state: MaskState) -> Shot | None:
        found = self.shots.get(state) or max(self.shots.values(), key=lambda shot: shot.quality, default=None)
        return found.best() if found else None

    def _announcement(
        self,
        pass_id: str,
        phase: Literal["opened", "closed"],
        state: MaskState,
        shot: Shot,
        closed_at: datetime | None = None,
    ) -> Announcement:
        opened_at = _moment(self.votes.last_s if self.votes.first_s is None else self.votes.first_s)
        last_seen_at = _moment(self.votes.last_s)
        new = shot is not self.shown
        face_key, scene_key = keys(pass_id, opened_at, self.pictures + new)
        message = PassObserved(
            pass_id=pass_id,
            phase=phase,
            camera_id=self.camera_id,
            opened_at=opened_at,
            last_seen_at=last_seen_at,
            closed_at=max(closed_at, last_seen_at) if closed_at else None,
            state=state,
            confidence=min(1.0, max(0.0, self.votes.share(state))),
            frames=max(1, self.votes.sightings),
            box=shot.box,
            face=shot.face.as_evidence(face_key),
            scene=shot.scene.as_evidence(scene_key),
        )
        # pictures that were stored with the opening are not stored again
        pictures = {face_key: shot.face.jpeg, scene_key: shot.scene.jpeg} if new else {}
        return Announcement(message, pictures, shot, self)


@dataclass
class Announcement:
    """A message that is to become durable, with the pictures it needs. Offered again until `CameraPasses.settle`."""

    message: PassObserved
    pictures: dict[str, bytes]
    shot: Shot
    of: Pass


class CameraPasses:
    """All passes of one camera. Not thread safe."""

    def __init__(self, camera_id: str, analysis_side: int, sharpen: Sharpen | None = None) -> None:
        self._camera_id = camera_id
        self._analysis_side = analysis_side
        self._sharpen = sharpen
        self._tracker = Tracker()
        self._scenes = SceneWatch()
        self._passes: dict[int, Pass] = {}
        self._closing: list[tuple[Pass, datetime]] = []
        self._last_seq = 0
        self._faces: tuple[Face, ...] = ()

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces of the frame that was seen last, each with the verdict that its person has so far."""
        return self._faces

    def progress(self) -> list[Progress]:
        """The announced passes that have not ended, and how they go on."""
        return [found for one in self._passes.values() if (found := one.progress())]

    def has_new(self, now_s: float) -> bool:
        """Whether somebody is there who came a short while ago."""
        return any(now_s - track.first_s < NEW_FOR_S for track in self._tracker.tracks)

    def see(self, frame: FrameAnalysed, full: FullFrame | None) -> Iterator[Announcement]:
        """One analysed frame. Frames that come out of order are left out: time does not go back."""
        self._faces = frame.faces
        if frame.seq <= self._last_seq:
            return
        self._last_seq = frame.seq
        at_s = frame.captured_at.timestamp()
        if full is not None and self._scenes.is_cut(full):
            self._give_up(_moment(at_s))
        cutter = Cutter(full, self._sharpen) if full is not None and frame.faces else None
        scale = min(1.0, self._analysis_side / max(frame.width, frame.height))
        sightings = [Sighting.of(face, frame.width, frame.height) for face in frame.faces]
        faces = []
        for track, sighting in self._tracker.see(at_s, sightings):
            one = self._passes.setdefault(track.track_id, Pass(self._camera_id))
            one.see(sighting, at_s, weight_of(sighting.face, sighting.size * scale), cutter)
            yield from self._judge(track, one, sighting, at_s, cutter)
            faces.append(self._passes[track.track_id].votes.applied_to(sighting.face))
        self._faces = tuple(faces)
        yield from self.tick(at_s)

    def tick(self, now_s: float) -> Iterator[Announcement]:
        """Open what waited for its picture, close what is over at `now_s`, offer again what was not accepted."""
        for one in self._passes.values():
            if one.held and one.message is None and not one.waits(one.held) and (found := one.opened(one.held)):
                yield found
        for track in self._tracker.ended(now_s):
            one = self._passes.pop(track.track_id)
            self._closing.append((one, _moment(now_s)))
        waiting, self._closing = self._closing, []
        for one, at in waiting:
            if one.held and one.message is None and (opening := one.opened(one.held)):
                yield opening
            found = one.closed(at)
            if found is not None:
                self._closing.append((one, at))
                yield found

    def end(self) -> Iterator[Announcement]:
        """The camera stops: close everything."""
        self._give_up(now())
        yield from self.tick(now().timestamp())

    def _give_up(self, at: datetime) -> None:
        """Nobody from before is followed any further."""
        self._closing += [(one, at) for one in self._passes.values()]
        self._passes.clear()
        self._tracker = Tracker()

    def settle(self, announcement: Announcement) -> None:
        """`announcement` is durable."""
        announcement.of.accept(announcement)
        if announcement.message.phase == "closed":
            self._closing = [(one, at) for one, at in self._closing if one is not announcement.of]

    def _judge(
        self, track: Track, one: Pass, sighting: Sighting, at_s: float, cutter: Cutter | None
    ) -> Iterator[Announcement]:
        """Open a pass that is decided; replace one whose state has changed for good."""
        if one.message is None:
            state = one.votes.decided()
            one.held = state
            if state and not one.waits(state) and (found := one.opened(state)):
                yield found
            return
        turned = one.votes.turned_from(one.message.state)
        if turned is None:
            return
        self._closing.append((one, _moment(at_s)))
        new = Pass(self._camera_id, votes=turned)
        if cutter is not None and (quality := cutter.quality(sighting.face)) > 0:
            new.shots[sighting.face.state] = cutter.shot(sighting.face, quality)
        self._passes[track.track_id] = new


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
