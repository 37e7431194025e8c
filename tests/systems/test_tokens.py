"""Tokens of class names against open_clip's own tokenizer."""

import open_clip
import pytest
import torch

from tqdm_demo.systems.tokens import check_tokens, encode, read_tokens, tokenize, tokenizer
from tqdm_demo.systems.zero_shot import TEMPLATES

NAMES = ["road", "traffic light", "Straße", "自動車", "🚗 car", "don't <b> & co"]


@pytest.mark.parametrize("templates", [("{}",), TEMPLATES], ids=["names", "templates"])
def test_tokens_are_open_clips(templates):
    texts = [template.format(name) for name in NAMES for template in templates]
    expected = open_clip.SimpleTokenizer(context_length=24)(texts)
    assert torch.equal(tokenize(NAMES, 24, templates), expected)


def test_capitals_make_no_difference():
    assert torch.equal(tokenize(["Traffic LIGHT"], 10), tokenize(["traffic light"], 10))


def test_a_name_is_tokenised_once_whatever_reads_it():
    encode.cache_clear()
    check_tokens(["zebra", "Taxi"], 3)
    tokenize(["zebra", "taxi"], 10)
    tokenize(["zebra"], 24)
    assert encode.cache_info().misses == 3, "two names and the empty beginning of the template"


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        (["traffic light", "Ampel"], None),
        (["car", "skyscraper"], None),
        (["traffic light pole"], None),
        (["a row of parked cars"], "“a row of parked cars” has 5"),
        (["Straßenbahnhaltestelle"], "“Straßenbahnhaltestelle” has 9"),
        (["car", "自動車", "road", "дорожный знак"], "“自動車” has 8, “дорожный знак” has 15"),
        (["🚗"], None),
        (["🚗🚙🚌🚎"], "up to 3 tokens: “🚗🚙🚌🚎” has 7"),
    ],
)
def test_the_published_prompts_leave_three_tokens(names, answer):
    """Ten positions: start, five of prompt, the name, end."""
    if answer is None:
        check_tokens(names, 3)
        return
    with pytest.raises(ValueError) as caught:
        check_tokens(names, 3)
    assert answer in str(caught.value) and "up to 3 tokens" in str(caught.value)


def test_a_name_without_any_token_is_told():
    with pytest.raises(ValueError, match="nothing in it"):
        check_tokens(["road", " "], 3)


def test_the_tokens_of_words_and_templates():
    found = read_tokens(["car", "zebra"], ["a photo of a {}"])
    texts = tokenize(["car", "zebra"], 12, ["a photo of a {}", "{}"])
    assert set(texts.unique().tolist()) == found


def test_the_tokenizer_keeps_no_words():
    before = len(tokenizer().cache)
    assert encode("a word that nobody has sent: zwqx") == encode.__wrapped__(
        "a word that nobody has sent: zwqx"
    )
    assert len(tokenizer().cache) == before
