"""DeepLabV3+, the network of TLDR: published on a dilated ResNet-50 with a deep stem.

Paper: DeepLabV3+, arXiv 1802.02611; TLDR, ICCV 2023. The backbone is timm's ``resnet50c``, or
EfficientNet-Lite0 for the small ones that are trained here.

Axes: B images; H W input pixels; h w one feature level; M classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.model.imagenet_trunk import CHANNELS, ImagenetTrunk
from tqdm_demo.rival_config import DeepLabConfig

# The backbone of this project's own TLDR, in place of timm's.
LITE0 = "lite0"
# Stage of EfficientNet-Lite0 that steps from stride 16 to 32.
_LAST_STEP = 5


class DeepLabV3Plus(nn.Module):
    """Pixels to class logits, the whole picture at once.

    Args:
        config: architecture.
    """

    def __init__(self, config: DeepLabConfig) -> None:
        super().__init__()
        self.config = config
        if config.backbone == LITE0:
            self.backbone, channels = DilatedTrunk(), CHANNELS
        else:
            self.backbone = timm.create_model(
                config.backbone,
                output_stride=config.output_stride,
                features_only=True,
                out_indices=config.levels,
                pretrained=False,
            )
            channels = self.backbone.feature_info.channels()
        self.head = DeepLabHead(config, channels)

    def forward(self, pixels: Tensor) -> Tensor:
        """Class logits (B, M, h, w) at stride 4 of normalised pixels (B, 3, H, W)."""
        return self.head(self.features(pixels))

    def features(self, pixels: Tensor) -> Sequence[Tensor]:
        """The backbone's four levels, fine to coarse."""
        return self.backbone(pixels)


class DilatedTrunk(ImagenetTrunk):
    """EfficientNet-Lite0 whose coarsest map stays at stride 16, as a dilated ResNet's would.

    The tensors are those of :class:`.ImagenetTrunk`.
    """

    def __init__(self) -> None:
        super().__init__()
        for stage in self.stages[_LAST_STEP:]:
            for block in stage:
                convolution = block.depthwise
                # The block that would make the step has not seen a wider grid yet.
                dilation = 1 if convolution.stride[0] > 1 else 2
                padding = dilation * (convolution.kernel_size[0] // 2)
                convolution.stride = (1, 1)
                convolution.dilation = (dilation, dilation)
                convolution.padding = (padding, padding)


class DeepLabHead(nn.Module):
    """Atrous spatial pyramid pooling, a skip from the finest level, two separable convolutions.

    Args:
        config: architecture.
        channels: of the backbone's levels, fine to coarse.
    """

    def __init__(self, config: DeepLabConfig, channels: Sequence[int]) -> None:
        super().__init__()
        fine, coarse, width = channels[0], channels[-1], config.width
        self.pool = _convolution(coarse, width, 1)
        self.branches = nn.ModuleList(
            [_convolution(coarse, width, 1)]
            + [_separable(coarse, width, dilation) for dilation in config.dilations]
        )
        self.bottleneck = _convolution((2 + len(config.dilations)) * width, width, 3)
        self.skip = _convolution(fine, config.skip_width, 1)
        self.fuse = nn.Sequential(
            _separable(width + config.skip_width, width, 1), _separable(width, width, 1)
        )
        self.dropout = nn.Dropout2d(config.dropout)
        self.classifier = nn.Conv2d(width, len(config.class_names), 1)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Class logits at the finest level's size; ``levels`` fine to coarse."""
        fused = self.fused(levels[0], self.context(levels[-1]))
        return self.classifier(self.dropout(fused))

    def context(self, coarse: Tensor) -> Tensor:
        """The coarsest level seen at several scales: (B, width, h, w)."""
        pooled = self.pool(coarse.mean(dim=(2, 3), keepdim=True))
        parts = [_resized(pooled, coarse), *(branch(coarse) for branch in self.branches)]
        return self.bottleneck(torch.cat(parts, dim=1))

    def fused(self, fine: Tensor, context: Tensor) -> Tensor:
        """The context with the detail of the finest level."""
        return self.fuse(torch.cat((_resized(context, fine), self.skip(fine)), dim=1))


def _convolution(
    channels: int, width: int, kernel: int, dilation: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            channels,
            width,
            kernel,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


def _separable(channels: int, width: int, dilation: int) -> nn.Sequential:
    """A 3 x 3 convolution for every channel, then a 1 x 1 across them."""
    depthwise = _convolution(channels, channels, 3, dilation, groups=channels)
    return nn.Sequential(depthwise, _convolution(channels, width, 1))


def _resized(maps: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(maps, like.shape[2:], mode="bilinear", align_corners=False)
