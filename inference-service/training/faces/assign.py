"""Which cells of the grids speak for which face: SimOTA, as YuNet was trained with (Ge et al., YOLOX, 2021)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from shared_kernel.vision.models.yunet import STRIDES_PX

#: A cell may speak for a face when it lies within this many cells of the face's centre.
REACH_CELLS = 2.5

#: Weight of the overlap in the cost of a cell, against the score.
OVERLAP_WEIGHT = 3.0

#: The most cells that may speak for one face.
MOST_CELLS = 10


@dataclass(frozen=True)
class Assigned:
    """Cells with the face each speaks for.

    Attributes:
        cells: P int64, indices into the grids.
        faces: P int64, index of the face of each.
        overlap: P float32, how well the predicted box of the cell fits, 0..1.
    """

    cells: Tensor
    faces: Tensor
    overlap: Tensor


def grid(height: int, width: int) -> Tensor:
    """Give cells x 3 float32: the point x, y (pixels) that each cell speaks for, and its stride."""
    rows = []
    for stride in STRIDES_PX:
        ys, xs = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        points = torch.stack([xs, ys], dim=-1).reshape(-1, 2) * stride
        rows.append(torch.cat([points, torch.full((len(points), 1), stride)], dim=1))
    return torch.cat(rows).float()


def boxes_of(offsets: Tensor, cells: Tensor) -> Tensor:
    """Turn offsets ... x 4 of cells ... x 3 into boxes ... x 4, pixels."""
    centre = cells[..., :2] + offsets[..., :2] * cells[..., 2:]
    half = torch.exp(offsets[..., 2:].clamp(max=6)) * cells[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def overlap(first: Tensor, second: Tensor) -> Tensor:
    """Give the intersection over union, N x M."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    areas = [(b[:, 2:] - b[:, :2]).clamp(min=0).prod(dim=1) for b in (first, second)]
    return shared / (areas[0][:, None] + areas[1][None] - shared).clamp(min=1e-6)


@torch.no_grad()
def assign(score: Tensor, boxes: Tensor, cells: Tensor, faces: Tensor) -> Assigned:
    """Choose cells for the faces of one picture.

    Args:
        score: cells, 0..1, as predicted.
        boxes: cells x 4, as predicted.
        cells: see `grid`.
        faces: G x 4 labelled boxes.
    """
    centre = (faces[:, :2] + faces[:, 2:]) / 2
    points, reach = cells[:, None, :2], cells[:, 2:] * REACH_CELLS
    in_box = ((points > faces[None, :, :2]) & (points < faces[None, :, 2:])).all(dim=2)
    near = ((points - centre[None]).abs() < reach[:, None]).all(dim=2)
    candidates = torch.nonzero((in_box | near).any(dim=1))[:, 0]
    shares = overlap(boxes[candidates], faces)
    cost = -torch.log(score[candidates].clamp(1e-6, 1.0))[:, None] - OVERLAP_WEIGHT * torch.log(shares.clamp(min=1e-8))
    cost = cost + 1e5 * ~(in_box & near)[candidates]
    most = min(MOST_CELLS, len(candidates))
    counts = shares.topk(most, dim=0).values.sum(dim=0).int().clamp(min=1)
    taken = torch.zeros_like(cost, dtype=torch.bool)
    for face, count in enumerate(counts.tolist()):
        taken[cost[:, face].topk(min(count, len(candidates)), largest=False).indices, face] = True
    doubled = taken.sum(dim=1) > 1
    if doubled.any():
        best = cost[doubled].argmin(dim=1)
        taken[doubled] = False
        taken[torch.nonzero(doubled)[:, 0], best] = True
    chosen = torch.nonzero(taken.any(dim=1))[:, 0]
    whose = taken[chosen].int().argmax(dim=1)
    return Assigned(candidates[chosen], whose, shares[chosen, whose])
