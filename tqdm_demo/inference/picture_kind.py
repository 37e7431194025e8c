"""Whether a picture shows a street, or is any other photograph or painting.

A CLIP compares its embedding of the whole picture with a few captions. Those of a street name its
parts; the others name what is near, or out of town. A mean over captions counts how many of them
fit: a picture of one parked car is no street.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tqdm_demo.inference.encoded import Picture
from tqdm_demo.inference.preprocessing import model_size, to_pixels

if TYPE_CHECKING:
    from torch import Tensor

    from tqdm_demo.inference.predictor import Predictor

STREET, PHOTO = "street", "photo"
STREET_CAPTIONS = ("a street", "road and cars", "a pole", "lamppost")
PHOTO_CAPTIONS = ("grass", "water", "a chair", "a bicycle", "a book")
# A street is nearer to its captions than to the others by this much, mean cosine. All of this was
# chosen on training pictures: MSRC's, CamVid's and drawn ones.
MARGIN = 0.15
# Pictures are read at about as many pixels as a square of this side: enough for a glance.
GLANCE = 192


def picture_kind(clip: Predictor, image: np.ndarray) -> str:
    """:data:`STREET` or :data:`PHOTO`.

    Args:
        clip: a zero-shot model that was trained on both.
        image: uint8 (H, W, 3) RGB.
    """
    cosines = match_captions(clip, image, (*STREET_CAPTIONS, *PHOTO_CAPTIONS))
    street, photo = np.split(cosines, [len(STREET_CAPTIONS)])
    return STREET if street.mean() - photo.mean() > MARGIN else PHOTO


def match_captions(clip: Predictor, image: np.ndarray, captions: Sequence[str]) -> np.ndarray:
    """Cosines of the embedding of a whole picture with N captions.

    Args:
        clip: a zero-shot model.
        image: uint8 (H, W, 3) RGB.
        captions: N texts.

    Returns:
        float32 (N,).

    Raises:
        ValueError: the model was trained to segment.
    """
    from tqdm_demo.systems.zero_shot import ZeroShotModel

    model, picture = clip.model, Picture(image)
    if not isinstance(model, ZeroShotModel):
        raise ValueError("Only a zero-shot model compares whole pictures with captions.")

    def embed() -> Tensor:
        size = model.input_size
        if not model.fixed_size:
            size = model_size(*picture.size, area=GLANCE**2, multiple=model.size_multiple)
        return model.embed_pictures(to_pixels(image, size, model.mean, model.std))[0]

    texts = clip.keep(("captions", *captions), lambda: model.encode_captions(captions))
    return (texts @ clip.keep((picture.key, "embedding"), embed)).float().cpu().numpy()
