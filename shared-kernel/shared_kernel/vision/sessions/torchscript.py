"""The torch runtime for networks of strangers: TorchScript archives, on the CPU or a GPU.

`packs.content` has made sure that the file is a TorchScript archive. torch reads its pickles with a reader that makes
tensors and plain values only; the code inside is TorchScript, which knows torch's own operators and nothing else.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class TorchScriptSession:
    """One foreign network in float32. Safe for one thread at a time."""

    def __init__(self, path: Path, device: str = "cpu", threads: int = 1) -> None:
        """Load.

        Args:
            path: a TorchScript archive.
            device: `cpu` or `cuda`.
            threads: CPU threads, for the whole process; without meaning on a GPU.

        Raises:
            ValueError: the file is no TorchScript archive that torch can run.
        """
        torch.set_num_threads(threads)
        self._device = torch.device(device)
        self._name = path.name
        try:
            with warnings.catch_warnings():
                # torch wants makers of archives to move on; whoever only has an archive cannot.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._network = torch.jit.load(str(path), map_location=self._device).eval()
        except (RuntimeError, ValueError, OSError, EOFError) as error:
            text = " ".join(str(error).split())[:200]
            raise ValueError(f"{path.name}: expected a network that torch runs, got: {text}") from error

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Run once; see `shared_kernel.vision.ports.Session`."""
        try:
            with torch.inference_mode():
                outputs = self._network(torch.from_numpy(inputs).to(self._device))
        except RuntimeError as error:
            shape, text = list(inputs.shape), " ".join(str(error).split())[-200:]
            raise ValueError(f"input: {self._name} does not take {shape}: {text}") from error
        tensors = [outputs] if isinstance(outputs, Tensor) else _tensors(outputs)
        if not tensors:
            raise ValueError(f"outputs of {self._name}: expected tensors, got {type(outputs).__name__}")
        return tuple(tensor.float().cpu().numpy() for tensor in tensors)


def _tensors(outputs: object) -> list[Tensor]:
    if isinstance(outputs, dict):
        return [value for value in outputs.values() if isinstance(value, Tensor)]
    if isinstance(outputs, list | tuple):
        return [value for value in outputs if isinstance(value, Tensor)]
    return []
