"""Measures models on labelled pictures, through the same predictor that the page uses.

    python -m tqdm_demo.evaluate MODEL... --data SPEC --limit N --seed S --json FILE

MODEL is a bundled name, a checkpoint folder, or zero-shot:CLIP. SPEC is a comma-separated list of
streets:DOMAIN, streets:all, folder:PATH and folder:PATH:SPLIT. Drawn streets are the scenes from
seed S on (all of them below 10000, where nothing is trained); of a folder, N pictures are chosen by
S. Classes that never occur in a data set's labels are left out of its mean and of the argmax.
``--synonyms`` asks for one-word synonyms in place of the 19 names, ``--names-file`` for any others.
Prints mIoU in percent, method x data set, with the mean over the unseen domains (all but the
source) and over the two that were held out of everything. One CPU core takes about 4 pictures of
256 x 128 a second, and 1 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from tqdm_demo.predictor import Predictor
from tqdm_demo.sources import locate
from tqdm_demo.streets.captions import SYNONYMS
from tqdm_demo.streets.domains import HELD_OUT, SOURCE
from tqdm_demo.training.datasets import FileSource, LabelledPicture, StreetSource, parse_data
from tqdm_demo.training.metrics import ConfusionMatrix
from tqdm_demo.training.street_pool import CACHE_DIR
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

ONE_WORD_SYNONYMS = tuple(words[1] for words in SYNONYMS)

Results = dict[str, dict[str, dict]]


@dataclass(frozen=True)
class Selection:
    """Which pictures of every data set, and how models run.

    Attributes:
        limit: pictures of each set.
        seed: first scene of drawn streets; chooses the pictures of a folder.
        size: (width, height) of drawn streets.
        names: what is asked for in place of the 19 class names, in their order.
        cache: folder of painted pictures.
        device, threads: where models run, and CPU threads of each process.
    """

    limit: int
    seed: int
    size: tuple[int, int]
    names: tuple[str, ...]
    cache: Path
    device: str
    threads: int


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _parse(arguments)
    sources = parse_data(options.data)
    for model in options.models:
        locate(model)
    selection = Selection(
        limit=options.limit,
        seed=options.seed,
        size=tuple(options.size),
        names=_names(options),
        cache=options.cache,
        device=options.device,
        threads=options.threads,
    )
    config = {
        "models": options.models,
        "data": options.data,
        "limit": options.limit,
        "seed": options.seed,
        "size": options.size,
        "names": selection.names,
    }
    print(json.dumps(config))
    for source in sources:  # painted here by all processes, read by each later
        next(iter(_pictures(source, selection, options.workers)))
    results = measure_all(options.models, sources, selection, options.workers)
    print(format_table(results))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"results": results, "config": config}, indent=1) + "\n")


def measure_all(
    models: Sequence[str],
    sources: Sequence[StreetSource | FileSource],
    selection: Selection,
    workers: int,
) -> Results:
    """Every model on every source, in ``workers`` processes (0: in this one).

    Returns:
        By model and source: ``miou`` (percent), ``iou`` (class -> percent), ``pictures``.
    """
    tasks = [(model, source) for model in models for source in sources]
    run = partial(_measure_task, selection=selection)
    results: Results = {model: {} for model in models}
    with tqdm(total=len(tasks), desc="evaluate", unit="set") as bar:
        for (model, source), found in zip(tasks, _in_order(run, tasks, workers), strict=True):
            results[model][source.spec] = found
            bar.update()
    return results


def measure(
    predictor: Predictor,
    pictures: Iterable[LabelledPicture],
    names: Sequence[str] = CITYSCAPES_NAMES,
) -> dict:
    """One model on one data set; see :func:`measure_all` for what comes back.

    Args:
        predictor: the model.
        pictures: all of them are held in memory.
        names: what to ask for, one per Cityscapes class.

    Raises:
        ValueError: no labelled pixel.
    """
    pictures = list(pictures)
    labels = np.unique(np.concatenate([np.unique(picture.labels) for picture in pictures]))
    present = labels[labels < len(CITYSCAPES_NAMES)]
    asked = [names[train_id] for train_id in present]
    confusion = ConfusionMatrix(len(CITYSCAPES_NAMES))
    for picture in pictures if asked else ():
        label_map = predictor.segment(picture.image, asked).label_map
        confusion.update(present[label_map], picture.labels)
    return {
        "miou": round(100 * confusion.miou(), 3),
        "iou": {CITYSCAPES_NAMES[k]: round(100 * confusion.iou()[k], 3) for k in present.tolist()},
        "pictures": len(pictures),
    }


def format_table(results: Results) -> str:
    """mIoU per model (row) and data set (column), with the means over unseen and held-out ones."""
    unseen, held_out = _street_means(results)
    specs = list(next(iter(results.values())))
    # The domain of streets, the last part of a folder's path.
    headings = [Path(spec.split(":")[1]).name for spec in specs]
    rows = [["mIoU %", *headings, "unseen", "held-out"]]
    for model, by_source in results.items():
        cells = [by_source[spec]["miou"] for spec in specs]
        means = [_mean(by_source[s]["miou"] for s in group) for group in (unseen, held_out)]
        rows.append([model, *(f"{cell:.1f}" for cell in cells), *means])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _street_means(results: Results) -> tuple[list[str], list[str]]:
    """The specifications that count as unseen, and those held out of everything."""
    specs = [spec for spec in next(iter(results.values())) if spec.startswith("streets:")]
    unseen = [spec for spec in specs if spec != f"streets:{SOURCE}"]
    return unseen, [spec for spec in specs if spec.split(":")[1] in HELD_OUT]


def _mean(values: Iterable[float]) -> str:
    values = list(values)
    return f"{np.mean(values):.1f}" if values else "-"


def _in_order(run: Callable, tasks: Sequence[tuple], workers: int) -> Iterable[dict]:
    if not workers:
        yield from map(run, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as executor:
        yield from executor.map(run, tasks)


def _measure_task(task: tuple[str, StreetSource | FileSource], selection: Selection) -> dict:
    model, source = task
    if selection.threads:
        torch.set_num_threads(selection.threads)
    predictor = _load(model, selection.device)
    return measure(predictor, _pictures(source, selection, workers=0), selection.names)


@lru_cache(maxsize=1)  # the tasks of one model follow one another
def _load(model: str, device: str) -> Predictor:
    return Predictor.load(model, device)


def _pictures(
    source: StreetSource | FileSource, selection: Selection, workers: int
) -> Iterable[LabelledPicture]:
    if isinstance(source, FileSource):
        return source.pictures(selection.limit, selection.seed)
    chosen = (selection.limit, selection.seed, selection.size)
    return source.pictures(*chosen, selection.cache, workers)


def _names(options: argparse.Namespace) -> tuple[str, ...]:
    """The names to ask for, one per Cityscapes class.

    Raises:
        ValueError: a file that does not have exactly one line per class.
    """
    if options.synonyms:
        return ONE_WORD_SYNONYMS
    if options.names_file is None:
        return CITYSCAPES_NAMES
    lines = options.names_file.read_text(encoding="utf-8").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != len(CITYSCAPES_NAMES):
        raise ValueError(
            f"{options.names_file} has {len(names)} names; it takes {len(CITYSCAPES_NAMES)}, one "
            "a line, in the order of the Cityscapes classes"
        )
    return names


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--data", default="streets:all", metavar="SPEC")
    parser.add_argument("--limit", type=int, default=100, help="pictures of each data set")
    parser.add_argument("--seed", type=int, default=0, help="first scene, or choice from a folder")
    parser.add_argument("--json", type=Path, metavar="FILE")
    names = parser.add_mutually_exclusive_group()
    names.add_argument("--synonyms", action="store_true", help="ask for one-word synonyms")
    names.add_argument("--names-file", type=Path, help="19 lines, in place of the class names")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 128), metavar=("W", "H"))
    parser.add_argument("--workers", type=int, default=2, help="processes; 0 = this one alone")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of each; 0 = all")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--cache", type=Path, default=CACHE_DIR, help="of painted pictures")
    options = parser.parse_args(arguments)
    if options.limit < 1:
        parser.error("--limit must be at least 1")
    return options


if __name__ == "__main__":
    main()
