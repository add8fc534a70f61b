"""Fits the face network, resumable after every epoch."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from training import checkpoint
from training.faces.assign import grid
from training.faces.canvas import SIDE_PX, Faces, compose
from training.faces.losses import batch_loss
from training.faces.network import TrainedFaceNetwork, take_weights
from training.faces.scenes import Scene

log = logging.getLogger(__name__)

#: How often a picture of a source is drawn, against the others; drawn masks (mfn) are many and all alike.
SOURCE_WEIGHT = {"kg": 1.0, "wp": 1.6, "fc": 1.2, "ch": 0.25, "lfw": 0.15, "mfn": 0.3, "others": 1.5}


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn; see `training.states.train.Plan`."""

    epochs: int = 16
    examples: int = 4096
    batch: int = 16
    peak_rate: float = 5e-4
    warm_steps: int = 100
    decay: float = 1e-4
    average: float = 0.996
    seed: int = 20
    threads: int = 1
    without_source: str | None = None


class Pictures(Dataset[tuple[NDArray[np.uint8], Faces]]):
    """The training pictures of one epoch, made when they are asked for, from seed, epoch and number alone."""

    def __init__(self, scenes: list[Scene], plan: Plan, epoch: int) -> None:
        self._scenes, self._plan, self._epoch = scenes, plan, epoch
        weights = np.array([SOURCE_WEIGHT[s.source] * (1.0 + 0.1 * min(len(s.boxes), 10)) for s in scenes])
        self._chances = weights / weights.sum()

    def __len__(self) -> int:
        return self._plan.examples

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], Faces]:
        rng = np.random.default_rng([self._plan.seed, self._epoch, index])
        return compose(self._scenes, self._chances, rng)


def learn(scenes: list[Scene], yunet: Path, plan: Plan, kept_in: Path) -> TrainedFaceNetwork:
    """Train, or go on with the training that `kept_in` holds, and give the averaged network."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    network = TrainedFaceNetwork()
    take_weights(network, yunet)
    network.to(memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(plan.average), use_buffers=True)
    fresh = {id(p) for p in network.state.parameters()}
    groups = [
        {"params": [p for p in network.parameters() if id(p) not in fresh], "lr": plan.peak_rate},
        {"params": list(network.state.parameters()), "lr": plan.peak_rate * 4},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=plan.decay)
    steps = plan.epochs * (plan.examples // plan.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, plan.warm_steps, steps))
    parts: dict[str, Any] = {"network": network, "average": average, "optimiser": optimiser, "schedule": schedule}
    first = checkpoint.resume(parts, kept_in)
    kept = [s for s in scenes if not s.validation and s.source != plan.without_source]
    for epoch in range(first, plan.epochs):
        started = time.monotonic()
        figures = _epoch(parts, kept, plan, epoch)
        checkpoint.save(parts, kept_in, epoch + 1)
        words = " ".join(f"{name}={value:.3f}" for name, value in figures.items())
        log.info("epoch=%d/%d %s epoch_s=%.0f", epoch + 1, plan.epochs, words, time.monotonic() - started)
    trained = average.module.eval()
    assert isinstance(trained, TrainedFaceNetwork)
    return trained


def load_checkpoint(path: Path) -> TrainedFaceNetwork:
    """Give the averaged network of a checkpoint of `learn`."""
    network = TrainedFaceNetwork()
    network.load_state_dict(checkpoint.averaged(path))
    return network.eval()


def _epoch(parts: dict[str, Any], scenes: list[Scene], plan: Plan, epoch: int) -> dict[str, float]:
    network: TrainedFaceNetwork = parts["network"]
    network.train()
    loader = DataLoader(
        Pictures(scenes, plan, epoch), plan.batch, drop_last=True, num_workers=1, prefetch_factor=4,
        worker_init_fn=checkpoint.calm_reader,
        collate_fn=lambda rows: (np.stack([r[0] for r in rows]), [r[1] for r in rows]),
    )  # fmt: skip
    cells = grid(SIDE_PX, SIDE_PX)
    sums: dict[str, float] = {}
    for pixels, faces in loader:
        inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network.cells(inputs)
        loss, figures = batch_loss(outputs.float(), cells, faces)
        parts["optimiser"].zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        parts["optimiser"].step()
        parts["schedule"].step()
        parts["average"].update_parameters(network)
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + value / (plan.examples // plan.batch)
    return sums


def _rate(step: int, warm_steps: int, steps: int) -> float:
    if step < warm_steps:
        return (step + 1) / warm_steps
    return 0.01 + 0.495 * (1 + float(np.cos(np.pi * min(1.0, (step - warm_steps) / max(1, steps - warm_steps)))))
