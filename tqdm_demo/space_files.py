"""What a Space on one kind of hardware needs: front matter, requirements, variables.

The Hub's rules as of August 2026; none was tried on a Space. A Space passes no arguments, so that
what the demo should serve is a variable, ``TQDM_MODELS``. gradio, huggingface_hub and spaces are
set by the platform (``sdk_version``) and left out of the requirements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# What ZeroGPU takes; another version ends in CONFIG_ERROR.
ZERO_GPU = "zero-a10g"
ZERO_GPU_TORCH = ("torch==2.11.0", "torchvision==0.26.0")
CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"
HARDWARE = (
    "cpu-basic", "cpu-upgrade", ZERO_GPU, "t4-small", "t4-medium", "l4x1", "l40sx1", "a10g-small",
    "a10g-large", "a100-large",
)  # fmt: skip
# A push with git is refused for files above 10 MiB that are not in LFS; the Hub's API needs none.
GIT_ATTRIBUTES = "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
PLATFORMS_OWN = ("gradio", "huggingface_hub", "spaces")
_HUB = re.compile(r"[\w.-]+/[\w.-]+")


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
    """
    _, front, rest = text.split("---\n", 2)
    front += f"suggested_hardware: {hardware}\n"
    if any(source.startswith("published:") for source in models):
        front += "startup_duration_timeout: 1h\n"  # they are downloaded at start
    repositories = [source.removeprefix("zero-shot:") for source in models]
    if preloaded := [name for name in repositories if _HUB.fullmatch(name)]:
        front += "preload_from_hub:\n"
        front += "".join(f"  - {name} config.json,model.safetensors\n" for name in preloaded)
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


def _package(line: str) -> str:
    found = re.match(r"[\w-]+", line)
    return found[0].lower().replace("-", "_") if found else ""
