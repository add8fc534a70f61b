"""Step 3: networks and sample pictures, by sha256. The work is done by `xunshi models fetch`, installed by then."""

from __future__ import annotations

import tomllib
from pathlib import Path

from install.steps import PYTHON, ROOT, Steps, digest, unless_stamped

#: Each list and the folder that its files go to.
LISTS = {
    ROOT / "inference-service" / "weights.toml": ROOT / ".cache" / "weights",
    ROOT / "face-search" / "weights.toml": ROOT / ".cache" / "weights",
    ROOT / "xunshi" / "xunshi" / "samples.toml": ROOT / ".cache" / "samples",
}


def prepare(steps: Steps) -> None:
    """Raises: StepFailed."""
    lists = {path: folder for path, folder in LISTS.items() if path.is_file()}
    there = all((folder / name).is_file() for path, folder in lists.items() for name in _files(path))
    unless_stamped("weights", digest(lists, str(ROOT)), lambda: _fetch(steps), still_there=there)


def _files(path: Path) -> list[str]:
    return [str(entry["file"]) for entry in tomllib.loads(path.read_text()).get("artifact", [])]


def _fetch(steps: Steps) -> None:
    steps.say("weights: networks and samples that are not in the repository", "权重：仓库之外的网络与样例")
    steps.run([PYTHON, "-m", "xunshi", "models", "fetch"])
