from __future__ import annotations

import pytest

from tqdm_demo.checkpoints.model_card import FACTS, complete_card, published_card

MODEL = {
    "class_names": ["road", "sky"],
    "prompt_length": 5,
    "text_positions": 10,
    "input_size": [512, 512],
    "clip_weights": "ViT-B-16/openai",
}
SECTIONS = {
    "model": MODEL,
    "training": {"source": "GTA5"},
    "results": {"validation": {"a|b": {"miou": 61.234567}}},
    "provenance": {
        "published": "tqdm with CLIP ViT-B/16",
        "source": "https://example.org",
        "file": "some.pth",
    },
}


def test_a_converted_model_says_where_it_is_from_and_whose_figures_it_shows():
    card = published_card("mine", SECTIONS)
    assert card.startswith("---\nlicense: other\n") and "\n# mine\n" in card
    assert "`some.pth`" in card and "at most 3 word pieces" in card and "10 text positions" in card
    assert "The paper's** mIoU in percent, not measured here: 57.50 on Cityscapes" in card


@pytest.mark.parametrize("trained_on", [None, "SYNTHIA"])
def test_figures_are_shown_for_the_published_training_only(trained_on):
    training = {} if trained_on is None else {"source": trained_on}
    card = published_card("mine", {**SECTIONS, "training": training})
    assert "57.50" not in card
    assert ("does not name" in card) == (trained_on is None)


def test_the_recorded_facts_follow_the_folders_own_text_once():
    own = published_card("mine", SECTIONS)
    card = complete_card("mine", own, SECTIONS)
    assert card.startswith(own.rstrip())
    assert "| validation.a\\|b.miou | 61.2346 |" in card
    assert "| class_names | road, sky |" in card
    assert "### results" in card and "Loads together" not in card
    assert complete_card("mine", card, SECTIONS) == card and card.count(FACTS) == 1


def test_without_a_card_there_is_a_short_one():
    model = {**MODEL, "text_tower": "some-clip", "image_tower": None}
    sections = {"model": model, "training": {}}
    card = complete_card("mine", "", sections)
    assert "### training" not in card
    assert card.startswith("---\nlicense: other\npipeline_tag: image-segmentation\n---\n\n# mine\n")
    assert "Loads together with the CLIP `some-clip`" in card
    assert complete_card("mine", "Plain words.", sections).startswith("---\nlicense: other\n")


@pytest.mark.parametrize("system", ["rein", "soma", "tldr"])
def test_a_rivals_card_says_what_it_is_and_under_which_terms(system):
    model = {"class_names": ["road", "sky", "car"]}
    card = published_card("mine", {**SECTIONS, "system": system, "model": model})
    assert "arXiv" in card and "- **Terms**" in card and "`some.pth`" in card
    assert "3 trained ones and synonyms" in card and "Trained on** GTA5" in card
