"""What the command line does with users and cameras. Needs the database only; no server has to run.

Each function takes the database's address and opens one transaction. Where a Redis address is given, running services
hear of the change at once; without it they find it within seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from miniprogram_api.adapters.cameras import AddressCipher
from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.store import Store
from miniprogram_api.bootstrap import hint_events
from miniprogram_api.camera_settings import settings_of
from miniprogram_api.cameras import CameraIn, add_camera, announce, take_down
from miniprogram_api.logins import new_credential
from miniprogram_api.organisation_commands import by_code
from miniprogram_api.passwords import Passwords, one_time_password
from miniprogram_api.rules import plain_username
from miniprogram_api.shapes import CameraOut, camera_out
from miniprogram_api.users import change_user, create_user
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.errors import Conflict, FieldProblem, Invalid, NotFound
from shared_kernel.tables import Camera, User

FIRST_ADMINISTRATOR: Final = "admin"


@dataclass(frozen=True)
class NewUser:
    """A user whose one-time password is shown once and kept nowhere."""

    user_id: str
    username: str
    role: str
    one_time_password: str


@dataclass(frozen=True)
class ListedUser:
    user_id: str
    username: str
    role: str
    status: str
    organisation: str


@dataclass(frozen=True)
class CameraAddress:
    """With credentials: never logged or printed."""

    url: str
    privacy_masks: list[list[tuple[float, float]]]

    def __repr__(self) -> str:
        return "CameraAddress(…)"


def create_first_administrator(database_url: str, username: str = FIRST_ADMINISTRATOR) -> NewUser | None:
    """An administrator with a one-time password, if there is no active administrator yet; else None."""
    with _database(database_url) as database:
        with database.read() as store:
            if store.users.active_administrators():
                return None
        return _add_user(database, username, "administrator")


def add_user(database_url: str, username: str, role: str, organisation: str | None = None) -> NewUser:
    """A new user with a one-time password, of the organisation with this code or of the root.

    Raises:
        Conflict: the name is taken.
        Invalid: no such role, or the name is no name.
        NotFound: no such organisation.
    """
    with _database(database_url) as database:
        return _add_user(database, username, role, organisation)


def list_users(database_url: str) -> list[ListedUser]:
    """All users, in the order in which they were added."""
    with _database(database_url) as database, database.read() as store:
        rows = store.users.page(None, 100_000)
        codes = {one.org_id: one.code for one in store.organisations.below("/")}
    return [ListedUser(row.user_id, row.username, row.role, row.status, codes[row.org_id]) for row in rows]


def change_role(database_url: str, username: str, role: str) -> None:
    """Give a user another role.

    Raises:
        NotFound: no such user.
        Invalid: no such role.
        Conflict: no administrator would be left.
    """
    with _database(database_url) as database, database.write() as store:
        user = _user(store, username)
        change_user(store, user, role=role)
        store.audit.add("user.change", actor_id=None, target=("user", user.user_id), detail=f"role {role}")


def change_status(database_url: str, username: str, status: str) -> None:
    """Disable a user, or let one in again.

    Raises:
        NotFound: no such user.
        Invalid: status is neither active nor disabled.
        Conflict: no administrator would be left.
    """
    if status not in ("active", "disabled"):
        raise Invalid.field("status", f"expected active or disabled, got {status!r}")
    with _database(database_url) as database, database.write() as store:
        user = _user(store, username)
        change_user(store, user, status=status)
        store.audit.add("user.change", actor_id=None, target=("user", user.user_id), detail=f"status {status}")


def reset_password(database_url: str, username: str) -> NewUser:
    """A new one-time password for a user; all logins of the user end.

    Raises:
        NotFound: no such user.
    """
    password = one_time_password()
    encoded = Passwords().hash(password)
    with _database(database_url) as database, database.write() as store:
        user = _user(store, username)
        credential = store.users.credential(user.user_id)
        if credential is None:
            store.users.add_credential(new_credential(user.user_id, encoded, must_change=True))
        else:
            credential.password_hash, credential.must_change, credential.changed_at = encoded, True, now()
        store.auth_sessions.revoke_user(user.user_id, now())
        store.audit.add("password.reset", actor_id=None, target=("user", user.user_id))
        return NewUser(user.user_id, user.username, user.role, password)


def add_camera_by_command(
    database_url: str,
    url_key: str,
    name: str,
    url: str,
    *,
    lon: float | None = None,
    lat: float | None = None,
    model: str | None = None,
    is_demo: bool = False,
    redis_url: str | None = None,
) -> CameraOut:
    """A new camera.

    Raises:
        Invalid: a field is wrong; the address is not repeated.
        Conflict: there are too many cameras.
    """
    try:
        given = CameraIn(name=name, url=url, lon=lon, lat=lat, model=model)
    except ValidationError as error:
        wrong = tuple(FieldProblem(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors())
        raise Invalid("; ".join(f"{one.field}: {one.message}" for one in wrong), fields=wrong) from error
    cipher = AddressCipher(url_key)
    with _database(database_url) as database, database.write() as store:
        camera = add_camera(store, cipher, given, is_demo=is_demo)
        store.audit.add("camera.create", actor_id=None, target=("camera", camera.camera_id), detail=camera.name)
        answer = camera_out(camera)
    _announce(redis_url, answer.camera_id)
    return answer


def list_cameras(database_url: str) -> list[CameraOut]:
    """All cameras, in the order in which they were added."""
    with _database(database_url) as database, database.read() as store:
        return [camera_out(camera) for camera in store.cameras.all()]


def camera_address(database_url: str, url_key: str, which: str, stream: str = "main") -> CameraAddress:
    """Where the camera with this id or name is; `stream` is main or detect.

    Raises:
        NotFound: no such camera.
        Conflict: several have that name, or it has no second stream.
        Poison: its address was sealed with another key.
    """
    with _database(database_url) as database, database.read() as store:
        camera = _camera(store, which)
        sealed = camera.url_cipher if stream == "main" else camera.detect_url_cipher
        masks = settings_of(camera).privacy_masks
    if sealed is None:
        raise Conflict(f"camera {which}: expected a second stream, it has none", code="no_second_stream")
    return CameraAddress(AddressCipher(url_key).open(sealed), masks)


def remove_camera_by_command(database_url: str, which: str, *, redis_url: str | None = None) -> CameraOut:
    """Remove the camera with this id, or with this name if only one has it.

    Raises:
        NotFound: no such camera.
        Conflict: several have that name.
    """
    with _database(database_url) as database, database.write() as store:
        camera = _camera(store, which)
        take_down(store, camera)
        store.audit.add("camera.remove", actor_id=None, target=("camera", camera.camera_id), detail=camera.name)
        answer = camera_out(camera)
    _announce(redis_url, answer.camera_id)
    return answer


def _add_user(database: Database, username: str, role: str, organisation: str | None = None) -> NewUser:
    password = one_time_password()
    encoded = Passwords().hash(password)
    with database.write() as store:
        place = by_code(store, organisation)
        user = create_user(store, username, role, encoded, org_id=place.org_id)
        store.audit.add("user.create", actor_id=None, target=("user", user.user_id), detail=role)
    return NewUser(user.user_id, user.username, role, password)


def _user(store: Store, username: str) -> User:
    user = store.users.by_username(plain_username(username))
    if user is None:
        raise NotFound(f"user {username}: expected one that exists, found none", code="no_user")
    return user


def _camera(store: Store, which: str) -> Camera:
    found = [camera for camera in store.cameras.all() if which in (camera.camera_id, camera.name)]
    if not found:
        raise NotFound(f"camera {which}: expected one with this id or name, found none", code="no_camera")
    if len(found) > 1:
        ids = ", ".join(camera.camera_id for camera in found)
        raise Conflict(f"camera {which}: expected one with this name, found several: {ids}", code="ambiguous")
    return found[0]


def _announce(redis_url: str | None, camera_id: str) -> None:
    if redis_url is None:
        return
    bus = Bus(redis_url)
    announce(bus, camera_id)
    hint_events(bus)
    bus.close()


@contextlib.contextmanager
def _database(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
