"""The torch runtime: our own networks on a GPU, or on the CPU where OpenVINO is not wanted.

The networks are built from code (`face_network`, `mask_state_network`) and their weights are plain tensors.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn


class TorchSession:
    """One of our networks through torch; outputs agree with OpenVINO's within 1e-3 on the CPU."""

    def __init__(
        self,
        network: nn.Module,
        path: Path | None,
        device: str = "cpu",
        threads: int = 1,
        precision: Literal["full", "half"] = "full",
    ) -> None:
        """Load the weights, if they are not there yet.

        Args:
            network: such as `FaceNetwork()`.
            path: safetensors file with its weights, in half or full precision; None: the network has them.
            device: `cpu` or `cuda`.
            threads: CPU threads, for the whole process; without meaning on a GPU.
            precision: of the computation; half is for a GPU and changes answers by about 1e-2.
        """
        torch.set_num_threads(threads)
        # Half-precision shortcuts would be faster on a GPU and would answer differently from the CPU.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self._device = torch.device(device)
        if path is not None:
            network.load_state_dict({name: values.float() for name, values in load_file(path).items()})
        self._type = torch.float16 if precision == "half" else torch.float32
        self._network = network.eval().to(self._device, self._type)

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Run once; see `shared_kernel.vision.ports.Session`."""
        with torch.inference_mode():
            outputs = self._network(torch.from_numpy(inputs).to(self._device, self._type))
        several: tuple[Tensor, ...] = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(output.float().cpu().numpy() for output in several)


def has_cuda() -> bool:
    """Tell whether a GPU is seen that torch can use."""
    return torch.cuda.is_available()
