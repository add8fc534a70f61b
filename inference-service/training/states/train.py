"""Step 2 of 4: crops in, trained network out, resumable after every epoch. `prepare` before, `evaluate` after."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from shared_kernel.vision.models.align import CROP_PX
from shared_kernel.vision.rules import MASK_STATES
from shared_kernel.vision.sessions.mask_state_network import MaskStateNetwork
from training import checkpoint
from training.states.crops import Crops
from training.states.draw import Epoch, plan_epoch
from training.states.network import trainable
from training.states.vary import centre

log = logging.getLogger(__name__)

#: Faces smaller than this do not count for the figure that is shown while training runs.
COUNTED_FACE_PX = 24.0


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn.

    Attributes:
        epochs: passes; each draws `examples` anew.
        examples: examples of an epoch.
        batch: examples of a step.
        peak_rate: learning rate after `warm_steps`; from there it falls along a cosine to zero.
        decay: weight decay of AdamW.
        smoothing: share of the label that is spread over all states.
        average: share of the running average of the weights that stays at each step.
        seed: of everything that is drawn.
        threads: CPU threads.
        without_source: a source to leave out of training, to be measured on.
    """

    epochs: int = 30
    examples: int = 8192
    batch: int = 128
    peak_rate: float = 2e-3
    warm_steps: int = 200
    decay: float = 0.03
    smoothing: float = 0.05
    average: float = 0.996
    seed: int = 20
    threads: int = 2
    without_source: str | None = None


def train(crops: Crops, plan: Plan, kept_in: Path) -> MaskStateNetwork:
    """Train, or go on with the training that `kept_in` holds, and give the averaged network."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    network = trainable().to(memory_format=torch.channels_last)
    mixing = get_ema_multi_avg_fn(plan.average)
    average = AveragedModel(network, multi_avg_fn=mixing, use_buffers=True)
    optimiser = torch.optim.AdamW(_groups(network, plan.decay), lr=plan.peak_rate)
    steps = plan.epochs * (plan.examples // plan.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, plan.warm_steps, steps))
    parts: dict[str, Any] = {"network": network, "average": average, "optimiser": optimiser, "schedule": schedule}
    first = checkpoint.resume(parts, kept_in)
    kept = crops.where(~crops.validation & (crops.sources != (plan.without_source or "")))
    watched = crops.where(crops.validation & (crops.face_px >= COUNTED_FACE_PX))
    for epoch in range(first, plan.epochs):
        started = time.monotonic()
        loss = _learn_epoch(parts, kept, plan, epoch)
        checkpoint.save(parts, kept_in, epoch + 1)
        three, two = accuracies(average.module, watched)
        log.info(
            "epoch=%d/%d loss=%.4f val_three=%.4f val_two=%.4f epoch_s=%.0f",
            epoch + 1, plan.epochs, loss, three, two, time.monotonic() - started,
        )  # fmt: skip
    trained = average.module.eval()
    assert isinstance(trained, MaskStateNetwork)
    return trained


def load_checkpoint(path: Path) -> MaskStateNetwork:
    """Give the averaged network of a checkpoint of `train`."""
    network = trainable()
    network.load_state_dict(checkpoint.averaged(path))
    return network.eval()


def probabilities(network: nn.Module, crops: Crops, batch: int = 256) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Give N x 3 probabilities of the crops, cut as in production, judged as they are and mirrored; no second look."""
    network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(crops), batch):
            inputs = as_tensor(np.stack([centre(pixels) for pixels in crops.pixels[start : start + batch]]))
            both = (torch.softmax(network(side), dim=1) for side in (inputs, inputs.flip(3)))
            found.append(sum(both, torch.zeros(())) / 2)
    return torch.cat(found).numpy()


def accuracies(network: nn.Module, crops: Crops) -> tuple[float, float]:
    """Give the share of crops whose state is right, of three and of two (wrongly worn counts as bare)."""
    guess = probabilities(network, crops).argmax(axis=1)
    masked = MASK_STATES.index("with_mask")
    return float((guess == crops.states).mean()), float(((guess == masked) == (crops.states == masked)).mean())


def as_tensor(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """Turn N x H x W x 3 uint8 into N x 3 x H x W float32."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()


def _learn_epoch(parts: dict[str, Any], crops: Crops, plan: Plan, epoch: int) -> float:
    network, average, optimiser = parts["network"], parts["average"], parts["optimiser"]
    torch.manual_seed(plan.seed * 1000 + epoch)
    examples = Epoch(crops, plan_epoch(crops, epoch, plan.examples, plan.seed))
    loader = DataLoader(
        examples, plan.batch, drop_last=True, num_workers=1, prefetch_factor=4, worker_init_fn=checkpoint.calm_reader,
        collate_fn=lambda rows: (np.stack([row[0] for row in rows]), np.array([row[1] for row in rows])),
    )  # fmt: skip
    network.train()
    total, count = 0.0, 0
    for pixels, states in loader:
        inputs = as_tensor(pixels).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            scores = network(interpolate(inputs, size=CROP_PX, mode="bilinear", antialias=True))
        loss = cross_entropy(scores.float(), torch.from_numpy(states), label_smoothing=plan.smoothing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        parts["schedule"].step()
        average.update_parameters(network)
        total, count = total + float(loss.detach()), count + 1
    return total / max(count, 1)


def _groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Let only the convolutions and the last layer decay, not biases and normalisation."""
    wide = [p for p in network.parameters() if p.ndim > 1]
    narrow = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": wide, "weight_decay": decay}, {"params": narrow, "weight_decay": 0.0}]


def _rate(step: int, warm_steps: int, steps: int) -> float:
    if step < warm_steps:
        return (step + 1) / warm_steps
    return 0.5 * (1 + float(np.cos(np.pi * min(1.0, (step - warm_steps) / max(1, steps - warm_steps)))))
