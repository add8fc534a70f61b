"""The face network in torch: the layers of YuNet (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023).

`torch` runs it on a GPU, `training.faces` fits its weights. Batch normalisation stands in no layer: YuNet is published
with it folded away.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

#: Channels of the trunk behind the stem, stage by stage: in, out.
STAGES = ((16, 32), (32, 64), (64, 64), (64, 64), (64, 64))

#: Channels of the three grids.
WIDTH = 64

#: Grids, of stride 8, 16 and 32.
GRIDS = 3


class Unit(nn.Module):
    """A 1 x 1 convolution, then a 3 x 3 one within each channel; ReLU behind where asked for."""

    def __init__(self, channels_in: int, channels_out: int, *, active: bool = True) -> None:
        super().__init__()
        self.point = nn.Conv2d(channels_in, channels_out, 1)
        self.depth = nn.Conv2d(channels_out, channels_out, 3, 1, 1, groups=channels_out)
        self._active = active

    def forward(self, inputs: Tensor) -> Tensor:
        """Keep height and width."""
        outputs: Tensor = self.depth(self.point(inputs))
        return torch.relu(outputs) if self._active else outputs


class FaceNetwork(nn.Module):
    """Faces and landmarks of pictures: 0.05 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        pairs = (nn.Sequential(Unit(before, before), Unit(before, after)) for before, after in STAGES)
        self.stages = nn.ModuleList([Unit(16, 16), *pairs])
        self.lateral = nn.ModuleList(Unit(WIDTH, WIDTH) for _ in range(GRIDS))
        self.cls, self.obj, self.bbox, self.kps = (_head(values) for values in (1, 1, 4, 10))

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Take N x 3 x H x W, blue-green-red 0..255, sides multiples of 32.

        Returns:
            Twelve tensors N x cells x values, as YuNet gives them: face (0..1), sureness (0..1), box and landmarks,
            each for the strides 8, 16 and 32; cells row by row.
        """
        grids = self.grids(pictures)
        rows = [
            [head[index](features).flatten(2).transpose(1, 2) for index, features in enumerate(grids)]
            for head in (self.cls, self.obj, self.bbox, self.kps)
        ]
        return (*(torch.sigmoid(row) for kind in rows[:2] for row in kind), *rows[2], *rows[3])

    def grids(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give the features of the three grids, each N x WIDTH x H/stride x W/stride."""
        values = max_pool2d(self.stages[0](torch.relu(self.stem(pictures))), 2)
        values = max_pool2d(self.stages[2](self.stages[1](values)), 2)
        fine = self.stages[3](values)
        middle = self.stages[4](max_pool2d(fine, 2))
        coarse = self.lateral[2](self.stages[5](max_pool2d(middle, 2)))
        middle = self.lateral[1](middle + interpolate(coarse, scale_factor=2.0))
        return self.lateral[0](fine + interpolate(middle, scale_factor=2.0)), middle, coarse


def _head(values: int) -> nn.ModuleList:
    return nn.ModuleList(Unit(WIDTH, values, active=False) for _ in range(GRIDS))
