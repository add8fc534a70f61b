"""Who may see and do what. `decide` is the one place that decides object rights; a denial looks like "not found".

A right has two halves: the permission of the role, and the place where it holds. What belongs to a camera (its stream,
passes, pictures, events, counts) follows the camera: cameras of one's organisation and those below it with the
permission camera.read, and those granted singly. Everything else belongs to an organisation or to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar

from miniprogram_api.permissions import Permission, permissions_of
from shared_kernel.errors import NotFound
from shared_kernel.tables import ROOT_PATH, Camera, FrameBatch, Organisation, Role, User

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store

T = TypeVar("T")
Kind = Literal[
    "camera",  # and what is seen through it: passes, pictures, footage, frames, counts, outages
    "alert",
    "patrol",  # and its track, photos and checkpoints
    "request",
    "room",
    "notice",
    "user",
    "role",
    "organisation",
    "token",
    "person",
    "photo",
    "export",
]
#: What one may see without any permission because it is one's own.
_OWN: Final[frozenset[Kind]] = frozenset({"patrol", "request", "token", "photo", "export"})
#: What is seen by everybody above and below the organisation that it was written for.
_FOR_THOSE_BELOW: Final[frozenset[Kind]] = frozenset({"notice", "role"})


@dataclass(frozen=True)
class Scope:
    """What one user may do now, and where."""

    permissions: frozenset[str]
    granted: frozenset[str] = frozenset()
    user_id: str = ""
    rank: int = 0
    #: Ids of the own organisation and those above it.
    above: frozenset[str] = frozenset()
    #: Ids of the own organisation and those below it; None: all, the own one is the root.
    below: frozenset[str] | None = frozenset()
    #: Cameras of those organisations; None: all there are.
    below_cameras: frozenset[str] | None = frozenset()

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def includes(self, camera_id: str) -> bool:
        """Whether what belongs to this camera may be seen."""
        cameras = self.cameras
        return cameras is None or camera_id in cameras

    def reaches(self, org_id: str) -> bool:
        """Whether the organisation is one's own or below it."""
        return self.below is None or org_id in self.below

    @property
    def cameras(self) -> frozenset[str] | None:
        """The cameras to restrict a list to; None: all."""
        if "camera.read" not in self.permissions:
            return self.granted
        return None if self.below_cameras is None else self.below_cameras | self.granted

    @property
    def manages(self) -> bool:
        """Whether addresses of cameras are shown."""
        return "camera.update" in self.permissions


NOTHING: Final = Scope(frozenset())


@dataclass(frozen=True)
class Thing:
    """What somebody wants to reach, as far as rights look at it. Give what is known of where it belongs.

    Attributes:
        camera_id: the camera that it belongs to.
        org_id: the organisation that it belongs to.
        owner_id: the user whose it is.
        members: users who share it, of rooms.
    """

    kind: Kind
    camera_id: str | None = None
    org_id: str | None = None
    owner_id: str | None = None
    members: frozenset[str] = frozenset()


class _OfCamera(Protocol):
    @property
    def camera_id(self) -> str: ...


def of_camera(row: _OfCamera) -> Thing:
    """A row that is seen through its camera."""
    return Thing("camera", camera_id=row.camera_id)


def decide(scope: Scope, action: Permission | None, thing: Thing) -> bool:
    """Whether this user may do that with this thing; `action` None: what needs no permission beyond the place."""
    if not scope.permissions:
        return False  # unknown and disabled users, and who must change the password first
    if thing.owner_id is not None and thing.owner_id == scope.user_id and thing.kind in _OWN:
        return True
    if scope.user_id in thing.members and thing.kind == "room":
        return action is None or action in scope.permissions
    if action is not None and action not in scope.permissions:
        return False
    if thing.camera_id is not None:
        return scope.includes(thing.camera_id)
    if thing.org_id is not None:
        reads_from_above = action is None and thing.kind in _FOR_THOSE_BELOW and thing.org_id in scope.above
        return reads_from_above or (scope.reaches(thing.org_id) and (action is not None or thing.kind != "room"))
    # no place is known: only for who sees the whole site
    return scope.below is None and scope.cameras is None


def visible(scope: Scope, action: Permission | None, found: T | None, thing: Callable[[T], Thing], what: str) -> T:
    """What was found, if it may be reached. `what` is kind and id, such as "patrol 01J…".

    Raises:
        NotFound: there is none, or not for this user: one cannot tell which.
    """
    if found is None or not decide(scope, action, thing(found)):
        kind = what.partition(" ")[0]
        raise NotFound(f"{what}: expected one that you may see, found none", code=f"no_{kind}")
    return found


def scopes(store: Store, user_ids: Iterable[str]) -> Mapping[str, Scope]:
    """Scopes of those users that exist and are active."""
    active = store.users.with_places(user_ids)
    granted = store.grants.cameras_of(user.user_id for user, _, _ in active)
    below = _once(lambda path: None if path == ROOT_PATH else store.organisations.ids_below(path))
    cameras = _once(lambda path: None if path == ROOT_PATH else store.cameras.ids_below(path))
    return {
        user.user_id: Scope(
            permissions=frozenset(permissions_of(role)),
            granted=granted.get(user.user_id, frozenset()),
            user_id=user.user_id,
            rank=role.rank_no,
            above=frozenset(organisation.path.strip("/").split("/")),
            below=below(organisation.path),
            below_cameras=cameras(organisation.path),
        )
        for user, role, organisation in active
    }


def _once(ask: Callable[[str], frozenset[str] | None]) -> Callable[[str], frozenset[str] | None]:
    """Ask for each path once: many users share few organisations."""
    known: dict[str, frozenset[str] | None] = {}

    def answer(path: str) -> frozenset[str] | None:
        if path not in known:
            known[path] = ask(path)
        return known[path]

    return answer


def scope_of(store: Store, user_id: str) -> Scope:
    """The user's scope; an empty one for unknown and disabled users."""
    return scopes(store, [user_id]).get(user_id, NOTHING)


def visible_camera(
    store: Store, user_id: str, camera_id: str, action: Permission | None = None, *, lock: bool = False
) -> Camera:
    """The camera, if this user may see it; to change it (`action`) it must be of one's own organisation or below.

    Raises:
        NotFound: no such camera, or not for this user: one cannot tell which.
    """
    camera = store.cameras.get(camera_id, lock=lock)
    existing = camera if camera is not None and camera.deleted_at is None else None

    def thing(camera: Camera) -> Thing:
        return Thing("camera", camera_id=camera_id) if action is None else Thing("camera", org_id=camera.org_id)

    return visible(scope_of(store, user_id), action, existing, thing, f"camera {camera_id}")


def visible_batch(store: Store, user_id: str, batch_id: str, *, lock: bool = False) -> FrameBatch:
    """The batch of frames, if this user may see it: one's own, those of one's cameras, all for who manages cameras.

    Raises:
        NotFound: no such batch, or not for this user: one cannot tell which.
    """
    batch, scope = store.batches.get(batch_id, lock=lock), scope_of(store, user_id)
    if batch is not None and batch.source == "client":
        thing = Thing("export" if batch.source_id == user_id else "camera", owner_id=batch.source_id)
        if decide(scope, "camera.update", thing):
            return batch
    elif batch is not None and decide(scope, "pass.read", Thing("camera", camera_id=batch.source_id)):
        return batch
    raise NotFound(f"batch {batch_id}: expected one that you may see, found none", code="no_batch")


def visible_user(store: Store, scope: Scope, user_id: str, action: Permission, *, lock: bool = False) -> User:
    """The user, if of one's own organisation or below.

    Raises:
        NotFound: no such user, or not for this one.
    """
    found = store.users.get(user_id, lock=lock)
    return visible(scope, action, found, lambda user: Thing("user", org_id=user.org_id), f"user {user_id}")


def visible_organisation(store: Store, scope: Scope, org_id: str, action: Permission | None = None) -> Organisation:
    """The organisation, if one's own or below it.

    Raises:
        NotFound: no such organisation, or not for this user.
    """
    found = store.organisations.get(org_id)
    thing = Thing("organisation", org_id=org_id)
    return visible(scope, action, found, lambda _found: thing, f"organisation {org_id}")


def visible_role(store: Store, scope: Scope, code: str, action: Permission | None = None) -> Role:
    """The role, if people of one's organisation may have it; to change it, if it is of one's own or below.

    Raises:
        NotFound: no such role, or not for this user.
    """
    found = store.roles.get(code)
    return visible(scope, action, found, lambda role: Thing("role", org_id=role.org_id), f"role {code}")
