"""The mask state network as it is trained: with normalisation layers, which `folded` works into the convolutions."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from shared_kernel.vision.sessions.mask_state_network import MaskStateNetwork, plain_unit


def normalised_unit(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Make a 3 x 3 convolution followed by batch normalisation."""
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False), nn.BatchNorm2d(channels_out))


def trainable() -> MaskStateNetwork:
    """Make a fresh network to train."""
    return MaskStateNetwork(normalised_unit, dropout=0.2)


def folded(trained: MaskStateNetwork) -> MaskStateNetwork:
    """Give the same network without normalisation layers, ready to be kept and run."""
    source = copy.deepcopy(trained).eval()
    target = MaskStateNetwork(plain_unit).eval()
    for name, module in source.named_modules():
        if not (isinstance(module, nn.Sequential) and len(module) == 2):
            continue
        convolution, normalisation = module
        if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
            unit = fuse_conv_bn_eval(convolution, normalisation)
            target.get_submodule(name).load_state_dict(unit.state_dict())
    target.verdict.load_state_dict(source.verdict.state_dict())
    return target
