"""Two entries of a gallery that may be one person, with all that hangs on them: for tests of merging and splitting."""

from __future__ import annotations

from typing import Any

from shared_kernel.tables import FaceSample, FaceVector, NotThisPerson, Person, PersonOnList, Sighting
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World


class Scene:
    """Two entries, each with samples, sightings, lists and negatives, and everybody beside them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gallery = gallery = Gallery(world.database, world.parts.blobs)
        self.token = world.token()
        self.ada, self.bob, self.eve = (gallery.person(name) for name in ("Ada", "Bob", "Eve"))
        self.shared = gallery.face_list(self.ada, self.bob, name="Both")
        self.only_bob = gallery.face_list(self.bob, name="Bob's")
        self.a_samples = [gallery.sample(self.ada) for _ in range(2)]
        self.b_samples = [gallery.sample(self.bob) for _ in range(2)]
        self.a_seen = [gallery.sighting(self.ada) for _ in range(2)]
        self.b_seen = [gallery.sighting(self.bob) for _ in range(3)]
        self.unknown = gallery.sighting(None)
        gallery.negative(self.bob, self.unknown)
        gallery.negative(self.ada, self.b_seen[0])  # a human said so, and whoever merges takes it back
        self.tie = gallery.sighting(
            self.ada, decision="near_tie", score=0.6, runner_up_id=self.bob, runner_up_score=0.58
        )
        self.beside = gallery.sighting(self.eve, runner_up_id=self.bob, runner_up_score=0.4)
        gallery.person("Former", merged_into=self.bob)

    def everything(self) -> dict[str, Any]:
        """All that a decision may touch, without when it was touched."""
        rows = self.gallery.rows
        return {
            "persons": {(one.person_id, one.name, one.merged_into, one.expires_at) for one in rows(Person)},
            "lists": {(one.person_id, one.list_id) for one in rows(PersonOnList)},
            "samples": {(one.sample_id, one.person_id) for one in rows(FaceSample)},
            "negatives": {(one.person_id, one.sighting_id) for one in rows(NotThisPerson)},
            "sightings": {
                (
                    *(one.sighting_id, one.person_id, one.decision, one.decided_by, one.decided_at),
                    *(one.runner_up_id, one.runner_up_score),
                )
                for one in rows(Sighting)
            },
        }

    def call(self, method: str, path: str, **given: Any) -> Any:
        return self.world.call(method, path, self.token, json=given)

    def merge(self, person_id: str = "", other_id: str = "") -> str:
        """Id of the change."""
        path = f"/persons/{person_id or self.ada}/merge"
        return _change(self.call("POST", path, other_id=other_id or self.bob), "merge")

    def split(self, sample_ids: list[str], sighting_ids: list[str], name: str = "New") -> tuple[str, str]:
        """Ids of the change and of the new person."""
        given = {"sample_ids": sample_ids, "sighting_ids": sighting_ids, "name": name}
        answer = self.call("POST", f"/persons/{self.ada}/split", **given)
        return _change(answer, "split"), answer.get_json()["other_id"]

    def undo(self, change_id: str) -> Any:
        return self.call("POST", f"/changes/{change_id}/undo")

    def of(self, person_id: str) -> tuple[set[str], set[str]]:
        """Samples and sightings of a person."""
        samples = self.gallery.rows(FaceSample, FaceSample.person_id == person_id)
        seen = self.gallery.rows(Sighting, Sighting.person_id == person_id)
        return {one.sample_id for one in samples}, {one.sighting_id for one in seen}

    def sighting(self, sighting_id: str) -> Sighting:
        [row] = self.gallery.rows(Sighting, Sighting.sighting_id == sighting_id)
        assert isinstance(row, Sighting)
        return row

    def waiting(self) -> set[str]:
        """Of whom the index is to be told anew."""
        return {one.subject_id for one in self.gallery.rows(FaceVector, FaceVector.index_state == "pending")}


def _change(answer: Any, kind: str) -> str:
    assert answer.status_code in (200, 201), answer.text
    assert answer.get_json()["kind"] == kind
    return str(answer.get_json()["change_id"])
