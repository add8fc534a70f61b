"""Two replicas of stream-service in one stack: one is killed in the middle of a pass, and its camera goes on.

Whether the other one takes it or the one that was started again, and that never both write, is told apart in
`tests/integration/stream_service/test_replicas.py`; here every pass ends as one row.
"""

from __future__ import annotations

import os
import signal
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from shared_kernel.testing import wait_until
from shared_kernel.testing.rtsp import RtspServer
from tests.e2e.scene import Scene
from xunshi.testing import ApiClient, RunningStack

pytestmark = pytest.mark.timeout(300)

CAMERAS = ("gate", "door")
WITHIN_S = 60.0


def test_a_killed_replica_loses_and_doubles_no_pass(tmp_path: Path, rtsp_server: RtspServer, scene: Scene) -> None:
    with RunningStack(tmp_path / "data", streams=2) as stack:
        client = stack.client()
        ids = {name: client.add_camera(name, rtsp_server.mount(name, *scene.clips)) for name in CAMERAS}
        wait_until(lambda: all(client.passes(camera_id=one) for one in ids.values()), WITHIN_S, "both see somebody")
        known = len(rtsp_server.plays)
        os.kill(stack.pid_of("stream"), signal.SIGKILL)
        wait_until(lambda: len(rtsp_server.plays) > known, WITHIN_S, "its camera is read again")
        wait_until(lambda: all(shown(client, one) for one in ids.values()), WITHIN_S, "both give pictures")
        for name, camera_id in ids.items():
            wait_until(partial(whole, client, camera_id, scene), WITHIN_S, "everybody was seen and has gone")
            plays = sum(play.name == name for play in rtsp_server.plays)
            assert in_turn(client.passes(camera_id=camera_id), plays)


def shown(client: ApiClient, camera_id: str) -> bool:
    return client.camera(camera_id)["state"] in ("online", "degraded")


def whole(client: ApiClient, camera_id: str, scene: Scene) -> bool:
    """Everybody of the scene was seen, and all have gone."""
    passes = client.passes(camera_id=camera_id)
    return {one["state"] for one in passes} == set(dict(scene.truth)) and all(one["closed_at"] for one in passes)


def in_turn(passes: list[dict[str, Any]], plays: int) -> bool:
    """The same person is seen once each time the scene is played, never twice at a time."""
    by_state = sorted(passes, key=lambda one: (one["state"], one["opened_at"]))
    for _, same in groupby(by_state, key=lambda one: one["state"]):
        visits = list(same)
        assert len(visits) <= plays
        assert all(before["last_seen_at"] <= after["opened_at"] for before, after in pairwise(visits))
    return True
