"""Saved states: what is read back is what was written, to the bit."""

import errno
import resource

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from tqdm_demo.training import state
from tqdm_demo.training.state import load_state, read_progress, save_state, save_tensors


def make(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 2))
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.1)
    return model, optimizer, np.random.default_rng(seed)


def advance(model, optimizer, rng):
    torch.manual_seed(9)  # dropout; a training seeds every step
    loss = model(torch.from_numpy(rng.normal(size=(4, 3))).float()).square().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def test_a_restored_training_continues_to_the_bit(tmp_path):
    file = tmp_path / "state.safetensors"
    first = make(1)
    advance(*first)
    save_state(file, *first[:2], {"step": 1, "best": 0.5})
    chance = first[2].bit_generator.state
    wanted = [advance(*first) for _ in range(3)]
    second = make(2)
    load_state(file, *second[:2])
    second[2].bit_generator.state = chance
    assert [advance(*second) for _ in range(3)] == wanted
    for a, b in zip(first[0].state_dict().values(), second[0].state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert read_progress(file) == {"step": 1, "best": 0.5}
    assert [f.name for f in tmp_path.iterdir()] == ["state.safetensors"]


def test_any_memory_layout_can_be_saved(tmp_path):
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3, 5, 7)).sum().backward()
    optimizer.step()
    save_state(tmp_path / "state", model, optimizer, {})
    other = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    again = torch.optim.AdamW(other.parameters())
    load_state(tmp_path / "state", other, again)
    assert torch.equal(model.weight, other.weight)
    restored = again.state[other.weight]["exp_avg"]
    assert torch.equal(optimizer.state[model.weight]["exp_avg"], restored)
    assert restored.stride() == other.weight.stride()


def test_a_state_of_another_model_is_named(tmp_path):
    file = tmp_path / "state.safetensors"
    save_state(file, *make(1)[:2], {})
    model, optimizer, _ = make(1)
    model[3] = nn.Linear(5, 7)
    with pytest.raises(ValueError, match=r"3\.bias"):
        load_state(file, model, optimizer)


def test_no_state(tmp_path):
    with pytest.raises(ValueError, match="no state"):
        read_progress(tmp_path / "state.safetensors")


def test_a_full_disk_leaves_the_last_whole_state(tmp_path, monkeypatch):
    file = tmp_path / "state.safetensors"
    model, optimizer, _ = make(1)
    save_state(file, model, optimizer, {"step": 1})
    before = file.read_bytes()

    def fill(tensors, path, metadata):
        path.write_bytes(b"half a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(state, "save_file", fill)
    with pytest.raises(OSError, match=r"cannot write .*state\.safetensors.*No space left"):
        save_state(file, model, optimizer, {"step": 2})
    assert file.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["state.safetensors"]


def test_an_error_of_the_tensor_writer_is_told_too(tmp_path):
    """A real one: the system refuses files beyond a size, in the middle of one."""
    file = tmp_path / "state.safetensors"
    save_tensors(file, {"a": torch.ones(10)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"cannot write .*File too large"):
            save_tensors(file, {"a": torch.ones(5_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert load_file(file)["a"].tolist() == [1] * 10
    assert list(tmp_path.iterdir()) == [file]
