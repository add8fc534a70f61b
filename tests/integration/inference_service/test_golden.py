"""Whole verdicts on kept pictures: the same as when they were last looked at, and the same on every runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from inference_service import bootstrap
from inference_service.ports import Model
from shared_kernel.artifacts import fetch_all, load
from shared_kernel.errors import ArtifactError
from shared_kernel.testing.missing import skip_or_fail
from shared_kernel.vision import networks, weights
from shared_kernel.vision.models.mask_reader import FINE_CROP_PX, MaskReader
from shared_kernel.vision.models.mask_state import MaskStateClassifier
from shared_kernel.vision.models.yunet import FaceDetector
from shared_kernel.vision.ports import Picture, Session
from shared_kernel.vision.rules import Found
from shared_kernel.vision.sessions.openvino import OpenVinoSession
from tests.integration.inference_service import golden
from xunshi.places import SAMPLES_LIST

#: Another processor rounds otherwise; a changed network or another way of cutting does more than this.
MAX_SCORE_CHANGE = 0.03
MAX_BOX_CHANGE_PX = 1.5
MAX_BOX_CHANGE = 0.03  # of its longer side

#: Runtimes on one machine compute the same formulas.
MAX_SCORE_DIFFERENCE = 2e-3
MAX_BOX_DIFFERENCE_PX = 0.05


@pytest.fixture(scope="module")
def drawings() -> dict[str, Picture]:
    return golden.drawings()


@pytest.fixture(scope="module")
def photos(cache: Path) -> dict[str, Picture]:
    try:
        fetch_all(load(SAMPLES_LIST), cache / "samples")
    except ArtifactError as error:
        skip_or_fail(str(error))
    return golden.photos(cache / "samples")


@pytest.fixture(scope="module", params=golden.MODELS)
def named(request: pytest.FixtureRequest, weights_dir: Path) -> tuple[str, Model]:
    return request.param, bootstrap.shelf(weights_dir, None, device="cpu").open(request.param)


@pytest.fixture(scope="module")
def on_openvino(weights_dir: Path) -> MaskReader:
    return networks.mask_reader(device="cpu")


@pytest.fixture(scope="module")
def detector(weights_dir: Path) -> FaceDetector:
    return FaceDetector(OpenVinoSession(weights.FACE_DETECTOR_OPENVINO))


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def torch_states(request: pytest.FixtureRequest) -> tuple[Session, Session]:
    """The state networks on torch: of the first and of the second look."""
    pytest.importorskip("torch", reason="no torch build for this machine was found")
    from shared_kernel.vision.sessions.mask_state_network import FINE_STAGE_CHANNELS, MaskStateNetwork
    from shared_kernel.vision.sessions.torch import TorchSession, has_cuda

    if request.param == "cuda" and not has_cuda():
        pytest.skip("no GPU is seen")
    larger = MaskStateNetwork(stage_channels=FINE_STAGE_CHANNELS)
    return (
        TorchSession(MaskStateNetwork(), weights.MASK_STATE_TORCH, request.param),
        TorchSession(larger, weights.MASK_STATE_FINE_TORCH, request.param),
    )


def test_drawn_pictures_are_judged_as_kept(named: tuple[str, Model], drawings: dict[str, Picture]) -> None:
    compare(*named, drawings)


def test_photos_are_judged_as_kept(named: tuple[str, Model], photos: dict[str, Picture]) -> None:
    compare(*named, photos)


def compare(name: str, model: Model, pictures: dict[str, Picture]) -> None:
    kept = json.loads(golden.KEPT.read_text(encoding="utf-8"))[name]
    assert set(pictures) <= set(kept)
    changes = {
        picture: found
        for picture, verdict in golden.verdicts(model, pictures).items()
        if (found := changed(kept[picture], verdict))
    }
    assert changes == {}, "if this was meant: python -m tests.integration.inference_service.golden"


def changed(kept: Sequence[dict[str, Any]], found: Sequence[Found]) -> list[str]:
    """What is not as kept; boxes whose score is about the least that is kept may come and go."""
    left, missing = list(found), []
    for one in kept:
        same = next((other for other in left if agrees(one, other)), None)
        if same is not None:
            left.remove(same)
        elif one["score"] >= golden.MIN_SCORE + MAX_SCORE_CHANGE:
            missing.append(f"no longer: {one}")
    return missing + [f"new: {other}" for other in left if other.score >= golden.MIN_SCORE + MAX_SCORE_CHANGE]


def agrees(kept: dict[str, Any], found: Found) -> bool:
    x0, y0, x1, y1 = kept["box"]
    allowed_px = max(MAX_BOX_CHANGE_PX, MAX_BOX_CHANGE * max(x1 - x0, y1 - y0))
    moved_px = max(abs(a - b) for a, b in zip(kept["box"], found.box, strict=True))
    alike = abs(kept["score"] - found.score) <= MAX_SCORE_CHANGE
    return bool(kept["label"] == found.label and alike and moved_px <= allowed_px)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"score": 0.78}, True),
        ({"box": [11.4, 10, 51, 60]}, True),
        ({"label": "without_mask"}, False),
        ({"score": 0.7}, False),
        ({"box": [13, 10, 53, 60]}, False),
    ],
)
def test_a_change_is_seen(change: dict[str, Any], same: bool) -> None:
    kept = {"label": "with_mask", "score": 0.8, "box": [10, 10, 50, 60]}
    assert bool(changed([kept | change], [Found("with_mask", 0.8, (10, 10, 50, 60))])) is not same


def test_a_box_that_appears_or_disappears_is_seen_unless_it_is_doubtful() -> None:
    for score, seen in ((0.8, True), (0.51, False)):
        box = Found("with_mask", score, (10, 10, 50, 60))
        assert bool(changed([], [box])) is seen
        assert bool(changed(golden.as_json([box]), [])) is seen


def test_runtimes_give_the_same_verdicts(
    on_openvino: MaskReader,
    detector: FaceDetector,
    torch_states: tuple[Session, Session],
    drawings: dict[str, Picture],
    photos: dict[str, Picture],
) -> None:
    """Not only the numbers of a network: faces, their order, boxes, states and scores of whole pictures."""
    state, fine = torch_states
    other = MaskReader(detector, MaskStateClassifier(state), MaskStateClassifier(fine, FINE_CROP_PX))
    for name, picture in (drawings | photos).items():
        ours, theirs = on_openvino.read([picture])[0], other.read([picture])[0]
        assert [one.label for one in ours] == [one.label for one in theirs], name
        for one, same in zip(ours, theirs, strict=True):
            assert one.box == pytest.approx(same.box, abs=MAX_BOX_DIFFERENCE_PX), name
            assert one.score == pytest.approx(same.score, abs=MAX_SCORE_DIFFERENCE), name
            assert one.face is not None
            assert same.face is not None
            assert one.face.shares == pytest.approx(same.face.shares, abs=MAX_SCORE_DIFFERENCE), name


def test_pictures_read_together_are_judged_as_alone(on_openvino: MaskReader, photos: dict[str, Picture]) -> None:
    alone = golden.verdicts(on_openvino, photos)
    for name, found in zip(photos, on_openvino.read(list(photos.values())), strict=True):
        assert [one.label for one in found] == [one.label for one in alone[name]], name
        for one, same in zip(found, alone[name], strict=True):
            assert one.score == pytest.approx(same.score, abs=MAX_SCORE_DIFFERENCE), name
