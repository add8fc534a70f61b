"""The web process when nobody answers: no worker, no Redis, no API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_kernel.testing import free_port, wait_until
from shared_kernel.testing.valkey import RedisServer
from tests.integration.inference_service.processes import FRAME
from tests.integration.inference_service.web_world import LiveClient, UsersDouble, WebProcess


@pytest.fixture
def users() -> Iterator[UsersDouble]:
    double = UsersDouble()
    double.start()
    yield double
    double.stop()


def test_without_a_worker_live_pictures_are_given_up_and_who_ignores_credits_is_sent_away(
    redis_url: str, tmp_path: Path, weights_dir: Path, users: UsersDouble
) -> None:
    with WebProcess(redis_url, tmp_path, weights_dir, users.url) as web:
        client, hasty = LiveClient(web), LiveClient(web, "guard-2")
        for one in (client, hasty):
            one.read_until("credit")
        client.put(1, FRAME)
        for number in range(4):
            hasty.put(number, FRAME)
        hasty.put(4, FRAME)
        assert hasty.read()["code"] == "no_credit"
        for number in range(5, 30):
            hasty.put(number, b"x")
        assert hasty.close_code() == 4429
        result = client.read_until("result", 30)
        assert (result["frame_no"], result["error"]["code"]) == (1, "lost")
        client.say(type="ping", id=1)
        assert client.read_until("pong")["id"] == 1
        web.stop()
        assert client.close_code() == 1012


def test_while_the_api_is_away_nobody_new_comes_in(redis_url: str, tmp_path: Path, weights_dir: Path) -> None:
    with WebProcess(redis_url, tmp_path, weights_dir, f"http://127.0.0.1:{free_port()}") as web:
        answer = web.detect(FRAME)
        assert (answer.status_code, answer.json()["type"]) == (503, "#unavailable")
        assert LiveClient(web).close_code() == 1012


def test_a_model_that_lacks_a_file_is_said_at_the_door(redis_url: str, tmp_path: Path, users: UsersDouble) -> None:
    with WebProcess(redis_url, tmp_path, tmp_path / "no weights", users.url) as web:
        client = LiveClient(web, model="coco80")
        assert client.close_code() == 4404
        assert "xunshi models fetch" in client.seen[-1]["detail"]
        answer = web.detect(FRAME, model="coco80")
        assert (answer.status_code, answer.json()["type"]) == (503, "#unavailable")


def test_while_redis_is_away_live_pictures_are_answered_and_the_session_goes_on(
    tmp_path: Path, weights_dir: Path, users: UsersDouble
) -> None:
    with (
        RedisServer(tmp_path / "redis") as redis,
        WebProcess(redis.url, tmp_path, weights_dir, users.url) as web,
    ):
        client = LiveClient(web)
        client.read_until("credit")
        redis.kill()
        client.put(1, FRAME)
        assert client.read_until("result", 30)["error"]["code"] == "unavailable"
        assert web.detect(FRAME).status_code == 503
        redis.start()
        wait_until(lambda: web.ask("GET", "/readyz")[0] == 200)
        client.say(type="ping", id=2)
        assert client.read_until("pong")["id"] == 2
        client.close()
