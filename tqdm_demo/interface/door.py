"""The one door for files that a browser or a program names in a request.

gradio checks a file only where the request marks it as one (``meta``), and tells in three ways
whether a file is there. Here every event, public or private, passes :class:`GuardedBlocks` before
gradio looks at its inputs: a file must have been uploaded to this page and still lie where the
upload put it. (Examples are asked for by their number, not as files.) Everything else gets the same
sentence, and is not touched, so that neither the answer nor its delay tells whether it exists.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from tqdm_demo.inference.preprocessing import GONE

MALFORMED = (
    "This request is not one that the page would send: a value is missing, there is one too many, "
    "or one is of another type."
)


class GuardedBlocks(gr.Blocks):
    """``gr.Blocks`` whose events see no file but uploads."""

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Checks all files of a request, then prepares its inputs as gradio does.

        Raises:
            gr.Error: a file that is no upload, or inputs that gradio cannot prepare.
        """
        try:
            check_files(inputs, self.upload_file_set, self.GRADIO_CACHE)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except gr.Error:
            raise
        except Exception as error:  # of every class, by the component that did not expect the value
            raise gr.Error(MALFORMED, print_exception=False) from error


def check_files(inputs: Any, uploads: Collection[str], folder: str) -> None:
    """Looks whether all files that a request names may be read.

    Args:
        inputs: what was sent, of any type and depth.
        uploads: paths that the upload has answered with.
        folder: where uploads lie.

    Raises:
        ValueError: one that may not; the sentence is the same whatever is wrong with it.
    """
    for path in _named_files(inputs):
        # Known by its name first: what was never given out is not even looked at.
        if not (isinstance(path, str) and path in uploads and _is_file_below(folder, path)):
            raise ValueError(GONE)


def _named_files(value: Any) -> Iterator[Any]:
    """All values that gradio, or an event, might take for the path of a file."""
    if isinstance(value, dict):
        if value.get("path") is not None:
            yield value["path"]
        for part in value.values():
            yield from _named_files(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _named_files(part)


def _is_file_below(folder: str, path: str) -> bool:
    """Whether a regular file, and no link to one, lies there."""
    try:
        regular = stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
    return regular and os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
