"""From a fresh clone to a page that answers, and the second start. Downloads are not taken from local caches."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure
from shared_kernel.testing import free_port
from xunshi.places import ROOT

PROMISED_CLONE_S, PROMISED_SECOND_S = 300.0, 10.0
_TIMEOUT_S = 900.0
_OK = 200


def figures() -> Iterator[Figure]:
    """Seconds of both."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        began_s = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        first_s = time.monotonic() - began_s + _seconds_to_page(clone, Path(folder))
        yield Figure("clone to page", first_s, PROMISED_CLONE_S, "s")
        yield Figure("second start", _seconds_to_page(clone, Path(folder)), PROMISED_SECOND_S, "s")


def _seconds_to_page(clone: Path, folder: Path) -> float:
    port = free_port()
    env = {**os.environ, "LC_ALL": "C.UTF-8", "PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(folder / "npm")}
    began_s = time.monotonic()
    command = ["make", "up", f"ARGS=--port {port}"]
    log = folder / f"up-{port}.log"
    with log.open("wb") as output:
        up = subprocess.Popen(command, cwd=clone, env=env, stdout=output, stderr=output, start_new_session=True)
        try:
            _await_page(log, up, port)
            took_s = time.monotonic() - began_s
        finally:
            os.killpg(up.pid, signal.SIGINT)
            up.wait()
    return took_s


def _await_page(log: Path, up: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not re.search(r"is running: http", log.read_text(errors="replace")):
        if up.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"make up: expected a page, got:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
        if page.status != _OK:
            raise RuntimeError(f"page: expected 200, got {page.status}")
