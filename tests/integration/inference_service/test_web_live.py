"""Live sessions through the real web process, a real Redis and a real worker."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from simple_websocket import ConnectionClosed

from shared_kernel.auth import Ticket, sign_ticket
from shared_kernel.messages import new_id
from shared_kernel.testing import wait_until
from shared_kernel.testing.faces import jpeg, scene
from shared_kernel.testing.valkey import RedisServer
from tests.integration.inference_service.processes import FRAME, WorkerProcess
from tests.integration.inference_service.web_world import TICKET_KEY, LiveClient, UsersDouble, WebProcess

EMPTY = jpeg(scene())


@pytest.fixture(scope="module")
def users() -> Iterator[UsersDouble]:
    double = UsersDouble()
    double.start()
    yield double
    double.stop()


@pytest.fixture(scope="module")
def web(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory, weights_dir: Path, users: UsersDouble
) -> Iterator[WebProcess]:
    """The web process with a worker beside it."""
    folder = tmp_path_factory.mktemp("live")
    patient = {"INFERENCE_MAX_FRAME_AGE_MS": "60000"}  # where machines are shared no picture is to be skipped
    with (
        WebProcess(redis_server.url, folder, weights_dir, users.url) as running,
        WorkerProcess("worker", redis_server.url, folder, weights_dir, patient),
    ):
        yield running
    log = running.log.read_text()
    assert "level=error" not in log, log[-3000:]


def test_results_come_in_order_with_what_was_found(web: WebProcess) -> None:
    client = LiveClient(web)
    hello = client.read()
    assert (hello["type"], hello["resumed"], hello["model"]) == ("session", False, "mask")
    assert client.read() == {"type": "credit", "n": hello["window"]}
    results = client.stream([(number, FRAME if number % 3 else EMPTY) for number in range(10, 50)])
    assert [one["frame_no"] for one in results] == list(range(10, 50))
    assert all(one["error"] is None for one in results)
    assert [len(one["boxes"]) for one in results] == [2 if number % 3 else 0 for number in range(10, 50)]
    first = sorted(results[0]["boxes"], key=lambda box: box["box"][0])
    assert [(box["label"], box["violation"]) for box in first] == [("with_mask", False), ("without_mask", True)]
    assert results[0]["captured_ms"] == 1_800_000_000_000
    assert (results[0]["width"], results[0]["height"]) == (640, 480)
    [stat] = client.stats(1)
    assert stat["dropped"] == 0
    assert set(stat) == {"type", "fps", "dropped", "queue_ms"}
    client.close()


def test_pictures_that_are_none_are_answered_and_the_session_goes_on(web: WebProcess) -> None:
    client = LiveClient(web)
    client.read_until("credit")
    client.socket.send(b"short")
    assert client.read()["code"] == "header"
    client.put(1, b"")
    assert client.read()["code"] == "not_an_image"
    client.put(2, bytes(4 * 1024 * 1024 + 1))
    assert client.read()["code"] == "too_large"
    client.credits += 2  # refused pictures took none
    results = client.stream([(3, b"no jpeg at all"), (4, FRAME[:2000]), (5, FRAME)])
    assert [one["error"] and one["error"]["code"] for one in results] == ["not_an_image", "truncated", None]
    client.put(5, FRAME)
    assert client.read_until("error")["code"] == "frame_no"
    client.close()


def test_a_message_beyond_all_limits_ends_the_connection(web: WebProcess) -> None:
    client = LiveClient(web)
    client.read_until("credit")
    client.put(1, bytes(9 * 1024 * 1024))
    assert client.close_code() == 1009


def test_a_heartbeat_is_answered_and_nonsense_is_named(web: WebProcess) -> None:
    client = LiveClient(web)
    client.read_until("credit")
    client.say(type="ping", id=7)
    assert client.read() == {"type": "pong", "id": 7}
    for text in ("no json", "[]", '{"type": "credit", "n": -1}', '{"type": "dance"}', "[" * 500):
        client.socket.send(text)
        assert client.read()["code"] == "message"
    client.close()


def test_who_sends_nothing_but_noise_is_sent_away(web: WebProcess) -> None:
    client = LiveClient(web)
    client.read_until("credit")
    with contextlib.suppress(ConnectionClosed, OSError):  # it may be over before all is sent
        for _ in range(2000):
            client.socket.send("noise")
    assert client.close_code() in {4429, 1005, 1006}


def test_a_client_that_asks_for_few_results_gets_no_more(web: WebProcess) -> None:
    client = LiveClient(web)
    client.read_until("credit")
    client.say(type="credit", n=2)
    for number in range(4):
        client.put(number, EMPTY)
    got = [client.read_until("result")["frame_no"] for _ in range(2)]
    with pytest.raises(TimeoutError):
        client.read_until("result", 1.5)
    client.say(type="credit", n=5)
    got += [client.read_until("result")["frame_no"] for _ in range(2)]
    assert got == [0, 1, 2, 3]
    client.close()


def test_a_lost_connection_is_resumed_without_gaps_or_doubles(web: WebProcess) -> None:
    user = new_id()
    client = LiveClient(web, user)
    session = client.read()["session"]
    client.stream([(number, EMPTY) for number in range(6)])
    for number in range(6, 8):
        client.put(number, FRAME)
    client.drop()
    again = LiveClient(web, user, session=session, after=3)
    hello = again.read()
    assert (hello["session"], hello["resumed"]) == (session, True)
    for number in range(hello["last_frame_no"] + 1, 8):  # what the lost connection swallowed on the way up
        if again.credits < 1:  # otherwise a result could be read past
            again.read_until("credit")
        again.put(number, FRAME)
    got = [again.read_until("result") for _ in range(4)]
    assert [one["frame_no"] for one in got] == [4, 5, 6, 7]
    assert [len(one["boxes"]) for one in got] == [0, 0, 2, 2]
    while again.credits < 4:
        again.read_until("credit")
    assert [one["frame_no"] for one in again.stream([(8, EMPTY)])] == [8]
    again.close()


def test_resuming_takes_over_from_the_connection_before(web: WebProcess) -> None:
    user = new_id()
    client = LiveClient(web, user)
    session = client.read()["session"]
    again = LiveClient(web, user, session=session)
    assert client.close_code() == 4409
    assert again.read()["resumed"] is True
    again.close()


def test_a_session_of_somebody_else_or_of_the_past_is_a_new_one(web: WebProcess) -> None:
    user = new_id()
    client = LiveClient(web, user)
    session = client.read()["session"]
    for other_user, wanted in (("guard-2", session), (user, "01ARZ3NDEKTSV4RRFFQ69G5FAV")):
        other = LiveClient(web, other_user, session=wanted)
        hello = other.read()
        assert hello["resumed"] is False
        assert hello["session"] != session
        other.close()
    client.close()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"ticket": "none"}, 4401),
        ({"ticket": sign_ticket(TICKET_KEY, Ticket("live", "guard-1", "live"), ttl_s=60)}, 4401),
        ({"ticket": sign_ticket(TICKET_KEY, Ticket("infer", "guard-1", "01J"), ttl_s=60)}, 4401),
        ({"ticket": sign_ticket(TICKET_KEY, Ticket("infer", "guard-1", "live"), ttl_s=-5)}, 4401),
        ({"model": "no-such-model"}, 4404),
        ({"min_score": "2"}, 1003),
        ({"min_score": "0.1"}, 1003),
        ({"surprise": "1"}, 1003),
        ({"after": "x"}, 1003),
    ],
)
def test_the_door_stays_closed(web: WebProcess, query: dict[str, str], code: int) -> None:
    client = LiveClient(web, **query)
    assert client.close_code() == code
    assert client.seen[-1]["type"] == "end"


def test_a_withdrawn_right_ends_the_session_within_five_seconds(web: WebProcess, users: UsersDouble) -> None:
    client, other = LiveClient(web, "guard-gone"), LiveClient(web, "guard-2")
    client.read_until("credit")
    other.read_until("credit")
    users.withdrawn.add("guard-gone")
    withdrawn_s = time.monotonic()
    assert client.close_code() == 4403
    assert time.monotonic() - withdrawn_s < 5
    other.say(type="ping", id=1)
    assert other.read_until("pong")["id"] == 1
    assert LiveClient(web, "guard-gone").close_code() == 4403
    other.close()


def test_one_user_has_few_sessions_and_those_left_behind_make_room(web: WebProcess) -> None:
    clients = [LiveClient(web, "guard-many") for _ in range(4)]
    for client in clients:
        client.read_until("credit")
    assert LiveClient(web, "guard-many").close_code() == 1013
    clients[0].close()
    wait_until(lambda: LiveClient(web, "guard-many").read()["type"] == "session")
    for client in clients[1:]:
        client.close()
