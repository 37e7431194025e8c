"""Drawn pictures for training and measuring, painted once by several processes and then kept.

A pool is a folder with two memory-mapped arrays. Its name is a digest of what decides its content
(the painter's source files, seeds, domains, size): an altered painter paints anew, nothing else
does. A pool that was interrupted goes on where it stopped.

Axes: N pictures; H W pixels.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from tqdm import tqdm

from tqdm_demo import streets
from tqdm_demo.streets.domains import DOMAINS, paint

CACHE_DIR = Path("runs/pools")
CHUNK = 32  # pictures that one task paints, and that an interruption loses at most per process
# Files of the streets package that have no say in what a picture looks like.
_NO_PAINTERS = {"captions.py", "paint_examples.py"}


@dataclass(frozen=True)
class StreetPool:
    """Pictures of one size with their labels; read-only.

    Attributes:
        images: uint8 (N, H, W, 3) RGB, memory-mapped.
        labels: uint8 (N, H, W) train ids, 255 = nothing; memory-mapped.
        domains: int64 (N,), index into ``domain_names``.
        seeds: int64 (N,), seed of the scene.
        domain_names: the domains, in the order in which they were asked for.
    """

    images: np.ndarray
    labels: np.ndarray
    domains: np.ndarray
    seeds: np.ndarray
    domain_names: tuple[str, ...]

    @classmethod
    def open(
        cls,
        domains: Sequence[str],
        count: int,
        first_seed: int,
        size: tuple[int, int],
        cache_dir: Path = CACHE_DIR,
        workers: int = 2,
    ) -> StreetPool:
        """The same ``count`` scenes (seeds from ``first_seed`` on) in each of ``domains``.

        Pictures of one domain follow one another; the rest is as in :meth:`open_pictures`.
        """
        if count < 1:
            raise ValueError(f"count is {count}; it must be at least 1")
        seeds = range(first_seed, first_seed + count)
        pictures = [(seed, name) for name in domains for seed in seeds]
        return cls.open_pictures(pictures, size, cache_dir, workers)

    @classmethod
    def open_pictures(
        cls,
        pictures: Sequence[tuple[int, str]],
        size: tuple[int, int],
        cache_dir: Path = CACHE_DIR,
        workers: int = 2,
    ) -> StreetPool:
        """Exactly these pictures, from the cache or painted now.

        Args:
            pictures: (seed, domain) of every picture.
            size: (width, height) in pixels.
            cache_dir: folder of all pools; takes 4 bytes a pixel.
            workers: painting processes; 0 paints in this one.

        Raises:
            ValueError: no pictures, an unknown domain, a negative seed or an empty size.
        """
        _check(pictures, size)
        folder = Path(cache_dir) / f"streets-{_digest(pictures, size)}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.exists():
            if workers and multiprocessing.parent_process():
                # Most likely a program without the guard: it would wait for itself.
                raise RuntimeError('paint below `if __name__ == "__main__":`, or with workers=0')
            with FileLock(folder.with_suffix(".lock")):
                if not folder.exists():
                    partial = folder.with_suffix(".partial")
                    _paint_all(partial, pictures, size, workers)
                    os.replace(partial, folder)
        names = tuple(dict.fromkeys(name for _, name in pictures))
        return cls(
            images=np.load(folder / "images.npy", mmap_mode="r"),
            labels=np.load(folder / "labels.npy", mmap_mode="r"),
            domains=np.array([names.index(name) for _, name in pictures]),
            seeds=np.array([seed for seed, _ in pictures]),
            domain_names=names,
        )

    def __len__(self) -> int:
        return len(self.seeds)


def _check(pictures: Sequence[tuple[int, str]], size: tuple[int, int]) -> None:
    if not pictures:
        raise ValueError("a pool needs at least one picture")
    if min(size) < 1:
        raise ValueError(f"size (width, height) is {size}; both must be at least 1 pixel")
    unknown = sorted({name for _, name in pictures} - set(DOMAINS))
    if unknown:
        raise ValueError(f"unknown domains {unknown}; known are {list(DOMAINS)}")
    if min(seed for seed, _ in pictures) < 0:
        raise ValueError("a scene's seed must not be negative")


def _digest(pictures: Sequence[tuple[int, str]], size: tuple[int, int]) -> str:
    """Sixteen hexadecimal digits that change when a picture of the pool could change."""
    digest = hashlib.sha256(json.dumps([list(size), list(pictures)]).encode())
    package = Path(streets.__path__[0])
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name not in _NO_PAINTERS:
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _paint_all(
    folder: Path, pictures: Sequence[tuple[int, str]], size: tuple[int, int], workers: int
) -> None:
    """Paints what is missing in ``folder``; ``done.txt`` there lists the finished chunks."""
    record = folder / "done.txt"
    if not record.exists():
        _make_arrays(folder, len(pictures), size)
        record.touch()
    done = {int(line) for line in record.read_text().split()}
    todo = [start for start in range(0, len(pictures), CHUNK) if start not in done]
    parts = [pictures[start : start + CHUNK] for start in todo]
    left = sum(map(len, parts))
    arguments = ([folder] * len(todo), todo, parts, [size] * len(todo))
    with (
        record.open("a") as finished,
        tqdm(total=len(pictures), initial=len(pictures) - left, desc="paint", unit="pic") as bar,
        mapper(min(workers, len(todo))) as run,
    ):
        for start, part in zip(todo, run(_paint_chunk, *arguments), strict=True):
            finished.write(f"{start}\n")
            finished.flush()
            bar.update(part)


def _make_arrays(folder: Path, count: int, size: tuple[int, int]) -> None:
    folder.mkdir(exist_ok=True)
    width, height = size
    for name, shape in (("images", (count, height, width, 3)), ("labels", (count, height, width))):
        open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.uint8, shape=shape).flush()


@contextmanager
def mapper(workers: int) -> Iterator:
    """``map`` over processes, or the built-in one where none are wanted."""
    if workers < 1:
        yield map
        return
    # NOTE: spawned, because a forked copy of a process with torch's threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as executor:
        try:
            yield executor.map
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _paint_chunk(
    folder: Path, start: int, pictures: Sequence[tuple[int, str]], size: tuple[int, int]
) -> int:
    """Paints one chunk into the arrays of ``folder``; returns how many pictures that was."""
    images = np.load(folder / "images.npy", mmap_mode="r+")
    labels = np.load(folder / "labels.npy", mmap_mode="r+")
    for index, (seed, domain) in enumerate(pictures, start):
        painting = paint(seed, domain, size)
        images[index], labels[index] = painting.image, painting.labels
    return len(pictures)
