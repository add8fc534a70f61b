"""Decoded pictures in many hands at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import av
import numpy as np

from stream_service.adapters.pyav_decoder import PyavFrame

SIDES = (160, 320, 640, 500)


def test_one_frame_serves_analysis_snapshots_and_streams_of_stills_at_once() -> None:
    """Without care this does not fail but kills the process: libav's scaler belongs to the frame."""
    planes = np.random.default_rng(1).integers(0, 255, (720 * 3 // 2, 1280), np.uint8)
    with ThreadPoolExecutor(len(SIDES)) as many:
        for _ in range(20):
            source = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame = PyavFrame(source, datetime.now(UTC), time.monotonic())
            found = list(many.map(lambda side, frame=frame: frame.small_jpeg(side), SIDES * 3))
            for side in SIDES:
                assert len({jpeg for jpeg, wanted in zip(found, SIDES * 3, strict=True) if wanted == side}) == 1
