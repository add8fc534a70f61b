from __future__ import annotations

import numpy as np
import pytest

from face_search.geodesy import distance_m, distances_m


@pytest.mark.parametrize(
    ("start", "end", "metres", "within_m"),
    [
        # a degree on the equator: 2 pi a / 360
        ((0.0, 0.0), (1.0, 0.0), 111_319.491, 0.01),
        # a degree of latitude from the equator (table of the meridian arc, WGS-84)
        ((0.0, 0.0), (0.0, 1.0), 110_574.389, 0.1),
        # Flinders Peak to Buninyong, the worked example of Geoscience Australia (GRS80, alike to 0.1 mm)
        ((144.424867889, -37.951033417), (143.926495528, -37.652821139), 54_972.271, 0.1),
        # from pole to pole, twice the quarter meridian; opposite points have no value in the formula
        ((0.0, 90.0), (0.0, -90.0), 20_003_931.459, 35_000.0),
        # over the antimeridian it is as near as anywhere else
        ((179.5, 0.0), (-179.5, 0.0), 111_319.491, 0.01),
        # two cameras in Beijing by the radii of curvature there
        ((116.397, 39.909), (116.39728, 39.90918), 31.187, 0.001),
    ],
    ids=["east", "north", "flinders", "poles", "antimeridian", "courtyard"],
)
def test_distances_are_those_of_the_ellipsoid(
    start: tuple[float, float], end: tuple[float, float], metres: float, within_m: float
) -> None:
    assert distance_m(*start, *end) == pytest.approx(metres, abs=within_m)
    assert distance_m(*end, *start) == pytest.approx(metres, abs=within_m)


def test_the_same_place_is_no_distance() -> None:
    for lon, lat in [(0.0, 0.0), (116.397, 39.909), (-180.0, 90.0), (12.0, -90.0)]:
        assert distance_m(lon, lat, lon, lat) == 0.0


def test_every_pair_has_a_distance() -> None:
    random = np.random.default_rng(5)
    lons, lats = random.uniform(-180, 180, 500), random.uniform(-90, 90, 500)
    lons[:4], lats[:4] = [0, 180, -180, 0], [0, 0, 0, 90]
    for lon, lat in zip(lons[:50], lats[:50], strict=True):
        found = distances_m(float(lon), float(lat), lons, lats)
        assert np.isfinite(found).all()
        assert found.min() >= 0
        assert found.max() < 20_040_000
