"""Paints the pictures that the page offers: ``python -m tqdm_demo.streets.paint_examples``.

Writes a JPEG file, and its labels as a PNG file below ``truth/``, for every entry of
:data:`CHOSEN`, and ``index.json`` (file, truth, caption, domain, seed, classes with the largest
first, licence) into ``examples/``, or into ``--out``. Takes about 20 seconds and 300 MB. The seeds
are none that a model was trained on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tqdm_demo.console import print_any_text
from tqdm_demo.streets.domains import paint
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SIZE = (1024, 512)
LICENCE = "Apache-2.0"
QUALITY = 88
# A class counts as shown from this share of the picture on.
LEAST_SHARE = 0.001
# Domain, seed of the scene, caption. The page opens with the first.
CHOSEN = (
    ("oil", 1, "Oil painting"),
    ("photo", 34, "Photo-like"),
    ("night", 22, "Night"),
    ("watercolour", 10, "Watercolour"),
    ("snow", 8, "Snow"),
    ("comic", 21, "Comic"),
    ("rain", 7, "Rain"),
    ("sketch", 14, "Pencil sketch"),
    ("dusk", 3, "Dusk"),
    ("fog", 20, "Fog"),
    ("pixel", 29, "Pixel art"),
    ("print", 13, "Print"),
    ("game", 2, "Game (trained on)"),
    ("mosaic", 23, "Mosaic"),
    ("thermal", 27, "Thermal"),
    ("sandstorm", 17, "Sandstorm"),
)


def paint_examples(folder: Path, size: tuple[int, int] = SIZE) -> None:
    """Paints all of :data:`CHOSEN`.

    Args:
        folder: is created; files of the same name are replaced.
        size: (width, height) in pixels.
    """
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    index = []
    for domain, seed, caption in CHOSEN:
        painting = paint(seed, domain, size)
        file, truth = f"{domain}.jpg", f"truth/{domain}.png"
        Image.fromarray(painting.image).save(
            folder / file, quality=QUALITY, subsampling=0, optimize=True
        )
        Image.fromarray(painting.labels).save(folder / truth, optimize=True)
        index.append(
            {
                "file": file,
                "truth": truth,
                "caption": caption,
                "domain": domain,
                "seed": seed,
                "classes": shown_classes(painting.labels),
                "licence": LICENCE,
            }
        )
    text = json.dumps(index, indent=2, ensure_ascii=False) + "\n"
    (folder / "index.json").write_text(text, encoding="utf-8")


def shown_classes(labels: np.ndarray) -> list[str]:
    """Names of the classes in a label map (uint8 train ids), the largest first."""
    counts = np.bincount(labels.ravel(), minlength=256)[: len(CITYSCAPES_NAMES)]
    order = np.argsort(-counts, kind="stable")
    return [CITYSCAPES_NAMES[k] for k in order if counts[k] >= LEAST_SHARE * labels.size]


def main() -> None:
    """Reads the command line and paints."""
    print_any_text()
    parser = argparse.ArgumentParser(description="Paints the example pictures of the page.")
    parser.add_argument("--out", type=Path, default=EXAMPLES, help="folder (default: examples/)")
    folder = parser.parse_args().out
    paint_examples(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*.*"))
    print(f"{len(CHOSEN)} pictures in {folder}, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
