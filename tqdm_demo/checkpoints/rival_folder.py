"""Checkpoint folders of Rein, SoMA and TLDR: ``config.json`` has the section ``system`` too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from tqdm_demo.checkpoints.folder import image_tower_tensors
from tqdm_demo.checkpoints.folder_files import (
    CONFIG_FILE,
    TQDM,
    build_network,
    find_clip,
    load_strictly,
    read_config,
    read_tensors,
    system_of,
    write_folder,
)
from tqdm_demo.checkpoints.skip_init import skip_init
from tqdm_demo.config_json import from_json, to_json
from tqdm_demo.model.deeplab import DeepLabV3Plus
from tqdm_demo.model.mask2former import ReinSegmenter
from tqdm_demo.rival_config import DeepLabConfig, ReinConfig, RivalConfig
from tqdm_demo.systems.rein import ReinModel
from tqdm_demo.systems.system import System
from tqdm_demo.systems.tldr import TldrModel

# Where the tensors of a frozen CLIP tower are, which another folder may hold.
TOWER = "backbone.encoder.tower."


@dataclass(frozen=True)
class Rival:
    """One of the systems that tqdm is compared with.

    Attributes:
        config: class of its architecture.
        network: makes its network.
        system: makes what the predictor asks.
    """

    config: type[RivalConfig]
    network: Callable[[Any], nn.Module]
    system: Callable[[Any], System]


RIVALS = {
    "rein": Rival(ReinConfig, ReinSegmenter, ReinModel),
    "soma": Rival(ReinConfig, ReinSegmenter, ReinModel),
    "tldr": Rival(DeepLabConfig, DeepLabV3Plus, TldrModel),
}


def read_rival_config(folder: Path) -> tuple[Rival, RivalConfig]:
    """The system and the architecture of a rival's folder.

    Raises:
        ValueError: no such folder, a system that is not known, or a setting that is wrong.
    """
    path, sections = Path(folder) / CONFIG_FILE, read_config(folder)
    system = system_of(sections)
    if system not in RIVALS:
        known = ", ".join((TQDM, *RIVALS))
        raise ValueError(f"{path} is of the system {system!r}; known are {known}")
    try:
        return RIVALS[system], from_json(RIVALS[system].config, sections.get("model"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def load_rival(folder: Path) -> nn.Module:
    """Loads a rival's network, in evaluation mode, float32, on the CPU.

    Raises:
        ValueError: a file that is missing or unreadable, or tensors that do not fit.
    """
    folder = Path(folder)
    rival, config = read_rival_config(folder)
    with skip_init():
        network = build_network(lambda: rival.network(config), folder)
    tensors = read_tensors(folder)
    tower = getattr(config, "image_tower", None)
    if tower is not None:
        tensors |= image_tower_tensors(find_clip(tower, folder), TOWER)
    load_strictly(network, tensors, folder)
    return network.eval()


def save_rival(
    network: nn.Module, folder: Path, system: str, sections: Mapping[str, Any], half: bool = True
) -> None:
    """Saves a rival's network, without a frozen tower that another folder holds.

    Args:
        network: what to save.
        folder: is created.
        system: one of :data:`RIVALS`.
        sections: ``training``, ``provenance`` and ``results`` of ``config.json``.
        half: store float16.

    Raises:
        OSError: the disk is full, or the like; what was there before stays.
    """
    config = network.config
    shared = getattr(config, "image_tower", None) is not None
    tensors = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not (shared and name.startswith(TOWER))
    }
    write_folder(
        Path(folder), {"system": system, "model": to_json(config), **sections}, tensors, half
    )
