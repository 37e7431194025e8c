"""How well a name fits a picture at its best place, and pixels that no name fits.

The match of a name is what its model says most reliably: of a trained model its score, of a CLIP of
this project the cosine. The cosines of other CLIPs lie too close together to be judged.

On 40 photographs of the validation part (``photos-tqdm``) the best match of a name that is in the
picture is at least 0.29 in 99 of 100 cases; nine of ten names that are not in it have less than
0.27, half of them less than 0.01. Of ``zero-shot:mini-clip``'s cosines the figures are 0.59 (of
what is there, 99 of 100) and 0.36 (the median of what is not).

Axes: K classes; H W the picture; h w a score map.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from tqdm_demo.systems.system import System

# Below this, nothing in the picture is like a name.
FAINT_SCORE, FAINT_COSINE = 0.25, 0.4


def match_maps(
    model: System, scores: np.ndarray, similarity: np.ndarray | None
) -> np.ndarray | None:
    """The maps (K, h, w) that tell how well names match; None where they cannot be judged."""
    if model.kind != "zero-shot":
        return scores
    return similarity if model.known_words else None


def best_matches(maps: np.ndarray | None) -> tuple[float, ...] | None:
    """The match of every class at its best place; None likewise."""
    return None if maps is None else tuple(maps.max(axis=(1, 2)).tolist())


def faint_match(model: System) -> float:
    """The match below which nothing is like a name."""
    return FAINT_COSINE if model.kind == "zero-shot" else FAINT_SCORE


def fill_rest(label_map: np.ndarray, matches: np.ndarray, threshold: float) -> np.ndarray:
    """Gives the last class the pixels whose best match is below a threshold.

    Args:
        label_map: uint8 (H, W), index into K classes.
        matches: float (K, h, w) of :func:`match_maps`; the last class is the rest.
        threshold: of the match.

    Returns:
        A new label map.
    """
    best = torch.from_numpy(matches).amax(dim=0)
    size = label_map.shape
    best = F.interpolate(best[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return np.where(best.numpy() < threshold, np.uint8(len(matches) - 1), label_map)
