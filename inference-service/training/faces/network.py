"""The face network as it is trained: with YuNet's weights to begin with, and a head for the mask state beside.

The state head was meant to give the verdict by itself (one network, any number of faces). Alone it is right in four of
five faces where the crop network is in nineteen of twenty, so it stays behind in training, where it makes the features
mind what a face wears.
"""

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from shared_kernel.vision.rules import MASK_STATES
from shared_kernel.vision.sessions.face_network import GRIDS, WIDTH, FaceNetwork, Unit

#: Where the values of a cell begin: face, sureness, box, landmarks, mask state.
OBJ, BOX, POINTS, STATE = 1, 2, 6, 16


#: How far the kept weights are from YuNet's towards the trained ones. Further gives more on validation, nothing on a
#: source left out of training, and makes a face of a brick wall.
OURS = 0.8


class TrainedFaceNetwork(FaceNetwork):
    """The face network with its state head."""

    def __init__(self) -> None:
        super().__init__()
        states = len(MASK_STATES)
        self.state = nn.ModuleList(
            nn.Sequential(Unit(WIDTH, WIDTH), Unit(WIDTH, WIDTH), Unit(WIDTH, states, active=False))
            for _ in range(GRIDS)
        )

    def cells(self, pictures: Tensor) -> Tensor:
        """Give N x cells x 19 unscaled values, the cells of stride 8, 16, 32 one after the other."""
        rows = []
        for index, features in enumerate(self.grids(pictures)):
            heads = (self.cls, self.obj, self.bbox, self.kps, self.state)
            rows.append(torch.cat([head[index](features) for head in heads], dim=1).flatten(2).transpose(1, 2))
        return torch.cat(rows, dim=1)


def take_weights(network: FaceNetwork, path: Path) -> None:
    """Copy YuNet's weights into a network.

    Args:
        network: what it has beside YuNet's layers stays as it is.
        path: YuNet 2023mar as ONNX.

    Raises:
        ValueError: the file's convolutions are not those of YuNet 2023mar.
    """
    graph = onnx.load(path).graph
    arrays = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    theirs = [node for node in graph.node if node.op_type == "Conv"]
    ours = _convolutions(network)
    if len(ours) != len(theirs):
        raise ValueError(f"{path}: expected {len(ours)} convolutions, got {len(theirs)}")
    for convolution, node in zip(ours, theirs, strict=True):
        for values, name in ((convolution.weight, node.input[1]), (convolution.bias, node.input[2])):
            assert values is not None
            if tuple(values.shape) != arrays[name].shape:
                raise ValueError(f"{path}: {name}: expected shape {tuple(values.shape)}, got {arrays[name].shape}")
            values.data = torch.from_numpy(arrays[name].copy())


def blended(trained: TrainedFaceNetwork, yunet: Path) -> TrainedFaceNetwork:
    """Give the weights between YuNet's and the trained ones, `OURS` of the way.

    What lies between finds more on pictures of strangers than either end, and forgets less of the walls and trees that
    YuNet saw and our data does not show (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022).
    """
    original, between = TrainedFaceNetwork(), TrainedFaceNetwork()
    take_weights(original, yunet)
    theirs, shared = original.state_dict(), FaceNetwork().state_dict()
    between.load_state_dict(
        {
            name: OURS * values + (1 - OURS) * theirs[name] if name in shared else values
            for name, values in trained.state_dict().items()
        }
    )
    return between.eval()


def _convolutions(network: FaceNetwork) -> list[nn.Conv2d]:
    """Give our convolutions in the order of the file."""
    found: list[nn.Conv2d] = [network.stem]
    heads = (network.cls, network.bbox, network.obj, network.kps)
    for part in (network.stages, *reversed(network.lateral), *heads):
        for module in part.modules():
            if isinstance(module, Unit):
                found += [module.point, module.depth]
    return found
