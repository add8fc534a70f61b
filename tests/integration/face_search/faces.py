"""Real faces for tests: the sample pictures of the project, and what spoils them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from face_search import weights
from shared_kernel.artifacts import fetch_all, load
from shared_kernel.errors import ArtifactError
from shared_kernel.testing.missing import skip_or_fail
from shared_kernel.vision.pictures import read_file
from xunshi.places import SAMPLES_LIST

Picture = NDArray[np.uint8]


@pytest.fixture(scope="session")
def face_weights(cache: Path) -> Path:
    """The folder with the networks of face search, fetched."""
    return _fetched(weights.WEIGHTS_LIST, cache / "weights")


@pytest.fixture(scope="session")
def samples(cache: Path) -> Path:
    """The folder with the project's sample pictures, fetched."""
    return _fetched(SAMPLES_LIST, cache / "samples")


@pytest.fixture(scope="session")
def portrait(samples: Path) -> Picture:
    """One woman from the front, 512 x 512; her eyes are 45 px apart."""
    return read_file(samples / "collins.png")


@pytest.fixture(scope="session")
def man(samples: Path) -> Picture:
    """One man from the front, 572 x 562."""
    return read_file(samples / "cheong.jpg")


@pytest.fixture(scope="session")
def five(samples: Path) -> Picture:
    """Five people, 1920 x 1398."""
    return read_file(samples / "group_five.jpg")


def scaled(picture: Picture, share: float) -> Picture:
    """The picture with fewer pixels."""
    return np.asarray(cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)


def smeared(picture: Picture, pixels: int, axis: int) -> Picture:
    """The picture as a camera sees it that moved sideways (1) or up and down (0) by so many pixels."""
    shape = (1, pixels) if axis else (pixels, 1)
    return np.asarray(cv2.blur(picture, shape[::-1]), np.uint8)


def blurred(picture: Picture, sigma_px: float) -> Picture:
    """The picture out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8)


def lit(picture: Picture, factor: float) -> Picture:
    """The picture with less light, or with so much that it is blown out."""
    return np.asarray(np.clip(picture.astype(np.float64) * factor, 0, 255), np.uint8)


def _fetched(listed: Path, folder: Path) -> Path:
    try:
        fetch_all(load(listed), folder)
    except ArtifactError as error:
        skip_or_fail(str(error))
    return folder
