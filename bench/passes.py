"""Passes per true visit, identity switches and wrong verdicts on clips whose truth is known, frames missing or not.

Compared with the rule of the project that ours grew from: a bare face is a new person unless a bare face of the last
two frames overlaps it by 0.6. Both see the same verdicts: the real networks on every fifth frame, once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import av

from bench import scenarios
from bench.figure import Figure
from bench.mask import ours
from inference_service.ports import Model
from inference_service.verdicts import as_faces
from shared_kernel.messages import Box, Face, FrameAnalysed, MaskState, PassObserved
from shared_kernel.vision.pictures import decode_frame
from shared_kernel.vision.rules import MIN_FACE_SCORE
from stream_service.adapters.pyav_decoder import PyavFrame
from stream_service.follow import Limits, follow
from stream_service.ports import FullFrame
from stream_service.tracks import Sighting, Tracker
from xunshi import demo
from xunshi.places import DEMO_CLIPS, SAMPLES

#: As cameras are sampled and scaled when nothing else is set.
SAMPLED_FPS, SIDE = 5.0, 640
#: Frames that nobody looked at: the shares that broke the rule of the original.
MISSED = (0.0, 0.2, 0.5)
SEEDS = 5
#: Who never shows a face of this height in full sight, pixels of 720 lines, for so many samples is no visit.
VISIT_PX, IN_SIGHT, VISIT_SAMPLES = 30.0, 0.9, 4
#: A found face is a true one from this overlap on, as in the bench of the mask verdict.
MATCH_IOU = 0.4
#: The rule of the original.
RULE_IOU, RULE_FRAMES = 0.6, 2
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """One sampled frame: the full picture, what the networks say, and what is true."""

    full: FullFrame
    analysed: FrameAnalysed
    truth: demo.FrameTruth


@dataclass(frozen=True)
class Visit:
    """What is true of one person's visit, and what was said about it."""

    person: str
    state: MaskState
    passes: tuple[PassObserved, ...]


def figures() -> Iterator[Figure]:
    """Of all clips together; a half of one visit counts like a half of any other."""
    judge = ours.model(ours.sessions(), MIN_FACE_SCORE)
    clips = [demo.compose(SAMPLES, DEMO_CLIPS, one) for one in (scenarios.QUEUE, scenarios.CROSSING)]
    clips += [demo.compose(SAMPLES, DEMO_CLIPS), demo.compose_short(SAMPLES, DEMO_CLIPS)]
    films = [look(clip, judge) for clip in clips]
    for missed in MISSED:
        yield from _figures([(film, missed, seed) for film in films for seed in range(SEEDS if missed else 1)], missed)


def _figures(runs: Sequence[tuple[list[Seen], float, int]], missed: float) -> Iterator[Figure]:
    visits: list[Visit] = []
    switches = strangers = crops = 0
    for film, share, seed in runs:
        chance = random.Random(seed)
        kept = [one for one in film if chance.random() >= share]
        found, foreign = told(film, passes_of(kept))
        visits += found
        strangers += foreign
        switches += identity_switches(kept)
        crops += by_the_old_rule(kept)
    name = f"{missed:.0%} missed"
    bare = [visit for visit in visits if not visit.state.protected]
    alarms = sum(not one.state.protected for visit in visits for one in visit.passes)
    said = [visit for visit in visits if visit.passes]
    wrong = sum(visit.passes[-1].state.protected is not visit.state.protected for visit in said)
    yield Figure(f"passes a visit, {name}", sum(len(visit.passes) for visit in visits) / len(visits), None, "")
    yield Figure(f"alarms a bare visit, {name}", alarms / len(bare), crops / len(bare), "")
    yield Figure(f"visits missed, {name}", 1 - len(said) / len(visits), None, "")
    yield Figure(f"wrong verdicts, {name}", wrong / len(visits), None, "")
    yield Figure(f"switches a visit, {name}", switches / len(visits), None, "")
    yield Figure(f"passes of nobody, {name}", strangers / len(runs), None, "")


def look(clip: demo.Clip, judge: Model) -> list[Seen]:
    """Sample, scale and judge the clip as the two services do."""
    every, film = round(clip.fps / SAMPLED_FPS), []
    with av.open(str(clip.path), "r") as frames:
        for frame, truth in zip(frames.decode(video=0), demo.read(clip.truth), strict=True):
            if truth.frame % every:
                continue
            at = START + timedelta(seconds=truth.at_s)
            full = PyavFrame(frame, at, truth.at_s)
            picture = decode_frame(full.small_jpeg(SIDE))
            faces = as_faces(judge.read([picture])[0], picture)
            film.append(Seen(full, _analysed(truth.frame, at, full, faces), truth))
    return film


def _analysed(number: int, at: datetime, full: FullFrame, faces: tuple[Face, ...]) -> FrameAnalysed:
    return FrameAnalysed(
        frame_id=str(number),
        camera_id="bench",
        owner="bench",
        seq=number + 1,
        captured_at=at,
        analysed_at=at,
        width=full.width,
        height=full.height,
        faces=faces,
    )


class _Kept:
    """The full frames of a film and the messages about it: both ports of `follow`."""

    def __init__(self, film: Sequence[Seen]) -> None:
        self._frames = {one.analysed.frame_id: one.full for one in film}
        self.messages: dict[str, PassObserved] = {}

    def take(self, camera_id: str, frame_id: str) -> FullFrame | None:  # noqa: ARG002
        return self._frames.get(frame_id)

    def runs(self, camera_id: str) -> bool:  # noqa: ARG002
        return True

    def attend(self, camera_id: str) -> None: ...

    def accept(self, message: PassObserved, pictures: object) -> None:  # noqa: ARG002
        self.messages[message.pass_id] = message

    def remember(self, open_passes: object) -> None: ...


def passes_of(film: Sequence[Seen]) -> list[PassObserved]:
    """The last message of each pass."""
    kept, now_s = _Kept(film), [START.timestamp()]

    def frames() -> Iterator[FrameAnalysed]:
        for one in film:
            now_s[0] = one.analysed.captured_at.timestamp()
            yield one.analysed

    for _ in follow(frames(), kept, kept, Limits(SIDE, 4.0), seconds_now=lambda: now_s[0]):
        pass
    return list(kept.messages.values())


def told(film: Sequence[Seen], passes: Sequence[PassObserved]) -> tuple[list[Visit], int]:
    """Every true visit with its passes in order of time, and how many passes belong to no visit."""
    persons = true_visits(film)
    by_person: dict[str, list[PassObserved]] = {}
    for one in sorted(passes, key=lambda one: one.opened_at):
        by_person.setdefault(_person_of(one, film) or "", []).append(one)
    visits = [Visit(person, state, tuple(by_person.pop(person, ()))) for person, state in persons.items()]
    return visits, sum(len(left) for left in by_person.values())


def true_visits(film: Sequence[Seen]) -> dict[str, MaskState]:
    """Who can be seen well enough to be expected, and what they wear."""
    seen: dict[str, list[str]] = {}
    for one in film:
        for face in one.truth.faces:
            if face.height_px >= VISIT_PX and face.visible >= IN_SIGHT:
                seen.setdefault(face.person, []).append(face.state)
    return {person: MaskState(states[0]) for person, states in seen.items() if len(states) >= VISIT_SAMPLES}


def _person_of(one: PassObserved, film: Sequence[Seen]) -> str | None:
    """Whose face the evidence shows: its box is that of one analysed face."""
    for seen in film:
        if any(face.box == one.box for face in seen.analysed.faces):
            return next((person for person, face in _found(seen).items() if face.box == one.box), None)
    return None


def _in_px(box: Box, seen: Seen) -> tuple[float, ...]:
    width, height = seen.analysed.width, seen.analysed.height
    return box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height


def identity_switches(film: Sequence[Seen]) -> int:
    """How often a person's track is another one than before: IDSW of CLEAR MOT (Bernardin and Stiefelhagen, 2008)."""
    tracker, track_of, switches = Tracker(), dict[str, int](), 0
    for seen in film:
        frame = seen.analysed
        at_s = frame.captured_at.timestamp()
        sightings = [Sighting.of(face, frame.width, frame.height) for face in frame.faces]
        followed = {id(sighting.face): track.track_id for track, sighting in tracker.see(at_s, sightings)}
        for person, face in _found(seen).items():
            track_id = followed[id(face)]
            switches += track_of.setdefault(person, track_id) != track_id
            track_of[person] = track_id
        tracker.ended(at_s)
    return switches


def _found(seen: Seen) -> dict[str, Face]:
    """The face that was found of each true person: the one that overlaps the truth best, at `MATCH_IOU` at least."""
    pairs = [
        (_iou(_in_px(face.box, seen), true.box), true.person, face)
        for face in seen.analysed.faces
        for true in seen.truth.faces
    ]
    found: dict[str, Face] = {}
    taken: set[int] = set()
    for overlap, person, face in sorted(pairs, key=lambda pair: -pair[0]):
        if overlap >= MATCH_IOU and person not in found and id(face) not in taken:
            found[person] = face
            taken.add(id(face))
    return found


def by_the_old_rule(film: Sequence[Seen]) -> int:
    """How many people without a mask the rule of the original would report."""
    before: list[list[Box]] = []
    crops = 0
    for seen in film:
        bare = [face.box for face in seen.analysed.faces if not face.state.protected]
        known = [box for boxes in before[-RULE_FRAMES:] for box in boxes]
        crops += sum(all(_iou(_corners(box), _corners(old)) < RULE_IOU for old in known) for box in bare)
        before.append(bare)
    return crops


def _corners(box: Box) -> tuple[float, ...]:
    return box.x0, box.y0, box.x1, box.y1


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, wide) * max(0.0, high)
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / total if total > 0 else 0.0
