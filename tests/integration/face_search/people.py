"""Somebody who is enrolled and was seen, by portraits: rows and entries of the index as enrolling leaves them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from face_search.adapters.likeness import source_of
from face_search.ports import IndexEntry
from shared_kernel.messages import MaskState, derived_id
from shared_kernel.tables import FaceVector, Sighting
from tests.integration.face_search.canned import Portrait, scene
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World


class People:
    """Adds rows with the vectors of portraits, and the index's entries of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gallery = Gallery(world.database, world.parts.blobs)
        self.model = world.reader.model
        world.index.ensure(self.model, world.reader.dimension)

    def person(self, name: str, *portraits: Portrait, **columns: Any) -> str:
        """Id of somebody who is enrolled with these pictures."""
        person_id = self.gallery.person(name, **columns)
        for portrait in portraits:
            self.sample(person_id, portrait)
        return person_id

    def sample(self, person_id: str, portrait: Portrait) -> str:
        """Id of a further picture of somebody."""
        sample_id = self.gallery.sample(person_id, covered=portrait.covered)
        self._index(portrait, kind="sample", subject_id=sample_id, person_id=person_id, camera_id="", seen_at_ms=0)
        return sample_id

    def sighting(self, portrait: Portrait, camera_id: str | None = None, **columns: Any) -> str:
        """Id of a sighting of this face; `age` is how long ago it was."""
        columns = {"covered": portrait.covered, **columns}
        sighting_id = self.gallery.sighting(columns.pop("person_id", None), camera_id=camera_id, **columns)
        row = self.row(sighting_id)
        self._index(
            portrait,
            kind="sighting",
            subject_id=sighting_id,
            person_id=row.person_id or "",
            camera_id=source_of(row),
            seen_at_ms=round(row.seen_at.timestamp() * 1000),
        )
        return sighting_id

    def row(self, sighting_id: str) -> Sighting:
        [row] = self.gallery.rows(Sighting, Sighting.sighting_id == sighting_id)
        assert isinstance(row, Sighting)
        return row

    def look(self, token: str, *portraits: Portrait, **fields: Any) -> dict[str, Any]:
        """The answer to a search by photo."""
        given = self.world.form(*portraits, **{"purpose": "lost child", **fields})
        answer = self.world.call("POST", "/search", token, data=given)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def by_id(self, token: str, **fields: Any) -> dict[str, Any]:
        """The answer to a search by sighting or person."""
        answer = self.world.call("POST", "/search", token, json={"purpose": "theft in hall 3", **fields})
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def _index(self, portrait: Portrait, **entry: Any) -> None:
        [face] = self.world.reader.read(scene(portrait))
        with self.world.database.write() as store:
            of_subject = select(FaceVector).where(FaceVector.subject_id == entry["subject_id"])
            for row in store._session.scalars(of_subject):
                row.model, row.vector, row.index_state = self.model, face.vector.astype("<f4").tobytes(), "indexed"
        wears = MaskState.WITH_MASK if portrait.covered else MaskState.WITHOUT_MASK
        vector_id = derived_id(entry["subject_id"], self.model)
        made = IndexEntry(vector_id, face.vector, mask_state=wears, covered=portrait.covered, **entry)
        self.world.index.upsert(self.model, [made])


def sightings(answer: dict[str, Any]) -> list[str]:
    """Ids of the sightings of an answer, in its order."""
    return [hit["sighting"]["sighting_id"] for hit in answer["hits"]]
