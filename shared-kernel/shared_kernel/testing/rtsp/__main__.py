"""`python -m shared_kernel.testing.rtsp [--port P] NAME=CLIP…`: a camera for benches, until it is killed.

Writes `URL <address>` for each camera when it listens, and `PLAY <Unix time> <name> <seconds of a round>` whenever a
client begins to play.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from shared_kernel.testing.rtsp.server import Playback, RtspServer


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _on_play(playback: Playback) -> None:
    _say(f"PLAY {playback.started_at:.6f} {playback.name} {playback.duration_s:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m shared_kernel.testing.rtsp")
    parser.add_argument("--port", type=int, default=None, help="default: a free one")
    parser.add_argument("--once", action="store_true", help="end the stream with the clip instead of looping it")
    parser.add_argument("camera", nargs="+", metavar="NAME=CLIP")
    options = parser.parse_args()
    with RtspServer(options.port, _on_play) as server:
        for camera in options.camera:
            name, _, clip = camera.partition("=")
            _say(f"URL {server.mount(name, Path(clip), loop=not options.once)}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
