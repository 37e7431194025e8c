"""Time and peak memory: of models on one picture, or of scenarios against another checkout.

    python -m tqdm_demo.benchmark SOURCE... [--size W H] [--mode single|windows] [--device D]
    python -m tqdm_demo.benchmark --cases NAME,... [--against CHECKOUT] [--repeats N]
    python -m tqdm_demo.benchmark --suite RESULT.json [--device D]

SOURCE is what ``app.py --model`` takes. The picture is made up (smooth colours), the class list is
the model's own. Prints one JSON line per model: seconds of loading and of a first answer, those of
a second answer with one more name (features reused where they fit into the cache), the seconds of
computing that all CPU threads spent on the first, which tell more on a busy machine, and the peak
memory of the whole process, which is why every model runs in a process of its own. A picture of
256 x 128 takes seconds, one of 48 megapixels in windows of 512 minutes to hours on a CPU.

The cases are those of ``tqdm_demo.evaluation.speed``: a new picture, an edited name and heat maps
on a model of the published size and a bundled one, large pictures in windows, 100 names, the start
of the page, a step of training. With ``--against`` every repeat runs here and in the other
checkout of this repository in turns, so that the ratio of the medians holds on a busy machine, and
the answers of both are compared. One JSON line a step, a table at the end. On one thread
``published`` takes about 2 minutes, ``windows`` 10, the others less than one each, and 3 GB.

The suite is for a device that nobody has measured yet: parity with the published code's answers (on
the tests' stand-in weights), a new picture, an edit, heat maps, windows, the networks alone, a
profile, a training step and memory, in float32, TF32, bfloat16 and float16, with and without CUDA
graphs (on a CPU without, and in float32 alone); medians of --repeats. Every line is printed and
kept as it comes: a JSON line a result in RESULT.json, a table at the end. After --suite-seconds
nothing new begins. On a CPU it takes several minutes and 3 GB.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from tqdm_demo.console import print_any_text
from tqdm_demo.devices import choose_device
from tqdm_demo.evaluation import device_suite, speed_ratio
from tqdm_demo.evaluation.speed import SCENARIOS, made_up_picture, peak_memory
from tqdm_demo.inference.predictor import MODES, Predictor


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    print_any_text()
    options = _parse(arguments)
    print(json.dumps(vars(options), default=str), flush=True)
    if options.cases:
        _run_cases(options)
    if options.suite is not None:
        _run_suite(options)
    context = multiprocessing.get_context("spawn")
    for source in options.sources:
        with context.Pool(1) as pool:
            found = pool.apply(measure, (source, tuple(options.size), options.mode, options.device))
        print(json.dumps(found), flush=True)


def measure(source: str, size: tuple[int, int], mode: str | None, device: str) -> dict:
    """Loads a model, answers twice, and says what it took, see the module's docstring.

    Args:
        source: the model.
        size: (width, height) of the picture.
        mode: see ``Predictor.segment``.
        device: see ``Predictor.load``.

    Raises:
        ValueError: the model cannot be had, or an unknown mode.
    """
    start = time.perf_counter()
    predictor = Predictor.load(source, device)
    loaded, computing = time.perf_counter(), time.process_time()
    result = predictor.segment(made_up_picture(size), mode=mode)
    first, computed = time.perf_counter(), time.process_time() - computing
    predictor.segment(made_up_picture(size), [*predictor.default_names, "thing"], mode)
    second = time.perf_counter()
    found = {
        "source": source,
        "size": size,
        "mode": result.mode,
        "load_s": round(loaded - start, 2),
        "first_s": round(first - loaded, 2),
        "first_cpu_s": round(computed, 2),
        "second_s": round(second - first, 2),
        "peak_mb": peak_memory(),
    }
    if torch.cuda.is_available():
        found["cuda_peak_mb"] = torch.cuda.max_memory_allocated() // 1024**2
    return found


def _run_cases(options: argparse.Namespace) -> None:
    """Prints the records of the cases, and a table of all of them."""
    with tempfile.TemporaryDirectory() as folder:
        published = Path(options.published or folder)
        if options.published is None:
            speed_ratio.make_stand_in(published)
        against = None if options.against is None else Path(options.against).resolve()
        records = []
        for record in speed_ratio.measure(
            options.cases, published, against, options.repeats, options.threads
        ):
            records.append(record)
            print(json.dumps(dataclasses.asdict(record)), flush=True)
    print(speed_ratio.table(records))


def _run_suite(options: argparse.Namespace) -> None:
    """Writes and prints every result as it comes, and a table of all of them."""
    device, rows = choose_device(options.device), []
    plan = device_suite.Plan() if device.type == "cuda" else device_suite.CPU_PLAN
    given = {
        "sources": options.sources,
        "repeats": options.repeats,
        "seconds": options.suite_seconds,
    }
    plan = dataclasses.replace(plan, **{name: value for name, value in given.items() if value})
    with tempfile.TemporaryDirectory() as folder, options.suite.open("a") as file:
        about = {"device": str(device), "torch": torch.__version__}
        if device.type == "cuda":
            about["card"] = torch.cuda.get_device_name(device)
        found = device_suite.run_suite(device, Path(folder), plan)
        for record in itertools.chain([about], found):
            if isinstance(record, device_suite.Row):
                rows.append(record)
                record = dataclasses.asdict(record)
            print(json.dumps(record), flush=True)
            print(json.dumps(record), file=file, flush=True)
    print(device_suite.table(rows))
    options.sources = []


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="*", metavar="SOURCE")
    parser.add_argument("--size", type=int, nargs=2, default=(512, 512), metavar=("W", "H"))
    parser.add_argument("--mode", choices=MODES, help="default: the model's own")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument(
        "--cases",
        type=lambda text: [name for name in text.split(",") if name],
        default=[],
        metavar="NAME,...",
        help=f"scenarios to time, on the CPU: {', '.join(SCENARIOS)}",
    )
    parser.add_argument(
        "--against", metavar="CHECKOUT", help="another checkout that runs the cases in turns"
    )
    parser.add_argument(
        "--repeats",
        type=int,
        metavar="N",
        help="of each case (default: its own; of the suite: 10 on a GPU, else 1)",
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of each process (default: 1)"
    )
    parser.add_argument(
        "--published",
        metavar="FOLDER",
        help="a converted CLIP ViT-B/16 (default: one with random weights is made for the run)",
    )
    parser.add_argument(
        "--suite", type=Path, metavar="RESULT.json", help="measure the device on all that matters"
    )
    parser.add_argument(
        "--suite-seconds",
        type=float,
        metavar="S",
        help="nothing new begins after these (default: 100 on a GPU, 3600 elsewhere)",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.cases) - set(SCENARIOS):
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    if not options.sources and not options.cases and options.suite is None:
        parser.error("name a SOURCE, --cases or --suite")
    return options


if __name__ == "__main__":
    main()
