"""Programs from Debian packages, unpacked into a folder: nothing is installed, no root is needed. Used by the parts.

Only what the machine lacks is unpacked: apt names the missing packages of the dependency tree, downloads them and
checks their signatures; `dpkg-deb -x` unpacks. Where the machine's package lists are missing or stale, private ones are
read.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from shared_kernel.testing.missing import PartMissing

_APT_TIMEOUT_S = 600
_DONE = ".complete"
#: The machine's own loader and C library belong together; a newer library beside an older loader crashes.
_NEVER = {"libc6", "libc-bin"}


def unpacked(packages: Sequence[str], tree: Path) -> Path:
    """`tree` with the packages and all they need beyond what is installed. Kept; a second call returns at once.

    Raises:
        PartMissing: no apt here, no package index reachable, or a package is unknown.
    """
    if (tree / _DONE).exists():
        return tree
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise PartMissing(f"{' '.join(packages)}: neither installed nor to be had, no {program} here")
    tree.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(tree):
        if not (tree / _DONE).exists():
            shutil.rmtree(tree, ignore_errors=True)
            _unpack(_downloaded(packages, tree.with_name(tree.name + "-debs")), tree)
            (tree / _DONE).touch()
    return tree


def library_path(tree: Path) -> str:
    """LD_LIBRARY_PATH for programs of the tree."""
    folders = [*tree.glob("usr/lib/*-linux-gnu*"), *tree.glob("lib/*-linux-gnu*")]
    inner = [folder / "pulseaudio" for folder in folders]
    return os.pathsep.join(str(folder) for folder in [*folders, *inner] if folder.is_dir())


def _downloaded(packages: Sequence[str], folder: Path) -> list[Path]:
    reasons = []
    for options in (_options(folder, private=False), _options(folder, private=True)):
        shutil.rmtree(folder / "debs", ignore_errors=True)
        (folder / "debs").mkdir(parents=True)
        try:
            if "Dir::State::Lists" in " ".join(options):
                _apt([*options, "update"], folder, check=False)  # one dead third-party source must not stop the rest
            plan = _apt([*options, "-s", "install", "--no-install-recommends", *packages], folder)
            missing = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+)", plan, flags=re.MULTILINE)
            wanted = [f"{name}={version}" for name, version in missing if name.partition(":")[0] not in _NEVER]
            if wanted:
                _apt([*options, "download", *wanted], folder / "debs")
            return sorted((folder / "debs").glob("*.deb"))
        except subprocess.SubprocessError as error:
            reasons.append(f"{error}: {(getattr(error, 'stderr', '') or '').strip()[-300:]}")
    raise PartMissing(f"{' '.join(packages)}: not installed, and apt cannot get it: {'; '.join(reasons)}")


def _options(folder: Path, *, private: bool) -> list[str]:
    options = ["-q", "-o", "Debug::NoLocking=true", "-o", f"Dir::Cache={folder / 'cache'}"]
    options += ["-o", "APT::Sandbox::User=root"] if os.getuid() == 0 else []
    (folder / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    if private:
        (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        options += ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", "Acquire::Languages=none"]
    return options


def _apt(arguments: Sequence[str], folder: Path, *, check: bool = True) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    answer = subprocess.run(
        ["apt-get", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_APT_TIMEOUT_S,
        check=check,
    )
    return answer.stdout


def _unpack(debs: Sequence[Path], tree: Path) -> None:
    tree.mkdir(parents=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for _ in pool.map(lambda deb: subprocess.run(["dpkg-deb", "-x", deb, tree], check=True), debs):
            pass
    shutil.rmtree(tree.with_name(tree.name + "-debs"), ignore_errors=True)


@contextmanager
def _only_one(tree: Path) -> Iterator[None]:
    with tree.with_name(tree.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
