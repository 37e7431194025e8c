"""Measures models on labelled pictures, through the same predictor that the page uses.

    python -m tqdm_demo.evaluate MODEL... --data SPEC [--limit N] [--json FILE] [--markdown FILE]
    torchrun --nproc-per-node N -m tqdm_demo.evaluate MODEL... --data SPEC --limit 0

MODEL is a bundled name, a checkpoint folder, a name on the Hub, zero-shot:CLIP or open_clip:NAME.
SPEC is a comma-separated list of streets:DOMAIN, streets:all and, for sets on disk, KIND:FOLDER
with KIND one of gta5, synthia, cityscapes, bdd100k, mapillary, acdc and folder. Options follow
after colons: a split (without one the validation split is taken), include=0001TP* and
exclude=PATTERN (names of pictures), every=N, filter=DOMAIN (the same pictures with a domain's look;
painterly and conditions are seven domains each, all is both and the pictures as they are; filtered
once, kept below --cache). A folder with a colon or a comma in its name stands in double quotes,
within the shell's: 'folder:"/a,b":val'. data/datasets.py tells more. A folder set with a
classes.txt has its own classes, which any model is asked for by name:

    python -m tqdm_demo.evaluate photos-tqdm --data folder:PHOTOS:val:filter=all
    python -m tqdm_demo.evaluate streets-tqdm --data "folder:CAMVID:train:include=0001TP*"

Of drawn streets the scenes from ``--seed`` on are taken (all of them below 10000, where nothing is
trained); of the others ``--limit`` pictures are chosen by the seed, 0 = all.

The published sets are tested as published: in windows, after resizing to 2048 x 1024 (Cityscapes,
Mapillary) or 1280 x 720 (BDD100K), all 19 names asked for, scored at the labels' own size; streets
and folders in one pass, or as the model prefers, those names asked for whose classes are labelled.
``--mode``, ``--ask``, ``--scales`` and ``--flip`` change that. The mean is over the classes that
occur in the labels: 19, 16 on SYNTHIA (given for the others as well), 11 on CamVid.

Prints mIoU in percent as a Markdown table; ``--markdown`` writes every class's IoU too, ``--json``
everything, ``--contact-sheet`` pictures with predictions, labels and errors; ``--record`` keeps the
figures in the models' own folders, where the page and the card tell them. Under torchrun the
processes share the pictures of each set; the result is the same. One CPU core takes about 4
pictures of 256 x 128 a second with a bundled model, and 1 GB of memory.
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

import torch
from tqdm import tqdm

from tqdm_demo.atomic_files import replace_text
from tqdm_demo.checkpoints.folder_files import CONFIG_FILE
from tqdm_demo.checkpoints.published.store import CACHE_OPTION
from tqdm_demo.checkpoints.sources import locate
from tqdm_demo.console import print_any_text
from tqdm_demo.data.datasets import DataSource, FileSource, StreetSource, describe, parse_data
from tqdm_demo.data.readers import Choice, check_complete, open_readers
from tqdm_demo.data.street_pool import CACHE_DIR
from tqdm_demo.devices import choose_device
from tqdm_demo.evaluation.contact_sheet import SheetRow, write_sheet
from tqdm_demo.evaluation.protocol import EvaluationProtocol
from tqdm_demo.evaluation.recorded import record
from tqdm_demo.evaluation.score_tables import (
    Results,
    format_classes,
    format_notes,
    format_table,
    heading,
)
from tqdm_demo.evaluation.scoring import EvaluationTask, Measured, measure
from tqdm_demo.inference.predictor import MODES, Predictor
from tqdm_demo.streets.captions import SYNONYMS
from tqdm_demo.training.distributed import join, leave, process_count, rank

ONE_WORD_SYNONYMS = tuple(words[1] for words in SYNONYMS)
# Options that change what a figure means, which a recorded one does not tell.
_UNRECORDED = ("mode", "scales", "flip", "ask", "size", "synonyms", "names_file")


@dataclass(frozen=True)
class Machine:
    """Where models run: the device, and the CPU threads of each process."""

    device: str
    threads: int


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Raises:
        SystemExit: what was asked for cannot be measured; a message says why.
    """
    print_any_text()
    options = _parse(arguments)
    try:
        run(options)
    except (ValueError, OSError) as error:
        raise SystemExit(f"evaluate: {error}") from error


def run(options: argparse.Namespace) -> None:
    """Measures what the command line asks for.

    Raises:
        ValueError: an unknown model, a data set that is not there or not whole.
        OSError: the results cannot be written.
    """
    join(choose_device(options.device), "gloo")  # counts in main memory are summed
    sources = parse_data(options.data)
    if not options.limit and any(isinstance(source, StreetSource) for source in sources):
        raise ValueError("--limit 0 means all pictures of a set; of drawn streets there is no end")
    folders = {model: locate(model) for model in options.models}
    for model, folder in folders.items():
        if options.record and not (folder / CONFIG_FILE).is_file():
            raise ValueError(f"--record writes into a model's folder, and {model} has none")
    choice = Choice(options.limit or None, options.seed, options.size, options.cache)
    task = _task(options)
    if rank() == 0:
        print(json.dumps(_config(options, task)))
        print(describe(sources))
    if not task.skip_broken:
        check_complete(sources)
    for source in sources:
        if isinstance(source, StreetSource):  # painted here by all processes, read by each later
            open_readers(source, choice, options.workers)
    machine = Machine(options.device, options.threads)
    workers = options.workers if process_count() == 1 else 0
    measured = measure_all(options.models, sources, choice, task, machine, workers)
    if rank() == 0:
        _report(measured, options, task)
        for model in options.models if options.record else ():
            record(folders[model], {s: found.result for s, found in measured[model].items()})
    leave()


def measure_all(
    models: Sequence[str],
    sources: Sequence[DataSource],
    choice: Choice,
    task: EvaluationTask,
    machine: Machine,
    workers: int,
) -> dict[str, dict[str, Measured]]:
    """Every model on every source, in ``workers`` processes (0: in this one).

    Returns:
        By model and specification of the source.
    """
    pairs = [(model, source) for model in models for source in sources]
    run = partial(_measure_pair, choice=choice, task=task, machine=machine)
    found: dict[str, dict[str, Measured]] = {model: {} for model in models}
    with tqdm(total=len(pairs), desc="evaluate", unit="set", disable=rank() > 0) as bar:
        for (model, source), answer in zip(pairs, _in_order(run, pairs, workers), strict=True):
            found[model][source.spec] = answer
            bar.update()
    return found


def _in_order(run: Callable, pairs: Sequence[tuple], workers: int) -> Iterable[Measured]:
    if not workers:
        yield from map(run, pairs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(pairs)), mp_context=context) as executor:
        yield from executor.map(run, pairs)


def _measure_pair(
    pair: tuple[str, DataSource], choice: Choice, task: EvaluationTask, machine: Machine
) -> Measured:
    model, source = pair
    if machine.threads:
        torch.set_num_threads(machine.threads)
    readers = open_readers(source, choice)
    of_files = source if isinstance(source, FileSource) else None
    caption = f"{model} on {heading(source.spec)}"
    predictor = _load(model, machine.device)
    return measure(predictor, readers, task, of_files, caption)


@lru_cache(maxsize=1)  # the pairs of one model follow one another
def _load(model: str, device: str) -> Predictor:
    return Predictor.load(model, device)


def _report(
    measured: dict[str, dict[str, Measured]], options: argparse.Namespace, task: EvaluationTask
) -> None:
    """Prints the table and writes the files that were asked for."""
    results: Results = {
        model: {spec: found.result for spec, found in by_spec.items()}
        for model, by_spec in measured.items()
    }
    table, notes = format_table(results), format_notes(results)
    print(f"{table}\n\n{notes}")
    if options.json:
        content = {"results": results, "config": _config(options, task)}
        replace_text(options.json, json.dumps(content, indent=1) + "\n")
    if options.markdown:
        replace_text(options.markdown, f"{table}\n\n{notes}\n\n{format_classes(results)}\n")
    if options.contact_sheet:
        every = [found for by_spec in measured.values() for found in by_spec.values()]
        rows: list[SheetRow] = [row for found in every for row in found.rows]
        named = {name for found in every for name in found.result["iou"]}
        write_sheet(options.contact_sheet, rows, named)


def _config(options: argparse.Namespace, task: EvaluationTask) -> dict:
    """What decides the figures."""
    return {
        "models": options.models,
        "data": options.data,
        "limit": options.limit,
        "seed": options.seed,
        "size": list(options.size),
        "names": task.names and list(task.names),
        "mode": options.mode,
        "scales": list(task.protocol.scales),
        "flip": options.flip,
        "ask": options.ask,
    }


def _task(options: argparse.Namespace) -> EvaluationTask:
    return EvaluationTask(
        names=_names(options),
        protocol=EvaluationProtocol(options.mode, options.scales, options.flip),
        ask_all={"all": True, "labelled": False, None: None}[options.ask],
        sheet=options.sheet_rows if options.contact_sheet else 0,
        skip_broken=options.skip_broken,
    )


def _names(options: argparse.Namespace) -> tuple[str, ...] | None:
    """The names to ask for, one a class; None = those of the data sets."""
    if options.synonyms:
        return ONE_WORD_SYNONYMS
    if options.names_file is None:
        return None
    lines = options.names_file.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--data", default="streets:all", metavar="SPEC")
    parser.add_argument("--limit", type=int, default=100, help="pictures of each set; 0 = all")
    parser.add_argument("--seed", type=int, default=0, help="first scene, or choice from a set")
    _add_protocol(parser)
    files = parser.add_argument_group("files")
    files.add_argument("--json", type=Path, metavar="FILE")
    files.add_argument("--markdown", type=Path, metavar="FILE", help="tables, with every class")
    files.add_argument("--contact-sheet", type=Path, metavar="FILE", help="JPEG or PNG")
    files.add_argument("--sheet-rows", type=int, default=3, help="of each model and data set")
    files.add_argument("--record", action="store_true", help="in the models' own folders")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 128), metavar=("W", "H"))
    parser.add_argument("--workers", type=int, default=2, help="processes; 0 = this one alone")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of each; 0 = all")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--cache-dir", **CACHE_OPTION)
    parser.add_argument(
        "--cache", type=Path, default=CACHE_DIR, help="of painted and filtered ones"
    )
    options = parser.parse_args(arguments)
    if options.limit < 0:
        parser.error("--limit must not be negative")
    options.size = tuple(options.size)
    unusual = [name for name in _UNRECORDED if getattr(options, name) != parser.get_default(name)]
    if options.record and unusual:
        given = ", ".join(f"--{name.replace('_', '-')}" for name in unusual)
        parser.error(f"--record is for figures that compare: leave out {given}")
    return options


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    """The options that tell how pictures are read and what is asked."""
    group = parser.add_argument_group("protocol")
    group.add_argument("--mode", choices=MODES, help="default: as the data set is tested")
    group.add_argument("--scales", type=_scales, default=(1.0,), metavar="0.5,1,2",
                       help="sizes whose scores are averaged")  # fmt: skip
    group.add_argument("--flip", action="store_true", help="average with the mirrored picture")
    group.add_argument("--ask", choices=("all", "labelled"), help="which names to ask for")
    group.add_argument("--skip-broken", action="store_true",
                       help="leave out, and list, pictures that cannot be read")  # fmt: skip
    names = group.add_mutually_exclusive_group()
    names.add_argument("--synonyms", action="store_true", help="ask for one-word synonyms")
    names.add_argument("--names-file", type=Path, help="a line a class, in place of its name")


def _scales(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


if __name__ == "__main__":
    main()
