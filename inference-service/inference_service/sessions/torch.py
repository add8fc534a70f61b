"""The torch runtime: the mask state network on a GPU, or on the CPU where OpenVINO is not wanted.

Only our own network runs here: it is built from code and its weights are plain tensors. The detector exists as an
ONNX file, which torch cannot run; it stays with `openvino`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

#: Makes the convolution of a block: channels in, channels out, stride. Training makes it with a normalisation behind.
Unit = Callable[[int, int, int], nn.Module]

#: Channels of the five stages; each stage halves the side of its input.
STAGE_CHANNELS = (24, 40, 80, 128)

#: Residual blocks of each stage.
STAGE_BLOCKS = (0, 1, 2, 1)

#: The network reads pixel values 0..255; this brings them to about -2..2.
PIXEL_MIDDLE, PIXEL_SPREAD = 127.5, 64.0


def plain_unit(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Make a 3 x 3 convolution with a bias, as it stands in the kept weights."""
    return nn.Conv2d(channels_in, channels_out, 3, stride, 1)


class Block(nn.Module):
    """Two convolutions around which the input is carried unchanged."""

    def __init__(self, channels: int, unit: Unit) -> None:
        super().__init__()
        self.first = unit(channels, channels, 1)
        self.second = unit(channels, channels, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Keep shape: N x C x H x W in and out."""
        return torch.relu(inputs + self.second(torch.relu(self.first(inputs))))


class Stage(nn.Module):
    """A convolution that halves the side, then blocks."""

    def __init__(self, channels_in: int, channels_out: int, blocks: int, unit: Unit) -> None:
        super().__init__()
        self.entry = unit(channels_in, channels_out, 2)
        self.blocks = nn.Sequential(*(Block(channels_out, unit) for _ in range(blocks)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Take N x C x H x W, give N x C' x H/2 x W/2."""
        blocks: Tensor = self.blocks(torch.relu(self.entry(inputs)))
        return blocks


class MaskStateNetwork(nn.Module):
    """The mask state network: 0.69 million weights, 75 million multiplications a face."""

    def __init__(self, unit: Unit = plain_unit, classes: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        channels = (3, *STAGE_CHANNELS)
        self.stages = nn.Sequential(
            *(
                Stage(before, after, blocks, unit)
                for before, after, blocks in zip(channels, STAGE_CHANNELS, STAGE_BLOCKS, strict=False)
            )
        )
        self.dropout = nn.Dropout(dropout)
        self.verdict = nn.Linear(STAGE_CHANNELS[-1], classes)

    def forward(self, crops: Tensor) -> Tensor:
        """Take crops N x 3 x 96 x 96, blue-green-red 0..255, give N x 3 unscaled scores in the order MASK_STATES."""
        features: Tensor = self.stages((crops - PIXEL_MIDDLE) / PIXEL_SPREAD)
        verdict: Tensor = self.verdict(self.dropout(features.mean(dim=(2, 3))))
        return verdict


class TorchSession:
    """The mask state network through torch; outputs agree with OpenVINO's within 1e-3 on the CPU."""

    def __init__(
        self, path: Path, device: str = "cpu", threads: int = 1, precision: Literal["full", "half"] = "full"
    ) -> None:
        """Load the weights.

        Args:
            path: safetensors file with the weights of `MaskStateNetwork`, in half or full precision.
            device: `cpu` or `cuda`.
            threads: CPU threads, for the whole process; without meaning on a GPU.
            precision: of the computation; half is for a GPU and changes answers by about 1e-2.
        """
        torch.set_num_threads(threads)
        # Half-precision shortcuts would be faster on a GPU and would answer differently from the CPU.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self._device = torch.device(device)
        network = MaskStateNetwork()
        network.load_state_dict({name: values.float() for name, values in load_file(path).items()})
        self._type = torch.float16 if precision == "half" else torch.float32
        self._network = network.eval().to(self._device, self._type)

    def run(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Run once; see `inference_service.ports.Session`."""
        with torch.inference_mode():
            outputs: Tensor = self._network(torch.from_numpy(inputs).to(self._device, self._type))
        return (outputs.float().cpu().numpy(),)


def has_cuda() -> bool:
    """Tell whether a GPU is seen that torch can use."""
    return torch.cuda.is_available()
