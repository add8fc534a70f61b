"""Trained network in, committed weights out: safetensors for torch, IR for OpenVINO, both half precision.

The weights are rounded to half precision once, before both files are written, so that the two hold the same numbers.
"""

import logging
from pathlib import Path

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn

from shared_kernel.vision.sessions.openvino import OpenVinoSession
from shared_kernel.vision.sessions.torch import TorchSession

log = logging.getLogger(__name__)

#: The two files may differ by this much in what they answer, as a share of the largest answer.
TOLERANCE = 1e-3

#: Both files together may weigh this much, bytes.
MAX_BYTES = 4_000_000


def export(network: nn.Module, fresh: nn.Module, shape: tuple[int, int, int], folder: Path) -> None:
    """Write both files, named after their folder, and check that they agree and are small enough.

    Args:
        network: trained, ready to run.
        fresh: the same network without weights, as the torch session will make it; it is given the rounded ones.
        shape: channels, height and width of an input; -1 where any will do.
        folder: where the files go.

    Raises:
        ValueError: the files disagree or are too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [folder / f"{folder.name}{suffix}" for suffix in (".safetensors", ".xml", ".bin")]
    own = fresh.state_dict()
    halves = {name: values.detach().half().contiguous() for name, values in network.state_dict().items() if name in own}
    save_file(halves, names[0])
    names[0].chmod(0o644)
    fresh.load_state_dict({name: values.float() for name, values in halves.items()})
    example = tuple(side if side > 0 else 64 for side in shape)
    with torch.no_grad():
        converted = openvino.convert_model(fresh.eval(), example_input=torch.zeros(2, *example), input=[-1, *shape])
    openvino.save_model(converted, names[1], compress_to_fp16=True)
    inputs = np.random.default_rng(1).integers(0, 256, (1, *example), dtype=np.uint8)
    difference = _difference(OpenVinoSession(names[1]).run(inputs), TorchSession(fresh, names[0]).run(inputs))
    size = sum(name.stat().st_size for name in names)
    log.info("network=%s difference=%.1e bytes=%d", folder.name, difference, size)
    if difference > TOLERANCE or size > MAX_BYTES:
        raise ValueError(
            f"{folder}: expected a difference up to {TOLERANCE} and {MAX_BYTES} bytes, got {difference}, {size}"
        )


def _difference(first: tuple[NDArray[np.float32], ...], second: tuple[NDArray[np.float32], ...]) -> float:
    return max(
        float(np.abs(one - other).max() / max(1.0, np.abs(other).max()))
        for one, other in zip(first, second, strict=True)
    )
