"""From a portrait to a name at the gate: enrol, be seen with a mask, be found, be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared_kernel.testing import wait_until
from tests.e2e.scene import Scene
from xunshi.testing import ApiClient, RunningStack

pytestmark = pytest.mark.timeout(300)

#: The clip is short; what takes longer is loading networks on a machine with other work, seconds.
SEEN_WITHIN_S = 90


def sightings(client: ApiClient, camera_id: str) -> list[dict[str, Any]]:
    return list(client.get("/faces/sightings", camera_id=camera_id, limit=100)["items"])


def recognised(client: ApiClient, camera_id: str) -> list[dict[str, Any]]:
    """Those with a name. The first picture of a visit may be too poor for one; the best comes when it is over."""
    return [one for one in sightings(client, camera_id) if one["decision"] == "auto"]


def test_somebody_who_is_enrolled_is_recognised_at_the_gate_and_forgotten_on_request(
    stack: RunningStack, gate: str, scene: Scene, cache: Path
) -> None:
    client = stack.client()
    portrait = (cache / "samples" / "collins.png").read_bytes()
    [watch] = [one["list_id"] for one in client.get("/faces/lists")["items"] if one["kind"] == "watch"]
    somebody = {"name": "Collins", "note": "", "basis": "consent", "basis_detail": "end-to-end test"}
    person_id = client.post("/faces/persons", {**somebody, "list_ids": [watch]})["person_id"]
    client.post_photo(f"/faces/persons/{person_id}/samples", portrait)

    camera_id = client.add_camera("North gate", gate)
    wait_until(lambda: recognised(client, camera_id), SEEN_WITHIN_S, "a name at the gate")
    known, *others = recognised(client, camera_id)
    assert (known["person_name"], known["covered"], others) == ("Collins", True, [])
    for url in (known["crop_url"], known["person_crop_url"]):
        assert client.get_bytes(url)[:2] == b"\xff\xd8"

    wait_until(lambda: len(sightings(client, camera_id)) == scene.truth.total(), 60, "everybody who passed, once each")
    assert len(recognised(client, camera_id)) == 1

    found = client.post_photo("/faces/search", portrait, purpose="end-to-end test", of="persons")
    assert (found["verdict"], found["hits"][0]["person"]["person_id"]) == ("match", person_id)

    client.post(f"/faces/persons/{person_id}/erasure", {"reason": "end-to-end test"})
    wait_until(lambda: {one["state"] for one in client.get("/faces/erasures")["items"]} == {"done"}, 30, "the receipt")
    assert client.post_photo("/faces/search", portrait, purpose="is it gone", of="persons")["verdict"] == "unknown"
    assert known["sighting_id"] not in {one["sighting_id"] for one in sightings(client, camera_id)}
