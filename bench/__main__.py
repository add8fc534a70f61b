"""`python -m bench detect|latency|memory|start|… [--json]`; without a name, all that need no long preparation."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any, Final

from bench.figure import show

#: Each module has `figures()`, an iterator of Figure; `detect` also takes options.
MODULES: Final = ("detect", "passes", "latency", "live_latency", "memory", "cameras", "faces", "archive", "start")
#: Take a quarter of an hour to an hour; only when asked for.
LONG: Final = ("frames", "reconnects", "steady", "sustained")
OPTIONS: Final = {
    "detect": ("pictures", "threads", "precision", "yardstick"),
    "faces": ("part", "pairs_folder", "pictures", "count"),
    "frames": ("frames",),
    "reconnects": ("reconnects",),
    "steady": ("minutes",),
    "sustained": ("cameras",),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODULES + LONG))
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="detect: measure on these; faces --part import: enrol these"
    )
    detect = parser.add_argument_group("options of detect")
    detect.add_argument("--threads", type=int, help="CPU threads of both; default 1")
    detect.add_argument("--precision", choices=["f32", "bf16"], help="of the computation of both; default f32")
    detect.add_argument("--aizoo", type=Path, metavar="FILE", dest="yardstick", help="AIZOO's network, the baseline")
    faces = parser.add_argument_group("options of faces")
    faces.add_argument("--part", help="one part only")
    faces.add_argument("--pairs", type=Path, metavar="DIR", dest="pairs_folder", help="pairs.csv and its pictures")
    faces.add_argument("--count", type=int, help="pictures of --part import; default 10,000")
    frames = parser.add_argument_group("option of frames")
    frames.add_argument("--frames", type=int, help="how many; default 100,000, and half of that for the networks")
    long = parser.add_argument_group("options of reconnects, steady and sustained")
    long.add_argument("--reconnects", type=int, help="how many; default 10,000")
    long.add_argument("--minutes", type=int, help="how long; default 60")
    long.add_argument("--cameras", type=int, help="try no more than so many; default 64")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MODULES + LONG):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(MODULES + LONG)}")
    names = given.names or MODULES
    taken = {option for name in names for option in _options(given, name)}
    if foreign := {option for name in OPTIONS for option in _options(given, name)} - taken:
        parser.error(f"{', '.join(sorted(foreign))}: not an option of {', '.join(names)}")
    for name in names:
        show(importlib.import_module(f"bench.{name}").figures(**_options(given, name)), as_json=given.json)


def _options(given: argparse.Namespace, name: str) -> dict[str, Any]:
    return {option: value for option in OPTIONS.get(name, ()) if (value := getattr(given, option)) is not None}


if __name__ == "__main__":
    main()
