"""When a disk counts as full."""

from __future__ import annotations

from pathlib import Path

from shared_kernel.disk import Disk, DiskGuard, disk_of


def test_less_than_the_reserve_is_full() -> None:
    assert DiskGuard(0.05, lambda: Disk(1000, 50)).has_room()
    assert not DiskGuard(0.05, lambda: Disk(1000, 49)).has_room()


def test_a_store_elsewhere_has_its_own_limits() -> None:
    assert disk_of("s3://bucket?endpoint=http://127.0.0.1:1") is None
    assert DiskGuard(0.05, lambda: None).has_room()


def test_the_disk_of_a_folder_is_asked(tmp_path: Path) -> None:
    found = disk_of(f"file://{tmp_path}")
    assert found is not None
    assert 0 < found.free_share <= 1


def test_the_disk_is_not_asked_for_every_frame() -> None:
    asked: list[int] = []

    def disk() -> Disk:
        asked.append(1)
        return Disk(1000, 10)

    guard = DiskGuard(0.05, disk)
    assert not any(guard.has_room() for _ in range(1000))
    assert len(asked) == 1


def test_a_disk_that_cannot_be_asked_stops_nothing() -> None:
    def disk() -> Disk:
        raise FileNotFoundError("the folder is not there yet")

    assert DiskGuard(0.05, disk).has_room()
