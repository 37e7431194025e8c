from __future__ import annotations

import pytest

from tqdm_demo.checkpoints.trained_card import TrainingOutcome, write_card
from tqdm_demo.config import ModelConfig, TrainConfig

OUTCOME = TrainingOutcome("some-clip", "gta5, folder mine", 0.4567, 30)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("streets:game", "drawn pictures of `streets:game`"),
        ("gta5:/data/gta5", "trained on gta5, folder mine."),
    ],
)
def test_the_card_tells_what_was_trained_on_what_and_how_well(tmp_path, source, told):
    model = ModelConfig(class_names=("road", "sky"), width=128)
    training = TrainConfig(source=source, steps=40, learning_rate=2e-4)
    write_card(tmp_path / "mine", model, training, OUTCOME)
    card = (tmp_path / "mine" / "README.md").read_text()
    assert card.startswith("---\nlicense: other\n") and "\n# mine\n" in card
    assert told in card and "CLIP `some-clip`" in card and "/data" not in card
    assert "45.7 % at step 30 of 40" in card
    assert "| width | 256 | 128 |" in card and "| learning_rate | 1e-05 | 0.0002 |" in card
