"""Face search measured: who is who on pairs of Labeled Faces in the Wild, bare and in painted masks, and how fast.

`--part` names one part. The pairs are not ours to keep: `--pairs FOLDER` or $XUNSHI_LFW has `pairs.csv` (fold, image_a,
image_b, same) and the pictures that it names, in a folder a person; without it those parts are left out.
`--part import` wants pictures of people, `--pictures FOLDER` with a folder a person, and takes a quarter of an hour.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from bench.faces import bulk, enrolment, graph, speed, vectors, verify
from bench.figure import Figure

#: Where the pairs lie when nothing else is said.
VARIABLE: Final = "XUNSHI_LFW"

#: Parts that are measured on pairs, and those that need none.
ON_PAIRS: Final[dict[str, Callable[[Path], Iterator[Figure]]]] = {
    "lfw": verify.lfw,
    "masked": verify.masked,
    "quality": verify.quality,
    "curves": verify.curves,
}
ALONE: Final[dict[str, Callable[[], Iterator[Figure]]]] = {
    "speed": speed.figures,
    "index10k": partial(vectors.figures, 10_000),
    "index100k": partial(vectors.figures, 100_000),
    "enrol10k": enrolment.figures,
}
#: Takes minutes and gigabytes: only when it is named.
LARGE: Final[dict[str, Callable[[], Iterator[Figure]]]] = {
    "index1m": partial(vectors.figures, 1_000_000),
    "graph100k": partial(graph.figures, 100_000),
    "graph1m": partial(graph.figures, 1_000_000),
}


#: On pictures of one's own; also only when it is named.
IMPORT: Final = "import"


def figures(
    part: str | None = None,
    pairs_folder: Path | None = None,
    pictures: Path | None = None,
    count: int | None = None,
) -> Iterator[Figure]:
    """Every part, or the one that is named."""
    names = [*ON_PAIRS, *ALONE]
    if part is not None and part not in (*names, *LARGE, IMPORT):
        raise SystemExit(f"--part {part}: there are {', '.join((*names, *LARGE, IMPORT))}")
    if part == IMPORT:
        if pictures is None:
            raise SystemExit(f"--part {IMPORT}: expected --pictures FOLDER")
        yield from bulk.figures(pictures, count or bulk.PICTURES)
        return
    folder = pairs_folder or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    for name in names if part is None else [part]:
        if name in ALONE or name in LARGE:
            yield from (ALONE | LARGE)[name]()
        elif folder is not None:
            yield from ON_PAIRS[name](folder)
        else:
            print(f"without {name}: expected --pairs FOLDER or ${VARIABLE}", file=sys.stderr)
