"""The text tower of a CLIP that is being trained, and its dense zero-shot segmentation.

Every patch token is compared with every class name; the similarities are resized to the picture
and the largest wins.

Axes: B images; H W pixels; h w patch tokens; D joint width; K names; U captions; T text tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import open_clip
import torch
import torch.nn.functional as F

from tqdm_demo.inference.confusion_matrix import ConfusionMatrix
from tqdm_demo.inference.preprocessing import model_size, normalise
from tqdm_demo.pretraining.imagenet_weights import IMAGE_MEAN, IMAGE_STD
from tqdm_demo.pretraining.views import Pictures
from tqdm_demo.systems.zero_shot import dense_embeddings, name_embeddings
from tqdm_demo.vocabulary import IGNORED


def normalised(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, H, W, 3) RGB to the trunk's normalised float32 (B, 3, H, W)."""
    return normalise(images.permute(0, 3, 1, 2).float(), IMAGE_MEAN, IMAGE_STD)


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


@dataclass(frozen=True)
class Check:
    """Pictures to measure on.

    Attributes:
        pictures: of one or more shapes.
        names: what to ask for, by concept; concepts without a name are not measured.
    """

    pictures: Sequence[Pictures]
    names: dict[int, str]


@torch.inference_mode()
def zero_shot_miou(
    clip: open_clip.CLIP, check: Check, area: int, multiple: int, batch_size: int = 4
) -> float:
    """Dense zero-shot mIoU in percent over the concepts that occur in the pictures.

    The argmax is restricted to those, as for a data set that lacks some classes.

    Args:
        clip: in any mode.
        check: the pictures.
        area: pixels of the model's input.
        multiple: its sides are multiples of this.
        batch_size: pictures at a time.
    """
    device = clip.logit_scale.device
    shown = {int(k) for part in check.pictures for k in np.unique(part.labels)}
    occurring = sorted(shown & set(check.names))
    texts = name_embeddings(clip, [check.names[k] for k in occurring])
    confusion = ConfusionMatrix(max(check.names) + 1)
    for part in check.pictures:
        size = model_size(*part.labels.shape[1:], area, multiple)
        for start in range(0, len(part.images), batch_size):
            images = torch.tensor(part.images[start : start + batch_size], device=device)
            pixels = F.interpolate(normalised(images), size, mode="bicubic", antialias=True)
            dense = F.normalize(dense_embeddings(clip.visual, pixels), dim=1)
            similarity = torch.einsum("bdhw,kd->bkhw", dense, texts)
            similarity = F.interpolate(similarity, images.shape[1:3], mode="bilinear")
            label_map = torch.tensor(occurring)[similarity.argmax(1).cpu()].numpy()
            labels = part.labels[start : start + batch_size]
            confusion.update(label_map, np.where(np.isin(labels, occurring), labels, IGNORED))
    return 100 * confusion.miou()
