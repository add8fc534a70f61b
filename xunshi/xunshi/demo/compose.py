"""From samples to a clip and its truth, made only once. Samples and scenario in, H.264 MP4 and JSON lines out."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2

from xunshi.demo import truth
from xunshi.demo.camera import HEIGHT_PX, WIDTH_PX
from xunshi.demo.film import FPS, frames
from xunshi.demo.scenarios import DEMO, SHORT, Scenario

#: No B-frames and a keyframe a second, as cameras are set up; `sc_threshold` keeps the seconds even.
_ENCODER = {
    "preset": "veryfast",
    "profile": "high",
    "crf": "23",
    "bf": "0",
    "g": str(FPS),
    "keyint_min": str(FPS),
    "sc_threshold": "0",
    "x264-params": "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m",
}


@dataclass(frozen=True)
class Clip:
    """A composed clip, 1280 × 720, 25 frames a second, and its truth."""

    path: Path
    truth: Path
    duration_s: float
    fps: int = FPS


def compose(
    samples_dir: Path,
    out_dir: Path,
    scenario: Scenario = DEMO,
    on_progress: Callable[[float], None] | None = None,
) -> Clip:
    """`<name>.mp4` and `<name>.truth.jsonl` in `out_dir`. Made anew only when samples, scenario or code changed.

    Args:
        samples_dir: where the artifacts of samples.toml are.
        out_dir: made when missing; several processes may ask at once.
        scenario: what to film.
        on_progress: called with the share that is done, 0..1.

    Raises:
        FileNotFoundError: a sample is missing.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    clip = Clip(out_dir / f"{scenario.name}.mp4", out_dir / f"{scenario.name}.truth.jsonl", scenario.duration_s)
    made_of = out_dir / f"{scenario.name}.made-of"
    wanted = _inputs(samples_dir, scenario)
    with (out_dir / f".{scenario.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_text(made_of) == wanted and clip.path.exists() and clip.truth.exists()):
            made_of.unlink(missing_ok=True)
            _film(scenario, samples_dir, clip, on_progress or (lambda _: None))
            made_of.write_text(wanted, encoding="ascii")
    return clip


def compose_short(samples_dir: Path, out_dir: Path) -> Clip:
    """The clip of the end-to-end tests: one person with a mask, then one without.

    Raises:
        FileNotFoundError: a sample is missing.
    """
    return compose(samples_dir, out_dir, SHORT)


def _film(scenario: Scenario, samples_dir: Path, clip: Clip, on_progress: Callable[[float], None]) -> None:
    """Written aside and renamed, so that a clip is whole or not there."""
    unfinished = clip.path.with_name(f".{clip.path.stem}.part.mp4")
    truths = []
    with av.open(str(unfinished), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=FPS, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        total = scenario.duration_s * FPS
        for picture, frame_truth in frames(scenario, samples_dir):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            truths.append(frame_truth)
            on_progress(len(truths) / total)
        out.mux(stream.encode())
    truth.write(clip.truth, truths)
    unfinished.replace(clip.path)


def _inputs(samples_dir: Path, scenario: Scenario) -> str:
    """One sum over everything the clip depends on: this code, the samples, the scenario, the libraries."""
    total = hashlib.sha256(f"{scenario!r} {cv2.__version__} {av.__version__}".encode())
    code = sorted(Path(__file__).parent.glob("*.py"))
    samples = sorted(path for path in samples_dir.iterdir() if path.is_file()) if samples_dir.is_dir() else []
    for path in (*code, *samples):
        total.update(path.name.encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def _text(path: Path) -> str | None:
    return path.read_text(encoding="ascii") if path.is_file() else None
