from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tqdm_demo.checkpoints.tensor_file import TensorSpec, write_tensors

VALUES = {
    "b.matrix": torch.arange(15.0).view(5, 3).T,  # not contiguous
    "count": torch.tensor(7),
    "a": torch.tensor([0.5, -2.0, 65000.0]),
    "empty": torch.zeros(0, 4),
}


def specs(dtype: torch.dtype) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(dtype if value.is_floating_point() else value.dtype, tuple(value.shape))
        for name, value in VALUES.items()
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_safetensors_reads_what_was_written_in_any_order(dtype, tmp_path):
    path = tmp_path / "some.safetensors"
    write_tensors(path, specs(dtype), reversed(VALUES.items()))
    loaded = load_file(path)
    assert set(loaded) == set(VALUES)
    for name, value in VALUES.items():
        expected = value.to(dtype) if value.is_floating_point() else value
        assert loaded[name].dtype == expected.dtype and torch.equal(loaded[name], expected)


@pytest.mark.parametrize(
    "value, message", [(1e5, "'?a'? has values too large for float16"), (float("nan"), "damaged")]
)
def test_values_that_cannot_be_stored_are_refused(value, message, tmp_path):
    spec = {"a": TensorSpec(torch.float16, (2,))}
    with pytest.raises(ValueError, match=message):
        write_tensors(tmp_path / "file", spec, [("a", torch.tensor([1.0, value]))])
