"""The recipe of the mask state network: it can be repeated, its paint says what it paints, folding changes nothing."""

# ruff: noqa: E402

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no torch build for this machine was found: nothing can be trained here")

from shared_kernel.testing.faces import DrawnFace, scene
from shared_kernel.vision.models.align import CROP_PX, crop_face, crop_transform
from shared_kernel.vision.rules import MASK_STATES
from training.paint import paint_glasses, paint_hand, paint_mask, paint_scarf
from training.states.crops import MARGIN_PX, STORED_PX, WORK_PX, Crops
from training.states.draw import PLAN, Epoch, plan_epoch
from training.states.network import folded, trainable
from training.states.vary import centre, vary

PIXELS = scene(DrawnFace(300, 220, 160))
LANDMARKS = np.array([[275, 208], [325, 208], [300, 235], [276, 266], [324, 266]], np.float32)


def _crops() -> Crops:
    """Two crops of each state; the last is kept for validation."""
    transform = crop_transform(LANDMARKS, WORK_PX)
    transform[:, 2] += MARGIN_PX
    crop = crop_face(PIXELS, transform, STORED_PX)
    moved = (LANDMARKS @ transform[:, :2].T + transform[:, 2]).astype(np.float32)
    count = 6
    return Crops(
        pixels=np.stack([crop] * count),
        landmarks=np.stack([moved] * count),
        states=np.array([0, 0, 1, 1, 2, 2], np.int64),
        sources=np.array(["kg"] * count),
        validation=np.array([False] * 5 + [True]),
        face_px=np.full(count, 100, np.float32),
        how=np.array(["found"] * count),
        names=np.array([f"{index}.jpg" for index in range(count)]),
    )


def test_shares_of_the_plan_make_a_whole() -> None:
    assert sum(share for _, _, share in PLAN) == pytest.approx(1.0)
    assert {state for state, _, _ in PLAN} == set(MASK_STATES)


def test_an_epoch_can_be_drawn_again() -> None:
    crops = _crops()
    first, again, other = (plan_epoch(crops, epoch, 64, seed=1) for epoch in (3, 3, 4))
    assert first == again
    assert first != other
    one, two = (Epoch(crops, first) for _ in range(2))
    for index in range(8):
        assert np.array_equal(one[index][0], two[index][0])
        assert one[index][1] == two[index][1]


@pytest.mark.parametrize(
    ("wearing", "state", "bare"),
    [
        ("worn", "with_mask", [0, 1]),
        ("nose", "mask_worn_incorrectly", [0, 1, 2]),
        ("chin", "mask_worn_incorrectly", [0, 1, 2, 3, 4]),
    ],
)
def test_a_painted_mask_leaves_bare_what_its_state_says(wearing: str, state: str, bare: list[int]) -> None:
    crops = _crops()
    for seed in range(30):
        painted, said = paint_mask(crops.pixels[0], crops.landmarks[0], wearing, np.random.default_rng(seed))
        assert said == state
        for index, (x, y) in enumerate(np.round(crops.landmarks[0]).astype(int)):
            same = np.abs(painted[y, x].astype(int) - crops.pixels[0][y, x]).max() < 3
            assert same if index in bare else index in (3, 4) or not same


@pytest.mark.parametrize("paint", [paint_scarf, paint_glasses, paint_hand])
def test_other_paint_keeps_form_and_kind(paint: object) -> None:
    crops = _crops()
    for seed in range(20):
        painted = paint(crops.pixels[0], crops.landmarks[0], np.random.default_rng(seed))  # type: ignore[operator]
        assert painted.shape == crops.pixels[0].shape
        assert painted.dtype == np.uint8


@pytest.mark.parametrize("face_px", [5.0, 15.0, 60.0, 400.0])
def test_variations_keep_the_form_of_a_crop(face_px: float) -> None:
    for seed in range(30):
        varied = vary(_crops().pixels[0], face_px, np.random.default_rng(seed))
        assert varied.shape == (WORK_PX, WORK_PX, 3)
        assert varied.dtype == np.uint8
        assert varied.std() > 1


def test_the_middle_of_a_stored_crop_is_what_production_cuts() -> None:
    cut = crop_face(PIXELS, crop_transform(LANDMARKS))
    difference = np.abs(centre(_crops().pixels[0]).astype(int) - cut)
    # Hard edges of a drawn face differ, and a sixth of a pixel between the two ways to count pixels; nothing else is.
    assert difference.mean() < 2.5


def test_folding_changes_no_answer() -> None:
    torch.manual_seed(0)
    network = trainable()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    crops = torch.rand(3, 3, CROP_PX, CROP_PX) * 255
    with torch.no_grad():
        assert (network.eval()(crops) - folded(network)(crops)).abs().max() < 1e-3
