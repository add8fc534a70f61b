"""How far apart two places on the earth are. Used by `trajectory`; degrees on WGS-84 in, metres out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Degrees, or metres, of many places at once.
Many = NDArray[np.float64]

#: Half the equatorial diameter of the earth, metres (WGS-84).
EQUATORIAL_RADIUS_M = 6_378_137.0
#: How much flatter the earth is than a sphere (WGS-84).
FLATTENING = 1 / 298.257_223_563


def distances_m(lon: float, lat: float, lons: Many, lats: Many) -> Many:
    """Give the metres from one place to each of many, N float64, by the formula of Lambert.

    It needs no iteration, so no pair of places can make it run for ever. It is within 10 m over thousands of
    kilometres and within a millimetre over the length of a site. Between opposite points of the earth the formula has
    no value; the distance is then that on a sphere.
    """
    beta, betas = _reduced(np.radians(lat)), _reduced(np.radians(lats))
    half_lat, half_lon = (betas - beta) / 2, np.radians(lons - lon) / 2
    chord = np.sin(half_lat) ** 2 + np.cos(beta) * np.cos(betas) * np.sin(half_lon) ** 2
    chord = np.clip(chord, 0.0, 1.0)
    sigma = 2 * np.arcsin(np.sqrt(chord))
    mean = (betas + beta) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (sigma - np.sin(sigma)) * (np.sin(mean) * np.cos(half_lat)) ** 2 / (1 - chord)
        across = (sigma + np.sin(sigma)) * (np.cos(mean) * np.sin(half_lat)) ** 2 / chord
    correction = FLATTENING / 2 * (along + across)
    has_value = (chord > 0) & (chord < 1 - 1e-9)
    return np.asarray(EQUATORIAL_RADIUS_M * (sigma - np.where(has_value, correction, 0.0)))


def distance_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Give the metres between two places."""
    return float(distances_m(lon, lat, np.array([other_lon]), np.array([other_lat]))[0])


def _reduced(lat: Many | np.float64) -> Many:
    """Give the latitude on the sphere around the earth that belongs to one on the ellipsoid, radians."""
    return np.asarray(np.arctan((1 - FLATTENING) * np.tan(lat)))
