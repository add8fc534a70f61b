"""What the command line does with organisations and roles. Needs the database only; no server has to run."""

from __future__ import annotations

from dataclasses import dataclass

from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.store import Store
from miniprogram_api.organisations import add_organisation, depth_of, move_organisation, remove_organisation
from miniprogram_api.rules import plain_username
from miniprogram_api.users import change_user
from shared_kernel.clock import now
from shared_kernel.errors import NotFound
from shared_kernel.tables import ROOT_ORG_ID, Organisation


@dataclass(frozen=True)
class ListedOrganisation:
    org_id: str
    code: str
    name: str
    depth: int


@dataclass(frozen=True)
class ListedRole:
    code: str
    name: str
    rank: int
    patrol_radius_m: int


def by_code(store: Store, code: str | None) -> Organisation:
    """The organisation with this code or id; None: the root.

    Raises:
        NotFound: there is none.
    """
    found = store.organisations.by_code(code) if code else store.organisations.get(ROOT_ORG_ID)
    found = found or store.organisations.get(code or "")
    if found is None:
        raise NotFound(f"organisation {code}: expected one that exists, found none", code="no_organisation")
    return found


class OrganisationCommands:
    """One database; each method is one transaction."""

    def __init__(self, database_url: str) -> None:
        self._database = Database(database_url)

    def add(self, name: str, *, code: str | None = None, parent: str | None = None) -> ListedOrganisation:
        """Raises: NotFound, Conflict."""
        with self._database.write() as store:
            row = add_organisation(store, by_code(store, parent).org_id, name, code)
            target = ("organisation", row.org_id)
            store.audit.add("organisation.create", actor_id=None, target=target, detail=row.code)
            return _listed(row)

    def all(self) -> list[ListedOrganisation]:
        """All, each before what is below it."""
        with self._database.read() as store:
            return [_listed(row) for row in store.organisations.below("/")]

    def rename(self, which: str, name: str) -> None:
        """Raises: NotFound."""
        with self._database.write() as store:
            row = by_code(store, which)
            row.name, row.updated_at = name, now()
            store.audit.add("organisation.change", actor_id=None, target=("organisation", row.org_id), detail=name)

    def move(self, which: str, parent: str) -> None:
        """Raises: NotFound, Conflict."""
        with self._database.write() as store:
            row = by_code(store, which)
            move_organisation(store, row, by_code(store, parent))
            store.audit.add("organisation.change", actor_id=None, target=("organisation", row.org_id), detail=parent)

    def remove(self, which: str) -> None:
        """Raises: NotFound, Conflict."""
        with self._database.write() as store:
            row = by_code(store, which)
            remove_organisation(store, row)
            store.audit.add("organisation.remove", actor_id=None, target=("organisation", row.org_id), detail=row.code)

    def place(self, username: str, which: str) -> None:
        """Move a user to an organisation.

        Raises:
            NotFound: no such user or organisation.
            Conflict: no administrator of the whole would be left.
        """
        with self._database.write() as store:
            user, row = store.users.by_username(plain_username(username)), by_code(store, which)
            if user is None:
                raise NotFound(f"user {username}: expected one that exists, found none", code="no_user")
            change_user(store, user, org_id=row.org_id)
            detail = f"organisation {row.code}"
            store.audit.add("user.change", actor_id=None, target=("user", user.user_id), detail=detail)

    def roles(self) -> list[ListedRole]:
        """Lowest rank first."""
        with self._database.read() as store:
            return [ListedRole(one.code, one.name, one.rank_no, one.patrol_radius_m) for one in store.roles.all()]

    def close(self) -> None:
        self._database.close()


def _listed(row: Organisation) -> ListedOrganisation:
    return ListedOrganisation(row.org_id, row.code, row.name, depth_of(row))
