from __future__ import annotations

from shared_kernel.wire import derived_id, is_ulid, new_id


def test_made_ids_are_ulids() -> None:
    assert is_ulid(new_id())
    assert is_ulid(derived_id("a", 1))
    assert not is_ulid(new_id().lower())
    assert not is_ulid("8" + new_id()[1:])  # more than 128 bits
