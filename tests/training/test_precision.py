import warnings

import pytest
import torch

from tqdm_demo.training import precision

CPU = torch.device("cpu")


def product_dtype(context):
    with context:
        return (torch.ones(2, 3) @ torch.ones(3, 5)).dtype


def test_bfloat16_where_the_device_computes_in_it(monkeypatch):
    monkeypatch.setattr(precision, "computes_bfloat16", lambda device: True)
    assert product_dtype(precision.mixed_precision(CPU, bfloat16=True)) == torch.bfloat16


def test_float32_with_a_warning_where_it_does_not(monkeypatch):
    monkeypatch.setattr(precision, "computes_bfloat16", lambda device: False)
    with pytest.warns(UserWarning, match="no bfloat16"):
        context = precision.mixed_precision(CPU, bfloat16=True)
    assert product_dtype(context) == torch.float32


def test_float32_without_a_word_where_it_is_wanted():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        context = precision.mixed_precision(CPU, bfloat16=False)
    assert product_dtype(context) == torch.float32


def test_apple_devices_stay_in_float32():
    assert not precision.computes_bfloat16(torch.device("mps"))
