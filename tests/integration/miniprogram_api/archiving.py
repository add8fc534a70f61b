"""Batches of frames in a line each: start one, tell what became of its frames, read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from miniprogram_api.archive import record_frames
from shared_kernel.archive import object_key
from shared_kernel.clock import now
from shared_kernel.messages import FramesArchived, FrameSettled
from tests.integration.miniprogram_api.world import JPEG, World


def start(world: World, token: str, camera_id: str, **fields: Any) -> dict[str, Any]:
    answer = world.call("POST", f"/cameras/{camera_id}/frame-batches", token, json={"every_s": 1.0, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.get_json())


def picture(seq: int) -> bytes:
    return JPEG + b"%d" % seq


def settled(world: World, seq: int, *, age_s: float = 0, reason: str | None = None) -> FrameSettled:
    """A frame whose object is in the store, or one that was given up for `reason`."""
    captured_at = now() - timedelta(seconds=age_s) + timedelta(milliseconds=seq)
    key = None
    if reason is None:
        key = object_key(captured_at, picture(seq))
        world.parts.blobs.put(key, picture(seq))
    return FrameSettled(
        seq=seq, captured_at=captured_at, key=key, bytes=len(JPEG), attempts=1, took_ms=12.5, reason=reason
    )


def told(batch: dict[str, Any], *frames: FrameSettled, ended: bool = False) -> FramesArchived:
    return FramesArchived(
        batch_id=batch["batch_id"],
        source=batch["source"],
        source_id=batch["source_id"],
        started_at=now(),
        expected=batch["expected"] or 0,
        frames=frames,
        ended=ended,
    )


def record(world: World, message: FramesArchived) -> None:
    world.database.run(lambda store: record_frames(store, message))


def shown(world: World, token: str, batch_id: str) -> dict[str, Any]:
    answer = world.call("GET", f"/frame-batches/{batch_id}", token)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def frames(world: World, token: str, batch_id: str, query: str = "") -> list[dict[str, Any]]:
    return list(world.call("GET", f"/frame-batches/{batch_id}/frames{query}", token).get_json()["items"])


def begun(world: World, token: str, **fields: Any) -> str:
    answer = world.call("POST", "/frame-batches", token, json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["batch_id"])
