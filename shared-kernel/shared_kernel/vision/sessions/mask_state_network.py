"""The mask state network in torch: `torch` runs it on a GPU, `training` fits its weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

#: Makes the convolution of a block: channels in, channels out, stride. Training makes it with a normalisation behind.
Unit = Callable[[int, int, int], nn.Module]

#: Channels of the stages; each stage halves the side of its input.
STAGE_CHANNELS = (16, 32, 64, 128)

#: The same of the network of the second look, at crops of 96 px: 0.69 million weights, 75 million multiplications.
FINE_STAGE_CHANNELS = (24, 40, 80, 128)

#: Residual blocks of each stage.
STAGE_BLOCKS = (0, 1, 2, 1)

#: What it tells apart, `rules.MASK_STATES`.
STATES = 3

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
    """The mask state network: 0.53 million weights, 23 million multiplications a face."""

    def __init__(
        self,
        unit: Unit = plain_unit,
        dropout: float = 0.0,
        stage_channels: tuple[int, ...] = STAGE_CHANNELS,
    ) -> None:
        super().__init__()
        channels = (3, *stage_channels)
        self.stages = nn.Sequential(
            *(
                Stage(before, after, blocks, unit)
                for before, after, blocks in zip(channels, stage_channels, STAGE_BLOCKS, strict=False)
            )
        )
        self.dropout = nn.Dropout(dropout)
        self.verdict = nn.Linear(stage_channels[-1], STATES)

    def forward(self, crops: Tensor) -> Tensor:
        """Take crops N x 3 x H x H, blue-green-red 0..255, give N x 3 unscaled scores in the order MASK_STATES."""
        features: Tensor = self.stages((crops - PIXEL_MIDDLE) / PIXEL_SPREAD)
        verdict: Tensor = self.verdict(self.dropout(features.mean(dim=(2, 3))))
        return verdict
