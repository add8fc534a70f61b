from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from face_search.adapters.exact import ExactIndex
from face_search.ports import Hit, IndexEntry, IndexFilter
from face_search.ranking import Look, Ranked, nearest_persons, nearest_sightings
from shared_kernel.messages import MaskState

DIMENSION = 16


class Listed(ExactIndex):
    """An index of these vectors that notes how many entries it was asked for; each is of a person of the same id."""

    def __init__(self, entries: dict[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self.names, self.vectors = list(entries), np.stack(list(entries.values()))
        self.asked: list[int] = []
        self.ensure("sface", DIMENSION)
        self.upsert("sface", [_entry(name, vector) for name, vector in entries.items()])

    def search(self, model: str, vectors: NDArray[np.float32], top_k: int, only: IndexFilter) -> list[list[Hit]]:
        self.asked.append(top_k)
        return super().search(model, vectors, top_k, only)


def _entry(name: str, vector: NDArray[np.float32]) -> IndexEntry:
    bare = MaskState.WITHOUT_MASK
    return IndexEntry(f"v-{name}", vector, "sample", name, name, "", 0, mask_state=bare, covered=False)


def directions(count: int, seed: int = 7) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def look(vectors: NDArray[np.float32], *only: IndexFilter) -> Look:
    return Look("sface", vectors, only or (IndexFilter("sample"),))


def brute(index: Listed, vectors: NDArray[np.float32]) -> list[tuple[str, float]]:
    """Every entry by its best cosine to any of the vectors, best first."""
    best = (vectors @ index.vectors.T).max(axis=0)
    found = [(one, round(float(score), 6)) for one, score in zip(index.names, best, strict=True)]
    return sorted(found, key=lambda one: (-one[1], one[0]))


def test_a_person_with_many_samples_takes_one_place() -> None:
    base = directions(40)
    entries = {f"a{i:03}": base[0] for i in range(300)} | {f"b{i:03}": base[1] for i in range(300)}
    entries |= {"c000": base[2]}
    index = Listed(entries)
    found = nearest_persons(index, look(base[:1]), 3, lambda ids: {one: one[0] for one in ids})
    assert found[0].subject_id == "a"
    assert {one.subject_id for one in found} == {"a", "b", "c"}
    assert len(index.asked) > 1  # the first answer held one person only


@pytest.mark.parametrize("pictures", [1, 3])
@pytest.mark.parametrize("count", [1, 5, 50])
def test_the_order_is_that_of_all_entries(pictures: int, count: int) -> None:
    all_ = directions(400)
    index = Listed({f"s{i:03}": vector for i, vector in enumerate(all_[pictures:])})
    given = look(all_[:pictures])
    found = nearest_sightings(index, given, count, lambda ids: ids)
    assert [(one.subject_id, one.score) for one in found] == brute(index, given.vectors)[:count]
    persons = nearest_persons(index, given, count, lambda ids: {one: f"p{int(one[1:]) % 60:02}" for one in ids})
    expected: dict[str, float] = {}
    for one, score in brute(index, given.vectors):
        expected.setdefault(f"p{int(one[1:]) % 60:02}", score)
    assert [(one.subject_id, one.score) for one in persons] == list(expected.items())[:count]


def test_pages_show_every_sighting_once() -> None:
    all_ = directions(310)
    entries = {f"s{i:03}": vector for i, vector in enumerate(all_[1:])}
    entries |= {f"t{i}": all_[5] for i in range(90)}  # equal scores: the id decides
    index, given = Listed(entries), look(all_[:1])
    seen: list[Ranked] = []
    after = None
    while page := nearest_sightings(index, given, 37, lambda ids: ids, after):
        seen += page
        after = page[-1].score, page[-1].subject_id
    assert [(one.subject_id, one.score) for one in seen] == brute(index, given.vectors)


def test_what_may_not_be_shown_takes_no_place() -> None:
    all_ = directions(200)
    index = Listed({f"s{i:03}": vector for i, vector in enumerate(all_[1:])})
    even = lambda ids: [one for one in ids if int(one[1:]) % 2 == 0]  # noqa: E731
    found = nearest_sightings(index, look(all_[:1]), 30, even)
    expected = [one for one in brute(index, all_[:1]) if int(one[0][1:]) % 2 == 0]
    assert [(one.subject_id, one.score) for one in found] == expected[:30]


def test_samples_of_nobody_are_left_out() -> None:
    all_ = directions(10)
    index = Listed({f"s{i}": vector for i, vector in enumerate(all_[1:])})
    owners = {"s0": "p0", "s4": "p4"}
    found = nearest_persons(index, look(all_[:1]), 5, lambda ids: {one: owners[one] for one in ids if one in owners})
    assert {one.subject_id for one in found} == {"p0", "p4"}


def test_several_filters_are_one_search() -> None:
    all_ = directions(60)
    index = Listed({f"s{i:02}": vector for i, vector in enumerate(all_[1:])})
    parts = [frozenset(index.names[:20]), frozenset(index.names[20:50])]
    given = look(all_[:1], *(IndexFilter("sample", person_ids=part) for part in parts))
    found = nearest_sightings(index, given, 10, lambda ids: ids)
    expected = [one for one in brute(index, all_[:1]) if one[0] in parts[0] | parts[1]]
    assert [(one.subject_id, one.score) for one in found] == expected[:10]


def test_an_empty_index_gives_nobody() -> None:
    index = Listed({"s0": directions(1)[0]})
    nobody = look(directions(1), IndexFilter("sample", person_ids=frozenset()))
    assert nearest_persons(index, nobody, 5, lambda ids: dict.fromkeys(ids, "p")) == []
    assert nearest_sightings(index, nobody, 5, lambda ids: ids) == []
