"""Time and peak memory of one picture of any size.

    python -m tqdm_demo.benchmark SOURCE... [--size W H] [--mode single|windows] [--device D]

SOURCE is what ``app.py --model`` takes. The picture is made up (smooth colours), the class list is
the model's own. Prints one JSON line per model: seconds of loading and of a first answer, those of
a second answer with one more name (features reused where they fit into the cache), the seconds of
computing that all CPU threads spent on the first, which tell more on a busy machine, and the peak
memory of the whole process, which is why every model runs in a process of its own. A picture of
256 x 128 takes seconds, one of 48 megapixels in windows of 512 minutes to hours on a CPU.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from tqdm_demo.console import print_any_text
from tqdm_demo.inference.predictor import MODES, Predictor


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    print_any_text()
    options = _parse(arguments)
    print(json.dumps(vars(options)), flush=True)
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
        "peak_mb": _peak_memory(),
    }
    if torch.cuda.is_available():
        found["cuda_peak_mb"] = torch.cuda.max_memory_allocated() // 1024**2
    return found


def made_up_picture(size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3): 24 x 16 random colours, smoothly enlarged to ``size`` = (W, H)."""
    colours = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    return np.asarray(Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC))


def _peak_memory() -> int:
    """Largest resident memory of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024**2 if sys.platform == "darwin" else 1024)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("--size", type=int, nargs=2, default=(512, 512), metavar=("W", "H"))
    parser.add_argument("--mode", choices=MODES, help="default: the model's own")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
