from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from face_search.geojson import feature_collection
from face_search.trajectory import Seen, trajectory
from shared_kernel.messages import Decision

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def seen(name: str, at_s: float, lon: float | None, lat: float | None, decision: Decision = "auto") -> Seen:
    return Seen(name, NOON + timedelta(seconds=at_s), lon, lat, decision, 0.7, 0.4)


def written(*sightings: Seen) -> dict[str, Any]:
    """The collection as another system reads it."""
    told = feature_collection(trajectory(sightings), lambda one: {"camera_name": f"at {one.sighting_id}"})
    return dict(json.loads(json.dumps(told, allow_nan=False)))


def test_points_and_lines_are_longitude_first() -> None:
    told = written(seen("a", 0, 116.397, 39.909), seen("b", 60, 116.39728, 39.90918))
    assert told["type"] == "FeatureCollection"
    first, second, line = told["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [116.397, 39.909]}
    assert (first["id"], first["properties"]["seen_at"]) == ("a", "2026-05-04T12:00:00.000Z")
    assert first["properties"]["camera_name"] == "at a"
    assert first["properties"]["on_track"] is True
    assert line["geometry"] == {"type": "LineString", "coordinates": [[116.397, 39.909], [116.39728, 39.90918]]}
    assert line["properties"]["verdict"] == "plausible"
    assert (line["properties"]["from_sighting_id"], line["properties"]["to_sighting_id"]) == ("a", "b")
    assert line["properties"]["distance_m"] == 31.2
    assert second["id"] == "b"


def test_ids_are_unique_and_members_are_those_of_the_standard() -> None:
    told = written(seen("a", 0, 1, 1), seen("b", 60, 1, 1), seen("c", 61, 9, 9), seen("d", 70, 1, 1, "rejected"))
    ids = [feature["id"] for feature in told["features"]]
    assert len(set(ids)) == len(ids)
    for feature in told["features"]:
        assert set(feature) == {"type", "id", "geometry", "properties"}
        assert feature["type"] == "Feature"


def test_an_impossible_one_is_a_point_that_says_what_it_contradicts() -> None:
    told = written(seen("a", 0, 0.0, 0.0), seen("b", 5, 0.0, 0.0001), seen("x", 6, 1.0, 0.0))
    points = {
        feature["id"]: feature["properties"] for feature in told["features"] if "on_track" in feature["properties"]
    }
    assert points["x"]["on_track"] is False
    assert points["x"]["left_out"] == "impossible"
    assert points["x"]["contradicts"] == "b"
    assert points["x"]["least_speed_m_s"] > 10_000
    assert not any(
        "x" in feature["id"].split("-") for feature in told["features"] if feature["geometry"]["type"] != "Point"
    )


def test_a_sighting_without_a_place_is_a_feature_without_one() -> None:
    told = written(seen("a", 0, None, None))
    [only] = told["features"]
    assert only["geometry"] is None
    assert only["properties"]["left_out"] == "no_place"


def test_a_line_over_the_antimeridian_is_cut_there() -> None:
    told = written(seen("a", 0, 179.9998, 10.0), seen("b", 60, -179.9998, 10.0002))
    line = told["features"][-1]["geometry"]
    assert line == {
        "type": "MultiLineString",
        "coordinates": [[[179.9998, 10.0], [180.0, 10.0001]], [[-180.0, 10.0001], [-179.9998, 10.0002]]],
    }
    back = written(seen("a", 0, -179.9998, 10.0), seen("b", 60, 179.9998, 10.0002))["features"][-1]["geometry"]
    assert back["coordinates"] == [[[-179.9998, 10.0], [-180.0, 10.0001]], [[180.0, 10.0001], [179.9998, 10.0002]]]
