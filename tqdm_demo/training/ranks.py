"""Several processes that measure together: each takes its share, and the counts are added up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Ranks:
    """This process (``rank``) among ``count``; without torchrun there is one."""

    rank: int = 0
    count: int = 1

    @classmethod
    def join(cls) -> Ranks:
        """Meets the other processes of a ``torchrun``, if this is one of its own.

        Where there are GPUs, the process takes the one of its local rank.
        """
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        dist.init_process_group("gloo")  # what is exchanged are counts in main memory
        return cls(dist.get_rank(), count)

    @property
    def first(self) -> bool:
        """Whether this process prints and writes files."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Which of ``count`` pictures are this process's."""
        return range(self.rank, count, self.count)

    def add_up(self, counts: np.ndarray) -> np.ndarray:
        """The sum of everyone's int64 array."""
        if self.count == 1:
            return counts
        total = torch.from_numpy(counts.copy())
        dist.all_reduce(total)
        return total.numpy()

    def collect(self, items: Sequence[Any]) -> list[Any]:
        """Everyone's items, rank by rank; they must be picklable."""
        if self.count == 1:
            return list(items)
        everyone: list[Any] = [None] * self.count
        dist.all_gather_object(everyone, list(items))
        return [item for part in everyone for item in part]

    def leave(self) -> None:
        """Ends the meeting."""
        if self.count > 1:
            dist.destroy_process_group()
