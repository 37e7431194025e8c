"""The trainings that ``tqdm_demo.train`` knows by name.

``clip-vit-b-gta5``, ``eva02-l-gta5`` and ``eva02-l-cityscapes`` are the published recipes (there is
none for CLIP ViT-B/16 on Cityscapes), on the batch of one process: the paper's figures are likely
to come from two GPUs. ``streets-tqdm`` is the same method at a tiny scale on drawn streets,
``streets-queries`` the same model with learned queries and no text in its decoders.
``photos-tqdm`` and ``photos-queries`` are the same two on photographs: the training part of a
folder set, named with ``--data-root``, and the classes of its ``classes.txt``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


@dataclass(frozen=True)
class Preset:
    """One training.

    Attributes:
        model: architecture; what a CLIP folder says of its CLIP takes the place of what is here.
        training: how.
        clip: where it starts: a bundled CLIP, or "open_clip:MODEL/WEIGHTS".
    """

    model: ModelConfig
    training: TrainConfig
    clip: str


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

# Every level of the pyramid reads the tower's last block, and the finer two its details as well.
# With an earlier bundle's tower, which had no details, earlier blocks for the finer levels (the
# published proportions) cost 3 points on the source and 7 on real frames; one layer of the pixel
# decoder and three of the mask decoder were as good as three and six, in three fifths of the time.
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
# The model resizes a drawn picture of 256 x 128 pixels to twice its sides, and a photograph of
# 320 x 213 to 1.4 times: the factors of the views lie around these.
_STREETS = TrainConfig(
    steps=300,
    batch_size=4,
    crop=224,
    learning_rate=1.6e-3,
    backbone_factor=0.0,
    pyramid_factor=1.0,
    warmup_steps=30,
    weight_pixel_text=3.0,
    points_per_mask=784,
    scenes=300,
    resize_range=(1.2, 4.0),
    evaluate_every=150,
    save_every=50,
    validation_scenes=40,
)
# The same budget. All validation pictures of a small set, and its own classes in place of the 19.
_PHOTOS = dataclasses.replace(
    _STREETS, source="folder::train", resize_range=(0.8, 2.8), validation_scenes=100
)
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
    "clip-vit-b-gta5": Preset(_VIT_B, _GTA5, "open_clip:ViT-B-16/openai"),
    "eva02-l-gta5": Preset(_EVA_L, _GTA5, "open_clip:EVA02-L-14-336/merged2b_s6b_b61k"),
    "eva02-l-cityscapes": Preset(_EVA_L, _CITYSCAPES, "open_clip:EVA02-L-14-336/merged2b_s6b_b61k"),
}
