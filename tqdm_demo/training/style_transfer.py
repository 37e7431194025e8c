"""Style transfer for TLDR by whitening and colouring: the statistics of one picture for another's.

Paper: WCT, arXiv 1705.08086, and PhotoWCT, arXiv 1802.06474, which TLDR uses. Their networks may
not be redistributed. This is a substitute: the features are those of the first convolution of
EfficientNet-Lite0, which a least-squares inverse brings back to pixels. It changes colours and fine
texture and leaves every edge in its place.

Axes: B pictures; C channels; N places; H W pixels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Directions of less variance than this are left out, as in PhotoWCT.
SMALLEST_VARIANCE = 1e-5


def whiten_and_colour(content: Tensor, style: Tensor) -> Tensor:
    """Gives the content's features the mean and the covariance of the style's.

    Args:
        content: (C, N).
        style: (C, any number of places).

    Returns:
        (C, N).
    """
    vectors, deviations = _principal(content)
    centred = content - content.mean(1, keepdim=True)
    white = vectors @ ((vectors.T @ centred) / deviations[:, None])
    vectors, deviations = _principal(style)
    coloured = vectors @ ((vectors.T @ white) * deviations[:, None])
    return coloured + style.mean(1, keepdim=True)


class StyleTransfer(nn.Module):
    """Gives pictures the look of others; nothing in it learns.

    Args:
        weight: (C, 3, k, k) of a convolution, k odd.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().clone().float())
        inverse = torch.linalg.pinv(self.weight.flatten(1).double(), rtol=1e-3)
        self.register_buffer("inverse", inverse.float())
        self.side = weight.shape[2]

    @torch.no_grad()
    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """The content (B, 3, H, W) in the styles (B, 3, any size), both normalised alike."""
        features = self._features(content)
        styles = self._features(style)
        changed = torch.stack(
            [
                whiten_and_colour(own.flatten(1), other.flatten(1)).view_as(own)
                for own, other in zip(features.double(), styles.double(), strict=True)
            ]
        ).float()
        # What the features do not hold of the content stays as it is.
        return content + self._pixels(changed - features)

    def _features(self, pixels: Tensor) -> Tensor:
        """(B, C, H, W): of the patch around every pixel."""
        padding = [self.side // 2] * 4
        return F.conv2d(F.pad(pixels, padding, mode="reflect"), self.weight)

    def _pixels(self, features: Tensor) -> Tensor:
        """Patches by least squares; where they overlap, their mean."""
        patches = torch.einsum("pc,bchw->bphw", self.inverse, features).flatten(2)
        size, padding = features.shape[2:], self.side // 2
        ones = torch.ones_like(patches[:, :: self.side**2])
        summed, counts = (
            F.fold(p, size, self.side, padding=padding)
            for p in (patches, ones.repeat_interleave(self.side**2, dim=1))
        )
        return summed / counts


def _principal(features: Tensor) -> tuple[Tensor, Tensor]:
    """Directions (C, R) of features (C, N), and the standard deviations (R,) along them."""
    centred = features - features.mean(1, keepdim=True)
    covariance = centred @ centred.T / max(features.shape[1] - 1, 1)
    variances, vectors = torch.linalg.eigh(covariance)
    kept = variances >= SMALLEST_VARIANCE
    return vectors[:, kept], variances[kept].sqrt()
