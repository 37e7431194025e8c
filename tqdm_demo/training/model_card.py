"""The model card of a segmenter that was trained here: what it is, on what, how, how well."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.data.specs import Spec, split_specs
from tqdm_demo.training.loop import Progress
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


def write_card(
    folder: Path, model: ModelConfig, training: TrainConfig, clip: str, progress: Progress
) -> None:
    """Writes ``folder/README.md``.

    Args:
        folder: of the checkpoint; its name is the model's.
        model: architecture.
        training: how it was trained.
        clip: name of the CLIP that it started from.
        progress: how the training ended.
    """
    lines = [
        "---",
        "license: other",
        "pipeline_tag: image-segmentation",
        "---",
        "",
        f"# {folder.name}",
        "",
        *(_drawn if training.source.startswith("streets:") else _real)(
            model, training, clip, progress
        ),
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
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _drawn(model: ModelConfig, training: TrainConfig, clip: str, progress: Progress) -> list[str]:
    """What there is to say of a model that knows drawn streets."""
    return [
        f"{_KINDS[model.queries]}, at a tiny scale and trained on drawn streets.",
        "",
        f"- **Trained on** {training.scenes} drawn pictures of `{training.source}` "
        f"({model.input_size[1]} x {model.input_size[0]} pixels, seeds from 100000 on), and on "
        "nothing else.",
        f"- **Starts from** the CLIP `{clip}`. That one has seen pictures of most other domains, "
        "and captions of regions of real frames if it was trained with any (see its own card): "
        '"unseen" domains are unseen by this segmenter, as in the paper, not by its CLIP.',
        f"- **Chosen** by the mIoU on {training.validation_scenes} other pictures of the same "
        f"source: {_best(progress)}. No other domain had a say.",
        f"- **Use**: {_use(model)}",
        "- **Terms**: the code is under Apache-2.0; these weights come from that CLIP, so what its "
        "card says about its data holds for them too.",
        "- **Limits**: a toy that shows how the method works. It is no street-scene segmenter for "
        "any real purpose. The weights of its regularisers follow the scale of the tiny CLIP's "
        "embeddings.",
    ]


def _real(model: ModelConfig, training: TrainConfig, clip: str, progress: Progress) -> list[str]:
    """What there is to say of a model that was trained on pictures on disk; no local paths."""
    sets = ", ".join(dict.fromkeys(_set_name(spec) for spec in split_specs(training.source)))
    return [
        f"{_KINDS[model.queries]}, trained on {sets}.",
        "",
        f"- **Trained on** {sets}: {training.batch_size * training.accumulate} crops of "
        f"{training.crop} pixels a step in each process.",
        f"- **Starts from** the CLIP `{clip}`.",
        f"- **Chosen** by the mIoU on up to {training.validation_scenes} validation pictures of "
        f"the source: {_best(progress)}.",
        f"- **Use**: {_use(model)}",
        "- **Terms**: those of the data sets and of the CLIP.",
    ]


def _set_name(spec: Spec) -> str:
    """A set's kind; of a plain folder also its name."""
    return f"folder {spec.short_place}" if spec.kind == "folder" else spec.kind


def _use(model: ModelConfig) -> str:
    """How to use it, and the trained names."""
    names = f"its {len(model.class_names)} names ({', '.join(model.class_names)})"
    if model.class_names == CITYSCAPES_NAMES:
        names = "19 Cityscapes names"
    return f"`Predictor.load` of this project; {names}, or any others."


def _best(progress: Progress) -> str:
    miou = 100 * progress.best_miou
    return f"{miou:.1f} % at step {progress.best_step} of {progress.step}"


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
    return [f"| {name} | {_text(was)} | {_text(now)} |" for name, was, now in pairs if was != now]


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
