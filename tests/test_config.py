from __future__ import annotations

import pytest

from tqdm_demo.checkpoints.folder_files import WEIGHTS, read_config
from tqdm_demo.config import ModelConfig, TrainConfig
from tqdm_demo.config_json import from_json


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"queries": "none"}, "'none'; it must be"),
        ({"queries": "learned"}, "text_to_pixel=false"),
        ({"pyramid_blocks": (1, 2, 3)}, "has 3 entries"),
        ({"window_stride": 0}, "window_stride is 0"),
        ({"window_stride": 300, "input_size": (512, 256)}, "take 1 to 256"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**settings)


def test_the_recorded_trainings_of_the_bundled_models_have_todays_keys():
    recorded = [read_config(file.parent) for file in WEIGHTS.glob("*/config.json")]
    trainings = [sections["training"] for sections in recorded if "model" in sections]
    assert trainings
    for training in trainings:
        assert from_json(TrainConfig, training).steps > 0
