"""Segments picture files by class names, and writes the results into a folder.

    python -m tqdm_demo.segment PICTURES... [--model MODEL] [--names NAME...] [--out FOLDER]

PICTURES are files, folders (with all folders in them) and patterns such as "trip/*.jpg"; addresses
on the network are not fetched. MODEL is what app.py takes: a bundled name, a checkpoint folder, a
name on the Hub, zero-shot:CLIP or open_clip:NAME. A NAME is one class, synonyms after a comma, a
colour after a colon; without names the model's own are taken:

    python -m tqdm_demo.segment photos/ --names "car, taxi" road "sky: #4682b4" --overlay --masks

FOLDER gets of every picture NAME.labels.png at the picture's own size (pixel values = class ids,
with a palette), with --overlay NAME.overlay.jpg, with --masks a folder NAME.masks with a black and
white PNG a class, and one results.json for all: what the ids mean, every picture's files and
shares. A run can be interrupted and started again: what exists is skipped, nothing is left half
written. A picture that cannot be read is told in a sentence and does not end the run.

The exit status is 0 if every picture has its result, else 1. A picture of 1024 x 512 takes about
half a second on two CPU cores with a bundled model; memory stays below 1 GB but for pictures of
more than 10 megapixels.
"""

from __future__ import annotations

import argparse
import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tqdm_demo.class_list import ClassList, parse_class_list
from tqdm_demo.console import print_any_text
from tqdm_demo.devices import is_out_of_memory
from tqdm_demo.inference.cache import BoundedCache, size_in_bytes
from tqdm_demo.inference.picture_search import FoundPicture, find_pictures
from tqdm_demo.inference.precision import PRECISIONS, set_matrix_precision
from tqdm_demo.inference.predictor import MODES, Predictor
from tqdm_demo.inference.preprocessing import read_image
from tqdm_demo.inference.result_folder import RESULTS, ResultFolder

MODEL = "photos-tqdm"
# Names are met again with every picture; a picture's features never are.
_KEPT_BYTES = 32 * 1024**2
# Pictures that are decoded while the model works.
_AHEAD = 2
_NO_MEMORY = "There is not enough memory for a picture of this size."


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line.

    Raises:
        SystemExit: what was asked for cannot be done, or some pictures have no result.
    """
    print_any_text()
    options = _parse(arguments)
    try:
        failed, total = run(options)
    except (ValueError, OSError) as error:
        raise SystemExit(f"segment: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit("segment: stopped; the same command goes on from here") from None
    if failed:
        raise SystemExit(f"segment: {failed} of {total} pictures have no result, see {RESULTS}")


def run(options: argparse.Namespace) -> tuple[int, int]:
    """Segments what the command line names.

    Returns:
        How many pictures have no result, and how many were named.

    Raises:
        ValueError: a place without pictures, an unknown model or unusable names, or a folder that
            holds results of other settings.
        OSError: the results cannot be written.
    """
    pictures = find_pictures(options.pictures)
    cache = BoundedCache(_KEPT_BYTES, size_in_bytes)
    set_matrix_precision(options.precision)
    predictor = Predictor.load(
        options.model,
        options.device,
        options.window_batch,
        cache,
        precision=options.precision,
        cuda_graphs=options.cuda_graphs == "on",
    )
    classes = _classes(options, predictor)
    predictor.check(classes)
    settings = {
        "model": options.model,
        "mode": options.mode or predictor.default_mode,
        "precision": options.precision,
        "names": classes.text.splitlines(),
        "everything_else": classes.everything_else,
    }
    folder = ResultFolder(options.out, settings, classes, options.overlay, options.masks)
    missing = [picture for picture in pictures if not folder.has(picture)]
    there = len(pictures) - len(missing)
    print(json.dumps({**settings, "pictures": len(pictures), "out": str(options.out)}))
    if there:
        print(f"{there} of {len(pictures)} have their result already")
    try:
        failed = _segment_all(missing, predictor, folder, classes, settings["mode"])
    finally:  # whatever ends it: what is done is done
        folder.save()
    return failed, len(pictures)


def _segment_all(
    pictures: Sequence[FoundPicture],
    predictor: Predictor,
    folder: ResultFolder,
    classes: ClassList,
    mode: str,
) -> int:
    """Writes every picture's result; says how many have none."""
    failed = 0
    with tqdm(total=len(pictures), desc="segment", unit="picture") as bar:
        for picture, image in _read_ahead(pictures):
            try:
                pixels = image.result()
                folder.add(picture, pixels, predictor.segment(pixels, classes, mode))
            except (ValueError, RuntimeError, MemoryError) as error:
                if not isinstance(error, ValueError) and not is_out_of_memory(error):
                    raise
                sentence = str(error) if isinstance(error, ValueError) else _NO_MEMORY
                folder.fail(picture, sentence)
                bar.write(f"{picture.path}: {sentence}")
                failed += 1
            bar.update()
    return failed


def _read_ahead(
    pictures: Sequence[FoundPicture],
) -> Iterator[tuple[FoundPicture, Future[np.ndarray]]]:
    """Every picture with its pixels, uint8 (H, W, 3); the next ones are decoded meanwhile."""
    waiting: deque[tuple[FoundPicture, Future[np.ndarray]]] = deque()
    executor = ThreadPoolExecutor(1)
    try:
        for picture in pictures:
            waiting.append((picture, executor.submit(read_image, picture.path)))
            if len(waiting) > _AHEAD:
                yield waiting.popleft()
        yield from waiting
    finally:
        executor.shutdown(cancel_futures=True)


def _classes(options: argparse.Namespace, predictor: Predictor) -> ClassList:
    """The class list that was given; the model's own without one."""
    lines = options.names or predictor.default_names
    if options.names_file is not None:
        lines = options.names_file.read_text(encoding="utf-8").splitlines()
    return parse_class_list("\n".join(lines), options.everything_else)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", nargs="+", metavar="PICTURES")
    parser.add_argument("--model", default=MODEL, help="default: %(default)s")
    names = parser.add_mutually_exclusive_group()
    names.add_argument("--names", nargs="+", metavar="NAME", help="default: the model's own")
    names.add_argument("--names-file", type=Path, metavar="FILE", help="one class a line")
    parser.add_argument(
        "--everything-else", action="store_true", help="a grey class for what the names leave out"
    )
    parser.add_argument("--out", type=Path, default=Path("segmented"), metavar="FOLDER",
                        help="default: %(default)s")  # fmt: skip
    parser.add_argument("--overlay", action="store_true", help="colours over the picture, as JPEG")
    parser.add_argument("--masks", action="store_true", help="a PNG of every class that is there")
    parser.add_argument("--mode", choices=MODES,
                        help="in one pass or in windows; default: the model's own")  # fmt: skip
    parser.add_argument("--window-batch", type=int, default=4, metavar="N", help="windows at once")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto",
                        help="as app.py's; default: %(default)s")  # fmt: skip
    parser.add_argument("--cuda-graphs", choices=("off", "on"), default="off",
                        help="as app.py's; default: %(default)s")  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
