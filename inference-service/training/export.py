"""Step 4 of 4: checkpoint in, committed weights out: safetensors for torch, IR for OpenVINO, both half precision.

The weights are rounded to half precision once, before both files are written, so that the two hold the same numbers.
"""

import logging
from pathlib import Path

import numpy as np
import openvino
import torch
from safetensors.torch import save_file

from inference_service.models.align import CROP_PX
from inference_service.sessions.openvino import OpenVinoSession
from inference_service.sessions.torch import MaskStateNetwork, TorchSession
from training.network import folded, trainable

log = logging.getLogger(__name__)

NAME = "mask_state"

#: The two files may differ by this much in what they answer.
TOLERANCE = 1e-3

#: Both files together may weigh this much, bytes.
MAX_BYTES = 4_000_000


def load_checkpoint(path: Path) -> MaskStateNetwork:
    """Give the averaged network of a checkpoint of `train`."""
    kept = torch.load(path, weights_only=True, map_location="cpu")["average"]
    network = trainable()
    network.load_state_dict({name.removeprefix("module."): v for name, v in kept.items() if name != "n_averaged"})
    return network.eval()


def export(checkpoint: Path, out: Path) -> None:
    """Write both files and check that they agree and are small enough.

    Raises:
        ValueError: they disagree or are too large.
    """
    out.mkdir(parents=True, exist_ok=True)
    network = folded(load_checkpoint(checkpoint))
    halves = {name: values.detach().half().contiguous() for name, values in network.state_dict().items()}
    save_file(halves, out / f"{NAME}.safetensors")
    (out / f"{NAME}.safetensors").chmod(0o644)
    network.load_state_dict({name: values.float() for name, values in halves.items()})
    example = torch.zeros(2, 3, CROP_PX, CROP_PX)
    with torch.no_grad():
        converted = openvino.convert_model(network, example_input=example, input=[-1, 3, CROP_PX, CROP_PX])
    openvino.save_model(converted, out / f"{NAME}.xml", compress_to_fp16=True)
    _check(out)


def _check(out: Path) -> None:
    crops = np.random.default_rng(1).uniform(0, 255, (5, 3, CROP_PX, CROP_PX)).astype(np.float32)
    first = OpenVinoSession(out / f"{NAME}.xml").run(crops)[0]
    second = TorchSession(out / f"{NAME}.safetensors").run(crops)[0]
    difference = float(np.abs(first - second).max())
    size = sum((out / f"{NAME}{suffix}").stat().st_size for suffix in (".xml", ".bin", ".safetensors"))
    log.info("difference=%.1e bytes=%d", difference, size)
    if difference > TOLERANCE or size > MAX_BYTES:
        raise ValueError(
            f"export: expected a difference up to {TOLERANCE} and {MAX_BYTES} bytes, got {difference}, {size}"
        )
