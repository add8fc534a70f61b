"""Draws each frame of a scenario and says where the faces are in it. Figures, scene and walk in; pictures out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from xunshi.demo import scene
from xunshi.demo.camera import CAMERA_HEIGHT_M, FOCAL_PX, HEIGHT_PX, WHOLE, WIDTH_PX, Window, placement, put, seen
from xunshi.demo.drawing import Picture, noise
from xunshi.demo.figure import HIP_HALF_M, HIP_M, NECK_M, SHOULDER_HALF_M, SHOULDER_M, Figure, Part, dressed
from xunshi.demo.scenarios import Scenario
from xunshi.demo.truth import Face, FrameTruth
from xunshi.demo.walk import Pose, Visit, pose

FPS = 25
#: Somebody turned further than this (1 is frontal, 0 is sideways) shows the back of the head.
_MIN_FACING = 0.35
_NOISE_FRAMES = 7


@dataclass(frozen=True)
class _Actor:
    visit: Visit
    figure: Figure
    at: Pose


def frames(scenario: Scenario, samples_dir: Path) -> Iterator[tuple[NDArray[np.uint8], FrameTruth]]:
    """Every frame, BGR 720 × 1280 × 3, with its truth.

    Raises:
        FileNotFoundError: a sample is missing.
    """
    empty = scene.painted(samples_dir)
    shadow = _shadow()
    backgrounds = [_grained(empty, seed) for seed in range(_NOISE_FRAMES)]
    figures = {visit.person: dressed(visit.subject, visit.outfit, samples_dir) for visit in scenario.visits}
    for index in range(round(scenario.duration_s * FPS)):
        at_s = index / FPS
        there = [(visit, pose(visit, at_s)) for visit in scenario.visits]
        actors = [_Actor(visit, figures[visit.person], at) for visit, at in there if at is not None]
        actors.sort(key=lambda actor: -actor.at.z_m)
        frame = backgrounds[index % _NOISE_FRAMES].copy()
        for actor in actors:
            _draw(frame, actor, shadow)
        _stamp(frame, scenario, at_s)
        yield frame, FrameTruth(index, at_s, _faces(actors))


def _grained(empty: Picture, seed: int) -> NDArray[np.uint8]:
    """The empty scene with the noise of a sensor."""
    grain = 0.004 * noise((HEIGHT_PX, WIDTH_PX), 90 + seed, 0.7)[..., None]
    return (np.clip(empty + grain, 0, 0.998) * 255).astype(np.uint8)


def _draw(frame: NDArray[np.uint8], actor: _Actor, shadow: Part) -> None:
    """Legs, arms, torso, head: from far to near, each about its joint."""
    at, figure = actor.at, actor.figure
    window, light = _surroundings(at.z_m)
    scale = FOCAL_PX / at.z_m * figure.height
    front = at.facing >= _MIN_FACING
    wide = max(0.55, abs(at.facing))
    swing = math.sin(at.stride) * at.vigour
    ground = placement(shadow, seen(at.x_m, 0.0, at.z_m), FOCAL_PX / at.z_m, tall=CAMERA_HEIGHT_M / at.z_m)
    put(frame, shadow, ground, 0.0, window)
    for side, leg, arm in ((-1, figure.legs[0], figure.arms[0]), (1, figure.legs[1], figure.arms[1])):
        forward = side * swing if front else -side * swing  # this leg is in front and off the ground
        lift = max(0.0, forward)
        hip = _joint(actor, side * HIP_HALF_M * wide, HIP_M)
        step = placement(leg, hip, scale, turn_deg=side * 1.0, wide=wide, tall=1 - 0.075 * lift)
        put(frame, leg, step, light, window)
        shoulder = _joint(actor, side * SHOULDER_HALF_M * wide, SHOULDER_M)
        tall = 1 - 0.05 * max(0.0, -forward)
        turn = side * (2.0 + 2.5 * abs(swing))
        put(frame, arm, placement(arm, shoulder, scale, turn_deg=turn, wide=wide, tall=tall), light, window)
    torso = figure.chest if front else figure.back
    roll = 1.1 * swing
    put(frame, torso, placement(torso, _joint(actor, 0, HIP_M), scale, turn_deg=roll, wide=wide), light, window)
    put(frame, figure.face if front else figure.nape, _head_matrix(actor), light, window)


def _surroundings(z_m: float) -> tuple[Window, float]:
    """Outside only what the gate shows is seen, in the sun; inside it is darker between the lamps."""
    if z_m > scene.END_M:
        return scene.gateway(), 1.12
    return WHOLE, 0.90 + 0.05 * math.cos(z_m * 2.4)


def _joint(actor: _Actor, x_m: float, y_m: float) -> tuple[float, float]:
    """Where a joint of the body is seen: the body bobs twice a stride and sways once."""
    at = actor.at
    bob = 0.018 * abs(math.cos(at.stride)) * at.vigour + 0.004 * math.sin(at.at_s * 1.7)
    sway = 0.016 * math.sin(at.stride) * at.vigour + 0.006 * math.sin(at.at_s * 0.9)
    height = actor.figure.height
    return seen(at.x_m + (x_m + sway) * height, (y_m + bob) * height, at.z_m)


def _head_matrix(actor: _Actor) -> NDArray[np.float64]:
    at, figure = actor.at, actor.figure
    part = figure.face if at.facing >= _MIN_FACING else figure.nape
    tilt = 1.6 * math.sin(at.at_s * 1.3) + 1.2 * math.sin(at.stride) * at.vigour
    wide = max(0.7, abs(at.facing))
    return placement(part, _joint(actor, 0, NECK_M), FOCAL_PX / at.z_m * figure.height, turn_deg=tilt, wide=wide)


def _shadow() -> Part:
    """A soft dark disc, 1 m across, for the ground beneath somebody."""
    rows, columns = np.mgrid[-1:1:200j, -1:1:200j].astype(np.float32)
    coverage = 0.55 * np.exp(-(rows**2 + columns**2) * 5.5)
    drawn = np.dstack([np.zeros((200, 200, 3), np.float32), coverage]).astype(np.float32)
    return Part((drawn,), 200.0, (100.0, 100.0))


def _faces(actors: list[_Actor]) -> tuple[Face, ...]:
    """From far to near, as the actors are; what a nearer person or the frame hides is not visible."""
    faces = []
    for index, actor in enumerate(actors):
        if actor.at.facing < _MIN_FACING:
            continue
        box = _box(actor)
        window, _ = _surroundings(actor.at.z_m)
        hidden = max((_share(box, _silhouette(nearer)) for nearer in actors[index + 1 :]), default=0.0)
        visible = round(_share(box, window) * (1 - hidden), 3)
        if visible > 0:
            outfit = actor.visit.outfit
            state = outfit.cover.value if outfit.mask else "without_mask"
            faces.append(Face(actor.visit.person, state, tuple(round(value, 1) for value in box), visible))
    return tuple(faces)


def _box(actor: _Actor) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = actor.figure.head.box
    left, top = actor.figure.face.origin
    centre = _head_matrix(actor) @ np.array([(x0 + x1) / 2 - left, (y0 + y1) / 2 - top, 1.0])
    scale = FOCAL_PX / actor.at.z_m * actor.figure.height / actor.figure.face.px_per_m
    half_width, half_height = (x1 - x0) / 2 * scale * abs(actor.at.facing), (y1 - y0) / 2 * scale
    return centre[0] - half_width, centre[1] - half_height, centre[0] + half_width, centre[1] + half_height


def _silhouette(actor: _Actor) -> tuple[float, float, float, float]:
    x0, y0 = seen(actor.at.x_m - 0.22, 1.85 * actor.figure.height, actor.at.z_m)
    x1, y1 = seen(actor.at.x_m + 0.22, 0.0, actor.at.z_m)
    return x0, y0, x1, y1


def _share(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """How much of the box the other covers."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0


def _stamp(frame: NDArray[np.uint8], scenario: Scenario, at_s: float) -> None:
    """What a camera writes over its picture."""
    clock = (scenario.clock_at + timedelta(seconds=int(at_s))).strftime("%Y-%m-%d  %H:%M:%S")
    face = cv2.FontFace("uni")
    for text, place in ((clock, (28, 48)), (scenario.camera, (28, HEIGHT_PX - 28))):
        for offset, colour in (((1, 1), (20, 20, 20)), ((-1, 1), (20, 20, 20)), ((0, 0), (250, 250, 250))):
            cv2.putText(frame, text, (place[0] + offset[0], place[1] + offset[1]), colour, face, 26)
