"""From a picture file to the verdict on its faces: ours beside AIZOO's 260 px detector, on the same pictures.

Same runtime, precision and threads; both in turns in one run. AIZOO's way is its authors': OpenCV reads the file, the
picture is stretched to 260 x 260, boxes of 0.5 and more are kept. `network alone` is the floor: no file, no pixels
around it. `of which` lines say where our time goes, as a share of it; they are taken under a profiler, which costs a
little. With one thread it is processor time that counts: what a core gives, whoever else is on the machine. With more
it is the clock.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.figure import Figure
from bench.mask import aizoo, ours
from bench.pairs import Times, per_second, ratio_interval, timed
from bench.portraits import portrait
from inference_service.detect import files_of
from inference_service.ports import Model
from shared_kernel.errors import ArtifactError
from shared_kernel.vision.ports import Session
from xunshi.places import SAMPLES

#: Groups of pictures by the faces we find: name, least, most.
GROUPS: Final = (("0-3 faces", 0, 3), ("4-9 faces", 4, 9), ("10 and more faces", 10, 10_000))
#: Composed where no folder is given.
COMPOSED: Final = tuple((faces, *size) for faces in (1, 3, 6, 15) for size in ((640, 480), (1920, 1080)))
#: Rounds of a run, fewer with many pictures.
MOST_ROUNDS, FEWEST_ROUNDS, READINGS = 40, 5, 400
#: A shape that returned this often has its own network; the commonest shapes get theirs before the clock starts.
WARM_READINGS, WARM_SHAPES = 20, 8
PROFILED_ROUNDS: Final = 5

#: Where our time goes: what is done, and the function that does it with the module it stands in.
STEPS: Final = (
    ("read the file", "pathlib", "read_bytes"),
    ("decode", "pictures", "decode_to_fit"),
    ("bring to size", "yunet", "fit"),
    ("detector network", "detect", "detector_network"),
    ("decode boxes", "yunet", "decode"),
    ("suppress doubles", "overlap", "keep_distinct"),
    ("cut crops", "align", "crop_face"),
    ("state network", "detect", "state_network"),
    ("second look network", "detect", "second_look_network"),
)


#: Times ways to do things; see `pairs.timed`.
Timer = Callable[[Sequence[tuple[Callable[[], object], ...]]], tuple[Times, ...]]


@dataclass
class Recorded:
    """A session that keeps its last inputs, so that the network alone can be run on them again."""

    session: Session
    last: list[NDArray[np.float32] | NDArray[np.uint8]]

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """See `shared_kernel.vision.ports.Session`."""
        self.last.append(inputs)
        return self.session.run(inputs)


@dataclass(frozen=True)
class DetectorNetwork:
    """A session under a name that the profiler can tell from the others'."""

    session: Session

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """See `shared_kernel.vision.ports.Session`."""
        return self.detector_network(inputs)

    def detector_network(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        return self.session.run(inputs)


@dataclass(frozen=True)
class StateNetwork:
    """The same for the network that judges every face."""

    session: Session

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """See `shared_kernel.vision.ports.Session`."""
        return self.state_network(inputs)

    def state_network(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        return self.session.run(inputs)


@dataclass(frozen=True)
class SecondLookNetwork:
    """The same for the one that judges unsure faces again."""

    session: Session

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """See `shared_kernel.vision.ports.Session`."""
        return self.second_look_network(inputs)

    def second_look_network(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        return self.session.run(inputs)


@dataclass(frozen=True)
class Case:
    """A picture and what each network, in the order of `ours.Networks`, gets to see of it."""

    path: Path
    faces: int
    shape: tuple[int, ...]
    inputs: list[list[NDArray[np.float32] | NDArray[np.uint8]]]


def figures(
    pictures: Path | None = None,
    *,
    threads: int = 1,
    precision: ours.Precision = "f32",
    yardstick: Path | None = None,
    most_rounds: int = MOST_ROUNDS,
) -> Iterator[Figure]:
    """Pictures a second by number of faces, the networks alone, and where the time goes.

    Args:
        pictures: a folder; without it pictures of 1 to 15 faces are composed.
        threads: CPU threads, for both.
        precision: of the computation, for both.
        yardstick: AIZOO's file; see `aizoo.find`.
        most_rounds: how often each picture is read at most; less often when there are many.
    """
    cv2.setNumThreads(threads)
    theirs = _yardstick(yardstick, threads=threads, precision=precision)
    with tempfile.TemporaryDirectory() as folder:
        files = list(files_of([pictures])) if pictures else compose(Path(folder))
        if not files:
            raise SystemExit(f"{pictures}: no pictures in this folder")
        networks = ours.sessions(precision=precision, threads=threads)
        cases = examine(files, networks)
        model = ours.model(networks, ours.DEFAULT_SCORE)
        _warm(cases, model)
        for name, least, most in GROUPS:
            group = [case for case in cases if least <= case.faces <= most]
            if group:
                rounds = max(min(FEWEST_ROUNDS, most_rounds), min(most_rounds, READINGS // len(group)))
                timer = partial(timed, rounds=rounds, clock_s=time.process_time if threads == 1 else time.perf_counter)
                yield from _measured(f"detect, {name}", group, networks, theirs, timer)


def _yardstick(path: Path | None, *, threads: int, precision: str) -> aizoo.Aizoo | None:
    try:
        return aizoo.Aizoo(aizoo.find(path), precision=precision, threads=threads)
    except ArtifactError as error:
        print(f"without AIZOO, the baseline: {error}", file=sys.stderr)
        return None


def compose(folder: Path) -> list[Path]:
    """Write the composed pictures as JPEG."""
    files = []
    for faces, width, height in COMPOSED:
        files.append(folder / f"{faces:02}_{width}x{height}.jpg")
        cv2.imwrite(str(files[-1]), portrait(SAMPLES, faces, width, height), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return files


def examine(files: Sequence[Path], networks: ours.Networks) -> list[Case]:
    """Read each picture once: how many faces it has, and what the networks get."""
    recorded = [Recorded(session, []) for session in _present(networks)]
    model = ours.model(ours.Networks(*recorded), ours.DEFAULT_SCORE)
    cases = []
    for path in files:
        for one in recorded:
            one.last.clear()
        faces = sum(one.score >= ours.DEFAULT_SCORE for one in ours.verdict(path, model))
        cases.append(Case(path, faces, recorded[0].last[0].shape, [list(one.last) for one in recorded]))
    return cases


def _present(networks: ours.Networks) -> list[Session]:
    return [session for session in networks if session is not None]


def _warm(cases: Sequence[Case], model: Model) -> None:
    common = Counter(case.shape for case in cases).most_common(WARM_SHAPES)
    for shape, _ in common:
        case = next(case for case in cases if case.shape == shape)
        for _ in range(WARM_READINGS):
            ours.verdict(case.path, model)


def _measured(
    name: str, group: Sequence[Case], networks: ours.Networks, theirs: aizoo.Aizoo | None, timer: Timer
) -> Iterator[Figure]:
    model = ours.model(networks, ours.DEFAULT_SCORE)
    whole: list[tuple[Callable[[], object], ...]] = []
    alone: list[tuple[Callable[[], object], ...]] = []
    for case in group:
        whole.append((partial(ours.verdict, case.path, model),))
        alone.append((partial(_networks_alone, case, networks),))
        if theirs is not None:
            whole[-1] += (partial(_their_verdict, case.path, theirs),)
            alone[-1] += (partial(theirs.run, aizoo.prepare(_imread(case.path))),)
    yield _figure(name, timer(whole))
    yield _figure(f"  network alone, {name}", timer(alone))
    yield from _steps(name, group, networks)


def _their_verdict(path: Path, theirs: aizoo.Aizoo) -> None:
    theirs.read(_imread(path))


def _imread(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{path}: OpenCV does not read it, so AIZOO cannot be measured on it; leave it out")
    return np.asarray(picture, np.uint8)


def _networks_alone(case: Case, networks: ours.Networks) -> None:
    for session, inputs in zip(_present(networks), case.inputs, strict=True):
        for one in inputs:
            session.run(one)


def _figure(name: str, times: tuple[Times, ...]) -> Figure:
    if len(times) == 1:
        return Figure(name, per_second(times[0]), None, "pictures/s")
    return Figure(name, per_second(times[0]), per_second(times[1]), "pictures/s", ratio_interval(times[0], times[1]))


def _steps(name: str, group: Sequence[Case], networks: ours.Networks) -> Iterator[Figure]:
    """Milliseconds a picture of each step, as a share of all."""
    named = ours.Networks(
        DetectorNetwork(networks.detector),
        StateNetwork(networks.state),
        SecondLookNetwork(networks.fine) if networks.fine else None,
    )
    model = ours.model(named, ours.DEFAULT_SCORE)
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    for _ in range(PROFILED_ROUNDS):
        for case in group:
            ours.verdict(case.path, model)
    profile.disable()
    readings = PROFILED_ROUNDS * len(group)
    spent_ms = {
        (Path(file).stem, function): times[3] * 1000 / readings
        for (file, _, function), times in pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
    }
    rest = total = spent_ms["ours", "verdict"]
    for words, module, function in STEPS:
        step_ms = spent_ms.get((module, function), 0.0)
        if step_ms:
            rest -= step_ms
            yield Figure(f"  of which {words}, {name}", step_ms, total, "ms")
    yield Figure(f"  of which the rest, {name}", rest, total, "ms")
