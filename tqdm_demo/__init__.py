"""An interactive demo of tqdm, the Textual Query-Driven Mask Transformer (ECCV 2024).

from tqdm_demo import Predictor
"""

from __future__ import annotations

from typing import Any

__all__ = ["Predictor"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: the package itself, of which every module is a part, loads
    # neither torch nor anything else.
    if name == "Predictor":
        from tqdm_demo.inference.predictor import Predictor

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
