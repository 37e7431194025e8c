"""EfficientNet-Lite0 as a feature extractor: maps at strides 4, 8, 16 and 32.

Every batch norm is folded into the convolution before it: the same function in evaluation mode,
faster, and nothing changes when a module around it is put into training mode. The weights come from
:mod:`tqdm_demo.pretraining.imagenet_weights`, or from a checkpoint.

Source: EfficientNet (arXiv 1905.11946); the Lite variant has ReLU6 and no squeeze-excitation.

Axes: B images; H W input pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Kernel, stride of the first block, expansion, channels, blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM = 32
CHANNELS = (24, 40, 112, 320)  # of the four maps
_MAPS_AFTER = (1, 2, 4, 6)  # stages


class ImagenetTrunk(nn.Module):
    """Pixels (B, 3, H, W), normalised, to maps (B, 24 | 40 | 112 | 320, ., .), fine to coarse.

    A side of n pixels has ceil(n / stride) places.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConvolution(3, STEM, 3, stride=2)
        stages, width = [], STEM
        for kernel, stride, expansion, channels, blocks in STAGES:
            stage = [InvertedBottleneck(width, channels, kernel, stride, expansion)]
            stage += [
                InvertedBottleneck(channels, channels, kernel, 1, expansion)
                for _ in range(blocks - 1)
            ]
            stages.append(nn.Sequential(*stage))
            width = channels
        self.stages = nn.ModuleList(stages)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The four maps."""
        features = F.relu6(self.stem(pixels.contiguous(memory_format=torch.channels_last)))
        maps = []
        for index, stage in enumerate(self.stages):
            features = stage(features)
            if index in _MAPS_AFTER:
                maps.append(features)
        return tuple(maps)


class InvertedBottleneck(nn.Module):
    """Expand, filter every channel by itself, project; a residual where the shape stays."""

    def __init__(
        self, width_in: int, width_out: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        inner = width_in * expansion
        self.expand = SameConvolution(width_in, inner, 1) if expansion > 1 else None
        self.depthwise = SameConvolution(inner, inner, kernel, stride, groups=inner)
        self.project = SameConvolution(inner, width_out, 1)
        self.is_residual = stride == 1 and width_in == width_out

    def forward(self, features: Tensor) -> Tensor:
        """(B, width_in, h, w) to (B, width_out, h / stride, w / stride)."""
        inner = features if self.expand is None else F.relu6(self.expand(features), inplace=True)
        projected = self.project(F.relu6(self.depthwise(inner), inplace=True))
        return features + projected if self.is_residual else projected


class SameConvolution(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding: an odd pixel of it goes right and below."""

    def __init__(
        self, width_in: int, width_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(width_in, width_out, kernel, stride, padding, groups=groups)

    def forward(self, features: Tensor) -> Tensor:
        """(B, width_in, h, w) to (B, width_out, ceil(h / stride), ceil(w / stride))."""
        if self.stride[0] > 1:
            rows, columns = (
                max((-(-side // stride) - 1) * stride + kernel - side, 0)
                for side, stride, kernel in zip(
                    features.shape[2:], self.stride, self.kernel_size, strict=True
                )
            )
            padding = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            features = F.pad(features, padding)
        return super().forward(features)
