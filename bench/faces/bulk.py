"""Ten thousand pictures through the real import: rate, memory, searches meanwhile, a worker that is killed half way.

`--pictures DIR` has a folder for each person, as `xunshi face import` takes it. Where it has fewer than are wanted,
each comes again mirrored, cropped and brighter or darker: files that differ, faces that are found, read, compared,
stored and indexed like others. A whole stack runs; nothing of it knows that it is measured.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import cv2
import httpx
import numpy as np

from bench.figure import Figure
from face_search.ports import Picture
from shared_kernel.vision.pictures import read_file
from xunshi.places import SAMPLES
from xunshi.stack import process
from xunshi.testing import ApiClient, RunningStack

PICTURES: Final = 10_000
#: Longest side of what is packed, pixels: portraits, not the camera's whole picture.
SIDE_PX: Final = 640
ENDINGS: Final = frozenset({".jpg", ".jpeg", ".png"})
#: How often progress and memory are looked at, and a face is looked for, seconds. A user may look 30 times a minute.
LOOK_EVERY_S: Final = 2.0
SEARCH_EVERY_S: Final = 5.0
SEARCHES_ALONE: Final = 10
#: The worker is killed when this share of the pictures is through.
KILL_AT: Final = 0.5
#: Lives of access tokens are longer than this, seconds.
LOG_IN_EVERY_S: Final = 600.0
_PAGE: Final = 500
_MIB: Final = 1024 * 1024
_MARKS: Final = (0.05, 0.25, 0.5, 0.75, 1.0)


@dataclass
class Course:
    """What was seen while the import ran: settled lines, memory of the parts in MiB, milliseconds of searches."""

    began_s: float
    settled: list[tuple[float, int]] = field(default_factory=list)
    memory: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    searches: list[float] = field(default_factory=list)
    refused_searches: int = 0
    killed_s: float | None = None
    resumed_s: float | None = None


def figures(pictures: Path, count: int = PICTURES) -> Iterator[Figure]:
    """Import `count` pictures of a folder, and variants of them, into a new stack."""
    portrait = (SAMPLES / "collins.png").read_bytes()
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder) / "data") as stack:
        client = stack.client()
        _enrol(client, portrait)
        alone = [_search(client, portrait) for _ in range(SEARCHES_ALONE)]
        with tempfile.TemporaryFile() as packed:
            pack(pictures, count, packed)
            packed.seek(0)
            started = client.post_file("/faces/imports", "archive", "bench.zip", packed, basis_detail="bench")
        course = _follow(stack, client, started["import_id"], portrait)
        yield from _rates(course)
        yield from _waits(alone, course)
        yield from _memory(course)
        yield from _report(client, started["import_id"], count)
        yield _verified(stack)


def pack(pictures: Path, count: int, out: IO[bytes]) -> None:
    """Write `count` files into a ZIP, a folder a person: each picture once, then variants until they are enough.

    Raises:
        SystemExit: the folder has no pictures.
    """
    sources = sorted(path for path in pictures.rglob("*") if path.suffix.lower() in ENDINGS)
    if not sources:
        raise SystemExit(f"--pictures {pictures}: expected a folder for each person with .jpg or .png files, got none")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        turns = ((turn, path) for turn in itertools.count() for path in sources)
        for turn, path in itertools.islice(turns, count):
            name = f"{path.parent.relative_to(pictures).as_posix()}/{path.stem}-{turn}.jpg".removeprefix("./")
            archive.writestr(name, cv2.imencode(".jpg", variant(read_file(path), turn))[1].tobytes())


def variant(picture: Picture, turn: int) -> Picture:
    """The picture, fitted; from the second turn on mirrored or not, cropped a little, brighter or darker."""
    scale = min(1.0, SIDE_PX / max(picture.shape[:2]))
    fitted = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if turn == 0:
        return np.asarray(fitted, np.uint8)
    turned = cv2.flip(fitted, 1) if turn % 2 else fitted
    edge = round(min(turned.shape[:2]) * 0.01 * (turn % 8))
    cropped = turned[edge : turned.shape[0] - edge, edge : turned.shape[1] - edge]
    return np.asarray(cv2.convertScaleAbs(cropped, alpha=1.0, beta=6.0 * (turn % 5 - 2)), np.uint8)


def _enrol(client: ApiClient, portrait: bytes) -> None:
    somebody = {"name": "Collins", "note": "", "basis": "consent", "basis_detail": "bench"}
    person_id = client.post("/faces/persons", somebody)["person_id"]
    client.post_photo(f"/faces/persons/{person_id}/samples", portrait)


def _search(client: ApiClient, portrait: bytes) -> float:
    """Milliseconds of a search by a photo. The pause keeps within what a user may."""
    began = time.perf_counter()
    client.post_photo("/faces/search", portrait, purpose="bench", of="persons")
    took_ms = (time.perf_counter() - began) * 1000
    time.sleep(max(0.0, 2.0 - took_ms / 1000))
    return took_ms


def _follow(stack: RunningStack, client: ApiClient, import_id: str, portrait: bytes) -> Course:
    course = Course(time.monotonic())
    search_at = log_in_at = time.monotonic()
    while True:
        moment = time.monotonic()
        if moment >= log_in_at:
            client.log_in_again()
            log_in_at = moment + LOG_IN_EVERY_S
        if moment >= search_at:
            search_at = moment + SEARCH_EVERY_S
            try:
                course.searches.append(_search(client, portrait))
            except httpx.HTTPError:
                course.refused_searches += 1
        state = _state(client, import_id)
        if state is None:
            time.sleep(LOOK_EVERY_S)
            continue
        _note(course, stack, state)
        if state["state"] in ("done", "failed", "cancelled"):
            print(state["state"], state["detail"] or "", file=sys.stderr)
            return course
        if course.killed_s is None and state["total"] and _settled(state) >= KILL_AT * state["total"]:
            os.killpg(stack.pid_of("faces"), signal.SIGKILL)
            course.killed_s = time.monotonic()
        time.sleep(LOOK_EVERY_S)


def _state(client: ApiClient, import_id: str) -> dict[str, Any] | None:
    try:
        return dict(client.get(f"/faces/imports/{import_id}"))
    except httpx.HTTPError:  # it was killed and comes back
        return None


def _settled(state: dict[str, Any]) -> int:
    return int(state["accepted"] + state["repeated"] + state["refused"])


def _note(course: Course, stack: RunningStack, state: dict[str, Any]) -> None:
    settled, moment = _settled(state), time.monotonic()
    last = course.settled[-1][1] if course.settled else 0
    if course.killed_s is not None and course.resumed_s is None and settled > last:
        course.resumed_s = moment
    course.settled.append((moment - course.began_s, settled))
    names = {part.pid: part.name for part in stack.state().parts if part.pid}
    used = process.memory_bytes(set(names))
    course.memory.append((settled, {names[pid]: size / _MIB for pid, size in used.items()}))


def _rates(course: Course) -> Iterator[Figure]:
    took_s, total = course.settled[-1]
    yield Figure(f"import {total:,}: all of it", total / took_s, None, "1/s")
    half = total / 2
    first = next(at for at, settled in course.settled if settled >= half)
    yield Figure(f"import {total:,}: second half beside first", (total - half) / (took_s - first), half / first, "1/s")
    if course.killed_s is not None and course.resumed_s is not None:
        yield Figure("import: killed to the next picture", course.resumed_s - course.killed_s, None, "s")


def _waits(alone: list[float], course: Course) -> Iterator[Figure]:
    for share in (50, 95):
        meanwhile = float(np.percentile(course.searches, share)) if course.searches else float("nan")
        yield Figure(f"import: a search meanwhile, p{share}", meanwhile, float(np.percentile(alone, share)), "ms")
    yield Figure("import: searches refused meanwhile", float(course.refused_searches), None, "")


def _memory(course: Course) -> Iterator[Figure]:
    """Of the parts that work, at shares of the whole; the baseline is the beginning."""
    total = course.settled[-1][1]
    begin = next(used for settled, used in course.memory if settled >= _MARKS[0] * total)
    for mark in _MARKS[1:]:
        used = next(used for settled, used in course.memory if settled >= mark * total)
        for name in ("faces", "milvus", "redis"):
            yield Figure(f"import: memory of {name} at {mark:.0%}", used.get(name, 0.0), begin.get(name), "MiB")


def _report(client: ApiClient, import_id: str, count: int) -> Iterator[Figure]:
    """Each line of the report once, and what became of the pictures."""
    numbers: list[int] = []
    outcomes: Counter[str] = Counter()
    after: int | str | None = None
    while True:
        query = {"limit": _PAGE} if after is None else {"limit": _PAGE, "after": after}
        page = client.get(f"/faces/imports/{import_id}/lines", **query)
        numbers += [line["line_no"] for line in page["items"]]
        outcomes.update(line["reason"] or line["outcome"] for line in page["items"])
        after = page["next"]
        if after is None:
            break
    yield Figure("import: lines of the report", float(len(numbers)), float(count), "")
    yield Figure("import: different lines", float(len(set(numbers))), float(count), "")
    for outcome, number in outcomes.most_common():
        yield Figure(f"import: {outcome}", float(number), float(count), "")


def _verified(stack: RunningStack) -> Figure:
    """What `xunshi index verify` says: entries of the index beside rows in SQL; none when they differ."""
    words = [sys.executable, "-m", "xunshi", "index", "verify", "--json", "--data", str(stack.folder.path)]
    said = subprocess.run(words, check=False, capture_output=True, text=True)
    print(said.stdout + said.stderr, file=sys.stderr)
    found = json.loads(said.stdout.splitlines()[0]) if said.stdout else {"entries": 0, "rows": 0}
    entries = found["entries"] if said.returncode == 0 else 0
    return Figure("import: entries of the index beside rows", float(entries), float(found["rows"]), "")
