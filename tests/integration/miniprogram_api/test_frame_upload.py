"""Frames that a client sends over HTTP: order, repeats, what is refused, a store that is away."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared_kernel.clock import now, rfc3339
from tests.integration.miniprogram_api.archiving import begun, frames, picture, start
from tests.integration.miniprogram_api.world import World


def send(world: World, token: str, batch_id: str, first_seq: object, *pictures: bytes, **form: Any) -> Any:
    files = [(io.BytesIO(one), f"{n}.jpg") for n, one in enumerate(pictures)]
    data = {"first_seq": str(first_seq), "frames": files, **form}
    answer = world.call("POST", f"/frame-batches/{batch_id}/frames", token, data=data)
    answer.request.environ["wsgi.input"].close()  # a large body of the test client is a file
    return answer


def test_a_client_sends_frames_in_order_and_again_what_failed(world: World) -> None:
    token = world.token()
    batch_id = begun(world, token, expected=5)
    taken = [rfc3339(now() - timedelta(seconds=10 - n)) for n in range(3)]
    answer = send(world, token, batch_id, 0, *map(picture, range(3)), captured_at=taken)
    assert answer.status_code == 200, answer.text
    sent = answer.get_json()
    assert [(one["seq"], one["state"], one["captured_at"]) for one in sent["frames"]] == [
        (n, "stored", taken[n]) for n in range(3)
    ]
    assert (sent["batch"]["state"], sent["batch"]["stored"], sent["batch"]["started_at"]) == ("running", 3, taken[0])
    repeated = send(world, token, batch_id, 0, *map(picture, range(5))).get_json()
    assert [one["attempts"] for one in repeated["frames"]] == [1] * 5
    assert (repeated["batch"]["state"], repeated["batch"]["stored"]) == ("done", 5)
    assert repeated["frames"][0]["captured_at"] == taken[0]
    got = [world.call("GET", one["url"]).data for one in frames(world, token, batch_id)]
    assert got == [picture(n) for n in range(5)]
    differs = send(world, token, batch_id, 2, b"\xff\xd8\xff another")
    assert (differs.status_code, differs.get_json()["type"]) == (409, "#frame_differs")
    ended = send(world, token, batch_id, 5, picture(5))
    assert (ended.status_code, ended.get_json()["type"]) == (409, "#batch_ended")


def test_a_store_that_is_away_keeps_nothing_and_says_so(small_world: World, tmp_path: Path) -> None:
    token = small_world.token()
    batch_id = begun(small_world, token)
    folder = tmp_path / "blobs"
    (folder / "frames").write_text("in the way of the folder")
    answers: list[Any] = []
    sending = threading.Thread(target=lambda: answers.append(send(small_world, token, batch_id, 0, picture(0))))
    sending.start()
    sending.join(60)
    assert answers[0].status_code == 503
    assert answers[0].headers["Retry-After"]
    assert frames(small_world, token, batch_id) == []
    (folder / "frames").unlink()
    assert send(small_world, token, batch_id, 0, picture(0)).get_json()["frames"][0]["state"] == "stored"


def test_a_wrong_upload_names_the_field(small_world: World) -> None:
    token = small_world.token()
    batch_id = begun(small_world, token)
    one, late = [picture(0)], rfc3339(now() + timedelta(hours=1))
    wrong: list[tuple[str, str, list[bytes], dict[str, Any]]] = [
        *(("first_seq", value, one, {}) for value in ("x", "-1", "100000", "", "1.5")),
        *(("frames", "0", pictures, {}) for pictures in ([], one * 101)),
        ("frames.0", "0", [b""], {}),
        ("frames.1", "0", [picture(0), b"<html>"], {}),
        ("frames.0", "0", [b"\xff\xd8\xff" + b"x" * 8 * 2**20], {}),
        *(("captured_at.0", "0", one, {"captured_at": [at]}) for at in ("yesterday", "2020-01-01T00:00:00Z", late)),
        ("captured_at", "0", one, {"captured_at": [rfc3339(now())] * 2}),
    ]
    for field, first_seq, pictures, form in wrong:
        answer = send(small_world, token, batch_id, first_seq, *pictures, **form)
        assert answer.status_code == 422, (field, first_seq, answer.text)
        assert field in [error["field"] for error in answer.get_json()["errors"]]
    assert frames(small_world, token, batch_id) == []


def test_only_the_client_that_began_a_batch_fills_it(small_world: World) -> None:
    token, other = small_world.token(), small_world.token("officer")
    mine = begun(small_world, token)
    assert send(small_world, other, mine, 0, picture(0)).status_code == 404
    theirs = begun(small_world, other)
    assert send(small_world, token, theirs, 0, picture(0)).status_code == 403
    of_camera = start(small_world, token, small_world.camera(token))["batch_id"]
    assert send(small_world, token, of_camera, 0, picture(0)).status_code == 403
    stopped = small_world.call("POST", f"/frame-batches/{mine}/stop", token, json={}).get_json()
    assert (stopped["state"], stopped["expected"]) == ("done", 0)
    assert send(small_world, token, mine, 0, picture(0)).status_code == 409
