"""Captions: what they say is what the region shows."""

import numpy as np
import pytest

from tqdm_demo.streets.captions import SYNONYMS, colour_word, describe, known_words
from tqdm_demo.vocabulary import CITYSCAPES_NAMES


def test_first_words_are_the_class_names_and_no_word_names_two_classes():
    assert tuple(words[0] for words in SYNONYMS) == CITYSCAPES_NAMES
    every = [word for words in SYNONYMS for word in words]
    assert len(every) == len(set(every))
    assert all(" " not in words[1] for words in SYNONYMS)


@pytest.mark.parametrize(
    ("rgb", "word"), [((250, 250, 250), "white"), ((200, 30, 30), "red"), ((70, 110, 200), "blue")]
)
def test_colour_word(rgb, word):
    assert colour_word(rgb) == word


def test_caption_names_its_classes_and_what_it_tells():
    rng = np.random.default_rng(0)
    for _ in range(50):
        caption = describe([13, 0], rng, "oil", "an oil painting of", "red")
        assert caption.classes == (1 << 13) | 1
        assert (caption.domain, caption.colour) == ("oil", "red")
        first, second = caption.text.removeprefix("an oil painting of ").split(" and ")
        assert any(first.endswith(f"red {word}") for word in SYNONYMS[13])
        assert any(second.endswith(word) for word in SYNONYMS[0])


def test_caption_without_domain_tells_none():
    caption = describe([10], np.random.default_rng(1), domain="fog")
    assert caption.domain is None
    assert any(word in caption.text for word in SYNONYMS[10])


@pytest.mark.parametrize("classes", [[], [19], [-1, 3]])
def test_impossible_classes_are_refused(classes):
    with pytest.raises(ValueError, match="ids 0..18"):
        describe(classes, np.random.default_rng(0))


def test_every_word_of_many_captions_is_known():
    words = set(known_words(["an oil painting of"]))
    rng = np.random.default_rng(2)
    for k in range(19):
        for _ in range(40):
            caption = describe([k, (k + 7) % 19], rng, "oil", "an oil painting of", "pink")
            assert set(caption.text.split()) <= words
    assert "zebra" not in words
