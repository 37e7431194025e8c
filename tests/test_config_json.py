"""Configurations come back from JSON, and what is wrong in one is said with what would be right."""

from __future__ import annotations

import json

import pytest

from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.config_json import explain, from_json, to_json
from tqdm_demo.pretraining.config import PretrainConfig


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(class_names=("road", "sky"), fixed_size=True, window_stride=341),
        TrainConfig(steps=7, resize_range=(0.25, 3.0)),
        PretrainConfig(zoom=(1.0, 2.0)),
    ],
)
def test_a_configuration_comes_back_from_json(config):
    assert from_json(type(config), json.loads(json.dumps(to_json(config)))) == config


def test_unknown_keys_are_named():
    with pytest.raises(ValueError, match="unknown ModelConfig keys .'colour'."):
        from_json(ModelConfig, {"colour": 1})


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (TrainConfig, None, "TrainConfig is null; it takes an object"),
        (TrainConfig, [1, 2], "TrainConfig is [1, 2]; it takes an object"),
        (ModelConfig, "bert", 'ModelConfig is "bert"; it takes an object'),
        (TrainConfig, {"steps": "many"}, 'steps is "many"; it takes an integer above 0'),
        (TrainConfig, {"steps": True}, "steps is true; it takes an integer above 0"),
        (TrainConfig, {"steps": 2.5}, "steps is 2.5; it takes an integer above 0"),
        (TrainConfig, {"steps": 0}, "steps is 0; it takes an integer above 0"),
        (TrainConfig, {"bfloat16": 1}, "bfloat16 is 1; it takes true or false"),
        (TrainConfig, {"weight_decay": float("nan")}, "weight_decay is NaN; it takes a number"),
        (TrainConfig, {"image": 0, "seed": "x"}, "unknown TrainConfig keys ['image']"),
        (
            TrainConfig,
            {"resize_range": [1.0], "source": None},
            "source is null; it takes a text; resize_range is [1.0]; "
            "it takes a list of 2, each a number above 0",
        ),
        (PretrainConfig, {"photo_share": 2}, "a number at least 0 and at most 1"),
        (ModelConfig, {"clip": []}, "clip is []; it takes an object"),
        (ModelConfig, {"class_names": "road"}, 'class_names is "road"; it takes a list, each a'),
        (ModelConfig, {"queries": ["textual"]}, "it takes 'textual' or 'learned'"),
        (ModelConfig, {"window_stride": "341"}, "it takes an integer or null"),
        (ModelConfig, {"window_stride": 0}, "window_stride is 0; windows of (512, 512) take 1"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_takes(kind, values, message):
    with pytest.raises(ValueError) as raised:
        from_json(kind, values)
    assert message in str(raised.value)


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig, PretrainConfig])
def test_every_field_has_its_sentence(kind):
    assert [name for name, field in explain(kind).items() if len(field.meaning.split()) < 3] == []
