"""Damages good files and texts in thousands of ways, and looks how each is answered.

    python -m tests.fuzz [--count 2000] [--kinds pictures names configs pth safetensors] [--seed 0]

A damaged input may still be good. Otherwise a user must read a sentence: a plain ValueError, or a
SystemExit with a text from a program. Faults are: any other exception, more than ten seconds
of the processor or two minutes of waiting, and a file that is written or removed outside of the
folder that was given. Inputs with faults are kept in runs/fuzz; the number behind them gives the
same input again (--first N --count 1). The memory is limited, so that an absurd size is an error
and not the end of the machine. Ends with 1 where there was a fault. 2000 of each take some ten
minutes on one core.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from tqdm import tqdm

from tests.conftest import TINY_CLIP, TINY_MODEL, WORDS
from tests.interface.bad_input import PICTURES
from tests.mutations import damage_bytes, damage_json, damage_text
from tqdm_demo.checkpoints.folder import save_clip, save_segmenter
from tqdm_demo.class_list import parse_class_list
from tqdm_demo.config import CLIP_MEAN, CLIP_STD
from tqdm_demo.convert import main as convert
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.model.segmenter import Segmenter

KEPT = Path(__file__).resolve().parents[1] / "runs" / "fuzz"
# Of the processor, and of waiting for whatever: a busy machine is no fault.
SECONDS, WAITED = 10, 120
MEMORY = 12 * 1024**3
LISTS = (
    "road\nsky\ncar, automobile: #0000ff\ntraffic light",
    "person: #123456\nrider\ntrain, tram, rail car",
)
# Calls that change files, with the place of the path among their arguments.
CHANGES = {"os.remove": 0, "os.rename": 1, "os.mkdir": 0, "os.rmdir": 0, "os.truncate": 0,
           "os.link": 1, "os.symlink": 1, "os.chmod": 0, "shutil.rmtree": 0}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        make: draws a damaged input, as bytes.
        try_it: hands it to what reads it, in an empty folder.
    """

    make: Callable[[random.Random], bytes]
    try_it: Callable[[bytes, Path], object]


class Late(BaseException):
    """Too many seconds have passed. No Exception, so that nobody catches it on the way."""


class Watch:
    """Writes down where files are changed outside of a folder while an input is tried."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.outside: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        path = None
        if event in CHANGES:
            path = arguments[CHANGES[event]]
        elif event == "open":
            writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
            path = arguments[0] if (arguments[2] or 0) & writes else None
        if isinstance(path, str | bytes | os.PathLike):
            full = os.path.realpath(os.fsdecode(path))
            if not full.startswith((str(self.folder), "/dev/")):
                self.outside.append(f"{event} {full}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Tries all inputs and prints the table.

    Raises:
        SystemExit: 1 where a fault was found.
    """
    parser = argparse.ArgumentParser(description="Damages inputs, and looks at the answers.")
    parser.add_argument("--count", type=int, default=2000, help="inputs a kind (default: 2000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="of all damages (default: 0)")
    parser.add_argument("--kinds", nargs="+", metavar="KIND", help="default: all")
    options = parser.parse_args(arguments)
    limit_memory()
    sys.dont_write_bytecode = True
    watch, faults = Watch(), 0
    with TemporaryDirectory() as folder:
        kinds = make_kinds(Path(folder).resolve() / "models")
        for name in options.kinds or kinds:
            if name not in kinds:
                raise SystemExit(f"fuzz: {name} is none of {', '.join(kinds)}")
            faults += try_kind(name, kinds[name], options, watch, Path(folder).resolve())
    if faults:
        raise SystemExit(f"fuzz: {faults} faults; the inputs are in {KEPT}")


def try_kind(name: str, kind: Kind, options: argparse.Namespace, watch: Watch, folder: Path) -> int:
    """Tries one kind, prints a summary, and gives the number of faults."""
    judge(kind, kind.make(random.Random("warm")), fresh(folder), watch)  # what is loaded once
    outcomes, faults, slowest = Counter(), Counter(), (0.0, -1)
    numbers = range(options.first, options.first + options.count)
    for number in tqdm(numbers, name, disable=None):
        content = kind.make(random.Random(f"{options.seed} {name} {number}"))
        start = time.process_time()
        said, fault = judge(kind, content, fresh(folder), watch)
        slowest = max(slowest, (time.process_time() - start, number))
        outcomes[said] += not fault
        if fault:
            faults[fault] += 1
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{name}-{options.seed}-{number}").write_bytes(content)
            if faults[fault] == 1:
                tqdm.write(f"{name} {number}: {fault}")
    good = outcomes.pop("", 0)
    print(f"{name}: {options.count} inputs, {good} good all the same, {outcomes.total()} refused "
          f"with {len(outcomes)} sentences, {faults.total()} faults; slowest {slowest[0]:.1f} s "
          f"(number {slowest[1]})", flush=True)  # fmt: skip
    for fault, count in faults.most_common():
        print(f"{count:6}  {fault}", flush=True)
    return faults.total()


def judge(kind: Kind, content: bytes, folder: Path, watch: Watch) -> tuple[str, str]:
    """What a user reads of an input ("" = it is good), and the fault ("" = none)."""
    said, fault, watch.outside = "", "", []
    start, watch.folder = time.process_time(), folder
    signal.signal(signal.SIGPROF, _late)
    signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITED)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            kind.try_it(content, folder)
    except (ValueError, SystemExit) as error:
        said = str(error)
        if type(error) not in (ValueError, SystemExit) or len(said) < 12:
            fault = _where(error)
    except (Exception, Late) as error:
        fault = _where(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        watch.folder = None
    if time.process_time() - start > SECONDS:
        fault = fault or f"took {time.process_time() - start:.0f} s"
    if watch.outside:
        fault = fault or f"outside: {watch.outside[0]}"
    return said, fault


def _late(*_: object) -> None:
    raise Late(f"more than {SECONDS} s, or {WAITED} s of waiting")


def _where(error: BaseException) -> str:
    """An exception, and the last line of the project that it came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "tqdm_demo" in f.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}: {error}".splitlines()[0][:150]


def make_kinds(folder: Path) -> dict[str, Kind]:
    """All kinds of inputs; a small model that they damage is written into a folder."""
    torch.manual_seed(0)
    clip = open_clip.CLIP(**TINY_CLIP)
    about = {"clip": TINY_CLIP, "image_mean": CLIP_MEAN, "image_std": CLIP_STD,
             "input_size": (64, 128), "words": WORDS}  # fmt: skip
    save_clip(clip, folder / "clip", about)
    save_segmenter(Segmenter.from_clip(TINY_MODEL, clip), folder / "model")
    config = json.loads((folder / "model" / "config.json").read_text())
    tensors = (folder / "model" / "model.safetensors").read_bytes()
    predictor = Predictor.load(str(folder / "model"), "cpu")
    pictures, saved = good_pictures(), good_pth()

    def damaged_config(rng: random.Random) -> bytes:
        text = json.dumps(damage_json(config, rng)).encode()
        return damage_bytes(text, rng) if rng.random() < 0.2 else text

    def read_picture(content: bytes, place: Path) -> object:
        (place / "a.png").write_bytes(content)
        return read_image(place / "a.png", 1280)

    def load(model: bytes, values: bytes, place: Path) -> object:
        (place / "config.json").write_bytes(model)
        (place / "model.safetensors").write_bytes(values)
        return Predictor.load(str(place), "cpu")

    def read_names(content: bytes, place: Path) -> object:
        return predictor.check(parse_class_list(content.decode("utf-8", "surrogatepass")))

    def convert_file(content: bytes, place: Path) -> object:
        (place / "a.pth").write_bytes(content)
        return convert([str(place / "a.pth"), str(place / "out")])

    good_config = json.dumps(config).encode()
    return {
        "pictures": Kind(lambda rng: damage_bytes(rng.choice(pictures), rng), read_picture),
        "names": Kind(
            lambda rng: damage_text(rng.choice(LISTS), rng).encode("utf-8", "surrogatepass"),
            read_names,
        ),
        "configs": Kind(damaged_config, lambda content, place: load(content, tensors, place)),
        "pth": Kind(lambda rng: damage_bytes(rng.choice(saved), rng), convert_file),
        "safetensors": Kind(
            lambda rng: damage_bytes(tensors, rng),
            lambda content, place: load(good_config, content, place),
        ),
    }


def good_pictures() -> list[bytes]:
    """Pictures of every kind that the page takes."""
    kept = [picture.content for picture in PICTURES if not picture.says]
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8))
    for kind, options in (("WEBP", {}), ("BMP", {}), ("TIFF", {"compression": "tiff_lzw"}),
                          ("JPEG", {"progressive": True}), ("PPM", {})):  # fmt: skip
        file = BytesIO()
        image.save(file, kind, **options)
        kept.append(file.getvalue())
    return kept


def good_pth() -> list[bytes]:
    """Files that torch.save writes, in its old and new format, as training programs write them."""
    tensors = {f"backbone.layer{i}.weight": torch.rand(3, 4) for i in range(4)}
    checkpoint = {"state_dict": tensors, "meta": {"iter": 20000, "CLASSES": ("road", "sky")}}
    files = []
    for content in (tensors, checkpoint):
        for zipped in (True, False):
            file = BytesIO()
            torch.save(content, file, _use_new_zipfile_serialization=zipped)
            files.append(file.getvalue())
    return files


def fresh(folder: Path) -> Path:
    """An empty folder below another one."""
    place = folder / "case"
    for path in sorted(place.rglob("*"), reverse=True) if place.exists() else ():
        path.rmdir() if path.is_dir() else path.unlink()
    place.mkdir(exist_ok=True)
    return place


def limit_memory() -> None:
    """Lets the system refuse what is absurdly large, where it can."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
