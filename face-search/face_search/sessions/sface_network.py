"""SFace in torch (Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", 2021).

A MobileNet whose last layers make a vector. The weights are published as ONNX, which torch does not read: the layers
stand here and take their weights from the file in the order of the computation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: Channels out and stride of each pair of a convolution within channels and one across them.
PAIRS: Final = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
STEM_CHANNELS: Final = 32
DIMENSION: Final = 128

#: Side of what is left of a face of 112 px, pixels.
LAST_PX: Final = 7

#: Of the batch normalisations: those behind convolutions, and the two around the last layer.
_EPSILON: Final = 1e-3
_LAST_EPSILON: Final = 2e-5


class SFaceNetwork(nn.Module):
    """Vectors of upright faces: 9.7 million weights."""

    def __init__(self) -> None:
        super().__init__()
        layers = _unit(3, STEM_CHANNELS, 3, 1, 1)
        channels = STEM_CHANNELS
        for after, stride in PAIRS:
            layers += _unit(channels, channels, 3, stride, channels)
            layers += _unit(channels, after, 1, 1, 1)
            channels = after
        self.trunk = nn.Sequential(*layers, nn.BatchNorm2d(channels, _LAST_EPSILON))
        self.vector = nn.Linear(channels * LAST_PX**2, DIMENSION)
        self.norm = nn.BatchNorm1d(DIMENSION, _LAST_EPSILON)
        self.register_buffer("middle", torch.zeros(1))
        self.register_buffer("spread", torch.ones(1))

    def forward(self, faces: Tensor) -> Tensor:
        """Take N x 3 x 112 x 112, red-green-blue 0..255; give N x 128, of any length."""
        features: Tensor = self.trunk((faces - self.middle) * self.spread)
        vectors: Tensor = self.norm(self.vector(features.flatten(1)))
        return vectors

    def take(self, weights: Sequence[NDArray[np.float32]]) -> SFaceNetwork:
        """Take the published weights, every tensor in the order of the computation; give this network.

        Raises:
            ValueError: they are not those of SFace.
        """
        expected = list(self._in_order())
        given = [one for one in weights if one.size]
        scalars = [one for one in given if one.shape == ()]
        given = [one for one in given if one.shape != ()]
        if len(given) != len(expected) or any(float(one) != 1.0 for one in scalars):
            raise ValueError(f"weights of SFace: expected {len(expected)} tensors, got {len(given)}")
        with torch.no_grad():
            for place, values in zip(expected, given, strict=True):
                if place.numel() != values.size:
                    raise ValueError(f"weights of SFace: expected {tuple(place.shape)}, got {values.shape}")
                place.copy_(torch.from_numpy(values).reshape(place.shape))
        return self

    def _in_order(self) -> Sequence[Tensor]:
        places = [self.middle, self.spread]
        for layer in self.trunk:
            places += _places(layer)
        return [*places, self.vector.weight, self.vector.bias, *_places(self.norm)]


def _unit(before: int, after: int, side: int, stride: int, groups: int) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, side, stride, side // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(after, _EPSILON), nn.PReLU(after)]


def _places(layer: nn.Module) -> list[Tensor]:
    """Where the weights of a layer go, in the order in which ONNX has them."""
    if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
        return [layer.weight, layer.bias, layer.running_mean, layer.running_var]
    return [layer.weight]
