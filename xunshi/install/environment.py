"""Step 1: `.venv`, the pinned packages and the six packages of this repository. Uses `steps`, `first_pip`."""

from __future__ import annotations

import subprocess
import sys

from install import first_pip
from install.steps import PYTHON, ROOT, VENV, StepFailed, Steps, digest, unless_stamped

PACKAGES = ("shared-kernel", "inference-service", "stream-service", "miniprogram-api", "face-search", "xunshi")
LOCKS = ROOT / "requirements"
PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input")


def prepare(steps: Steps, *, development: bool) -> None:
    """Raises: StepFailed."""
    _make_venv(steps)
    where = f"{ROOT} {sys.version_info[:2]}"  # editable packages know their absolute place
    run_lock, dev_lock = LOCKS / "run.lock", LOCKS / "dev.lock"
    unless_stamped("run", digest([run_lock], where), lambda: _install(steps, "run"))
    projects = [ROOT / package / "pyproject.toml" for package in PACKAGES]
    unless_stamped("packages", digest([run_lock, *projects], where), lambda: _link(steps))
    if development:
        unless_stamped("dev", digest([dev_lock], where), lambda: _install(steps, "dev"))


def _make_venv(steps: Steps) -> None:
    if _works():
        return
    steps.say(
        f"environment: .venv with Python {sys.version.split()[0]}",
        f"环境：用 Python {sys.version.split()[0]} 建立 .venv",
    )
    try:
        steps.run([sys.executable, "-m", "venv", "--clear", VENV])
    except StepFailed:  # Debian splits pip off: python3-venv is missing
        steps.run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV])
        first_pip.install(steps, PYTHON, LOCKS / "run.lock")


def _works() -> bool:
    """Whether `.venv` runs, is new enough, and has pip; an interpreter that was removed leaves a broken one behind."""
    test = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", test], capture_output=True, check=False).returncode == 0


def _install(steps: Steps, name: str) -> None:
    what = {
        "run": ("packages that run Xunshi", "运行所需的软件包"),
        "dev": ("packages for checks and tests", "检查与测试所需的软件包"),
    }
    english, chinese = what[name]
    steps.say(f"environment: {english}", f"环境：{chinese}")
    steps.run([*PIP, "install", "--prefer-binary", "-r", LOCKS / f"{name}.lock"])


def _link(steps: Steps) -> None:
    steps.say("environment: this repository's own packages", "环境：本仓库自己的软件包")
    targets = [word for package in PACKAGES for word in ("-e", str(ROOT / package))]
    steps.run([*PIP, "install", "--no-deps", "--no-build-isolation", "--no-index", *targets])
