"""Several networks of a machine share all of its CPUs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared_kernel.vision import weights
from shared_kernel.vision.ports import Session
from shared_kernel.vision.sessions.openvino import OpenVinoSession
from shared_kernel.vision.sessions.openvino_pack import OpenVinoPackSession

if not hasattr(os, "sched_getaffinity"):  # pragma: no cover
    pytest.skip("only Linux tells which CPUs a thread may use", allow_module_level=True)

DETECTOR: Path = weights.FACE_DETECTOR_OPENVINO

SESSIONS: dict[str, Callable[[], Session]] = {
    "ours": lambda: OpenVinoSession(DETECTOR, threads=1),
    "a pack's": lambda: OpenVinoPackSession(DETECTOR, "openvino", 1, {}, (-1, 3, -1, -1)),
}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine lends one CPU")
@pytest.mark.parametrize("name", SESSIONS)
def test_a_run_is_not_tied_to_one_cpu(name: str) -> None:
    session, allowed, done = SESSIONS[name](), os.sched_getaffinity(0), threading.Event()
    picture = np.zeros((1, 3, 480, 480), np.uint8 if name == "ours" else np.float32)
    started, ids = threading.Event(), []

    def run_on() -> None:
        ids.append(threading.get_native_id())
        while not done.is_set():
            session.run(picture)
            started.set()

    runner = threading.Thread(target=run_on)
    runner.start()
    try:
        assert started.wait(30)
        seen = {frozenset(os.sched_getaffinity(ids[0])) for _ in range(20_000)}
    finally:
        done.set()
        runner.join()
    assert seen == {frozenset(allowed)}
