from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from miniprogram_api import feed as feeds
from miniprogram_api.chores import EVENTS_KEPT, trim_events
from miniprogram_api.rights import scope_of
from shared_kernel.auth import Ticket, sign_ticket
from shared_kernel.clock import now
from shared_kernel.messages import new_id
from shared_kernel.tables import EventLog
from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.listening import Ear
from tests.integration.miniprogram_api.world import TICKET_KEY, World, closed


@pytest.fixture
def live(world: World) -> Iterator[World]:
    """A world whose live feed runs."""
    world.parts.feed.open()
    wait_until(lambda: world.parts.feed.ready, what="the feed has read the log")
    yield world
    world.parts.feed.close()


def test_a_new_client_hears_what_happens_from_now_on(live: World) -> None:
    camera_id = live.camera(live.token())
    before = live.observe(camera_id)
    wait_until(lambda: live.parts.feed.position >= 2)
    ear = Ear(live, live.user("officer"))
    after = live.observe(camera_id)
    assert ear.wait_for(1) == [after.pass_id]
    [(event_id, _, data)] = ear.heard.events
    assert data["pass"]["face_url"].startswith("/api/v1/media/")
    assert live.call("GET", data["pass"]["face_url"]).status_code == 200
    assert before.pass_id not in ear.heard.passes()
    assert ear.response.headers["Cache-Control"] == "no-store"
    assert ear.response.headers["X-Accel-Buffering"] == "no"
    assert str(event_id) == ear.heard.last_id


def test_a_new_client_knows_where_to_resume(live: World) -> None:
    camera_id = live.camera(live.token())
    user_id = live.user("officer")
    ear = Ear(live, user_id)
    resume_at = wait_until(lambda: ear.heard.last_id)
    missed = live.observe(camera_id)
    assert Ear(live, user_id, resume_at).wait_for(1) == [missed.pass_id]


def test_a_client_that_resumes_misses_nothing_and_hears_nothing_twice(live: World) -> None:
    camera_id, user_id = live.camera(live.token()), live.user("officer")
    made = [live.observe(camera_id).pass_id for _ in range(5)]
    heard: list[str] = []
    last_id = "0"
    for _ in range(3):
        ear = Ear(live, user_id, last_id)
        made += [live.observe(camera_id).pass_id for _ in range(3)]
        heard += ear.wait_for(len(made) - len(heard))
        last_id = str(ear.heard.last_id)
    assert heard == made


def test_opening_and_closing_are_two_events_of_one_pass(live: World) -> None:
    camera_id = live.camera(live.token())
    ear = Ear(live, live.user("officer"))
    opened = live.observe(camera_id)
    live.record(closed(opened))
    live.record(opened)  # delivered again
    live.record(closed(opened))
    last = live.observe(camera_id)
    ear.wait_for(3)
    assert ear.heard.passes() == [opened.pass_id, opened.pass_id, last.pass_id]
    assert [heard["closed_at"] is None for heard in ear.heard.observed()] == [True, False, True]


def test_only_visible_cameras_are_heard(live: World) -> None:
    seen, unseen = live.camera(live.token()), live.camera(live.token())
    guard = live.user("guard")
    live.grant(seen, guard)
    ear, officer = Ear(live, guard), Ear(live, live.user("officer"))
    live.observe(unseen)
    expected = live.observe(seen)
    officer.wait_for(2)
    assert ear.wait_for(1) == [expected.pass_id]


def test_a_withdrawn_right_and_a_new_one_count_within_seconds(live: World) -> None:
    administrator = live.token()
    camera_id, guard = live.camera(administrator), live.user("guard")
    ear, officer = Ear(live, guard), Ear(live, live.user("officer"))
    live.call("PUT", f"/cameras/{camera_id}/grants/{guard}", administrator)

    def heard_a_pass() -> bool:
        live.observe(camera_id)
        return bool(ear.heard.passes())

    wait_until(heard_a_pass, 5, "the new right counts")
    live.call("DELETE", f"/cameras/{camera_id}/grants/{guard}", administrator)

    def nothing_more() -> bool:
        before = len(ear.heard.passes())
        pass_id = live.observe(camera_id).pass_id
        wait_until(lambda: pass_id in officer.heard.passes())
        return len(ear.heard.passes()) == before and pass_id not in ear.heard.passes()

    wait_until(nothing_more, 5, "the withdrawn right counts")


def test_a_disabled_user_is_cut_off(live: World) -> None:
    user_id = live.user("officer")
    ear = Ear(live, user_id)
    live.call("PATCH", f"/users/{user_id}", live.token(), json={"status": "disabled"})
    wait_until(lambda: ear.heard.ended, 5, "the stream ends")
    ticket = sign_ticket(TICKET_KEY, Ticket("events", user_id, "all"), ttl_s=60)
    assert live.call("GET", f"/events?ticket={ticket}").status_code == 401


def test_changes_of_cameras_are_heard(live: World) -> None:
    administrator = live.user()
    token = str(live.log_in(administrator)["access_token"])
    manager, officer = Ear(live, administrator), Ear(live, live.user("officer"))
    camera_id = live.camera(token)
    live.call("PATCH", f"/cameras/{camera_id}", token, json={"name": "renamed"})
    live.call("DELETE", f"/cameras/{camera_id}", token)
    wait_until(lambda: len(manager.heard.events) >= 3 and len(officer.heard.events) >= 3)
    assert [data["camera"]["name"] for _, _, data in manager.heard.events] == ["gate", "renamed", "renamed"]
    assert [data["deleted"] for _, _, data in manager.heard.events] == [False, False, True]
    assert manager.heard.events[0][2]["camera"]["address"] == "rtsp://10.0.0.1/stream"
    assert officer.heard.events[0][2]["camera"]["address"] is None


def test_a_client_whose_past_is_gone_is_told_so(live: World) -> None:
    camera_id, user_id = live.camera(live.token()), live.user("officer")
    for _ in range(3):
        live.observe(camera_id)
    with live.database.write() as store:
        for row in store.events.after(0, 100):
            row.created_at = now() - EVENTS_KEPT - timedelta(minutes=1)
    assert trim_events(live.database) == 3
    wait_until(lambda: live.parts.feed.position >= 4)
    for last_id in ("999999", "1"):
        ear = Ear(live, user_id, last_id)
        wait_until(ear.anything)
        assert [event for _, event, _ in ear.heard.events] == ["reset"]
    fresh = live.observe(camera_id)
    assert ear.wait_for(1) == [fresh.pass_id]
    newest = Ear(live, user_id, str(ear.heard.last_id))
    more = live.observe(camera_id)
    assert newest.wait_for(1) == [more.pass_id]


@pytest.mark.parametrize("last_id", ["x", "-1", "1.5", "9" * 19, "٣"])
def test_a_wrong_last_id_is_refused(small_world: World, last_id: str) -> None:
    ticket = sign_ticket(TICKET_KEY, Ticket("events", small_world.user("officer"), "all"), ttl_s=60)
    answer = small_world.call("GET", "/events", query_string={"ticket": ticket, "last_event_id": last_id})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "last_event_id"


def test_wrong_tickets_open_nothing(small_world: World) -> None:
    user_id = small_world.user("officer")
    for ticket in (
        "garbage",
        sign_ticket(TICKET_KEY, Ticket("events", user_id, "all"), ttl_s=-1),
        sign_ticket("x" * 40, Ticket("events", user_id, "all"), ttl_s=60),
        sign_ticket(TICKET_KEY, Ticket("live", user_id, "all"), ttl_s=60),
        sign_ticket(TICKET_KEY, Ticket("events", new_id(), "all"), ttl_s=60),
    ):
        assert small_world.call("GET", f"/events?ticket={ticket}").status_code in {401, 503}
    assert small_world.call("GET", "/events").status_code == 422


def test_only_so_many_clients_fit(live: World) -> None:
    user_id = live.user("officer")
    live.parts.feed.max_listeners = 2
    with live.database.read() as store:
        scope = scope_of(store, user_id)
    listeners = [live.parts.feed.join(user_id, scope, new=True) for _ in range(2)]
    ticket = sign_ticket(TICKET_KEY, Ticket("events", user_id, "all"), ttl_s=60)
    answer = live.call("GET", f"/events?ticket={ticket}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    live.parts.feed.leave(listeners[0])
    assert Ear(live, user_id).heard.comments


def test_a_slow_client_is_dropped_and_comes_back_without_loss(live: World) -> None:
    camera_id, user_id = live.camera(live.token()), live.user("officer")
    start = live.parts.feed.position
    with live.database.read() as store:
        scope = scope_of(store, user_id)
    slow = live.parts.feed.join(user_id, scope, new=True)
    made = [live.observe(camera_id).pass_id]
    with live.database.write() as store:
        payload = store.events.after(start, 10)[-1].payload
        for _ in range(feeds.QUEUE_EVENTS + 1):
            row = EventLog(message_id=new_id(), event="pass", scope_type="camera", scope_id=camera_id, payload=payload)
            row.occurred_at = row.created_at = now()
            store.events.append(row)
    wait_until(slow.ended.is_set, what="the slow client is dropped")
    back = Ear(live, user_id, str(start))
    assert back.wait_for(feeds.QUEUE_EVENTS + 2)[0] == made[0]


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # SQLite has one writer: no gaps
def test_a_gap_is_waited_for(live: World) -> None:
    """Two writers: the one with the smaller id commits later. Nobody may skip it."""
    camera_id = live.camera(live.token())
    ear = Ear(live, live.user("officer"))
    insert = text(
        "INSERT INTO event_log (message_id, event, scope_type, scope_id, payload, occurred_at, created_at)"
        " SELECT :id, event, scope_type, scope_id, REPLACE(payload, :old, :new), occurred_at, created_at"
        " FROM event_log WHERE event = 'pass' LIMIT 1"
    )
    first = live.observe(camera_id)
    ear.wait_for(1)
    with live.database.engine.connect() as slow, live.database.engine.connect() as quick:
        slow.execute(insert, {"id": new_id(), "old": first.pass_id, "new": "01ARZ3NDEKTSV4RRFFQ69G5FA1"})
        quick.execute(insert, {"id": new_id(), "old": first.pass_id, "new": "01ARZ3NDEKTSV4RRFFQ69G5FA2"})
        quick.commit()
        wait_until(lambda: live.parts.feed.held_back, what="the later id waits for the earlier one")
        slow.commit()
    assert ear.wait_for(3)[1:] == ["01ARZ3NDEKTSV4RRFFQ69G5FA1", "01ARZ3NDEKTSV4RRFFQ69G5FA2"]
    with live.database.engine.connect() as broken:
        broken.execute(insert, {"id": new_id(), "old": "", "new": ""})
        broken.rollback()  # this id never comes
    last = live.observe(camera_id)
    assert ear.wait_for(4)[3] == last.pass_id


def test_the_server_stops_streams_at_once(live: World) -> None:
    ear = Ear(live, live.user("officer"))
    live.parts.feed.close()
    wait_until(lambda: ear.heard.ended, 2, "the stream ends")
