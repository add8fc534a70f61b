"""Passwords: argon2id, a bounded number at a time, and the same time for names that do not exist."""

from __future__ import annotations

import secrets
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared_kernel.errors import Invalid, Unavailable

MIN_PASSWORD_CHARS: Final = 8
MAX_PASSWORD_CHARS: Final = 128
#: Each check takes 64 MiB; more at once would exhaust a small machine.
_AT_ONCE: Final = 4
_WAIT_S: Final = 10.0
#: Without letters and digits that look alike: people type one-time passwords from a terminal.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Passwords:
    """Hashes and checks. Thread safe.

    Args:
        rounds: Passes over the memory: more is slower for us and for whoever steals the hashes.
        memory_kib: What one check occupies, KiB.
    """

    def __init__(self, *, rounds: int = 3, memory_kib: int = 64 * 1024) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib)
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """argon2id with its parameters, as text."""
        with self._slot():
            return self._hasher.hash(password)

    def matches(self, encoded: str | None, password: str) -> bool:
        """Whether the password is right; None (no such user) takes as long as a wrong one."""
        with self._slot():
            try:
                right = self._hasher.verify(encoded or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return right and encoded is not None

    def _slot(self) -> _Slot:
        return _Slot(self._slots)


class _Slot:
    def __init__(self, slots: threading.BoundedSemaphore) -> None:
        self._slots = slots

    def __enter__(self) -> None:
        if not self._slots.acquire(timeout=_WAIT_S):
            raise Unavailable("password check", f"{_AT_ONCE} are running and none ended within {_WAIT_S:g} s")

    def __exit__(self, *_: object) -> None:
        self._slots.release()


def one_time_password() -> str:
    """16 characters, about 92 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


def checked_password(password: str, username: str, *, field: str = "new_password") -> str:
    """The password, if it is good enough.

    Raises:
        Invalid: too short, too long, one character repeated, or the name itself.
    """
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        expected = f"expected {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters, got {len(password)}"
        raise Invalid.field(field, expected)
    if len(set(password)) < 4 or password.casefold() == username:  # noqa: PLR2004
        raise Invalid.field(field, "expected at least 4 different characters, and not the name")
    return password
