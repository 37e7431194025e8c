"""open_clip's published CLIPs: ``ARCH/PRETRAINED``, as ``open_clip.list_pretrained`` names them.

Their weights come from the Hugging Face Hub as safetensors; where a repository has only a pickle,
torch reads its tensors and refuses everything else (``weights_only=True``).
"""

from __future__ import annotations

import difflib
import pickle
import re
from pathlib import Path
from typing import Any

import open_clip
from open_clip.transformer import VisionTransformer
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tqdm_demo.checkpoints.hub import fetch, find_cached

_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
# What towers that take any size look at, height and width in pixels.
_INPUT = 512


def clip_repository(name: str) -> str:
    """The repository on the Hub that holds a CLIP, ``ARCH/PRETRAINED``.

    Raises:
        ValueError: a CLIP that open_clip does not have or that cannot be used here.
    """
    return open_clip.get_pretrained_cfg(*_split(name))["hf_hub"].strip("/")


def locate_clip(name: str) -> Path:
    """The file with a CLIP's weights, downloaded where it is not in the cache.

    Args:
        name: ``ARCH/PRETRAINED``.

    Raises:
        ValueError: a CLIP that open_clip does not have or that cannot be used here, or one that
            cannot be had; a sentence.
    """
    repository = clip_repository(name)
    for find in (find_cached, fetch):  # without a network, any of the files in the cache will do
        for file in _FILES:
            folder = find(repository, [file])
            if folder is not None and (folder / file).is_file():
                return folder / file
    raise ValueError(f"{repository} holds neither {' nor '.join(_FILES)}")


def load_open_clip(name: str) -> tuple[open_clip.CLIP, dict[str, Any]]:
    """A CLIP in evaluation mode on the CPU, and the config that ``ZeroShotModel`` takes.

    Raises:
        ValueError: as :func:`locate_clip`, or a file that does not fit.
    """
    path = locate_clip(name)
    architecture, pretrained = _split(name)
    about = open_clip.get_pretrained_cfg(architecture, pretrained)
    try:
        clip = open_clip.create_model(
            architecture,
            pretrained=str(path),
            force_quick_gelu=bool(about.get("quick_gelu")),
            weights_only=True,
        )
    except (RuntimeError, pickle.UnpicklingError, SafetensorError, OSError) as error:
        raise ValueError(f"{path} cannot be read as {architecture}: {error}") from error
    config = {"image_mean": about["mean"], "image_std": about["std"]}
    return clip.eval(), config | _input(clip.visual)


def cached_positions(name: str) -> Tensor | None:
    """The text tower's whole position table (77, W) where the CLIP's weights are in the cache."""
    folder = find_cached(clip_repository(name), _FILES[:1])
    if folder is None:
        return None
    with safe_open(folder / _FILES[0], "pt") as tensors:
        names = set(tensors.keys())
        for key in ("positional_embedding", "text.positional_embedding"):
            if key in names:
                return tensors.get_tensor(key).float()
    return None


def _split(name: str) -> tuple[str, str]:
    """Architecture and training of a CLIP that can be used here.

    Raises:
        ValueError: open_clip does not know it, it has no vision transformer, or its tokenizer
            would have to be downloaded.
    """
    architecture, _, pretrained = name.partition("/")
    known = open_clip.list_pretrained_tags_by_model(architecture)
    if pretrained not in known:
        pairs = ["/".join(pair) for pair in open_clip.list_pretrained()]
        near = difflib.get_close_matches(name, pairs, n=3, cutoff=0.3)
        raise ValueError(f"open_clip has no model {name!r}; near to it are {', '.join(near)}.")
    config = open_clip.get_model_config(architecture)
    if {"hf_tokenizer_name", "hf_model_name"} & set(config["text_cfg"]):
        raise ValueError(f"{architecture} does not read CLIP's own words; take another model.")
    vision = config["vision_cfg"]
    tower = vision.get("timm_model_name", "vit" if isinstance(vision.get("layers"), int) else "")
    pooling = vision.get("timm_pool", "token")
    if not re.match(r"vit$|(vit|eva).*_patch", tower) or pooling not in ("token", "avg"):
        raise ValueError(f"{architecture} is no plain vision transformer; take a ViT or EVA02.")
    if "multimodal_cfg" in config:
        raise ValueError(f"{architecture} pools its patches by attention; take a ViT or EVA02.")
    return architecture, pretrained


def _input(visual: nn.Module) -> dict[str, Any]:
    """Input size of a tower, and whether it takes no other."""
    if isinstance(visual, VisionTransformer):
        return {"input_size": (_INPUT, _INPUT)}
    patch = visual.trunk.patch_embed.patch_size[0]
    side = _INPUT // patch * patch
    visual.set_input_size((side, side))  # resizes the position table
    return {"input_size": (side, side), "fixed_size": True}
