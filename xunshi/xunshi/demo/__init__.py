"""The demo clip: people who walk through a site entrance, some with a mask, and the truth of who is where when.

Made by code from a few freely licensed portraits (samples.toml), the same every time. The reading order: `scenarios`
says what happens, `subjects` and `heads` give faces, `masks` and `headwear` dress them, `figure` adds a body, `walk`
moves it, `scene` paints the place, `camera` and `film` put it all into frames, `truth` writes down where the faces are.
"""

from xunshi.demo.compose import Clip, compose, compose_short
from xunshi.demo.truth import Face, FrameTruth, read

__all__ = ["Clip", "Face", "FrameTruth", "compose", "compose_short", "read"]
