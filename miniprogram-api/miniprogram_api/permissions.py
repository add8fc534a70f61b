"""What can be allowed: module.action. What the built-in roles are allowed, and what a role in the database is.

The table of what each permission opens stands in `docs/design/0021-people-and-rights.md`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal, get_args

from shared_kernel.errors import Invalid

if TYPE_CHECKING:
    from shared_kernel.tables import Role

Permission = Literal[
    "camera.create",
    "camera.delete",
    "camera.update",
    "camera.read",
    "camera.approve",
    "camera.export",
    "camera.backup",
    "camera.unmasked",
    "patrol.create",
    "patrol.delete",
    "patrol.update",
    "patrol.read",
    "patrol.approve",
    "patrol.export",
    "patrol.backup",
    "user.create",
    "user.delete",
    "user.update",
    "user.read",
    "user.approve",
    "user.export",
    "user.backup",
    "chat.create",
    "chat.delete",
    "chat.update",
    "chat.read",
    "chat.approve",
    "chat.export",
    "chat.backup",
    "pass.read",
    "pass.export",
    "photo.detect",
    "frame.archive",
    "storage.read",
    "face.view",
    "face.search",
    "face.manage",
    "face.erase",
    "face.audit",
    "alert.create",
    "alert.delete",
    "alert.update",
    "alert.read",
    "alert.export",
    "figure.read",
    "figure.export",
    "audit.read",
    "audit.export",
    "role.create",
    "role.delete",
    "role.update",
    "organisation.create",
    "organisation.delete",
    "organisation.update",
    "token.create",
    "token.delete",
    "token.read",
    "notice.create",
    "notice.delete",
    "notice.update",
    "clock.read",
]
ALL: Final[tuple[Permission, ...]] = get_args(Permission)
ADMINISTRATOR: Final = "administrator"

_GUARD: Final[tuple[Permission, ...]] = ("patrol.create", "chat.create", "chat.read", "pass.read", "photo.detect")
_SENIOR: Final[tuple[Permission, ...]] = (*_GUARD, "alert.read", "alert.update")
_LEADER: Final[tuple[Permission, ...]] = (*_SENIOR, "patrol.read", "figure.read", "notice.create")
_OFFICER: Final[tuple[Permission, ...]] = (
    *_LEADER,
    *("camera.read", "frame.archive", "face.view", "face.search", "pass.export", "figure.export", "alert.export"),
    *("patrol.update", "patrol.approve", "patrol.export", "notice.update", "notice.delete"),
)
#: What an administrator may and one of a part of the site may not: it would reach beyond the part.
_WHOLE_SITE_ONLY: Final[tuple[Permission, ...]] = (
    *("camera.backup", "patrol.backup", "user.backup", "chat.backup", "storage.read", "clock.read"),
    *("face.manage", "face.erase", "face.audit"),
)
#: By code. The administrator may do everything, also what later releases bring.
BUILT_IN: Final[Mapping[str, frozenset[Permission]]] = {
    "guard": frozenset(_GUARD),
    "senior_guard": frozenset(_SENIOR),
    "team_leader": frozenset(_LEADER),
    "officer": frozenset(_OFFICER),
    "regional_administrator": frozenset(ALL) - frozenset(_WHOLE_SITE_ONLY),
    ADMINISTRATOR: frozenset(ALL),
}


def permissions_of(role: Role) -> frozenset[Permission]:
    """What the role allows now. Names that this release does not know allow nothing."""
    if role.permissions is None:
        return BUILT_IN.get(role.code, frozenset())
    return known(json.loads(role.permissions))


def known(names: Iterable[object]) -> frozenset[Permission]:
    """Those of the names that are permissions."""
    given = set(names)
    return frozenset(name for name in ALL if name in given)


def kept(permissions: Iterable[Permission]) -> str:
    """The form in which rows keep permissions."""
    return json.dumps(in_order(permissions))


def in_order(permissions: Iterable[str]) -> list[Permission]:
    """In the order in which they are documented."""
    given = set(permissions)
    return [permission for permission in ALL if permission in given]


def checked(names: Iterable[str], field: str = "permissions") -> frozenset[Permission]:
    """Raises: Invalid: one of the names is no permission."""
    unknown = sorted(set(names) - set(ALL))
    if unknown:
        raise Invalid.field(field, f"expected names of permissions, got {unknown[0][:40]!r}")
    return known(names)
