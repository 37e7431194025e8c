"""The trainings that ``tqdm_demo.train`` knows by name.

``clip-vit-b-gta5``, ``eva02-l-gta5`` and ``eva02-l-cityscapes`` are the published recipes (there is
none for CLIP ViT-B/16 on Cityscapes), on the batch of one process: the paper's figures are likely
to come from two GPUs. ``streets-tqdm`` is the same method at a tiny scale on drawn streets,
``streets-queries`` the same model with learned queries and no text in its decoders.
``photos-tqdm`` and ``photos-queries`` are the same two on photographs: the training part of a
folder set, named with ``--data-root``, and the classes of its ``classes.txt``. ``-rein`` and
``-tldr`` are the systems that the paper compares with, in the same worlds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.rival_config import DeepLabConfig, ReinConfig, RivalConfig
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


@dataclass(frozen=True)
class Preset:
    """One training.

    Attributes:
        model: architecture; what a CLIP folder says of its CLIP takes the place of what is here.
        training: how.
        clip: where it starts: a bundled CLIP, or "open_clip:MODEL/WEIGHTS".
        system: "tqdm", "rein" or "tldr".
    """

    model: ModelConfig | RivalConfig
    training: TrainConfig
    clip: str
    system: str = "tqdm"


# The published evaluation cuts windows of 512 pixels that start this many pixels apart.
WINDOW_STRIDE = 341

_CLIP_VIT_B = {
    "embed_dim": 512,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 512, "layers": 12, "width": 768, "patch_size": 16},
    "text_cfg": {
        "context_length": 10,
        "vocab_size": 49408,
        "width": 512,
        "heads": 8,
        "layers": 12,
    },
}
_EVA02_CLIP_L = {
    "embed_dim": 768,
    "vision_cfg": {
        # Of 512 pixels a patch size of 14 leaves 504.
        "image_size": 504,
        "timm_model_name": "eva02_large_patch14_clip_336",
        "timm_pool": "token",
        "timm_proj": None,
    },
    "text_cfg": {
        "context_length": 13,
        "vocab_size": 49408,
        "width": 768,
        "heads": 12,
        "layers": 12,
    },
}

# The published architectures, but for the class names.
TQDM_CLIP_VIT_B = ModelConfig(
    clip=_CLIP_VIT_B, window_stride=WINDOW_STRIDE, clip_weights="ViT-B-16/openai"
)
TQDM_EVA02_L = ModelConfig(
    clip=_EVA02_CLIP_L,
    prompt_length=8,
    text_positions=13,
    pyramid_blocks=(7, 11, 15, 23),
    drop_path=0.0,
    fixed_size=True,
    window_stride=WINDOW_STRIDE,
    clip_weights="EVA02-L-14-336/merged2b_s6b_b61k",
)

# On ``mini-clip``, whose tower has an ImageNet trunk, four blocks, and details for the pyramid's
# finer two levels: every level reads its last block. One layer of the pixel decoder and three of
# the mask decoder were as good as three and six (with an earlier CLIP), in three fifths of the
# time.
_TEXTUAL = ModelConfig(
    class_names=CITYSCAPES_NAMES,
    prompt_length=4,
    text_positions=24,
    pyramid_blocks=(3, 3, 3, 3),
    width=128,
    heads=4,
    points=4,
    feed_forward=512,
    pixel_layers=1,
    mask_layers=3,
    context_width=128,
    context_heads=4,
    context_layers=2,
    drop_path=0.0,
    size_multiple=32,
)
_LEARNED = dataclasses.replace(
    _TEXTUAL, queries="learned", text_to_pixel=False, context_decoder=False, prompt_length=0
)
# The tower takes every picture with as many pixels as 512 x 256 has: a drawn one at twice its
# sides, a photograph of MSRC (320 x 213) at 1.4 times. The crops are of pictures resized so.
_STREETS = TrainConfig(
    steps=200,
    batch_size=4,
    crop=224,
    learning_rate=1.6e-3,
    backbone_factor=0.0,
    pyramid_factor=1.0,
    warmup_steps=20,
    weight_pixel_text=3.0,
    points_per_mask=784,
    resize_range=(1.3, 2.6),
    evaluate_every=200,
    save_every=50,
    validation_scenes=40,
)
# All validation pictures of a small set, and its own classes in place of the 19.
_PHOTOS = dataclasses.replace(
    _STREETS,
    source="folder::train",
    resize_range=(0.9, 1.9),
    validation_scenes=100,
)
# The systems that the paper compares with, of the size and pictures of the four above, and more
# steps: less of them was trained beforehand.
# Rein: tower, pyramid and decoders are those of the learned queries; 40 queries in place of 100.
# They are matched with the masks, which takes them long to learn: after 300 steps seeds differ by
# 18 points.
# TLDR: a tenth of the rate for the backbone and a straight decay as published, ten times the rates.
_REIN = ReinConfig(
    class_names=CITYSCAPES_NAMES,
    pyramid_blocks=(3, 3, 3, 3),
    reins_rank=8,
    object_queries=40,
    width=128,
    heads=4,
    pixel_feed_forward=512,
    mask_feed_forward=512,
    pixel_layers=1,
    mask_layers=3,
    size_multiple=32,
    window_stride=None,
)
_TLDR = DeepLabConfig(
    class_names=CITYSCAPES_NAMES,
    backbone="lite0",
    output_stride=16,
    width=96,
    skip_width=24,
    dilations=(3, 6, 9),
    keeps_size=False,
    size_multiple=32,
)
_STREETS_REIN, _PHOTOS_REIN = (
    dataclasses.replace(
        recipe, steps=1200, evaluate_every=300, learning_rate=6e-4, weight_decay=0.05
    )
    for recipe in (_STREETS, _PHOTOS)
)
_STREETS_TLDR, _PHOTOS_TLDR = (
    dataclasses.replace(
        recipe, steps=300, evaluate_every=300, learning_rate=3e-3, backbone_factor=0.1, power=1.0,
        weight_decay=0.01, minimum_learning_rate=0.0, fix_upstream_quirks=True,
    )
    for recipe in (_STREETS, _PHOTOS)
)  # fmt: skip
_GTA5 = TrainConfig(source="gta5")
_CITYSCAPES = TrainConfig(
    source="cityscapes", learning_rate=1e-4, weight_decay=1e-5, embedding_decay=False
)
_VIT_B, _EVA_L = (
    dataclasses.replace(config, class_names=CITYSCAPES_NAMES)
    for config in (TQDM_CLIP_VIT_B, TQDM_EVA02_L)
)

PRESETS = {
    "streets-tqdm": Preset(_TEXTUAL, _STREETS, "mini-clip"),
    "streets-queries": Preset(_LEARNED, _STREETS, "mini-clip"),
    "photos-tqdm": Preset(_TEXTUAL, _PHOTOS, "mini-clip"),
    "photos-queries": Preset(_LEARNED, _PHOTOS, "mini-clip"),
    "streets-rein": Preset(_REIN, _STREETS_REIN, "mini-clip", "rein"),
    "streets-tldr": Preset(_TLDR, _STREETS_TLDR, "mini-clip", "tldr"),
    "photos-rein": Preset(_REIN, _PHOTOS_REIN, "mini-clip", "rein"),
    "photos-tldr": Preset(_TLDR, _PHOTOS_TLDR, "mini-clip", "tldr"),
    "clip-vit-b-gta5": Preset(_VIT_B, _GTA5, "open_clip:ViT-B-16/openai"),
    "eva02-l-gta5": Preset(_EVA_L, _GTA5, "open_clip:EVA02-L-14-336/merged2b_s6b_b61k"),
    "eva02-l-cityscapes": Preset(_EVA_L, _CITYSCAPES, "open_clip:EVA02-L-14-336/merged2b_s6b_b61k"),
}
