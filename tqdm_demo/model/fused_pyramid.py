"""The pyramid and the pixel decoder's projections of it as one linear map a level; inference only.

A transposed convolution with its step as kernel, a batch norm that learns no more, and a 1 x 1
convolution are linear maps of every place. Multiplied out once, they need a third of the work, and
no map of the encoder's width is ever made at the finest level. Training keeps the parts apart, as
they are published.

Axes: B images; h w patch tokens; E encoder width; C decoder width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tqdm_demo.model.image_encoder import Pyramid, TowerOutput
from tqdm_demo.model.lite0_vit import MapProjection
from tqdm_demo.model.pixel_decoder import PixelDecoder


class FusedPyramid:
    """What :class:`.Pyramid` and ``PixelDecoder.project`` make of the tower's blocks, to rounding.

    Args:
        pyramid: in evaluation mode; its weights are copied.
        decoder: the same.
    """

    @torch.no_grad()
    def __init__(self, pyramid: Pyramid, decoder: PixelDecoder) -> None:
        first, norm, _, second = pyramid.finest
        to_coarse, to_third, to_fine = decoder.inputs
        self._widen = _Upsampling(first, _batch_norm(norm))
        self._finest = _Upsampling(second, _one_by_one(decoder.lateral[0]))
        self._fine = _Upsampling(pyramid.fine, _one_by_one(to_fine[0]))
        self._coarse, self._third, self._pool = to_coarse, to_third, pyramid.coarse
        self._norms = (decoder.lateral[1], to_fine[1])
        projections = (decoder.lateral[0], to_fine[0])
        self._details = [
            _Detail(detail, _one_by_one(projection))
            for detail, projection in zip(pyramid.details, projections, strict=False)
        ]

    def __call__(self, output: TowerOutput) -> tuple[Tensor, ...]:
        """The four maps (B, C, ., .), fine to coarse, that the pixel decoder decodes."""
        first, second, third, last = output.blocks
        levels = [self._finest(F.gelu(self._widen(first))), self._fine(second)]
        for level, project, detail in zip(levels, self._details, output.details, strict=False):
            level += project(detail)
        finest, fine = (norm(level) for norm, level in zip(self._norms, levels, strict=True))
        return finest, fine, self._third(third), self._coarse(self._pool(last))


# A linear map of channels: weight (out, in) and bias (out), both float64.
_Linear = tuple[Tensor, Tensor]


class _Upsampling:
    """A transposed convolution that doubles a map, followed by a linear map of its channels."""

    def __init__(self, convolution: nn.ConvTranspose2d, after: _Linear) -> None:
        weight, bias = after
        own = convolution.weight.double()  # (in, out, 2, 2)
        fused = torch.einsum("co,iokl->ckli", weight, own).flatten(0, 2)
        bias = (weight @ convolution.bias.double() + bias).repeat_interleave(4)
        self._weight, self._bias = fused.to(convolution.weight), bias.to(convolution.weight)

    def __call__(self, level: Tensor) -> Tensor:
        """(B, in, h, w) to (B, out, 2 h, 2 w)."""
        spread = self._weight @ level.flatten(2) + self._bias[:, None]
        return F.pixel_shuffle(spread.unflatten(2, level.shape[2:]), 2)


class _Detail:
    """A projection of the tower's details, followed by a linear map without its bias."""

    def __init__(self, projection: MapProjection, after: _Linear) -> None:
        weight, _ = after  # the bias is in the map that the details are added to
        own = projection.projection
        self._norm = projection.norm
        self._weight = (weight @ own.weight.double()).to(own.weight)
        self._bias = (weight @ own.bias.double()).to(own.weight)

    def __call__(self, detail: Tensor) -> Tensor:
        """(B, in, h, w) to (B, out, h, w)."""
        normed = self._norm(detail.permute(0, 2, 3, 1))
        return F.linear(normed, self._weight, self._bias).permute(0, 3, 1, 2)


def _one_by_one(convolution: nn.Conv2d) -> _Linear:
    weight = convolution.weight.double().flatten(1)
    bias = convolution.bias
    return weight, weight.new_zeros(len(weight)) if bias is None else bias.double()


def _batch_norm(norm: nn.BatchNorm2d) -> _Linear:
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return torch.diag(scale), norm.bias.double() - norm.running_mean.double() * scale
