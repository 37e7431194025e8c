"""The model card of a segmenter that was trained here: what it is, on what, how, how well."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.checkpoints.model_card import as_text, front_matter
from tqdm_demo.config import ModelConfig, TrainConfig
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
    folder: Path, model: ModelConfig, training: TrainConfig, outcome: TrainingOutcome
) -> None:
    """Writes ``folder/README.md``.

    Args:
        folder: of the checkpoint; its name is the model's.
        model: architecture.
        training: how it was trained.
        outcome: what came of it.
    """
    lines = [
        *front_matter("other"),
        "",
        f"# {folder.name}",
        "",
        *(_drawn if training.source.startswith("streets:") else _real)(model, training, outcome),
        "",
        "## What differs from the published training",
        "",
        "| setting | published | here |",
        "|---|---|---|",
        *_differences(ModelConfig(), model, skip=_NO_SETTINGS),
        *_differences(TrainConfig(), training, skip=_NO_RECIPE),
        "",
        *_frozen_tower(model, training),
        "Every other value is in `config.json`.",
    ]
    replace_text(folder / "README.md", "\n".join(lines) + "\n")


def _drawn(model: ModelConfig, training: TrainConfig, outcome: TrainingOutcome) -> list[str]:
    """What there is to say of a model that knows drawn streets."""
    return [
        f"{_KINDS[model.queries]}, at a tiny scale and trained on drawn streets.",
        "",
        f"- **Trained on** {training.scenes} drawn pictures of `{training.source}` "
        f"({training.painted[0]} x {training.painted[1]} pixels, seeds from 100000 on), and on "
        "nothing else.",
        f"- **Starts from** the CLIP `{outcome.clip}`. That one has seen pictures of most other "
        "domains, and captions of regions of real frames if it was trained with any (see its own "
        'card): "unseen" domains are unseen by this segmenter, as in the paper, not by its CLIP.',
        f"- **Chosen** by the mIoU on {training.validation_scenes} other pictures of the same "
        f"source: {_best(training, outcome)}. No other domain had a say.",
        f"- **Use**: {_use(model)}",
        "- **Terms**: the code is under Apache-2.0; these weights come from that CLIP, so what its "
        "card says about its data holds for them too.",
        "- **Limits**: a toy that shows how the method works. It is no street-scene segmenter for "
        "any real purpose. The weights of its regularisers follow the scale of the tiny CLIP's "
        "embeddings.",
    ]


def _real(model: ModelConfig, training: TrainConfig, outcome: TrainingOutcome) -> list[str]:
    """What there is to say of a model that was trained on pictures on disk; no local paths."""
    return [
        f"{_KINDS[model.queries]}, trained on {outcome.sets}.",
        "",
        f"- **Trained on** {outcome.sets}: {training.batch_size * training.accumulate} crops of "
        f"{training.crop} pixels a step in each process.",
        f"- **Starts from** the CLIP `{outcome.clip}`.",
        f"- **Chosen** by the mIoU on up to {training.validation_scenes} validation pictures of "
        f"the source: {_best(training, outcome)}.",
        f"- **Use**: {_use(model)}",
        "- **Terms**: those of the data sets and of the CLIP.",
    ]


def _use(model: ModelConfig) -> str:
    """How to use it, and the trained names."""
    names = f"its {len(model.class_names)} names ({', '.join(model.class_names)})"
    if model.class_names == CITYSCAPES_NAMES:
        names = "19 Cityscapes names"
    return f"`Predictor.load` of this project; {names}, or any others."


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
