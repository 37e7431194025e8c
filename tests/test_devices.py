import pytest
import torch

from tqdm_demo.devices import choose_device


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cuda", "mps", "cpu")
    with pytest.raises(ValueError, match="'tpu'"):
        choose_device("tpu")
