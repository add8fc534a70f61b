from __future__ import annotations

import pytest

from miniprogram_api.passwords import Passwords, checked_password, one_time_password
from shared_kernel.errors import Invalid


def test_a_password_matches_its_hash_only() -> None:
    passwords = Passwords(rounds=1, memory_kib=64)
    encoded = passwords.hash("correct horse")
    assert encoded.startswith("$argon2id$")
    assert passwords.matches(encoded, "correct horse")
    assert not passwords.matches(encoded, "correct horsE")
    assert not passwords.matches(None, "correct horse")
    assert not passwords.matches("no hash at all", "correct horse")


def test_one_time_passwords_are_good_enough_and_differ() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    assert all(checked_password(one, "admin") == one for one in made)
    assert not set("".join(made)) & set("0O1lI")


@pytest.mark.parametrize("bad", ["", "1234567", "x" * 129, "aaaaaaaaaa", "ababababab", "Admin-User"])
def test_weak_passwords_are_refused(bad: str) -> None:
    with pytest.raises(Invalid) as refusal:
        checked_password(bad, "admin-user")
    assert refusal.value.fields[0].field == "new_password"
