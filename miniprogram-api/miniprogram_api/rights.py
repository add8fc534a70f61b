"""Who may see what. `Scope.includes` is the one place that decides object rights; a denial looks like "not found".

Everything that belongs to a camera (its stream, passes, pictures, events, counts) follows the right to the camera.
Administrators and officers see every camera, guards those granted to them, disabled users none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from miniprogram_api.rules import PERMISSIONS
from shared_kernel.errors import NotFound
from shared_kernel.tables import Camera, FrameBatch

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store


@dataclass(frozen=True)
class Scope:
    """What one user may see now."""

    permissions: frozenset[str]
    granted: frozenset[str]

    def includes(self, camera_id: str) -> bool:
        """Whether what belongs to this camera may be seen."""
        return "camera.view_all" in self.permissions or camera_id in self.granted

    @property
    def cameras(self) -> frozenset[str] | None:
        """The cameras to restrict a list to; None: all."""
        return None if "camera.view_all" in self.permissions else self.granted

    @property
    def manages(self) -> bool:
        return "camera.manage" in self.permissions


def scopes(store: Store, user_ids: Iterable[str]) -> Mapping[str, Scope]:
    """Scopes of those users that exist and are active."""
    active = [user for user in store.users.several(user_ids) if user.status == "active"]
    granted = store.grants.cameras_of(user.user_id for user in active)
    return {
        user.user_id: Scope(frozenset(PERMISSIONS[user.role]), granted.get(user.user_id, frozenset()))
        for user in active
    }


def scope_of(store: Store, user_id: str) -> Scope:
    """The user's scope; an empty one for unknown and disabled users."""
    return scopes(store, [user_id]).get(user_id, Scope(frozenset(), frozenset()))


def visible_camera(store: Store, user_id: str, camera_id: str, *, lock: bool = False) -> Camera:
    """The camera, if this user may see it.

    Raises:
        NotFound: no such camera, or not for this user: one cannot tell which.
    """
    camera = store.cameras.get(camera_id, lock=lock)
    if camera is None or camera.deleted_at is not None or not scope_of(store, user_id).includes(camera_id):
        raise NotFound(f"camera {camera_id}: expected one that you may see, found none", code="no_camera")
    return camera


def visible_batch(store: Store, user_id: str, batch_id: str, *, lock: bool = False) -> FrameBatch:
    """The batch of frames, if this user may see it: one's own, those of one's cameras, all for who manages cameras.

    Raises:
        NotFound: no such batch, or not for this user: one cannot tell which.
    """
    batch, scope = store.batches.get(batch_id, lock=lock), scope_of(store, user_id)
    if batch is not None and scope.permissions:
        of_camera = batch.source == "camera" and "pass.view" in scope.permissions and scope.includes(batch.source_id)
        own = batch.source == "client" and batch.source_id == user_id
        if of_camera or own or scope.manages:
            return batch
    raise NotFound(f"batch {batch_id}: expected one that you may see, found none", code="no_batch")
