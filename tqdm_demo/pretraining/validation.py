"""The text tower of a CLIP that is being trained, and its dense zero-shot segmentation.

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
from tqdm_demo.inference.confusion_matrix import ConfusionMatrix
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.systems.zero_shot import dense_embeddings, name_embeddings


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, H, W, 3) RGB to CLIP's normalised float32 (B, 3, H, W)."""
    mean, std = (torch.tensor(v, device=images.device).view(3, 1, 1) for v in (CLIP_MEAN, CLIP_STD))
    return (images.permute(0, 3, 1, 2).float() / 255 - mean) / std


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


@torch.inference_mode()
def zero_shot_miou(
    clip: open_clip.CLIP,
    pictures: Pictures,
    names: Sequence[str],
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
        dense = F.normalize(dense_embeddings(clip.visual, normalised(images)), dim=1)
        similarity = torch.einsum("bdhw,kd->bkhw", dense, texts[occurring])
        similarity = F.interpolate(similarity, images.shape[1:3], mode="bilinear")
        label_map = torch.tensor(occurring)[similarity.argmax(1).cpu()].numpy()
        confusion.update(label_map, pictures.labels[start : start + batch_size])
    return 100 * confusion.miou()
