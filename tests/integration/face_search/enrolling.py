"""Enrolling over HTTP in a line: for tests of samples and their pictures."""

from __future__ import annotations

import io
from typing import Any

import cv2

from shared_kernel.tables import Sighting
from tests.integration.face_search.canned import Portrait, jpeg, scene
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World

#: Portraits of two people.
ADA, BOB = 5, 17


def person(world: World, name: str = "Ada") -> str:
    return Gallery(world.database, world.parts.blobs).person(name)


def enrolled(world: World, token: str, person_id: str, *portraits: Portrait, **fields: str) -> Any:
    return world.call("POST", f"/persons/{person_id}/samples", token, data=world.form(*portraits, **fields))


def sent(world: World, token: str, person_id: str, data: bytes) -> Any:
    form = {"photo": (io.BytesIO(data), "x.jpg")}
    return world.call("POST", f"/persons/{person_id}/samples", token, data=form)


def reasons(answer: Any) -> list[str]:
    return [one["message"] for one in answer.get_json()["errors"] if one["field"] == "quality"]


def rows(world: World, table: Any) -> list[Any]:
    return Gallery(world.database, world.parts.blobs).rows(table)


def seen(world: World, portrait: Portrait, **columns: Any) -> str:
    """Id of a sighting whose pictures and vector are there."""
    [face] = world.reader.read(scene(portrait))
    gallery = Gallery(world.database, world.parts.blobs)
    columns = {"covered": face.covered, "mask_state": face.mask_state, "quality": face.quality.score, **columns}
    columns.setdefault("quality_reasons", ",".join(face.quality.reasons))
    sighting_id = gallery.sighting(**columns)
    [row] = gallery.rows(Sighting, Sighting.sighting_id == sighting_id)
    world.parts.blobs.put(row.crop_key, jpeg(portrait))
    world.parts.blobs.put(row.aligned_key, cv2.imencode(".png", face.aligned)[1].tobytes())
    return sighting_id
