"""Trains variants of the method with several seeds, measures each, and prints one table.

    python -m tqdm_demo.ablate --out FOLDER --seeds 0,1,2 --jobs 2 [-- OPTIONS OF train]
    python -m tqdm_demo.ablate --out FOLDER --variants tqdm,queries --learning-rates 4e-4,8e-4
    python -m tqdm_demo.ablate --out FOLDER --variants tqdm,queries@8e-4,rein,tldr
    python -m tqdm_demo.ablate --out FOLDER --table
    python -m tqdm_demo.ablate --out FOLDER --world photos --data folder:PHOTOS:val:filter=all \\
        --variants tuned,queries-tuned,queries-tuned-visual,tqdm,queries -- --data-root PHOTOS

Every run is a ``tqdm_demo.train`` and a ``tqdm_demo.evaluate`` in processes of their own, on one
CPU thread each, ``--jobs`` of them side by side; what they print goes to ``FOLDER/RUN/log.txt``.
What is finished is skipped and what was stopped continues, so the same command is given again after
an interruption, or with more seeds or variants. Results are in ``FOLDER/RUN/results.json`` and
``FOLDER/results.json``; the table, of the variants that the command names, has mean ± standard
deviation over the seeds. Its column "source" is what a learning rate may be chosen by: validation
pictures of the source, no other domain.
``--world`` says what is learned from: drawn streets, or photographs (the presets ``photos-*``).
``rein`` and ``tldr`` are the systems that the paper compares with, of the same world.
A run takes as long as its training and 3 to 10 minutes of measuring, by ``--limit``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from tqdm_demo.console import print_any_text
from tqdm_demo.evaluation.ablation import Run, format_table, read_results, summarise, write_json

WORLDS = ("streets", "photos")
_TUNED = ("--backbone-factor", "0.1", "--weight-visual")
# Variant -> model and options of tqdm_demo.train. The image tower of the presets is frozen, so the
# visual regulariser is nothing there: it has variants of its own in which the tower learns. Weight
# 100, because the tiny CLIP's embeddings are small. Learned queries read no text, so that of the
# three regularisers they have the visual one alone.
VARIANTS = {
    "tqdm": ("tqdm",),
    "queries": ("queries",),
    "no-text-to-pixel": ("tqdm", "--no-text-to-pixel"),
    "no-textual": ("tqdm", "--weight-textual", "0"),
    "no-pixel-text": ("tqdm", "--weight-pixel-text", "0"),
    "no-context": ("tqdm", "--no-context-decoder"),
    "early-blocks": ("tqdm", "--pyramid-blocks", "1", "2", "3", "5"),
    "tuned": ("tqdm", *_TUNED, "100"),
    "tuned-no-visual": ("tqdm", *_TUNED, "0"),
    "queries-tuned": ("queries", *_TUNED, "0"),
    "queries-tuned-visual": ("queries", *_TUNED, "100"),
    "rein": ("rein",),
    "tldr": ("tldr",),
}


class Runner:
    """Runs programs one after another or several side by side, and ends them when it is told to.

    Args:
        options: the command line.
    """

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self._running: set[subprocess.Popen] = set()
        self._lock, self._stopped = threading.Lock(), False

    def run(self, run: Run) -> None:
        """Trains and measures; returns at once if that is done.

        Raises:
            RuntimeError: a program failed, or :meth:`stop` was called.
        """
        options, folder = self.options, self.options.out / run.name
        results, model, work = folder / "results.json", folder / "model", folder / "work"
        settings = run_settings(run, options)
        _check_settings(folder, settings)
        if results.exists():
            return
        if not (model / "model.safetensors").exists():
            resume = ["--resume"] if (work / "state.safetensors").exists() else []
            places = ["--out", str(model), "--work", str(work)]
            self._program("train", [*settings["training"], *places, *resume], folder)
        found = folder / "measured.json"
        self._program(
            "evaluate", [str(model), *settings["measuring"], "--json", str(found)], folder
        )
        write_json(results, {**settings, **summarise(model, found)})

    def stop(self) -> None:
        """Asks all running programs to end (trainings save their state) and waits for them."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()
        for process in tuple(self._running):
            process.wait()

    def _program(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        command = [sys.executable, "-m", f"tqdm_demo.{name}", *arguments]
        command += ["--threads", "1", "--workers", "0" if name == "evaluate" else "1"]
        command += ["--device", self.options.device]
        if self.options.cache is not None:
            command += ["--cache", str(self.options.cache)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (folder / "log.txt").open("a") as log:
            with self._lock:
                if self._stopped:
                    raise RuntimeError(f"{folder.name} was stopped")
                process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
                self._running.add(process)
            code = process.wait()
            with self._lock:
                self._running.discard(process)
        if code:
            raise RuntimeError(f"{name} ended with {code}; see {folder / 'log.txt'}")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Raises:
        SystemExit: a run failed; all others were done.
    """
    print_any_text()
    options = _parse(arguments)
    rates = options.learning_rates or [None]
    runs = [
        Run(variant, rate, seed)
        for variant, own in options.variants
        for rate, seed in itertools.product(rates if own is None else [own], options.seeds)
    ]
    runs = list({run.name: run for run in runs}.values())  # a run that is named twice is one
    failures = [] if options.table else run_all(runs, options)
    done = {run: read_results(options.out / run.name) for run in runs}
    done = {run: found for run, found in done.items() if found is not None}
    if done:
        write_json(options.out / "results.json", {run.name: found for run, found in done.items()})
        print(format_table(done))
    if failures:
        raise SystemExit("\n".join(failures))


def run_all(runs: Sequence[Run], options: argparse.Namespace) -> list[str]:
    """Does all runs, ``options.jobs`` side by side; what went wrong, a line a run."""
    runner, failures = Runner(options), []
    # As on Ctrl-C: the programs are stopped below, and save their states.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        ThreadPoolExecutor(options.jobs) as executor,
        tqdm(total=len(runs), desc="ablate", unit="run") as bar,
    ):
        waiting = {executor.submit(runner.run, run): run for run in runs}
        try:
            for future in as_completed(waiting):
                bar.update()
                if error := future.exception():
                    failures.append(f"{waiting[future].name}: {error}")
                    tqdm.write(failures[-1])
        except KeyboardInterrupt:
            executor.shutdown(wait=False, cancel_futures=True)
            runner.stop()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)
    return failures


def run_settings(run: Run, options: argparse.Namespace) -> dict[str, list[str]]:
    """The options of a run's training and of its measurement, without places."""
    model, *more = VARIANTS[run.variant]
    training = ["--preset", f"{options.world}-{model}", *more, "--seed", str(run.seed)]
    if run.learning_rate is not None:
        training += ["--learning-rate", str(run.learning_rate)]
    if options.steps is not None:
        training += ["--steps", str(options.steps)]
    measuring = ["--data", options.data, "--limit", str(options.limit)]
    return {"training": [*training, *options.training], "measuring": measuring}


def _check_settings(folder: Path, settings: dict[str, list[str]]) -> None:
    """Notes the settings of a run, or compares them with those of the run that is there.

    Raises:
        RuntimeError: the run was begun with others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    noted = folder / "settings.json"
    if noted.exists() and (before := json.loads(noted.read_text())) != settings:
        raise RuntimeError(f"{folder} was begun with {before}, not {settings}; take another --out")
    write_json(noted, settings)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--world", choices=WORLDS, default="streets", help="what is learned from")
    parser.add_argument(
        "--variants",
        type=_variants,
        default=[(name, None) for name in VARIANTS],
        metavar="NAME[@RATE],...",
        help="what is trained, each at --learning-rates or at the rate behind its name",
    )
    parser.add_argument("--seeds", type=_list_of(int), default=[0, 1, 2], metavar="S,...")
    parser.add_argument("--learning-rates", type=_list_of(_rate), default=[], metavar="R,...")
    parser.add_argument("--steps", type=int, help="of each training; default: the preset's")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--data", default="streets:all", help="as evaluate's, folders too")
    parser.add_argument("--limit", type=int, default=101, help="pictures of each data set")
    parser.add_argument("--device", default="cpu", help="auto, cuda, mps or cpu")
    parser.add_argument("--cache", type=Path, help="of painted pictures")
    parser.add_argument("--table", action="store_true", help="only print what is done")
    parser.add_argument("training", nargs="*", help="after --: options of tqdm_demo.train")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs is {options.jobs}; it must be at least 1")
    return options


def _variants(text: str) -> list[tuple[str, float | None]]:
    """Names and their own learning rates, if they have one, of "NAME,NAME@RATE"."""
    parts = [part.partition("@") for part in text.split(",")]
    unknown = [name for name, *_ in parts if name not in VARIANTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown} unknown; known are {', '.join(VARIANTS)}")
    return [(name, _rate(rate) if at else None) for name, at, rate in parts]


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no learning rate: a number above 0")
    return rate


def _list_of(kind: Callable[[str], object]) -> Callable[[str], list]:
    def numbers(text: str) -> list:
        return [kind(part) for part in text.split(",")]

    return numbers


if __name__ == "__main__":
    main()
