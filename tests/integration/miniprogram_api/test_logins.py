from __future__ import annotations

import threading
from datetime import timedelta

import jwt
import pytest

from miniprogram_api.rules import USER_FAILURES
from miniprogram_api.sessions import COOKIE
from miniprogram_api.tokens import AccessToken, sign_access
from shared_kernel.auth import Ticket, sign_ticket
from shared_kernel.clock import now
from shared_kernel.messages import new_id
from tests.integration.miniprogram_api.world import PASSWORD, TICKET_KEY, World


def log_in(world: World, username: str, password: str, address: str = "10.1.1.1") -> tuple[int, str | None]:
    answer = world.call(
        "POST",
        "/auth/login",
        json={"username": username, "password": password},
        headers={"X-Forwarded-For": address},
    )
    return answer.status_code, answer.headers.get("Retry-After")


def test_a_login_opens_the_api(world: World) -> None:
    user_id = world.user("officer", "Li.Wei")
    answer = world.call("POST", "/auth/login", json={"username": " LI.wei ", "password": PASSWORD})
    session = answer.get_json()
    assert session["user"]["role"] == "officer"
    assert "refresh_token" not in session
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/api/v1/auth"))
    assert world.call("GET", "/me", session["access_token"]).get_json()["user_id"] == user_id


@pytest.mark.parametrize("behind_tls", [True, False])
def test_the_cookie_is_secure_behind_tls(small_world: World, behind_tls: bool) -> None:
    small_world.user("guard", "guard")
    answer = small_world.call(
        "POST",
        "/auth/login",
        json={"username": "guard", "password": PASSWORD},
        headers={"X-Forwarded-Proto": "https" if behind_tls else "http"},
    )
    assert ("Secure" in answer.headers["Set-Cookie"]) == behind_tls


def test_names_are_the_same_in_every_case_and_width(world: World) -> None:
    world.user("guard", "王伟x")
    assert log_in(world, "王伟Ｘ", PASSWORD)[0] == 200


def test_unknown_name_and_wrong_password_answer_the_same(world: World) -> None:
    world.user("guard", "guard")
    wrong = world.call("POST", "/auth/login", json={"username": "guard", "password": "wrong"})
    unknown = world.call("POST", "/auth/login", json={"username": "nobody", "password": "wrong"})
    impossible = world.call("POST", "/auth/login", json={"username": "no body!", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == impossible.status_code == 401
    assert wrong.get_json() == unknown.get_json() == impossible.get_json()


def test_a_name_has_to_wait_after_some_wrong_passwords(world: World) -> None:
    world.user("guard", "guard")
    for n in range(USER_FAILURES):
        assert log_in(world, "guard", "wrong", f"10.0.0.{n}")[0] == 401
    status, retry_after = log_in(world, "guard", PASSWORD, "10.0.0.99")
    assert status == 429
    assert retry_after is not None
    assert 0 < int(retry_after) <= 31


def test_a_restart_forgives_nobody(world: World) -> None:
    world.user("guard", "guard")
    for _ in range(USER_FAILURES):
        log_in(world, "guard", "wrong")
    assert log_in(World(world.settings), "guard", PASSWORD)[0] == 429


def test_names_that_do_not_exist_have_to_wait_too(world: World) -> None:
    for n in range(USER_FAILURES):
        assert log_in(world, "nobody", "wrong", f"10.0.0.{n}")[0] == 401
    assert log_in(world, "nobody", "wrong", "10.0.0.99")[0] == 429


def test_an_address_that_tries_many_names_has_to_wait(small_world: World) -> None:
    small_world.user("guard", "guard")
    statuses = [log_in(small_world, f"name-{n}", "wrong", "10.9.9.9")[0] for n in range(31)]
    assert statuses[:30] == [401] * 30
    assert statuses[30] == 429
    assert log_in(small_world, "guard", PASSWORD, "10.9.9.9")[0] == 429
    assert log_in(small_world, "guard", PASSWORD, "10.9.9.8")[0] == 200


def test_guessing_in_parallel_counts_like_guessing_in_a_row(world: World) -> None:
    world.user("guard", "guard")
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: statuses.append(log_in(world, "guard", "wrong", f"10.2.0.{n}")[0]))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * USER_FAILURES + [429] * (12 - USER_FAILURES)


@pytest.mark.parametrize("address", ["é", "x" * 300, "10.0.0.1:80", "::1%eth0", "'; DROP TABLE users; --"])
def test_an_address_that_is_none_harms_nobody(world: World, address: str) -> None:
    world.user("guard", "guard")
    assert log_in(world, "guard", "wrong", address)[0] == 401
    assert log_in(world, "guard", PASSWORD, address)[0] == 200


def test_one_neighbourhood_of_ipv6_counts_as_one(small_world: World) -> None:
    statuses = [log_in(small_world, f"name-{n}", "wrong", f"2001:db8::{n:x}")[0] for n in range(31)]
    assert statuses == [401] * 30 + [429]
    assert log_in(small_world, "name", "wrong", "2001:db8:0:1::1")[0] == 401


def test_a_right_password_clears_the_count(world: World) -> None:
    world.user("guard", "guard")
    for _ in range(3):
        for _ in range(USER_FAILURES - 1):
            assert log_in(world, "guard", "wrong")[0] == 401
        assert log_in(world, "guard", PASSWORD)[0] == 200


def test_a_wait_ends(world: World) -> None:
    world.user("guard", "guard")
    for _ in range(USER_FAILURES):
        log_in(world, "guard", "wrong")
    with world.database.write() as store:
        for throttle in store.throttles.all():
            throttle.blocked_until = now() - timedelta(seconds=1)
    assert log_in(world, "guard", PASSWORD)[0] == 200


def test_a_refresh_token_is_used_once(world: World) -> None:
    first = world.log_in(world.user())
    answer = world.call("POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]})
    second = answer.get_json()
    assert second["refresh_token"] != first["refresh_token"]
    assert world.call("GET", "/me", second["access_token"]).status_code == 200
    assert world.call("GET", "/me", first["access_token"]).status_code == 200, "the same login still stands"


def test_a_second_use_ends_the_whole_login(world: World) -> None:
    user_id = world.user()
    first, other_login = world.log_in(user_id), world.log_in(user_id)
    second = world.call("POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]}).get_json()
    assert world.call("POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]}).status_code == 401
    assert world.call("POST", "/auth/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401
    assert world.call("GET", "/me", second["access_token"]).status_code == 401
    assert world.call("GET", "/me", other_login["access_token"]).status_code == 200


def test_of_two_uses_at_once_one_wins(world: World) -> None:
    token = world.log_in(world.user())["refresh_token"]
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(
                world.call("POST", "/auth/refresh", json={"refresh_token": token}).status_code
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 401, 401, 401]


def test_the_cookie_refreshes_and_logout_ends_it(world: World) -> None:
    world.user("guard", "guard")
    client = world.app.test_client()
    client.post("/api/v1/auth/login", json={"username": "guard", "password": PASSWORD})
    refreshed = client.post("/api/v1/auth/refresh", json={})
    assert refreshed.status_code == 200
    assert refreshed.headers["Set-Cookie"].startswith(f"{COOKIE}=")
    token = refreshed.get_json()["access_token"]
    assert client.post("/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"}).status_code == 204
    assert client.post("/api/v1/auth/refresh", json={}).status_code == 401
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_one_time_password_opens_only_the_change(world: World) -> None:
    user_id = world.user("administrator", must_change=True)
    session = world.log_in(user_id)
    token = session["access_token"]
    assert session["user"]["must_change_password"]
    refused = world.call("GET", "/cameras", token)
    assert refused.status_code == 403
    assert refused.get_json()["type"] == "#must_change_password"
    assert world.call("GET", "/me", token).status_code == 200
    given = {"current_password": PASSWORD, "new_password": "another horse"}
    assert world.call("POST", "/me/password", token, json=given).status_code == 204
    assert world.call("GET", "/cameras", token).status_code == 200


def test_a_password_change_ends_other_logins(world: World) -> None:
    user_id = world.user()
    here, elsewhere = world.log_in(user_id), world.log_in(user_id)
    given = {"current_password": PASSWORD, "new_password": "another horse"}
    assert world.call("POST", "/me/password", here["access_token"], json=given).status_code == 204
    assert world.call("GET", "/me", here["access_token"]).status_code == 200
    assert world.call("GET", "/me", elsewhere["access_token"]).status_code == 401
    assert world.call("POST", "/auth/refresh", json={"refresh_token": elsewhere["refresh_token"]}).status_code == 401


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("wrong", "another horse", "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "x" * 129, "new_password"),
        (PASSWORD, "aaaaaaaaaaaa", "new_password"),
        (PASSWORD, "guard-one", "new_password"),
        (PASSWORD, PASSWORD, "new_password"),
    ],
)
def test_bad_password_changes_name_the_field(small_world: World, current: str, new: str, field: str) -> None:
    token = small_world.log_in(small_world.user("guard", "guard-one"))["access_token"]
    answer = small_world.call("POST", "/me/password", token, json={"current_password": current, "new_password": new})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


def test_a_stolen_session_cannot_guess_the_password_for_ever(small_world: World) -> None:
    token = small_world.token()
    given = {"current_password": "wrong", "new_password": "another horse"}
    statuses = [small_world.call("POST", "/me/password", token, json=given).status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]


def test_a_disabled_user_is_out_at_once(world: World) -> None:
    administrator, user_id = world.token(), world.user("guard")
    session = world.log_in(user_id)
    world.call("PATCH", f"/users/{user_id}", administrator, json={"status": "disabled"})
    assert world.call("GET", "/me", session["access_token"]).status_code == 401
    assert world.call("POST", "/auth/refresh", json={"refresh_token": session["refresh_token"]}).status_code == 401
    given = {"username": world.username(user_id), "password": PASSWORD}
    assert world.call("POST", "/auth/login", json=given).status_code == 401


def token_of(world: World) -> AccessToken:
    session = world.log_in(world.user())
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    return AccessToken(claims["sub"], claims["sid"])


def test_foreign_expired_and_other_tokens_open_nothing(world: World) -> None:
    key = world.settings.jwt_key.get_secret_value()
    good = token_of(world)
    text = sign_access(key, good, role="administrator", permissions=[])
    claims = jwt.decode(text, options={"verify_signature": False})
    other_family = AccessToken(good.user_id, new_id())
    head, body, _ = text.split(".")
    wrong = {
        "no token": "",
        "garbage": "abc",
        "other key": sign_access("x" * 40, good, role="administrator", permissions=[]),
        "expired": jwt.encode({**claims, "exp": now() - timedelta(seconds=1)}, key, algorithm="HS256"),
        "no expiry": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, key, algorithm="HS256"),
        "other audience": jwt.encode({**claims, "aud": "ticket:live"}, key, algorithm="HS256"),
        "other issuer": jwt.encode({**claims, "iss": "elsewhere"}, key, algorithm="HS256"),
        "no algorithm": jwt.encode(claims, "", algorithm="none"),
        "no signature": f"{head}.{body}.",
        "login that never was": sign_access(key, other_family, role="administrator", permissions=[]),
        "sid of another kind": jwt.encode({**claims, "sid": 7}, key, algorithm="HS256"),
        "a ticket": sign_ticket(TICKET_KEY, Ticket("events", good.user_id, "all"), ttl_s=60),
        "the service token": world.settings.service_token.get_secret_value(),
    }
    assert world.call("GET", "/me", text).status_code == 200
    for name, token in wrong.items():
        assert world.call("GET", "/me", token).status_code == 401, name
    for header in ("Basic YTpi", "Bearer", text, f"Bearer  {text} x"):
        answer = world.call("GET", "/me", headers={"Authorization": header})
        assert answer.status_code == 401, header


def test_a_token_claims_no_more_than_the_database_says(world: World) -> None:
    key = world.settings.jwt_key.get_secret_value()
    session = world.log_in(world.user("guard"))
    claims = jwt.decode(session["access_token"], options={"verify_signature": False})
    good = AccessToken(claims["sub"], claims["sid"])
    forged = sign_access(key, good, role="administrator", permissions=["user.update"])
    assert world.call("GET", "/users", forged).status_code == 403
