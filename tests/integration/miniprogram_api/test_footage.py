"""Footage over HTTP: who sees it, lists and timelines, parts of files, and what is removed when."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from miniprogram_api import keeping
from miniprogram_api.footage_media import PART_BYTES
from miniprogram_api.footage_record import record_footage
from miniprogram_api.rights import scope_of
from miniprogram_api.settings import Keep
from shared_kernel.clock import now, rfc3339
from shared_kernel.disk import Disk, disk_of
from shared_kernel.errors import NotFound
from shared_kernel.messages import FootageRecorded, derived_id, new_id
from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.world import World

BEGIN = datetime.fromisoformat("2026-03-02T08:00:00+00:00")
VIDEO = bytes(range(256)) * 100
LIMITS = {"clip": Keep(30, 20), "recording": Keep(7, 100)}


def recorded(camera_id: str, at: datetime = BEGIN, seconds: float = 60, **fields: Any) -> FootageRecorded:
    footage_id = fields.pop("footage_id", None) or new_id()
    values: dict[str, Any] = {
        "footage_id": footage_id,
        "camera_id": camera_id,
        "kind": "recording",
        "started_at": at,
        "ended_at": at + timedelta(seconds=seconds),
        "key": f"footage/recordings/{footage_id}.mp4",
        "mime": 'video/mp4; codecs="avc1.640028"',
        "width": 1920,
        "height": 1080,
        "bytes": len(VIDEO),
    }
    return FootageRecorded(**{**values, **fields})


def keep(world: World, message: FootageRecorded, video: bytes = VIDEO) -> FootageRecorded:
    world.parts.blobs.put(message.key, video)
    if message.boxes_key:
        world.parts.blobs.put(message.boxes_key, b"{}")
    world.database.run(lambda store: record_footage(store, message))
    return message


def clip(camera_id: str, at: datetime = BEGIN, **fields: Any) -> FootageRecorded:
    pass_id = fields.pop("pass_id", new_id())
    key = f"footage/clips/{pass_id}"
    given = {"kind": "clip", "pass_id": pass_id, "key": f"{key}.mp4", "boxes_key": f"{key}.json", **fields}
    return recorded(camera_id, at, 15, footage_id=derived_id(pass_id, "clip"), **given)


def listed(world: World, token: str, **query: object) -> list[dict[str, Any]]:
    answer = world.call("GET", "/footage", token, query_string=query)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["items"])


def fetch(world: World, url: str, token: str | None = None, **others: Any) -> TestResponse:
    """A file, read to its end as a server does."""
    return world.call("GET", url, token, buffered=True, **others)


def test_a_message_that_comes_twice_is_one_row(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    message = keep(world, clip(camera_id))
    world.database.run(lambda store: record_footage(store, message))
    [one] = listed(world, token, pass_id=message.pass_id)
    assert (one["footage_id"], one["camera_name"], one["kind"]) == (message.footage_id, "gate", "clip")
    assert one["boxes_url"]


def test_the_bus_brings_footage_into_rows(small_world: World) -> None:
    token = small_world.token()
    message = recorded(small_world.camera(token))
    with small_world.recording():
        small_world.parts.bus.publish(message)
        wait_until(lambda: [one["footage_id"] for one in listed(small_world, token)] == [message.footage_id])


def test_the_list_is_filtered_by_time_kind_and_pass_and_pages_in_both_orders(world: World) -> None:
    token = world.token()
    camera_id, other = world.camera(token), world.camera(token)
    pieces = [keep(world, recorded(camera_id, BEGIN + timedelta(minutes=n))) for n in range(5)]
    shown = keep(world, clip(camera_id, BEGIN + timedelta(seconds=90)))
    keep(world, recorded(other))
    ids = [piece.footage_id for piece in pieces]

    def found(**query: object) -> list[str]:
        return [one["footage_id"] for one in listed(world, token, camera_id=camera_id, **query)]

    assert found(kind="recording") == ids[::-1]
    assert found(kind="recording", order="oldest") == ids
    assert found(kind="clip") == [shown.footage_id]
    second = rfc3339(BEGIN + timedelta(seconds=100))
    assert found(kind="recording", order="oldest", **{"from": second, "limit": 1}) == [ids[1]]
    assert found(kind="recording", to=rfc3339(BEGIN + timedelta(seconds=60))) == [ids[0]]
    for order, expected in (("newest", ids[::-1]), ("oldest", ids)):
        pages: list[str] = []
        after: dict[str, str] = {}
        while True:
            query = {"camera_id": camera_id, "kind": "recording", "order": order, "limit": 2, **after}
            page = world.call("GET", "/footage", token, query_string=query).get_json()
            pages += [one["footage_id"] for one in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert pages == expected


def test_a_timeline_has_what_is_there_and_its_gaps(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    for second in (0, 60, 121, 300):  # a second between two pieces is none
        keep(world, recorded(camera_id, BEGIN + timedelta(seconds=second)))
    keep(world, clip(camera_id))
    query = {"from": rfc3339(BEGIN - timedelta(hours=1)), "to": rfc3339(BEGIN + timedelta(hours=1))}
    answer = world.call("GET", f"/cameras/{camera_id}/timeline", token, query_string=query).get_json()
    ends = [(0, 181), (300, 360)]
    expected = [
        {k: rfc3339(BEGIN + timedelta(seconds=s)) for k, s in zip(("start", "end"), e, strict=True)} for e in ends
    ]
    assert answer["recorded"] == expected
    assert len(answer["clips"]) == 1


def test_an_impossible_timeline_is_refused(small_world: World) -> None:
    token = small_world.token()
    path = f"/cameras/{small_world.camera(token)}/timeline"
    for until in (BEGIN, BEGIN - timedelta(hours=1), BEGIN + timedelta(days=9)):
        query = {"from": rfc3339(BEGIN), "to": rfc3339(until)}
        answer = small_world.call("GET", path, token, query_string=query)
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["field"] == "to"


def test_footage_follows_the_right_to_its_camera_at_once(world: World) -> None:
    admin = world.token()
    camera_id = world.camera(admin)
    message = keep(world, clip(camera_id))
    guard_id = world.user("guard")
    guard = str(world.log_in(guard_id)["access_token"])
    timeline = f"/cameras/{camera_id}/timeline"
    times = {"from": rfc3339(BEGIN), "to": rfc3339(BEGIN + timedelta(hours=1))}
    assert listed(world, guard) == []
    assert world.call("GET", timeline, guard, query_string=times).status_code == 404
    world.grant(camera_id, guard_id)
    [one] = listed(world, guard)
    assert fetch(world, one["video_url"]).status_code == 200
    assert fetch(world, one["boxes_url"]).data == b"{}"
    with world.database.write() as store:
        store.grants.remove(camera_id, guard_id)
        assert not scope_of(store, guard_id).includes(camera_id)
    for url in (one["video_url"], one["boxes_url"], one["download_url"]):
        assert world.call("GET", url).status_code == 404
    for path in ("video", "boxes"):
        assert fetch(world, f"/footage/{message.footage_id}/{path}").status_code == 401
        assert fetch(world, f"/footage/{message.footage_id}/{path}", guard).status_code == 404
        assert fetch(world, f"/footage/{message.footage_id}/{path}", admin).status_code == 200
    other = keep(world, clip(camera_id))
    swapped = one["video_url"].replace(message.footage_id, other.footage_id)
    assert world.call("GET", swapped).status_code == 401


def test_a_player_gets_the_part_it_asks_for(small_world: World) -> None:
    token, size = small_world.token(), len(VIDEO)
    message = keep(small_world, recorded(small_world.camera(token)))
    for wanted, status, begin, end in (
        (None, 200, 0, size),
        ("bytes=0-", 206, 0, size),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=-10", 206, size - 10, size),
        (f"bytes={size - 1}-", 206, size - 1, size),
        ("bytes=20-999999999", 206, 20, size),
        ("bytes=0-1,5-6", 200, 0, size),
        ("lines=1-2", 200, 0, size),
        ("bytes=abc", 200, 0, size),
    ):
        headers = {} if wanted is None else {"Range": wanted}
        answer = fetch(small_world, f"/footage/{message.footage_id}/video", token, headers=headers)
        assert (answer.status_code, answer.data) == (status, VIDEO[begin:end]), wanted
        assert int(answer.headers["Content-Length"]) == end - begin
        assert (answer.mimetype, answer.headers["Accept-Ranges"]) == ("video/mp4", "bytes")
        if status == 206:
            assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{size}"
    headers = {"Range": f"bytes={size}-"}
    beyond = fetch(small_world, f"/footage/{message.footage_id}/video", token, headers=headers)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_parts_are_bounded_and_bytes_of_another_version_are_not_mixed(small_world: World) -> None:
    token = small_world.token()
    message = keep(small_world, recorded(small_world.camera(token)), b"x" * (PART_BYTES + 1000))
    path = f"/footage/{message.footage_id}/video"
    first = fetch(small_world, path, token, headers={"Range": "bytes=0-"})
    assert first.headers["Content-Range"] == f"bytes 0-{PART_BYTES - 1}/{PART_BYTES + 1000}"
    same = {"Range": "bytes=5-9", "If-Range": first.headers["ETag"]}
    assert fetch(small_world, path, token, headers=same).status_code == 206
    other = {"Range": "bytes=5-9", "If-Range": '"another"'}
    assert fetch(small_world, path, token, headers=other).status_code == 200
    saved = fetch(small_world, f"{path}?download=1", token)
    assert saved.headers["Content-Disposition"] == 'attachment; filename="recording-20260302T080000Z.mp4"'
    assert len(saved.data) == PART_BYTES + 1000


def test_a_file_that_is_gone_is_not_found(small_world: World) -> None:
    token = small_world.token()
    message = keep(small_world, recorded(small_world.camera(token)))
    small_world.parts.blobs.delete(message.key)
    assert small_world.call("GET", f"/footage/{message.footage_id}/video", token).status_code == 404
    assert small_world.call("GET", f"/footage/{message.footage_id}/boxes", token).status_code == 404


def test_footage_goes_with_its_age_by_kind(world: World) -> None:
    camera_id = world.camera(world.token())
    day = timedelta(days=1)
    ages = {8: recorded, 6: recorded, 31: clip, 29: clip}
    messages = {age: keep(world, make(camera_id, now() - age * day)) for age, make in ages.items()}
    assert keeping.remove_old_footage(world.database, world.parts.blobs, LIMITS) == 2
    assert keeping.remove_old_footage(world.database, world.parts.blobs, LIMITS) == 0
    with world.database.read() as store:
        left = {age for age, message in messages.items() if store.footage.get(message.footage_id)}
    assert left == {6, 29}
    for key in (messages[8].key, messages[31].key, messages[31].boxes_key or ""):
        with pytest.raises(NotFound):
            world.parts.blobs.get(key)


def test_the_oldest_goes_when_one_camera_has_too_much_of_a_kind(world: World) -> None:
    token = world.token()
    full, other = world.camera(token), world.camera(token)
    moment = now() - timedelta(hours=1)
    pieces = [keep(world, recorded(full, moment + timedelta(minutes=n), bytes=400)) for n in range(5)]
    keep(world, recorded(other, moment, bytes=400))
    keep(world, clip(full, moment, bytes=400))
    limits = {"clip": Keep(30, 1), "recording": Keep(7, 1e-6)}  # a thousand bytes
    assert keeping.remove_old_footage(world.database, world.parts.blobs, limits) == 3
    with world.database.read() as store:
        assert [store.footage.get(piece.footage_id) is not None for piece in pieces] == [False] * 3 + [True] * 2
        assert sorted((one.kind, one.files) for one in store.footage.held()) == [
            ("clip", 1),
            ("recording", 1),
            ("recording", 2),
        ]


class FillingDisk:
    """A disk of a hundred units; each object of the world takes one."""

    def __init__(self, folder: Path, others: int) -> None:
        self._folder, self._others = folder / "blobs", others

    def __call__(self) -> Disk:
        files = sum(1 for path in self._folder.rglob("*") if path.is_file())
        return Disk(100, max(0, 100 - self._others - files))


@pytest.fixture
def crowded(small_world: World) -> tuple[World, str]:
    """Twenty recordings, four clips of today and four old ones, two old passes and one of today: 34 objects."""
    token = small_world.token()
    camera_id, moment = small_world.camera(token), now()
    for number in range(20):
        keep(small_world, recorded(camera_id, moment - timedelta(minutes=number + 2)))
    for number in range(4):
        keep(small_world, clip(camera_id, moment - timedelta(minutes=5 + number), boxes_key=None))
        keep(small_world, clip(camera_id, moment - timedelta(days=2, minutes=number), boxes_key=None))
    for age in (timedelta(days=3), timedelta(days=2), timedelta(0)):
        small_world.observe(camera_id, age=age)
    return small_world, token


@pytest.mark.parametrize(
    ("others", "left"),
    [
        (40, (20, 8, 3)),  # 26 free: nothing happens
        (52, (0, 8, 3)),  # 14 free of which 20 should be: recordings make room
        (80, (0, 4, 3)),  # and still too little: old clips
        (88, (0, 4, 1)),  # evidence last, and never that of today
    ],
)
def test_a_full_disk_takes_recordings_first_and_evidence_last(
    crowded: tuple[World, str], tmp_path: Path, others: int, left: tuple[int, int, int]
) -> None:
    world, token = crowded
    cleared = keeping.clear_full_disk(world.database, world.parts.blobs, 0.2, FillingDisk(tmp_path, others))
    kinds = [one["kind"] for one in listed(world, token, limit=200)]
    passes = world.call("GET", "/passes", token).get_json()["items"]
    assert (kinds.count("recording"), kinds.count("clip"), len(passes)) == left
    told = world.call("GET", "/storage", token).get_json()["emergencies"]
    assert [(one["recordings"], one["clips"], one["passes"]) for one in told] == (
        [] if not cleared else [(20 - left[0], 8 - left[1], 3 - left[2])]
    )


def test_a_store_elsewhere_is_never_cleared_for_a_disk(small_world: World) -> None:
    assert disk_of("s3://bucket?endpoint=http://127.0.0.1:1") is None
    keep(small_world, recorded(small_world.camera(small_world.token())))
    assert not keeping.clear_full_disk(small_world.database, small_world.parts.blobs, 0.99, lambda: None)


def test_objects_without_a_row_go_when_nobody_can_want_them(small_world: World, tmp_path: Path) -> None:
    kept = keep(small_world, clip(small_world.camera(small_world.token())))
    small_world.parts.blobs.put("footage/clips/lost.mp4", b"x")
    small_world.parts.blobs.put("footage/clips/new.mp4", b"x")
    long_ago = (now() - timedelta(days=33)).timestamp()
    for key in (kept.key, "footage/clips/lost.mp4"):
        os.utime(tmp_path / "blobs" / key, (long_ago, long_ago))
    assert keeping.remove_orphans(small_world.database, small_world.parts.blobs, LIMITS) == 1
    assert small_world.parts.blobs.get(kept.key)
    assert small_world.parts.blobs.get("footage/clips/new.mp4")


def test_storage_says_what_is_held_and_what_may_be(world: World) -> None:
    token = world.token()
    camera_id = world.camera(token)
    keep(world, recorded(camera_id, bytes=1000))
    keep(world, recorded(camera_id, BEGIN + timedelta(minutes=1), bytes=500))
    world.observe(camera_id)
    answer = world.call("GET", "/storage", token).get_json()
    held = {one["kind"]: one for one in answer["held"]}
    assert (held["recording"]["files"], held["recording"]["bytes"], held["recording"]["name"]) == (2, 1500, "gate")
    assert held["recording"]["oldest_at"] == rfc3339(BEGIN)
    assert held["evidence"]["files"] == 2
    assert {one["kind"]: one["days"] for one in answer["limits"]} == {
        "clip": 30,
        "recording": 7,
        "evidence": 30,
        "frames": 7,
    }
    assert 0 < answer["disk"]["free_bytes"] < answer["disk"]["total_bytes"]
    assert world.call("GET", "/storage", world.token("officer")).status_code == 403
