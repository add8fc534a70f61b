"""Cameras and who may see them in SQL, and the cipher of their addresses."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.tables import Camera, CameraGrant, Organisation, User


class AddressCipher:
    """Seals camera addresses, which hold passwords, with the installation's Fernet key."""

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(key)
        self._hash_key = hashlib.sha256(b"xunshi camera address" + key.encode()).digest()

    def seal(self, url: str) -> tuple[str, bytes]:
        """(cipher text, keyed hash). The hash has a key, because addresses are easy to guess."""
        return self._fernet.encrypt(url.encode()).decode(), self.digest(url)

    def digest(self, url: str) -> bytes:
        return hmac.digest(self._hash_key, url.encode(), "sha256")

    def open(self, cipher: str) -> str:
        """The address.

        Raises:
            Poison: it was sealed with another key.
        """
        try:
            return self._fernet.decrypt(cipher.encode()).decode()
        except InvalidToken as error:
            raise Poison("camera address: expected one sealed with this installation's key, got another") from error


class Cameras:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, camera: Camera) -> None:
        self._session.add(camera)
        self._session.flush()

    def get(self, camera_id: str, *, lock: bool = False) -> Camera | None:
        """The camera, also a removed one."""
        return self._session.get(Camera, camera_id, with_for_update=lock or None)

    def all(self, *, demo: bool | None = None) -> Sequence[Camera]:
        query = select(Camera).where(Camera.deleted_at.is_(None)).order_by(Camera.camera_id)
        return self._session.scalars(query if demo is None else query.where(Camera.is_demo.is_(demo))).all()

    def page(self, after: str | None, limit: int, only: Iterable[str] | None) -> Sequence[Camera]:
        """In the order in which they were added; `only` these ids where given."""
        query = select(Camera).where(Camera.deleted_at.is_(None)).order_by(Camera.camera_id).limit(limit)
        if after:
            query = query.where(Camera.camera_id > after)
        if only is not None:
            query = query.where(Camera.camera_id.in_(list(only)))
        return self._session.scalars(query).all()

    def ids_below(self, path: str) -> frozenset[str]:
        """Ids of the cameras, also removed ones, of the organisation with this path and those below it."""
        query = select(Camera.camera_id).join(Organisation, Organisation.org_id == Camera.org_id)
        return frozenset(self._session.scalars(query.where(Organisation.path.startswith(path, autoescape=True))))

    def names(self, camera_ids: Iterable[str]) -> Mapping[str, str]:
        """Names by id, also of removed cameras."""
        query = select(Camera.camera_id, Camera.name).where(Camera.camera_id.in_(set(camera_ids)))
        return {row.camera_id: row.name for row in self._session.execute(query)}

    def count(self) -> int:
        return self._session.scalars(select(func.count()).where(Camera.deleted_at.is_(None))).one()

    def silent_since(self, moment: datetime) -> Sequence[Camera]:
        """Enabled cameras that do not count as offline though nobody reported them since `moment`; locked."""
        query = select(Camera).where(
            Camera.deleted_at.is_(None), Camera.enabled.is_(True), Camera.state != "offline", Camera.heard_at < moment
        )
        return self._session.scalars(query.with_for_update()).all()

    def lives(
        self, only: Iterable[str] | None, camera_id: str | None
    ) -> Sequence[tuple[datetime, datetime | None, bool]]:
        """(added, accounted until, enabled) of the cameras that exist; `only` these ids where given, and this one."""
        query = select(Camera.created_at, Camera.accounted_at, Camera.enabled).where(Camera.deleted_at.is_(None))
        if only is not None:
            query = query.where(Camera.camera_id.in_(list(only)))
        if camera_id is not None:
            query = query.where(Camera.camera_id == camera_id)
        return [(added, last, enabled) for added, last, enabled in self._session.execute(query)]

    def disabled(self) -> Sequence[Camera]:
        """Cameras that are switched off; locked."""
        query = select(Camera).where(Camera.deleted_at.is_(None), Camera.enabled.is_(False))
        return self._session.scalars(query.with_for_update()).all()


class Grants:
    def __init__(self, session: Session) -> None:
        self._session = session

    def cameras_of(self, user_ids: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Ids of the cameras that are granted now, by user."""
        stands = CameraGrant.expires_at.is_(None) | (CameraGrant.expires_at > now())
        query = select(CameraGrant.user_id, CameraGrant.camera_id).where(
            CameraGrant.user_id.in_(list(user_ids)), stands
        )
        found: dict[str, set[str]] = {}
        for user_id, camera_id in self._session.execute(query):
            found.setdefault(user_id, set()).add(camera_id)
        return {user_id: frozenset(camera_ids) for user_id, camera_ids in found.items()}

    def of_camera(self, camera_id: str) -> Sequence[tuple[CameraGrant, User]]:
        query = select(CameraGrant, User).join(User, User.user_id == CameraGrant.user_id)
        rows = self._session.execute(query.where(CameraGrant.camera_id == camera_id).order_by(User.username)).all()
        return [(row[0], row[1]) for row in rows]

    def put(self, grant: CameraGrant) -> None:
        """Add the grant; of one that exists only its end changes."""
        former = self._session.get(CameraGrant, (grant.camera_id, grant.user_id))
        if former is None:
            self._session.add(grant)
        else:
            former.expires_at, former.request_id = grant.expires_at, grant.request_id
        self._session.flush()

    def remove(self, camera_id: str, user_id: str) -> bool:
        statement = delete(CameraGrant).where(CameraGrant.camera_id == camera_id, CameraGrant.user_id == user_id)
        return bool(self._session.execute(statement).rowcount)  # type: ignore[attr-defined]
