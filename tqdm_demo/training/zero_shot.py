"""The towers of a CLIP that is being trained, and its dense zero-shot segmentation.

Every patch token is compared with every class name; the similarities are resized to the picture
and the largest wins.

Axes: B images; H W pixels; h w patch tokens; D joint width; K names; U captions; T text tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import open_clip
import torch
import torch.nn.functional as F

from tqdm_demo.config import CLIP_MEAN, CLIP_STD
from tqdm_demo.training.metrics import ConfusionMatrix
from tqdm_demo.training.views import Pictures

TEMPLATES = ("{}", "a {}", "a photo of {}", "there is a {}")


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, H, W, 3) RGB to CLIP's normalised float32 (B, 3, H, W)."""
    mean, std = (torch.tensor(v, device=images.device).view(3, 1, 1) for v in (CLIP_MEAN, CLIP_STD))
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std


def dense_embeddings(clip: open_clip.CLIP, pixels: torch.Tensor, patch: int) -> torch.Tensor:
    """Projected patch tokens, not normalised: (B, 3, H, W) -> (B, D, H / patch, W / patch)."""
    tokens = clip.visual.head(clip.visual.trunk.forward_features(pixels))
    rows, columns = pixels.shape[2] // patch, pixels.shape[3] // patch
    return tokens.transpose(1, 2).unflatten(2, (rows, columns))


def encode_captions(clip: open_clip.CLIP, tokens: torch.Tensor) -> torch.Tensor:
    """open_clip's ``encode_text`` on the first columns of the context only: (U, T) -> (U, D).

    Padding comes after the end token and the attention is causal, so cutting it changes nothing
    but the time (a caption has some 8 tokens, the context 24).
    """
    length = int(tokens.argmax(1).max()) + 1
    tokens = tokens[:, :length]
    hidden = clip.token_embedding(tokens) + clip.positional_embedding[:length]
    hidden = clip.transformer(hidden, attn_mask=clip.attn_mask[:length, :length])
    hidden = clip.ln_final(hidden)
    return hidden[torch.arange(len(tokens)), tokens.argmax(1)] @ clip.text_projection


def name_embeddings(clip: open_clip.CLIP, names: Sequence[str]) -> torch.Tensor:
    """L2-normalised (K, D): the mean over :data:`TEMPLATES` of each name's embeddings."""
    tokenizer = open_clip.SimpleTokenizer(context_length=clip.context_length)
    device = clip.logit_scale.device
    texts = [template.format(name) for name in names for template in TEMPLATES]
    embeddings = clip.encode_text(tokenizer(texts).to(device), normalize=True)
    return F.normalize(embeddings.unflatten(0, (len(names), len(TEMPLATES))).mean(1), dim=-1)


@torch.inference_mode()
def zero_shot_miou(
    clip: open_clip.CLIP,
    pictures: Pictures,
    names: Sequence[str],
    patch: int,
    batch_size: int = 8,
) -> float:
    """Dense zero-shot mIoU in percent over the classes that occur in ``pictures``.

    The argmax is restricted to those classes, as for a data set that lacks some.
    """
    texts = name_embeddings(clip, names)
    device = clip.logit_scale.device
    occurring = sorted(set(np.unique(pictures.labels).tolist()) - {255})
    confusion = ConfusionMatrix(len(names))
    for start in range(0, len(pictures.images), batch_size):
        images = torch.tensor(pictures.images[start : start + batch_size], device=device)
        dense = F.normalize(dense_embeddings(clip, normalised(images), patch), dim=1)
        similarity = torch.einsum("bdhw,kd->bkhw", dense, texts[occurring])
        similarity = F.interpolate(similarity, images.shape[1:3], mode="bilinear")
        label_map = torch.tensor(occurring)[similarity.argmax(1).cpu()].numpy()
        confusion.update(label_map, pictures.labels[start : start + batch_size])
    return 100 * confusion.miou()
