from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from miniprogram_api import commands
from shared_kernel.errors import Conflict, Invalid, NotFound
from tests.integration.miniprogram_api.world import World


def test_the_first_administrator_is_made_once(world: World) -> None:
    url = world.settings.database_url.get_secret_value()
    made = commands.create_first_administrator(url)
    assert made is not None
    assert commands.create_first_administrator(url) is None
    given = {"username": made.username, "password": made.one_time_password}
    session = world.call("POST", "/auth/login", json=given).get_json()
    assert session["user"]["must_change_password"]
    assert made.one_time_password not in str(commands.list_users(url))


def test_users_from_the_terminal(world: World) -> None:
    url = world.settings.database_url.get_secret_value()
    commands.create_first_administrator(url)
    made = commands.add_user(url, "Guard.1", "guard")
    with pytest.raises(Conflict):
        commands.add_user(url, "guard.1", "guard")
    commands.change_role(url, "GUARD.1", "officer")
    assert [(one.username, one.role) for one in commands.list_users(url)] == [
        ("admin", "administrator"),
        ("guard.1", "officer"),
    ]
    again = commands.reset_password(url, "guard.1")
    for password, status in ((made.one_time_password, 401), (again.one_time_password, 200)):
        given = {"username": "guard.1", "password": password}
        assert world.call("POST", "/auth/login", json=given).status_code == status
    commands.change_status(url, "guard.1", "disabled")
    given = {"username": "guard.1", "password": again.one_time_password}
    assert world.call("POST", "/auth/login", json=given).status_code == 401


def test_wrong_users_from_the_terminal(small_world: World) -> None:
    url = small_world.settings.database_url.get_secret_value()
    commands.create_first_administrator(url)
    with pytest.raises(Invalid):
        commands.add_user(url, "x y", "guard")
    with pytest.raises(Invalid):
        commands.add_user(url, "guard", "king")
    with pytest.raises(NotFound):
        commands.change_role(url, "nobody", "guard")
    with pytest.raises(Conflict):
        commands.change_role(url, "admin", "guard")
    with pytest.raises(Conflict):
        commands.change_status(url, "admin", "disabled")
    with pytest.raises(Invalid):
        commands.change_status(url, "admin", "tired")


def test_cameras_from_the_terminal(world: World, redis_url: str) -> None:
    url = world.settings.database_url.get_secret_value()
    key = world.settings.url_key.get_secret_value()
    added = commands.add_camera_by_command(url, key, "东门", "rtsp://u:p@h/s", lon=116.4, lat=39.9, redis_url=redis_url)
    assert [one.name for one in commands.list_cameras(url)] == ["东门"]
    answer = world.call("GET", "/internal/cameras", world.settings.service_token.get_secret_value())
    assert answer.get_json()["items"][0]["url"] == "rtsp://u:p@h/s"
    assert commands.remove_camera_by_command(url, "东门").camera_id == added.camera_id
    with pytest.raises(NotFound):
        commands.remove_camera_by_command(url, "东门")


def test_wrong_cameras_from_the_terminal(small_world: World) -> None:
    url = small_world.settings.database_url.get_secret_value()
    key = Fernet.generate_key().decode()
    for fields in (
        {"name": "", "url": "rtsp://h/"},
        {"name": "n", "url": "h"},
        {"name": "n", "url": "rtsp://h", "lon": 200.0},
    ):
        with pytest.raises(Invalid):
            commands.add_camera_by_command(url, key, **fields)
    for _ in range(2):
        commands.add_camera_by_command(url, key, "twin", "rtsp://h/")
    with pytest.raises(Conflict):
        commands.remove_camera_by_command(url, "twin")


def test_a_camera_sealed_with_another_key_does_not_hide_the_others(small_world: World) -> None:
    url = small_world.settings.database_url.get_secret_value()
    commands.add_camera_by_command(url, Fernet.generate_key().decode(), "foreign", "rtsp://h/")
    own = small_world.camera(small_world.token())
    answer = small_world.call("GET", "/internal/cameras", small_world.settings.service_token.get_secret_value())
    assert [one["camera_id"] for one in answer.get_json()["items"]] == [own]


def test_commands_wait_for_no_redis(small_world: World) -> None:
    url = small_world.settings.database_url.get_secret_value()
    key = small_world.settings.url_key.get_secret_value()
    assert commands.add_camera_by_command(url, key, "n", "rtsp://h/", redis_url="redis://127.0.0.1:1/0").name == "n"
