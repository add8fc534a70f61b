"""How wrong the network is on a batch: presence, box, landmarks and mask state."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from training.faces.assign import Assigned, assign, boxes_of
from training.faces.canvas import Faces
from training.faces.network import BOX, OBJ, POINTS, STATE
from training.faces.scenes import UNKNOWN_STATE

#: Weights of the parts against that of presence.
BOX_WEIGHT, POINT_WEIGHT, STATE_WEIGHT = 5.0, 1.0, 1.0

#: Share of a state's label that is spread over all states.
SMOOTHING = 0.05

#: Weights of the states, because wrongly worn masks are rare.
STATE_WEIGHTS = (1.0, 1.0, 1.6)


def batch_loss(outputs: Tensor, cells: Tensor, batch: Sequence[Faces]) -> tuple[Tensor, dict[str, float]]:
    """Give the loss of a batch and its parts.

    Args:
        outputs: N x cells x 19, as `TrainedFaceNetwork.cells` gives them.
        cells: see `assign.grid`.
        batch: the faces of each picture.
    """
    parts = {name: outputs.new_zeros(()) for name in ("presence", "box", "points", "state")}
    positives, judged = 0.0, 0.0
    for output, faces in zip(outputs, batch, strict=True):
        boxes = boxes_of(output[:, BOX:POINTS], cells)
        counted = ~_inside(cells, torch.from_numpy(faces.ignored))
        present = output.new_zeros(len(cells))
        if len(faces.boxes):
            score = torch.sqrt(torch.sigmoid(output[:, 0]) * torch.sigmoid(output[:, OBJ]))
            truth = torch.from_numpy(faces.boxes)
            found = assign(score.detach(), boxes.detach(), cells, truth)
            trust = torch.from_numpy(faces.trust)[found.faces]
            present[found.cells] = trust
            counted[found.cells] = True
            # As YuNet was trained: only cells that speak for a face learn how well they do.
            parts["presence"] = parts["presence"] + binary_cross_entropy_with_logits(
                output[found.cells, 0], found.overlap * trust, reduction="sum"
            )
            box_trust = torch.from_numpy(faces.box_trust)[found.faces]
            parts["box"] = parts["box"] + (box_trust * _misfit(boxes[found.cells], truth[found.faces])).sum()
            parts["points"] = parts["points"] + _points(output, cells, found, faces)
            state, weight = _state(output, found, faces)
            parts["state"], judged = parts["state"] + state, judged + weight
            positives += float(trust.sum())
        parts["presence"] = parts["presence"] + binary_cross_entropy_with_logits(
            output[counted, OBJ], present[counted], reduction="sum"
        )
    count = max(positives, 1.0)
    whole = (
        parts["presence"] / count
        + BOX_WEIGHT * parts["box"] / count
        + POINT_WEIGHT * parts["points"] / count
        + STATE_WEIGHT * parts["state"] / max(judged, 1.0)
    )
    scales = {"presence": count, "box": count, "points": count, "state": max(judged, 1.0)}
    return whole, {name: float(part.detach()) / scales[name] for name, part in parts.items()}


def _inside(cells: Tensor, regions: Tensor) -> Tensor:
    if not len(regions):
        return torch.zeros(len(cells), dtype=torch.bool)
    points = cells[:, None, :2]
    return ((points >= regions[None, :, :2]) & (points <= regions[None, :, 2:])).all(dim=2).any(dim=1)


def _misfit(boxes: Tensor, truth: Tensor) -> Tensor:
    """EIoU (Zhang et al., 2021): one minus overlap, plus how far centre, width and height are off."""
    low, high = torch.maximum(boxes[:, :2], truth[:, :2]), torch.minimum(boxes[:, 2:], truth[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    size, true_size = (b[:, 2:] - b[:, :2] for b in (boxes, truth))
    union = size.prod(dim=1) + true_size.prod(dim=1) - shared
    hull = torch.maximum(boxes[:, 2:], truth[:, 2:]) - torch.minimum(boxes[:, :2], truth[:, :2])
    hull = hull.clamp(min=1e-3)
    apart = ((boxes[:, :2] + boxes[:, 2:] - truth[:, :2] - truth[:, 2:]) / 2).square().sum(dim=1)
    return (
        1 - shared / union.clamp(min=1e-6)
        + apart / hull.square().sum(dim=1)
        + ((size - true_size) / hull).square().sum(dim=1)
    )  # fmt: skip


def _points(output: Tensor, cells: Tensor, found: Assigned, faces: Faces) -> Tensor:
    truth = torch.from_numpy(faces.points)[found.faces]
    known = ~torch.isnan(truth).flatten(1).any(dim=1)
    if not known.any():
        return output.new_zeros(())
    chosen = cells[found.cells[known]]
    said = output[found.cells[known], POINTS:STATE].reshape(-1, 5, 2) * chosen[:, None, 2:] + chosen[:, None, :2]
    size = torch.from_numpy(faces.boxes)[found.faces[known]]
    side = (size[:, 2:] - size[:, :2]).clamp(min=4).prod(dim=1).sqrt()
    error = (said - truth[known]).abs() / side[:, None, None]
    return torch.where(error < 0.05, 10 * error.square(), error - 0.025).mean(dim=(1, 2)).sum()


def _state(output: Tensor, found: Assigned, faces: Faces) -> tuple[Tensor, float]:
    states = torch.from_numpy(faces.states)[found.faces]
    known = states != UNKNOWN_STATE
    if not known.any():
        return output.new_zeros(()), 0.0
    weights = torch.tensor(STATE_WEIGHTS)[states[known]]
    # Every face counts the same, however many cells speak for it.
    shares = 1.0 / torch.bincount(found.faces, minlength=len(faces.boxes))[found.faces[known]].float()
    loss = cross_entropy(output[found.cells[known], STATE:], states[known], reduction="none", label_smoothing=SMOOTHING)
    return (loss * weights * shares).sum(), float((weights * shares).sum())
