"""Where models come from: the names that a command line or a menu may give, and what they are.

A *source* is one text:

    streets-tqdm               a bundled model
    path/to/folder             a checkpoint folder on this machine
    user/name                  a checkpoint folder on the Hugging Face Hub
    zero-shot:FOLDER           a CLIP (any of the three above) that segments by similarity alone
    open_clip:ARCH/PRETRAINED  the same with one of open_clip's published CLIPs
    published:NAME             weights that their authors publish, downloaded and converted at first
                               use; ``#float16`` behind it stores them in half the space

``#plain``, ``#maskclip`` or ``#clearclip`` behind one of the two CLIPs names its similarity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tqdm_demo.checkpoints.folder_files import (
    CONFIG_FILE,
    RIVAL_SYSTEMS,
    TENSOR_FILE,
    find_clip,
    read_config,
    read_model_config,
    resolve_source,
    system_of,
)
from tqdm_demo.checkpoints.hub import fetch
from tqdm_demo.checkpoints.published.catalogue import (
    DTYPES,
    PUBLISHED,
    WEIGHTS_BY_NAME,
    find_weights,
)
from tqdm_demo.checkpoints.published.store import Tell, cached_weights, fetch_weights
from tqdm_demo.checkpoints.recorded_figures import describe_training
from tqdm_demo.systems.system import METHODS

ZERO_SHOT = "zero-shot:"
OPEN_CLIP = "open_clip:"
PUBLISHED_SOURCES = tuple(PUBLISHED + name for name in WEIGHTS_BY_NAME)
# The first is what the page starts with, and the first three are what it compares.
BUNDLED = (
    "streets-tqdm",
    "streets-queries",
    "zero-shot:mini-clip",
    "photos-tqdm",
    "photos-queries",
    "photos-tldr",
    "streets-tldr",
    "streets-rein",
)

_HUB = re.compile(r"[\w.-]+/[\w.-]+")
# Kind of a model -> title where its source has none of its own.
TITLES = {
    "textual": "tqdm",
    "learned": "learned queries",
    "zero-shot": "zero-shot CLIP",
    "rein": "Rein",
    "soma": "SoMA",
    "tldr": "TLDR",
}


@dataclass(frozen=True)
class Description:
    """What is known of a model without loading it.

    Attributes:
        source: what ``Predictor.load`` takes.
        title: short, for menus and column heads.
        about: one line: what it was trained on, measured figures where there are some.
        kind: one of :data:`TITLES`, or empty where that is not known yet.
        names: the classes it was trained on; empty = none, or not known yet.
        words: lower case, what its text tower saw while it was trained; empty = not recorded.
        measured: (data set, mIoU in percent) as an evaluation has recorded it.
    """

    source: str
    title: str
    about: str
    kind: str
    names: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    measured: tuple[tuple[str, float], ...] = ()


def _open_clip(name: str, title: str, about: str) -> Description:
    return Description(f"{OPEN_CLIP}{name}", f"{title}, zero-shot", about, "zero-shot")


# A few of open_clip's models whose patch tokens are worth looking at. All are downloaded on first
# use; the sizes are those of the downloads.
CURATED = (
    _open_clip(
        "ViT-B-16/openai",
        "CLIP ViT-B/16 (OpenAI)",
        "The CLIP that the paper's ViT-B model starts from: 400 million pairs, 0.6 GB.",
    ),
    _open_clip(
        "ViT-B-16/laion2b_s34b_b88k",
        "CLIP ViT-B/16 (LAION-2B)",
        "The same architecture, trained on two billion public pairs, 0.6 GB.",
    ),
    _open_clip(
        "ViT-B-32/openai",
        "CLIP ViT-B/32 (OpenAI)",
        "The fastest of OpenAI's: patches of 32 pixels, so coarse maps, 0.6 GB.",
    ),
    _open_clip(
        "ViT-L-14-336/openai",
        "CLIP ViT-L/14 at 336 (OpenAI)",
        "OpenAI's largest: slower, and in dense use not always better than ViT-B, 1.7 GB.",
    ),
    _open_clip(
        "EVA02-B-16/merged2b_s8b_b131k",
        "EVA02-CLIP-B/16",
        "EVA-CLIP, two billion pairs; a timm tower, so plain similarity only, 0.6 GB.",
    ),
    _open_clip(
        "EVA02-L-14-336/merged2b_s6b_b61k",
        "EVA02-CLIP-L/14 at 336",
        "The CLIP that the paper's large models start from; plain similarity only, 1.7 GB.",
    ),
)


def describe(source: str) -> Description:
    """Says what a source is, from its ``config.json`` where that is on this machine.

    Never raises and never uses the network: what is not known stays empty.
    """
    for description in CURATED:
        if description.source == source:
            return description
    name = source.removeprefix(ZERO_SHOT).removeprefix(OPEN_CLIP).partition("#")[0]
    if source.startswith(PUBLISHED) and name.removeprefix(PUBLISHED) in WEIGHTS_BY_NAME:
        weights = WEIGHTS_BY_NAME[name.removeprefix(PUBLISHED)]
        return Description(source, weights.title, weights.about, weights.kind)
    if source.startswith(OPEN_CLIP):
        about = "One of open_clip's models; downloaded on first use."
        return Description(source, f"{name}, zero-shot", about, "zero-shot")
    kind = "zero-shot" if source.startswith(ZERO_SHOT) else ""
    try:
        folder = resolve_source(name)
        sections = read_config(folder)
        system = system_of(sections)
        names, tower = (), None
        if not kind and system in RIVAL_SYSTEMS:
            kind, names = system, tuple(sections["model"]["class_names"])
        elif not kind:
            config = read_model_config(folder)
            kind, names, tower = config.queries, config.class_names, config.text_tower
        about, found = describe_training(sections), sections.get("results", {}).get("measured", {})
        measured = tuple((name, float(figures["miou"])) for name, figures in found.items())
    except (ValueError, KeyError, TypeError, AttributeError, OSError):  # the file may be anybody's
        return Description(source, name, "Not loaded yet.", kind)
    title = TITLES[kind] if source in BUNDLED else Path(name).name
    if source in BUNDLED and source.startswith("photos-"):
        title += ", photographs"
    words = _recorded_words(folder, tower)
    return Description(source, title, about, kind, names, words, measured)


def is_missing(source: str) -> bool:
    """Whether a source names published weights that would have to be downloaded first.

    Raises:
        ValueError: there are none of that name.
    """
    return source.startswith(PUBLISHED) and cached_weights(*_split_published(source)) is None


def locate(source: str, tell: Tell | None = None) -> Path:
    """The folder or file of a model, downloaded where it is not on this machine.

    Args:
        source: see the module.
        tell: is told of the download of published weights, see ``published/store.py``.

    Raises:
        ValueError: there is no such model, or it cannot be had; the message says what to do.
    """
    if source.startswith(PUBLISHED):
        return fetch_weights(*_split_published(source), tell=tell)
    name = split_source(source)[1]
    if source.startswith(OPEN_CLIP):
        from tqdm_demo.checkpoints.open_clip_models import locate_clip

        return locate_clip(name)
    if _HUB.fullmatch(name) and not Path(name).exists():
        return _from_hub(name)
    return resolve_source(name)


def split_source(source: str) -> tuple[str, str, str | None]:
    """Prefix, name, and the similarity behind a ``#`` of a source."""
    if source.startswith(PUBLISHED):
        return PUBLISHED, _split_published(source)[0], None
    prefix = next((p for p in (ZERO_SHOT, OPEN_CLIP) if source.startswith(p)), "")
    name, _, method = source.removeprefix(prefix).partition("#")
    if method and method not in METHODS:
        raise ValueError(
            f"{source!r}: there is no similarity {method!r}, only {', '.join(METHODS)}"
        )
    return prefix, name, method or None


def _split_published(source: str) -> tuple[str, str]:
    """Name and dtype of ``published:NAME#DTYPE``."""
    name, _, dtype = source.removeprefix(PUBLISHED).partition("#")
    weights = find_weights(name)
    if dtype and dtype not in DTYPES:
        raise ValueError(f"{source!r}: behind the # stands {' or '.join(DTYPES)}")
    return weights.name, dtype or "float32"


def _from_hub(repository: str) -> Path:
    """The folder in the local cache that holds a checkpoint from the Hub."""
    folder = fetch(repository, (CONFIG_FILE, TENSOR_FILE))
    for file in (CONFIG_FILE, TENSOR_FILE):
        if not (folder / file).is_file():
            raise ValueError(f"{repository} on the Hub is no model of this project: no {file}.")
    return folder


def words_of(folder: Path, text_tower: str | None) -> frozenset[str]:
    """The words that the text tower saw: recorded with the CLIP that it comes from."""
    owner = folder if text_tower is None else find_clip(text_tower, folder)
    return frozenset(read_config(owner).get("words", ()))


def _recorded_words(folder: Path, text_tower: str | None) -> frozenset[str]:
    """:func:`words_of`; none where the CLIP's folder is not there or not readable."""
    try:
        return words_of(folder, text_tower)
    except (ValueError, OSError, TypeError):
        return frozenset()
