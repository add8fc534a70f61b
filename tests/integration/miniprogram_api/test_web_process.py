"""The web process as it is served: live events over HTTP, across restarts, and many clients at once."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx

from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.listening import Heard, follow
from tests.integration.miniprogram_api.processes import Process
from tests.integration.miniprogram_api.world import PASSWORD, World, closed, observed


class Dashboard:
    """Follows the live events and comes back whenever the server went."""

    def __init__(self, process: Process, username: str) -> None:
        self.heard = Heard()
        self._process = process
        self._username = username
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                follow(self._process.url, self._ticket(), self.heard)
            except httpx.HTTPError:
                self._stop.wait(0.1)

    def _ticket(self) -> str:
        with httpx.Client(base_url=f"{self._process.url}/api/v1", trust_env=False) as client:
            given = {"username": self._username, "password": PASSWORD}
            token = client.post("/auth/login", json=given).raise_for_status().json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            return str(client.post("/event-tickets", headers=headers).raise_for_status().json()["ticket"])


def test_events_survive_restarts_of_server_and_recorder(small_world: World, tmp_path: Path) -> None:
    camera_id = small_world.camera(small_world.token())
    username = small_world.username(small_world.user("officer"))
    made: list[str] = []
    with (
        Process("web", small_world.settings, tmp_path) as web,
        Process("recorder", small_world.settings, tmp_path) as recorder,
    ):
        dashboard = Dashboard(web, username)
        wait_until(lambda: dashboard.heard.last_id is not None, 20, "the dashboard is connected")
        for n in range(60):
            message = observed(camera_id)
            small_world.parts.bus.publish(message)
            small_world.parts.bus.publish(closed(message))
            made.append(message.pass_id)
            if n in (15, 40):
                wait_until(lambda: dashboard.heard.events, 20)
                web.kill()
                small_world.parts.bus.publish(observed(camera_id, pass_id=made[0]))
                web.start()
            if n == 30:
                recorder.restart()
        expected = sorted([*made, *made])
        wait_until(lambda: len(dashboard.heard.passes()) >= len(expected), 40, "every event is heard")
        assert sorted(dashboard.heard.passes()) == expected
        ids = [event_id for event_id, _, _ in dashboard.heard.events]
        assert ids == sorted(set(ids)), "in order, none twice"
        web.stop()
        dashboard.close()


def test_many_clients_hear_the_same(small_world: World, tmp_path: Path) -> None:
    camera_id = small_world.camera(small_world.token())
    username = small_world.username(small_world.user("officer"))
    with Process("web", small_world.settings, tmp_path) as web:
        dashboards = [Dashboard(web, username) for _ in range(30)]
        wait_until(lambda: all(one.heard.last_id is not None for one in dashboards), 60, "all are connected")
        made = [small_world.observe(camera_id).pass_id for _ in range(20)]
        wait_until(lambda: all(len(one.heard.passes()) >= 20 for one in dashboards), 30, "all hear all")
        assert all(one.heard.passes() == made for one in dashboards)
        assert web.asked("/readyz") == 200, "streams do not take the threads of others"
        web.stop()
        for one in dashboards:
            one.close()
