"""The one door for what a browser or a program sends: no file but uploads, no value but fits.

gradio checks a file only where the request marks it as one (``meta``), and tells in three ways
whether a file is there. Here every event, public or private, passes :class:`GuardedBlocks` before
gradio looks at its inputs: a file must have been uploaded to this page and still lie where the
upload put it. (Examples are asked for by their number, not as files.) Everything else gets the same
sentence, and is not touched, so that neither the answer nor its delay tells whether it exists.

The values beside them come from components, but anybody can send others. Handlers need not check
them: what Python raises where a value does not fit becomes one sentence, and the server's log says
where it was raised, because a fault of the page itself looks the same.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components.api_component import Api
from gradio.state_holder import SessionState

from tqdm_demo.inference.preprocessing import GONE
from tqdm_demo.interface.refusals import MALFORMED, UNFIT, note_refusal
from tqdm_demo.interface.unread import UnreadAnswers

# Sessions that can begin between two looks at which ones are open.
ROOM = 100
# Longer ones of gradio's are no sentences: they hold all that was sent, or all that can be chosen.
LONGEST_SENTENCE = 200
_RAISED_BY_VALUES = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError
)  # fmt: skip


class GuardedBlocks(gr.Blocks):
    """``gr.Blocks`` whose events see no file but uploads, and end in no bare exception.

    Attributes:
        watched: names of the sessions whose page is open, each with the number of its connections.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.watched: Counter[str] = Counter()
        self._events: Counter[str | None] = Counter()
        super().__init__(*arguments, **named)

    def queue(self, *arguments: Any, **named: Any) -> GuardedBlocks:
        """Makes the queue as gradio does; it keeps less of what was asked and answered."""
        super().queue(*arguments, **named)
        self._queue.pending_messages_per_session = UnreadAnswers(self._queue)
        # gradio's statistics, for a page of its own that is closed: 15 ms of CPU a request.
        self._queue.ANALYTICS_MAX_EVENTS = 0
        return self

    async def process_api(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Runs an event, or a generator's next step, as gradio does and with its arguments.

        Raises:
            gr.Error: values that the event, or what shows its outputs, was not made for.
        """
        session = named.get("session_hash")
        self._events[session] += 1
        try:
            return await super().process_api(*arguments, **named)
        except gr.Error:
            raise
        except _RAISED_BY_VALUES as error:
            note_refusal(_name_of(arguments, named), error)
            raise gr.Error(UNFIT, print_exception=False) from error
        finally:
            self._events[session] -= 1
            self.tidy_sessions()

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
        # gradio fills in an endpoint's defaults for its own clients, not for plain requests.
        missing = block_fn.inputs[len(inputs) :]
        if all(isinstance(block, Api) and block.value is not None for block in missing):
            inputs = [*inputs, *(block.value for block in missing)]
        try:
            check_texts(inputs)
            check_files(inputs, self.upload_file_set, self.GRADIO_CACHE)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except Exception as error:  # of every class, by the component that did not expect the value
            told = isinstance(error, gr.Error) and len(str(error.message)) <= LONGEST_SENTENCE
            sentence = error.message if told else MALFORMED
            raise gr.Error(sentence, print_exception=False) from error
        finally:
            forget_shown(state)

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict, state: SessionState | None
    ) -> list[Any]:
        """Prepares the outputs of an event as gradio does, and keeps none of them."""
        try:
            return await super().postprocess_data(block_fn, predictions, state)
        finally:
            forget_shown(state)

    def tidy_sessions(self) -> None:
        """Drops sessions that chose nothing, such as a program's, and keeps those that are open.

        gradio keeps the last :attr:`state_session_capacity` of them, whoever they are.
        """
        holder = self.state_holder
        self._events += Counter()  # drops what is zero
        for session, state in list(holder.session_data.items()):
            if not state.state_data and session not in self._events:
                with holder.lock:
                    holder.session_data.pop(session, None)
                    holder.time_last_used.pop(session, None)
        if len(holder.session_data) > holder.capacity - ROOM:
            for session in self.watched:
                holder.update(session)  # as if it had been used just now


def forget_shown(state: SessionState | None) -> None:
    """Drops what the components of a session show; its ``gr.State`` values stay.

    gradio keeps a copy for its deep links, which the page does not use: pictures of 1000 sessions
    would take gigabytes, and anybody could have theirs written to the server's disk.
    """
    if state is not None:
        state.config_values.clear()


def check_texts(inputs: Any) -> None:
    """Looks whether all texts of a request could be sent back.

    Args:
        inputs: what was sent, of any type and depth.

    Raises:
        ValueError: half a character, as JSON can write it. Shown again, it would end the stream of
            all that its session waits for.
    """
    for text in _parts(inputs):
        if isinstance(text, str) and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise ValueError(MALFORMED) from error


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
    for part in _parts(value):
        if isinstance(part, dict) and part.get("path") is not None:
            yield part["path"]


def _parts(value: Any) -> Iterator[Any]:
    """A value and all that is in it, keys included."""
    waiting = [value]  # no recursion: what was sent may be as deep as JSON can be
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, dict):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)


def _is_file_below(folder: str, path: str) -> bool:
    """Whether a regular file, and no link to one, lies there."""
    try:
        regular = stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
    return regular and os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)


def _name_of(arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    function = named.get("block_fn", arguments[0] if arguments else None)
    return str(getattr(function, "name", function))
