"""open_clip's visual tower as a segmentation backbone: pyramid, dense embeddings, global embedding.

Three kinds of tower: open_clip's own VisionTransformer (CLIP ViT-B/16), a timm vision transformer
inside open_clip's TimmModel, with or without a class token, and there the bundled CLIP's own, which
has finer maps than its tokens.

Paper: Sec. 4 (implementation); pyramid as in DenseCLIP, arXiv 2112.01518.

Axes: B images; H W input pixels; h w patch tokens; E tower width; D joint width of text and image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from open_clip.transformer import VisionTransformer
from timm.layers import DropPath
from torch import Tensor, nn

from tqdm_demo.model.lite0_vit import PATCH, Lite0VisionTransformer, MapProjection

# In evaluation mode torch has a short cut for attention that makes all A x N x N weights: on a CPU
# it takes three times as long as scaled_dot_product_attention, which is taken without it.
torch.backends.mha.set_fastpath_enabled(False)


@dataclass(frozen=True)
class ImageFeatures:
    """What the encoder knows about a batch of images; (h, w) is the grid of patch tokens.

    Attributes:
        pyramid: four maps (B, E, ., .) of sizes 4 (h, w), 2 (h, w), (h, w), (h, w) / 2.
        dense: (B, D, ., .) patch embeddings in the joint space, not normalised: of size (h, w), or
            twice that from the bundled CLIP's tower.
        global_embedding: (B, D) embedding of the whole image, not normalised.
        is_projected: the pyramid has gone through ``PixelDecoder.project`` already: its maps are
            (B, C, ., .), of the decoder's width, a third of the memory.
    """

    pyramid: tuple[Tensor, ...]
    dense: Tensor
    global_embedding: Tensor
    is_projected: bool = False


@dataclass(frozen=True)
class TowerOutput:
    """What a visual tower yields.

    Attributes:
        blocks: block outputs, (B, E, h, w) each.
        dense, global_embedding: as in ImageFeatures.
        details: maps of sizes 4 (h, w) and 2 (h, w), of the bundled CLIP's tower; else none.
    """

    blocks: tuple[Tensor, ...]
    dense: Tensor
    global_embedding: Tensor
    details: tuple[Tensor, ...] = ()


class ImageEncoder(nn.Module):
    """A visual tower and the pyramid on top of it.

    Args:
        tower: open_clip's visual tower.
        blocks: indices of the four blocks that feed the pyramid, fine to coarse.
        drop_path: stochastic depth of the last block in training, rising linearly from 0; for
            open_clip's own towers (a timm tower has it in its open_clip config).
    """

    def __init__(self, tower: nn.Module, blocks: Sequence[int], drop_path: float = 0.0) -> None:
        super().__init__()
        self.tower = tower
        self.blocks = tuple(blocks)
        self.is_native = isinstance(tower, VisionTransformer)
        if self.is_native:
            _add_drop_path(tower, drop_path)
        self.width = tower.transformer.width if self.is_native else tower.trunk.num_features
        details = () if self.is_native else getattr(tower.trunk, "detail_widths", ())
        self.pyramid = Pyramid(self.width, details)

    def forward(self, pixels: Tensor) -> ImageFeatures:
        """Encodes normalised pixels (B, 3, H, W)."""
        output = self.run_tower(pixels)
        pyramid = self.pyramid(output.blocks, output.details)
        return ImageFeatures(pyramid, output.dense, output.global_embedding)

    @property
    def tower_blocks(self) -> nn.ModuleList | nn.Sequential:
        """All transformer blocks of the tower."""
        return self.tower.transformer.resblocks if self.is_native else self.tower.trunk.blocks

    def run_tower(self, pixels: Tensor) -> TowerOutput:
        """The tower alone, without the pyramid; ``pixels`` (B, 3, H, W) normalised."""
        return run_tower(self.tower, pixels, self.blocks)


def run_tower(tower: nn.Module, pixels: Tensor, blocks: Sequence[int] = ()) -> TowerOutput:
    """Runs open_clip's visual tower.

    Args:
        tower: open_clip's own VisionTransformer or its TimmModel.
        pixels: (B, 3, H, W) normalised.
        blocks: whose outputs are wanted.
    """
    if isinstance(tower, VisionTransformer):
        return _run_native_tower(tower, pixels, tuple(blocks))
    if isinstance(tower.trunk, Lite0VisionTransformer):
        return _run_bundled_tower(tower, pixels, tuple(blocks))
    return _run_timm_tower(tower, pixels, tuple(blocks))


def patch_size(tower: nn.Module) -> int:
    """Pixels per token of open_clip's visual tower."""
    if isinstance(tower, VisionTransformer):
        return tower.patch_size[0]
    if isinstance(tower.trunk, Lite0VisionTransformer):
        return PATCH
    return tower.trunk.patch_embed.patch_size[0]


class Pyramid(nn.Module):
    """Four block outputs of one size to four scales.

    The strides are a quarter, a half, once and twice the tower's; channels stay E. Where the tower
    has details, they are added to the first two levels.

    Args:
        width: E.
        details: channels of the details of sizes 4 (h, w) and 2 (h, w); may be empty.
    """

    def __init__(self, width: int, details: Sequence[int] = ()) -> None:
        super().__init__()
        self.details = nn.ModuleList(MapProjection(channels, width) for channels in details)
        self.finest = nn.Sequential(
            nn.ConvTranspose2d(width, width, 2, stride=2),
            nn.BatchNorm2d(width),
            nn.GELU(),
            nn.ConvTranspose2d(width, width, 2, stride=2),
        )
        self.fine = nn.ConvTranspose2d(width, width, 2, stride=2)
        self.coarse = nn.MaxPool2d(2)

    def forward(
        self, blocks: Sequence[Tensor], details: Sequence[Tensor] = ()
    ) -> tuple[Tensor, ...]:
        """Four maps (B, E, h, w) to the pyramid, fine to coarse."""
        first, second, third, last = blocks
        levels = [self.finest(first), self.fine(second), third, self.coarse(last)]
        for n, (project, detail) in enumerate(zip(self.details, details, strict=True)):
            levels[n] = levels[n] + project(detail)
        return tuple(levels)


def resize_positions(positions: Tensor, grid: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Resizes a position table bilinearly; the class token's row, the first, stays.

    Args:
        positions: (1 + rows * columns, E).
        grid: (rows, columns) of ``positions``.
        size: (rows, columns) wanted.
    """
    if grid == size:
        return positions
    patches = positions[1:].T.unflatten(1, grid)[None]
    patches = F.interpolate(patches, size, mode="bilinear", align_corners=False)
    return torch.cat((positions[:1], patches[0].flatten(1).T))


def embed_patches(tower: VisionTransformer, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """What the first block of open_clip's own tower reads, at any input size.

    Args:
        tower: open_clip's, whose own forward takes one input size only.
        pixels: (B, 3, H, W) normalised.

    Returns:
        Tokens (B, 1 + h * w, E), the class token first, and (h, w).
    """
    patches = tower.conv1(pixels)
    size = (patches.shape[2], patches.shape[3])
    tokens = patches.flatten(2).transpose(1, 2)
    tokens = torch.cat((tower.class_embedding.expand(len(pixels), 1, -1), tokens), dim=1)
    positions = resize_positions(tower.positional_embedding, tower.grid_size, size)
    return tower.ln_pre(tokens + positions), size


def _run_native_tower(
    tower: VisionTransformer, pixels: Tensor, blocks: tuple[int, ...]
) -> TowerOutput:
    # open_clip's own forward projects the pooled token alone.
    tokens, size = embed_patches(tower, pixels)
    outputs = []
    for block in tower.transformer.resblocks:
        tokens = block(tokens)
        outputs.append(tokens)
    embeddings = tower.ln_post(tokens) @ tower.proj
    return TowerOutput(
        blocks=tuple(outputs[b][:, 1:].transpose(1, 2).unflatten(2, size) for b in blocks),
        dense=embeddings[:, 1:].transpose(1, 2).unflatten(2, size),
        global_embedding=embeddings[:, 0],
    )


def _run_timm_tower(tower: nn.Module, pixels: Tensor, blocks: tuple[int, ...]) -> TowerOutput:
    trunk = tower.trunk
    # NOTE(upstream): a patch that the picture's edge cuts is dropped, as a convolution drops it:
    # of 512 pixels a patch size of 14 leaves 504. timm's trunks refuse such pictures.
    rows, columns = (
        side // patch * patch
        for side, patch in zip(pixels.shape[2:], trunk.patch_embed.patch_size, strict=True)
    )
    indices = sorted({*blocks, len(trunk.blocks) - 1})
    tokens, outputs = trunk.forward_intermediates(pixels[:, :, :rows, :columns], indices=indices)
    by_block = dict(zip(indices, outputs, strict=True))
    size = outputs[0].shape[2:]
    # The projection is the trunk's own head (EVA02) or the adapter's; the other one does nothing.
    dense = tower.head(trunk.head(trunk.fc_norm(tokens[:, trunk.num_prefix_tokens :])))
    return TowerOutput(
        blocks=tuple(by_block[b] for b in blocks),
        dense=dense.transpose(1, 2).unflatten(2, size),
        global_embedding=tower.head(trunk.forward_head(tokens)),
    )


def _run_bundled_tower(tower: nn.Module, pixels: Tensor, blocks: tuple[int, ...]) -> TowerOutput:
    maps = tower.trunk.maps(pixels, blocks)
    dense = tower.head(maps.dense.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return TowerOutput(maps.blocks, dense, dense.mean((2, 3)), maps.details)


def _add_drop_path(tower: VisionTransformer, rate: float) -> None:
    """Puts stochastic depth where open_clip's blocks have room for a scale of their branches."""
    blocks = tower.transformer.resblocks
    for index, block in enumerate(blocks):
        share = rate * index / max(len(blocks) - 1, 1)
        if share and isinstance(block.ls_1, nn.Identity):
            block.ls_1, block.ls_2 = DropPath(share), DropPath(share)
