"""What a Space on one kind of hardware needs: front matter, requirements, variables.

The Hub's rules as of August 2026; none was tried on a Space. A Space passes no arguments, so that
what the demo should serve is a variable, ``TQDM_MODELS``. gradio, huggingface_hub and spaces are
set by the platform (``sdk_version``) and left out of the requirements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tqdm_demo.checkpoints.folder_files import CONFIG_FILE, TENSOR_FILE, WEIGHTS
from tqdm_demo.checkpoints.open_clip_models import clip_repository
from tqdm_demo.checkpoints.published.catalogue import PUBLISHED
from tqdm_demo.checkpoints.sources import OPEN_CLIP, ZERO_SHOT, is_missing

# What ZeroGPU takes; another version ends in CONFIG_ERROR.
ZERO_GPU = "zero-a10g"
ZERO_GPU_TORCH = ("torch==2.11.0", "torchvision==0.26.0")
CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"
# The first is what a free account gets.
HARDWARE = (
    ZERO_GPU, "cpu-basic", "cpu-upgrade", "t4-small", "t4-medium", "l4x1", "l40sx1", "a10g-small",
    "a10g-large", "a100-large",
)  # fmt: skip
# A push with git is refused for binary files that are not in LFS; the Hub's API needs none.
GIT_ATTRIBUTES = "".join(
    f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in ("safetensors", "jpg", "png")
)
PLATFORMS_OWN = ("gradio", "huggingface_hub", "spaces")
_HUB = re.compile(r"[\w.-]+/[\w.-]+")


def check_models(models: Sequence[str]) -> None:
    """Looks whether a Space can have the models that it is to serve.

    Raises:
        ValueError: a name that there is not, or a folder of this machine.
    """
    for source in models:
        name = _folder_of(source)
        if source.startswith(PUBLISHED):
            is_missing(source)  # raises where there are no such weights, as does the next one
        elif source.startswith(OPEN_CLIP):
            clip_repository(name.removeprefix(OPEN_CLIP))
        elif not _is_bundled(name) and not _is_on_hub(name):
            raise ValueError(
                f"{source!r} is neither bundled nor on the Hub, so a Space cannot have it. Send a "
                f"folder first: python -m tqdm_demo.publish {name} user/name"
            )


def space_requirements(text: str, hardware: str) -> str:
    """The requirements of a Space.

    Args:
        text: of requirements.txt.
        hardware: of :data:`HARDWARE`.
    """
    lines = [line for line in text.splitlines() if _package(line) not in PLATFORMS_OWN]
    if hardware == ZERO_GPU:
        fixed = {_package(line): line for line in ZERO_GPU_TORCH}
        lines = [fixed.get(_package(line), line) for line in lines]
    elif hardware.startswith("cpu-"):
        lines.insert(0, CPU_INDEX)
    return "\n".join(lines) + "\n"


def space_readme(text: str, hardware: str, models: Sequence[str]) -> str:
    """The README of a Space: its front matter with what the hardware and the models need.

    Args:
        text: of README.md; its front matter opens with ``---``.
        hardware: of :data:`HARDWARE`.
        models: sources that the Space serves first.

    Raises:
        ValueError: as :func:`check_models`.
    """
    check_models(models)
    _, front, rest = text.split("---\n", 2)
    front += f"suggested_hardware: {hardware}\n"
    if any(source.startswith(PUBLISHED) for source in models):
        front += "startup_duration_timeout: 1h\n"  # they are downloaded at start
    if preloaded := [name for name in map(_folder_of, models) if _is_on_hub(name)]:
        front += "preload_from_hub:\n"
        front += "".join(f"  - {name} {CONFIG_FILE},{TENSOR_FILE}\n" for name in preloaded)
    return f"---\n{front}---\n{rest}"


def space_variables(models: Sequence[str]) -> dict[str, str]:
    """Variables of a Space, by name."""
    return {"TQDM_MODELS": ",".join(models)} if models else {}


def describe_space(readme: str, requirements: str, hardware: str, models: Sequence[str]) -> str:
    """What is written for a Space, to be read before it is sent.

    Args:
        readme: of :func:`space_readme`.
        requirements: of :func:`space_requirements`.
        hardware: of :data:`HARDWARE`.
        models: sources that the Space serves first.
    """
    variables = "".join(f"{k}={v}\n" for k, v in space_variables(models).items())
    front = readme.split("---\n")[1]
    return (
        f"\nhardware: {hardware}\nvariables:\n{variables or '(none)'}\n"
        f"README.md begins:\n{front}\nrequirements.txt:\n{requirements}"
    )


def _folder_of(source: str) -> str:
    """A source without what stands before and behind the name of its folder."""
    return source.removeprefix(ZERO_SHOT).partition("#")[0]


def _is_bundled(name: str) -> bool:
    return Path(name).name == name and (WEIGHTS / name / CONFIG_FILE).is_file()


def _is_on_hub(name: str) -> bool:
    """Whether that is the name of a repository, and not of a folder of this machine."""
    return _HUB.fullmatch(name) is not None and not Path(name).exists()


def _package(line: str) -> str:
    found = re.match(r"[\w-]+", line)
    return found[0].lower().replace("-", "_") if found else ""
