"""`python -m bench latency|memory|start|… [--json]`; without a name, all that need no long preparation."""

from __future__ import annotations

import argparse
import importlib
from typing import Final

from bench.figure import show

#: Each module has `figures()`, an iterator of Figure.
MODULES: Final = ("latency", "live_latency", "memory", "cameras", "start")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODULES))
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MODULES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    for name in given.names or MODULES:
        show(importlib.import_module(f"bench.{name}").figures(), as_json=given.json)


if __name__ == "__main__":
    main()
