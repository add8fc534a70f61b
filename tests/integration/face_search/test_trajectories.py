"""Where somebody has been, over HTTP: as the dashboard draws it, as GeoJSON, and only what the caller's cameras saw."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from shared_kernel.clock import now, rfc3339
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceQuery
from tests.integration.face_search.canned import Portrait
from tests.integration.face_search.people import People
from tests.integration.face_search.world import World

ADA, BOB = 5, 17
SURE = {"score": 0.8, "threshold": 0.5}


def track(people: People, token: str, subject: str, query: str = "") -> dict[str, Any]:
    query = query if "purpose=" in query else f"{query}{'&' if query else '?'}purpose=why"
    answer = people.world.call("GET", f"/{subject}/trajectory{query}", token)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


class Walk:
    """Ada walks from the gate over the yard to the hall, 110 m and 90 s each; a camera in another town saw her too."""

    def __init__(self, people: People) -> None:
        self.people, world = people, people.world
        self.token = world.token("officer")
        self.ada = people.person("Ada", Portrait(ADA))
        self.cameras = [world.camera(name=name, lon=113.0, lat=23.0 + 0.001 * n) for n, name in enumerate("abc")]
        self.far = world.camera(name="far", lon=114.0, lat=23.0)
        self.seen = [
            people.sighting(
                Portrait(ADA, look=n), camera, age=timedelta(seconds=900 - 90 * n), person_id=self.ada, **SURE
            )
            for n, camera in enumerate(self.cameras)
        ]

    def by(self, camera: str, age_s: float, **columns: Any) -> str:
        columns = {"person_id": self.ada, **SURE, **columns}
        return self.people.sighting(Portrait(ADA), camera, age=timedelta(seconds=age_s), **columns)


@pytest.fixture
def walk(people: People) -> Walk:
    return Walk(people)


def test_a_walk_is_a_line_with_its_evidence(walk: Walk) -> None:
    told = track(walk.people, walk.token, f"persons/{walk.ada}")
    assert (told["person_id"], told["person_name"], told["whole"]) == (walk.ada, "Ada", True)
    assert [one["sighting_id"] for one in told["sightings"]] == walk.seen
    assert [one["camera_name"] for one in told["sightings"]] == ["a", "b", "c"]
    assert [(one["from_sighting_id"], one["to_sighting_id"]) for one in told["legs"]] == [
        (walk.seen[0], walk.seen[1]),
        (walk.seen[1], walk.seen[2]),
    ]
    for leg in told["legs"]:
        assert leg["verdict"] == "plausible"
        assert leg["distance_m"] == pytest.approx(110.7, abs=0.2)
        assert leg["seconds"] == pytest.approx(90, abs=2)
        assert leg["doubts"] == []


def test_what_cannot_be_is_cut_and_told(walk: Walk) -> None:
    wrong = walk.by(walk.far, 855, score=0.51)
    told = track(walk.people, walk.token, f"persons/{walk.ada}")
    assert len(told["sightings"]) == 4
    joined = [leg for leg in told["legs"] if leg["verdict"] != "impossible"]
    assert [(one["from_sighting_id"], one["to_sighting_id"]) for one in joined] == list(
        zip(walk.seen, walk.seen[1:], strict=False)
    )
    [cut] = [leg for leg in told["legs"] if leg["verdict"] == "impossible"]
    assert wrong in (cut["from_sighting_id"], cut["to_sighting_id"])
    [out] = told["left_out"]
    assert (out["sighting_id"], out["why"], out["disputed"]) == (wrong, "impossible", False)
    assert out["contradicts"] in walk.seen


def test_a_rejected_sighting_is_listed_and_not_joined(walk: Walk) -> None:
    answer = walk.people.world.call("POST", f"/sightings/{walk.seen[1]}/reject", walk.token, json={})
    assert answer.status_code == 200
    told = track(walk.people, walk.token, f"persons/{walk.ada}")
    assert [(one["sighting_id"], one["why"]) for one in told["left_out"]] == [(walk.seen[1], "rejected")]
    assert [(one["from_sighting_id"], one["to_sighting_id"]) for one in told["legs"]] == [(walk.seen[0], walk.seen[2])]


def test_near_ties_and_runs_are_doubtful(walk: Walk) -> None:
    tie = walk.by(walk.cameras[2], 600, decision="near_tie")
    ran = walk.by(walk.cameras[0], 560)  # 221 m in 40 s
    legs = track(walk.people, walk.token, f"persons/{walk.ada}")["legs"]
    found = {(one["from_sighting_id"], one["to_sighting_id"]): (one["verdict"], one["doubts"]) for one in legs}
    assert found[walk.seen[2], tie] == ("doubtful", ["near_tie"])
    assert found[tie, ran] == ("doubtful", ["too_fast", "near_tie"])
    # by car it is nothing special
    told = track(walk.people, walk.token, f"persons/{walk.ada}", "?pace=vehicle")
    assert not any("too_fast" in leg["doubts"] for leg in told["legs"])


def test_only_the_asked_time_counts(walk: Walk) -> None:
    middle = quote(rfc3339(now() - timedelta(seconds=850)))
    later = track(walk.people, walk.token, f"persons/{walk.ada}", f"?from={middle}")
    assert [one["sighting_id"] for one in later["sightings"]] == walk.seen[1:]
    earlier = track(walk.people, walk.token, f"persons/{walk.ada}", f"?to={middle}")
    assert [one["sighting_id"] for one in earlier["sightings"]] == walk.seen[:1]
    long_ago = walk.by(walk.cameras[0], 8 * 86_400)
    assert long_ago not in str(track(walk.people, walk.token, f"persons/{walk.ada}"))
    since = quote(rfc3339(now() - timedelta(days=9)))
    assert long_ago in str(track(walk.people, walk.token, f"persons/{walk.ada}", f"?from={since}"))


def test_only_the_callers_cameras_tell(walk: Walk) -> None:
    some = walk.people.world.token("officer", cameras=[walk.cameras[0], walk.cameras[2]])
    told = track(walk.people, some, f"persons/{walk.ada}")
    assert [one["sighting_id"] for one in told["sightings"]] == [walk.seen[0], walk.seen[2]]
    assert walk.seen[1] not in json.dumps(told)
    none = track(walk.people, walk.people.world.token("officer", cameras=[]), f"persons/{walk.ada}")
    assert (none["sightings"], none["legs"], none["left_out"]) == ([], [], [])


def test_a_sighting_without_a_place_takes_that_of_its_camera_today(few: People) -> None:
    ada = few.person("Ada")
    placed, unplaced = few.world.camera(), few.world.camera(lon=None, lat=None)
    few.sighting(Portrait(ADA), placed, person_id=ada, age=timedelta(seconds=60), **SURE)
    nowhere = few.sighting(Portrait(ADA), unplaced, person_id=ada, **SURE)
    told = track(few, few.world.token(), f"persons/{ada}")
    assert [(one["sighting_id"], one["why"]) for one in told["left_out"]] == [(nowhere, "no_place")]
    assert [one["lon"] for one in told["sightings"]] == [113.32, None]


def test_an_unknown_face_is_followed_by_likeness(people: People) -> None:
    world = people.world
    token = world.token("officer")
    cameras = [world.camera(lon=113.0, lat=23.0 + 0.001 * n) for n in range(3)]
    seen = [
        people.sighting(Portrait(BOB, look=n), camera, age=timedelta(seconds=900 - 90 * n))
        for n, camera in enumerate(cameras)
    ]
    people.sighting(Portrait(ADA), cameras[0])
    named = people.sighting(Portrait(BOB, look=3), cameras[0], person_id=people.person("Bob"), **SURE)
    told = track(people, token, f"sightings/{seen[1]}")
    assert (told["person_id"], told["person_name"]) == (None, None)
    assert [one["sighting_id"] for one in told["sightings"]] == seen
    assert named not in json.dumps(told)
    assert [(one["from_sighting_id"], one["to_sighting_id"]) for one in told["legs"]] == [
        (seen[0], seen[1]),
        (seen[1], seen[2]),
    ]
    some = world.token("officer", cameras=cameras[1:])
    assert [one["sighting_id"] for one in track(people, some, f"sightings/{seen[1]}")["sightings"]] == seen[1:]


def test_geojson_is_a_file_for_maps(walk: Walk) -> None:
    answer = walk.people.world.call("GET", f"/persons/{walk.ada}/trajectory?format=geojson&purpose=why", walk.token)
    assert (answer.status_code, answer.mimetype) == (200, "application/geo+json")
    assert "trajectory.geojson" in answer.headers["Content-Disposition"]
    told = json.loads(answer.data)
    assert [feature["geometry"]["type"] for feature in told["features"]] == ["Point"] * 3 + ["LineString"] * 2
    assert told["features"][0]["geometry"]["coordinates"] == [113.0, 23.0]
    assert told["features"][0]["properties"]["camera_name"] == "a"
    assert "ticket=" not in answer.text


def test_whoever_follows_is_written_down(walk: Walk) -> None:
    track(walk.people, walk.token, f"persons/{walk.ada}", f"?purpose={quote('走失儿童')}")
    [row] = walk.people.gallery.rows(FaceQuery)
    assert (row.kind, row.user_id, row.purpose, row.subject) == ("trajectory", walk.token, "走失儿童", walk.ada)
    assert json.loads(row.shown) == walk.seen


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("from=now", "from"),
        ("format=kml", "format"),
        ("pace=rocket", "pace"),
        ("x=1", "x"),
    ],
)
def test_wrong_parameters_are_named(quiet_world: World, query: str, field: str) -> None:
    path = f"/persons/{new_id()}/trajectory?purpose=why&{query}"
    answer = quiet_world.call("GET", path, quiet_world.token())
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("purpose", ["", "?purpose=", "?purpose=x", "?purpose=%20%20", "?purpose=" + "x" * 201])
@pytest.mark.parametrize("subject", ["persons", "sightings"])
def test_nobody_is_followed_without_a_purpose(quiet_world: World, subject: str, purpose: str) -> None:
    answer = quiet_world.call("GET", f"/{subject}/{new_id()}/trajectory{purpose}", quiet_world.token())
    assert (answer.status_code, [one["field"] for one in answer.get_json()["errors"]]) == (422, ["purpose"])


def test_who_is_not_there_has_been_nowhere(quiet_world: World) -> None:
    answer = quiet_world.call("GET", f"/persons/{new_id()}/trajectory?purpose=why", quiet_world.token())
    assert (answer.status_code, answer.get_json()["type"]) == (404, "#no_person")
    assert quiet_world.call("GET", f"/persons/{new_id()}/trajectory", quiet_world.token("guard")).status_code == 403
