"""The order of the steps. `run`: what `xunshi up` needs. `dev`: also what checks and tests need."""

from __future__ import annotations

import sys

from install import dashboard, environment, torch_build, weights
from install.steps import StepFailed, Steps

USAGE_EXIT = 2


def main(arguments: list[str]) -> int:
    if arguments not in (["run"], ["dev"], ["tools"]):
        sys.stderr.write("usage: python3 -m install run|dev|tools\n")
        return USAGE_EXIT
    steps = Steps()
    try:
        environment.prepare(steps, development=arguments != ["run"])
        if arguments != ["tools"]:
            torch_build.prepare(steps)
            weights.prepare(steps)
        dashboard.prepare(steps, build=arguments != ["tools"])
    except StepFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    steps.done()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
