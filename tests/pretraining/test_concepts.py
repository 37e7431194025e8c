"""Concepts: every class of the data sets is one, and what a set cannot tell is known."""

import pytest

from tqdm_demo.pretraining.concepts import CONCEPTS, GROUPS, concept_ids, undecided
from tqdm_demo.streets.captions import known_words
from tqdm_demo.vocabulary import CITYSCAPES_NAMES

MSRC = (
    *(
        "building",
        "grass",
        "tree",
        "cow",
        "horse",
        "sheep",
        "sky",
        "mountain",
        "aeroplane",
        "water",
    ),
    *("face", "car", "bicycle", "flower", "sign", "bird", "book", "chair", "road", "cat", "dog"),
    *("body", "boat"),
)


def test_the_first_concepts_are_cityscapes_classes():
    assert concept_ids(CITYSCAPES_NAMES) == tuple(range(19))


def test_every_class_of_the_photographs_is_another_concept():
    ids = concept_ids(MSRC)
    assert len(set(ids)) == 23 and max(ids) == len(CONCEPTS) - 1
    assert concept_ids(["Tree", "grass", "body"]) == concept_ids(
        ["vegetation", "terrain", "person"]
    )


def test_no_word_names_two_concepts_and_there_are_four_hundred():
    words = [word for concept in CONCEPTS for word in concept]
    assert len(words) == len(set(words))
    assert len(known_words(table=CONCEPTS)) >= 400


def test_an_unknown_class_is_told():
    with pytest.raises(ValueError, match="no caption names .'unicorn'"):
        concept_ids(["road", "unicorn"])


def test_what_a_set_does_not_label_may_be_hidden_in_its_group():
    road, sidewalk, terrain, sky = concept_ids(["road", "sidewalk", "terrain", "sky"])
    masks = undecided([road, terrain, sky])
    assert masks[road] >> sidewalk & 1 and masks[terrain] >> sidewalk & 1
    assert not masks[road] >> terrain & 1 and not masks[sky]
    assert not any(undecided(range(len(CONCEPTS))))
    assert all(len(concept_ids(group)) == len(group) for group in GROUPS)
