"""Step 2: torch, where a build that suits this machine can be had. Never an error: OpenVINO serves without it.

torch is wanted for CUDA inference and for training. The default package brings several gigabytes of CUDA, so without a
GPU only a CPU build is taken: from TORCH_INDEX_URL, from PyTorch's own CPU index, or from the usual index after asking
what it would bring.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from install.environment import LOCKS, PIP
from install.steps import PYTHON, ROOT, StepFailed, Steps, digest, unless_stamped

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
#: The project's index is asked for a sign of life this long before it is left alone.
PROBE_TIMEOUT_S = 4.0
#: Asking what a package would bring may mean to load it; no longer than this.
DRY_RUN_TIMEOUT_S = 120.0
_CUDA = re.compile(r"^(nvidia-|cuda-|triton$)")


def prepare(steps: Steps) -> None:
    lock = LOCKS / "torch.lock"
    gpu = _gpu_seen()
    made_from = digest([lock], str(ROOT), str(sys.version_info[:2]), str(gpu), os.environ.get("TORCH_INDEX_URL", ""))
    unless_stamped("torch", made_from, lambda: _install(steps, lock, gpu=gpu))


def _install(steps: Steps, lock: Path, *, gpu: bool) -> None:
    if os.environ.get("XUNSHI_TORCH", "").lower() in ("0", "no", "off") or _installed(lock):
        return
    steps.say(*(("torch: build for the GPU", "torch：GPU 版") if gpu else ("torch: CPU build", "torch：CPU 版")))
    if (index := os.environ.get("TORCH_INDEX_URL")) and _try(steps, lock, "--index-url", index):
        return
    if not gpu and _answers(CPU_INDEX) and _try(steps, lock, "--extra-index-url", CPU_INDEX, cpu_only=True):
        return
    if (gpu or _brings_no_cuda(lock)) and _try(steps, lock):
        return
    steps.say(
        "torch: no build for this machine was found; going on without it (OpenVINO serves, only training needs torch)",
        "torch：没有适合本机的版本，跳过（推理使用 OpenVINO，仅训练需要 torch）",
    )


def _gpu_seen() -> bool:
    if Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists():
        return True
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True, check=False).returncode == 0


def _installed(lock: Path) -> bool:
    test = "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != sys.argv[1])"
    return subprocess.run([PYTHON, "-c", test, _version(lock)], capture_output=True, check=False).returncode == 0


def _version(lock: Path) -> str:
    return next(line for line in lock.read_text().splitlines() if line.startswith("torch==")).removeprefix("torch==")


def _answers(index: str) -> bool:
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=PROBE_TIMEOUT_S):  # noqa: S310 - a constant https address
            return True
    except (OSError, urllib.error.URLError):
        return False


def _try(steps: Steps, lock: Path, *where: str, cpu_only: bool = False) -> bool:
    # the +cpu build is named outright, or pip may prefer the other index's package of the same version
    what = ["-r", str(lock)] if not cpu_only else ["-r", str(lock), "-c", str(_cpu_constraint(lock))]
    try:
        steps.run([*PIP, "install", "--prefer-binary", "--retries", "1", *where, *what])
    except StepFailed as failure:
        steps.say(
            f"torch: {str(failure).splitlines()[-3:][0][:160]}", f"torch：{str(failure).splitlines()[-3:][0][:160]}"
        )
        return False
    return True


def _cpu_constraint(lock: Path) -> Path:
    path = PYTHON.parents[1] / "torch-cpu.txt"
    path.write_text(f"torch=={_version(lock)}+cpu\n")
    return path


def _brings_no_cuda(lock: Path) -> bool:
    """Ask pip what it would install; a machine without a GPU takes no CUDA."""
    command: list[str | Path] = [*PIP, "install", "--dry-run", "--quiet", "--report", "-", "--only-binary", ":all:"]
    command += ["--use-feature=fast-deps", f"torch=={_version(lock)}"]
    try:
        asked = subprocess.run(command, capture_output=True, check=True, timeout=DRY_RUN_TIMEOUT_S)
        names = [entry["metadata"]["name"].lower() for entry in json.loads(asked.stdout)["install"]]
    except (subprocess.SubprocessError, ValueError, KeyError):
        return False
    return not any(_CUDA.match(name) for name in names)
