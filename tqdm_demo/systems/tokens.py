"""Class names as tokens of CLIP's text towers. A name is tokenised once, for all models.

Axes: N names; P templates; T tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

import open_clip
import torch
from torch import Tensor

# Names and templates whose tokens are kept.
KEPT_TEXTS = 4096


class _FixedWords(dict):
    """Words that are known from the start; no other is added."""

    def __setitem__(self, word: str, tokens: str) -> None:
        """Keeps nothing: open_clip would keep every word that anybody has ever sent."""


@cache
def tokenizer() -> open_clip.SimpleTokenizer:
    """CLIP's own tokenizer, which all models share. :func:`encode` keeps what it has read."""
    made = open_clip.SimpleTokenizer()
    made.cache = _FixedWords(made.cache)
    return made


@lru_cache(KEPT_TEXTS)
def encode(text: str) -> tuple[int, ...]:
    """The tokens of a text, without start and end."""
    return tuple(tokenizer().encode(text))


def tokenize(names: Sequence[str], positions: int, templates: Sequence[str] = ("{}",)) -> Tensor:
    """Names to the rows of tokens that a text tower reads: start, template, name, end, zeros.

    Args:
        names: N names that :func:`check_tokens` has passed.
        positions: T, of the tower.
        templates: P texts that end with ``{}``, in whose place every name is put.

    Returns:
        int64 (N * P, T), all templates of the first name first; what
        ``open_clip.SimpleTokenizer`` makes of the same texts.
    """
    first, last = tokenizer().sot_token_id, tokenizer().eot_token_id
    assert all(template.endswith("{}") for template in templates), "the name comes last"
    begins = [encode(template.removesuffix("{}")) for template in templates]
    rows = [(first, *begin, *encode(name.lower()), last) for name in names for begin in begins]
    tokens = torch.zeros(len(rows), positions, dtype=torch.long)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = torch.tensor(row)
    return tokens


def read_tokens(words: Iterable[str], templates: Sequence[str]) -> frozenset[int]:
    """All tokens of words and templates, and those that start and end a text."""
    ends = (tokenizer().sot_token_id, tokenizer().eot_token_id)
    texts = (*words, *(template.replace("{}", "") for template in templates))
    # Token 0 fills a row up behind its end.
    return frozenset({0, *ends, *(token for text in texts for token in encode(text))})


def check_tokens(names: Sequence[str], limit: int) -> None:
    """Looks for names that a text tower would cut off.

    Args:
        names: one text each.
        limit: tokens that a name may have.

    Raises:
        ValueError: names that have more, with their numbers, or a name that has none.
    """
    counts = {name: len(encode(name.lower())) for name in names}
    for name, count in counts.items():
        if not count:
            raise ValueError(f"“{name}” has nothing in it that this model can read.")
    long = [f"“{name}” has {count}" for name, count in counts.items() if count > limit]
    if long:
        raise ValueError(
            f"Too long for this model, which reads names of up to {limit} tokens: "
            f"{', '.join(long)}."
        )
