"""A trajectory as GeoJSON (RFC 7946): a point a sighting, a line a leg. For maps and other systems.

Positions are longitude before latitude, WGS-84, six digits (about 10 cm). A leg over the antimeridian is cut there, as
the standard asks. Impossible legs are no lines: they are told as the reason why a point is not on the track.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from face_search.trajectory import LeftOut, Leg, Seen, Trajectory
from shared_kernel.clock import rfc3339

MEDIA_TYPE: Final = "application/geo+json"
_DIGITS: Final = 6


def feature_collection(track: Trajectory, facts: Callable[[Seen], Mapping[str, Any]]) -> dict[str, Any]:
    """Give the FeatureCollection of a trajectory; `facts` are further properties of a sighting."""
    points = [_point(one, {"on_track": True, **facts(one)}) for one in track.line]
    points += [_point(one.seen, {**_why(one), **facts(one.seen)}) for one in track.left_out]
    points.sort(key=lambda feature: (feature["properties"]["seen_at"], feature["id"]))
    return {"type": "FeatureCollection", "features": points + [_line(one) for one in track.legs]}


def _point(seen: Seen, properties: Mapping[str, Any]) -> dict[str, Any]:
    placed = seen.lon is not None and seen.lat is not None
    known = {
        "kind": "sighting",
        "sighting_id": seen.sighting_id,
        "seen_at": rfc3339(seen.seen_at),
        "decision": seen.decision,
        "score": seen.score,
        "weight": round(seen.weight, 3),
    }
    return {
        "type": "Feature",
        "id": seen.sighting_id,
        # a feature without a place has the geometry null (section 3.2)
        "geometry": {"type": "Point", "coordinates": _position(seen)} if placed else None,
        "properties": {**known, **properties},
    }


def _why(one: LeftOut) -> dict[str, Any]:
    told: dict[str, Any] = {"on_track": False, "left_out": one.why.value, "disputed": one.disputed}
    if one.leg is not None:
        told["contradicts"] = one.leg.end.sighting_id if one.leg.start is one.seen else one.leg.start.sighting_id
        told["least_speed_m_s"] = round(one.leg.least_speed_m_s, 2)
    return told


def _line(leg: Leg) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": f"{leg.start.sighting_id}-{leg.end.sighting_id}",
        "geometry": _geometry(_position(leg.start), _position(leg.end)),
        "properties": {
            "kind": "leg",
            "from_sighting_id": leg.start.sighting_id,
            "to_sighting_id": leg.end.sighting_id,
            "from_at": rfc3339(leg.start.seen_at),
            "to_at": rfc3339(leg.end.seen_at),
            "seconds": leg.seconds,
            "distance_m": round(leg.distance_m, 1),
            "speed_m_s": None if leg.speed_m_s is None else round(leg.speed_m_s, 2),
            "verdict": leg.verdict,
            "doubts": [doubt.value for doubt in leg.doubts],
            "weight": round(leg.weight, 3),
        },
    }


def _position(seen: Seen) -> list[float]:
    return [round(seen.lon or 0.0, _DIGITS), round(seen.lat or 0.0, _DIGITS)]


def _geometry(start: list[float], end: list[float]) -> dict[str, Any]:
    """Draw the shorter way; one over the antimeridian in two pieces (section 3.1.9)."""
    turn = end[0] - start[0]
    if abs(turn) <= 180:  # noqa: PLR2004 - half around the earth, degrees
        return {"type": "LineString", "coordinates": [start, end]}
    edge = 180.0 if turn < 0 else -180.0
    unrolled = end[0] + 360 if turn < 0 else end[0] - 360
    part = (edge - start[0]) / (unrolled - start[0]) if unrolled != start[0] else 0.5
    lat = round(start[1] + part * (end[1] - start[1]), _DIGITS)
    return {"type": "MultiLineString", "coordinates": [[start, [edge, lat]], [[-edge, lat], end]]}
