"""The model card of a segmenter that was trained here: what it is, on what, how, how well."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.checkpoints.model_card import as_text, front_matter
from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.rival_config import RivalConfig
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

_NO_SETTINGS = ("clip", "class_names", "queries", "text_tower", "image_tower")
_NO_RECIPE = (
    *("source", "seed", "validation", "watch", "watch_scenes"),
    *("checkpointing", "compile", "shard"),
)
_KINDS = {
    "textual": "A textual-query mask transformer (tqdm, ECCV 2024, arXiv 2407.09033)",
    "learned": "The baseline of the textual-query mask transformer (tqdm, ECCV 2024, arXiv "
    "2407.09033): the same model with learned queries and no text in its decoders",
}

_RIVALS = {
    "rein": "Rein (CVPR 2024, arXiv 2312.04265) on a small CLIP's frozen image tower: low-rank "
    "tokens refine its features and make the object queries, which are matched with the masks "
    "(written for this project from the paper)",
    "tldr": "TLDR (ICCV 2023, arXiv 2303.11546) on EfficientNet-Lite0: DeepLabV3+ that learns from "
    "stylised pictures and two losses on texture (written for this project from the paper; the "
    "style transfer is a substitute that whitens and colours one layer's features)",
}
# The recipes that were published, as far as they differ from tqdm's.
_PUBLISHED = {
    "rein": TrainConfig(
        steps=40_000, batch_size=4, learning_rate=1e-4, minimum_learning_rate=0.0, warmup_steps=0,
        weight_decay=0.05, backbone_factor=0.0, rare_classes=False,
    ),
    "tldr": TrainConfig(
        steps=40_000, batch_size=4, crop=768, learning_rate=3e-4, minimum_learning_rate=0.0,
        power=1.0, warmup_steps=1000, weight_decay=0.01, rare_classes=False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training ended with.

    Attributes:
        clip: name of the CLIP that it started from.
        sets: names of the data sets on disk that it learned from.
        miou: of the chosen weights on validation pictures, in [0, 1].
        step: at which these weights were reached.
    """

    clip: str
    sets: str
    miou: float
    step: int


def write_card(
    folder: Path,
    model: ModelConfig | RivalConfig,
    training: TrainConfig,
    outcome: TrainingOutcome,
    system: str = "tqdm",
) -> None:
    """Writes ``folder/README.md``.

    Args:
        folder: of the checkpoint; its name is the model's.
        model: architecture.
        training: how it was trained.
        outcome: what came of it.
        system: "tqdm" or one of the systems that it is compared with.
    """
    kind = _RIVALS.get(system) or _KINDS[model.queries]
    lines = [
        *front_matter("other"),
        "",
        f"# {folder.name}",
        "",
        *(_drawn if training.source.startswith("streets:") else _real)(
            model, kind, training, outcome
        ),
        "",
        "## What differs from the published training",
        "",
        "| setting | published | here |",
        "|---|---|---|",
        *_differences(type(model)(), model, skip=_NO_SETTINGS),
        *_differences(_PUBLISHED.get(system, TrainConfig()), training, skip=_NO_RECIPE),
        "",
        *(_frozen_tower(model, training) if system not in _RIVALS else []),
        "Every other value is in `config.json`.",
    ]
    replace_text(folder / "README.md", "\n".join(lines) + "\n")


def _drawn(
    model: ModelConfig | RivalConfig, kind: str, training: TrainConfig, outcome: TrainingOutcome
) -> list[str]:
    """What there is to say of a model that knows drawn streets."""
    return [
        f"{kind}, at a tiny scale and trained on drawn streets.",
        "",
        f"- **Trained on** {training.scenes} drawn pictures of `{training.source}` "
        f"({training.painted[0]} x {training.painted[1]} pixels, seeds from 100000 on)"
        + (f", with the style of `{training.styles}`" if training.styles else "")
        + ", and on nothing else.",
        f"- **Starts from** the CLIP `{outcome.clip}`. That one has seen pictures of most other "
        "domains, and captions of regions of real frames if it was trained with any (see its own "
        'card): "unseen" domains are unseen by this segmenter, as in the paper, not by its CLIP.',
        f"- **Chosen** by the mIoU on {training.validation_scenes} other pictures of the same "
        f"source: {_best(training, outcome)}. No other domain had a say in this run.",
        f"- **Use**: {_use(model)}",
        "- **Terms**: the code is under Apache-2.0; these weights come from that CLIP, so what its "
        "card says about its data holds for them too.",
        "- **Limits**: a toy that shows how the method works. It is no street-scene segmenter for "
        "any real purpose. The weights of its regularisers follow the scale of the tiny CLIP's "
        "embeddings.",
    ]


def _real(
    model: ModelConfig | RivalConfig, kind: str, training: TrainConfig, outcome: TrainingOutcome
) -> list[str]:
    """What there is to say of a model that was trained on pictures on disk; no local paths."""
    return [
        f"{kind}, trained on {outcome.sets}.",
        "",
        f"- **Trained on** {outcome.sets}: {training.batch_size * training.accumulate} crops of "
        f"{training.crop} pixels a step in each process.",
        f"- **Starts from** the CLIP `{outcome.clip}`.",
        f"- **Chosen** by the mIoU on up to {training.validation_scenes} validation pictures of "
        f"the source: {_best(training, outcome)}.",
        f"- **Use**: {_use(model)}",
        "- **Terms**: those of the data sets and of the CLIP.",
    ]


def _use(model: ModelConfig | RivalConfig) -> str:
    """How to use it, and the trained names."""
    names = f"its {len(model.class_names)} names ({', '.join(model.class_names)})"
    if model.class_names == CITYSCAPES_NAMES:
        names = "19 Cityscapes names"
    more = "or any others" if isinstance(model, ModelConfig) else "and synonyms of them"
    return f"`Predictor.load` of this project; {names}, {more}."


def _best(training: TrainConfig, outcome: TrainingOutcome) -> str:
    return f"{100 * outcome.miou:.1f} % at step {outcome.step} of {training.steps}"


def _frozen_tower(model: ModelConfig, training: TrainConfig) -> list[str]:
    """What the regularisers can still do where the image tower does not learn."""
    if training.backbone_factor:
        return []
    if model.queries == "learned":
        return [
            "The image tower is frozen and learned queries read no text: none of the three",
            "regularisers has anything to train.",
        ]
    return [
        "The image tower is frozen: the visual regulariser is zero whatever its weight, and the",
        "pixel-text one trains the prompt and the context decoder alone.",
    ]


def _differences(published: object, here: object, skip: tuple[str, ...]) -> list[str]:
    """Table rows of the fields that differ."""
    names = [f.name for f in dataclasses.fields(published) if f.name not in skip]
    pairs = [(name, getattr(published, name), getattr(here, name)) for name in names]
    return [
        f"| {name} | {as_text(was)} | {as_text(now)} |" for name, was, now in pairs if was != now
    ]
