"""The published TLDR model with ResNet-50: one file that stands alone.

It holds the segmenter (``model.*``), a frozen copy of the ImageNet network and the network of its
style transfer; only the first is needed to segment. TLDR has no licence: this is written from its
architecture's facts and tensor names, and its weights are never shipped with this project.
Source: github.com/ssssshwan/TLDR.
"""

from __future__ import annotations

from tqdm_demo.checkpoints.published.key_map import rules_of
from tqdm_demo.checkpoints.published.plan import PublishedModel
from tqdm_demo.model.deeplab import DeepLabV3Plus
from tqdm_demo.rival_config import DeepLabConfig

_STEM, _HEAD = "model.backbone.stem", "model.decode_head"
_ASPP, _BRANCH = f"{_HEAD}.aspp_modules.{{index}}", "head.branches.{index}"
_SEPARABLE, _FUSE = f"{_HEAD}.sep_bottleneck.{{index}}", "head.fuse.{index}"
_RULES = rules_of(
    # timm keeps the third batch norm of the deep stem outside of it.
    (f"{_STEM}.7.{{rest}}", "backbone.bn1.{rest}"),
    (f"{_STEM}.{{rest}}", "backbone.conv1.{rest}"),
    ("model.backbone.{rest}", "backbone.{rest}"),
    (f"{_HEAD}.conv_seg.{{part}}", "head.classifier.{part}"),
    (f"{_HEAD}.image_pool.1.conv.weight", "head.pool.0.weight"),
    (f"{_HEAD}.image_pool.1.bn.{{rest}}", "head.pool.1.{rest}"),
    (f"{_HEAD}.aspp_modules.0.conv.weight", "head.branches.0.0.weight"),
    (f"{_HEAD}.aspp_modules.0.bn.{{rest}}", "head.branches.0.1.{rest}"),
    (f"{_ASPP}.depthwise_conv.conv.weight", f"{_BRANCH}.0.0.weight"),
    (f"{_ASPP}.depthwise_conv.bn.{{rest}}", f"{_BRANCH}.0.1.{{rest}}"),
    (f"{_ASPP}.pointwise_conv.conv.weight", f"{_BRANCH}.1.0.weight"),
    (f"{_ASPP}.pointwise_conv.bn.{{rest}}", f"{_BRANCH}.1.1.{{rest}}"),
    (f"{_HEAD}.bottleneck.conv.weight", "head.bottleneck.0.weight"),
    (f"{_HEAD}.bottleneck.bn.{{rest}}", "head.bottleneck.1.{rest}"),
    (f"{_HEAD}.c1_bottleneck.conv.weight", "head.skip.0.weight"),
    (f"{_HEAD}.c1_bottleneck.bn.{{rest}}", "head.skip.1.{rest}"),
    (f"{_SEPARABLE}.depthwise_conv.conv.weight", f"{_FUSE}.0.0.weight"),
    (f"{_SEPARABLE}.depthwise_conv.bn.{{rest}}", f"{_FUSE}.0.1.{{rest}}"),
    (f"{_SEPARABLE}.pointwise_conv.conv.weight", f"{_FUSE}.1.0.weight"),
    (f"{_SEPARABLE}.pointwise_conv.bn.{{rest}}", f"{_FUSE}.1.1.{{rest}}"),
)  # fmt: skip

TLDR = PublishedModel(
    title="TLDR with ResNet-50",
    system="tldr",
    marker="model.decode_head.c1_bottleneck.conv.weight",
    rules=_RULES,
    config=DeepLabConfig(),
    build=DeepLabV3Plus,
    dropped=(
        ("imnet_model.{rest}", "frozen copy of the ImageNet network, which only training needs"),
        ("p_wct.{rest}", "network of the style transfer, which only training needs"),
        ("model.backbone.fc.{part}", "ImageNet's classifier"),
    ),
    source="https://github.com/ssssshwan/TLDR",
)
