"""Two processes on this machine train as one does with the batch of both."""

import json
import os
import shutil
import socket
import sys
import traceback
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from safetensors.torch import load_file
from torch import nn

from tqdm_demo.data.crops import PooledCrops
from tqdm_demo.training import distributed

pytestmark = pytest.mark.process
# No dropout: its masks are another for every process. The image tower learns.
OPTIONS = [
    "--preset", "streets-tqdm", "--no-context-decoder", "--backbone-factor", "0.1", "--crop", "64",
    "--steps", "4", "--scenes", "3", "--validation-scenes", "3", "--width", "32", "--feed-forward",
    "24", "--pixel-layers", "1", "--mask-layers", "2", "--text-positions", "20", "--warmup-steps",
    "1", "--points-per-mask", "40", "--evaluate-every", "4", "--save-every", "2", "--log-every",
    "1", "--size-multiple", "32", "--workers", "0", "--device", "cpu", "--no-bfloat16",
    "--learning-rate", "1e-3", "--threads", "1",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


def work_on(rank, ports, commands):
    """What torchrun does for each process: tells it who it is, and runs the program."""
    from tqdm_demo import train

    for port, command in zip(ports, commands, strict=True):
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2",
                       "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}  # fmt: skip
        try:
            train.main(command)
        except BaseException:
            traceback.print_exc()
            sys.exit(1)


@pytest.fixture(scope="module")
def runs(tiny_weights, tmp_path_factory):
    """The work folders of the same training in several ways."""
    from tqdm_demo import train

    folder = tmp_path_factory.mktemp("runs")

    def command(name, *more):
        return [*OPTIONS, "--clip", str(tiny_weights / "tiny-clip"), "--cache",
                str(folder / "pools"), "--out", str(folder / name / "model"), "--work",
                str(folder / name), *more]  # fmt: skip

    train.main(command("one", "--batch-size", "4"))
    train.main(command("checkpointing", "--batch-size", "4", "--checkpointing"))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(PooledCrops, "draw", killed_in_step_3(PooledCrops.draw))
        train.main(command("moved", "--batch-size", "2", "--accumulate", "2"))
    shutil.copytree(folder / "moved", folder / "moved-sharded")
    commands = [
        command("two", "--batch-size", "2"),
        command("sharded", "--batch-size", "2", "--shard"),
        command("moved", "--batch-size", "2", "--resume"),
        command("moved-sharded", "--batch-size", "2", "--shard", "--resume"),
        command("queries", "--batch-size", "2", "--preset", "streets-queries"),
    ]
    mp.spawn(work_on, ([free_port() for _ in commands], commands), nprocs=2)
    return folder


def killed_in_step_3(draw):
    def until_then(self, step, part=0):
        if step == 2:
            raise RuntimeError("killed")
        return draw(self, step, part)

    return until_then


def records(folder: Path) -> list[dict]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("way", ["two", "sharded", "checkpointing"])
def test_the_loss_curve_is_that_of_one_process_with_the_doubled_batch(runs, way):
    one, other = (
        [record for record in records(runs / name) if "loss" in record] for name in ("one", way)
    )
    assert [r["step"] for r in other] == [r["step"] for r in one] == [1, 2, 3, 4]
    for expected, found in zip(one, other, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
        assert set(found["terms"]) == set(expected["terms"])
        for name, value in expected["terms"].items():
            assert found["terms"][name] == pytest.approx(value, rel=1e-4, abs=1e-4), name
    differences = [abs(a["loss"] - b["loss"]) / b["loss"] for a, b in zip(other, one, strict=True)]
    print(f"{way}: largest difference of the loss {max(differences):.1e}")


@pytest.mark.parametrize("way", ["two", "sharded"])
def test_the_weights_are_those_of_one_process(runs, way):
    one, other = (load_file(runs / name / "best.safetensors") for name in ("one", way))
    assert one.keys() == other.keys()
    learned = [name for name in one if not name.startswith(("text_encoder", "image_encoder.tower"))]
    apart = torch.cat([(one[name] - other[name]).abs().flatten() for name in learned])
    # Biases in front of a norm have no gradient but rounding, which AdamW makes into whole steps.
    assert (apart > 1e-4).float().mean() < 0.01 and apart.max() < 2e-3
    assert (runs / way / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("way", ["moved", "moved-sharded"])
def test_two_processes_go_on_with_what_one_has_begun_in_two_parts(runs, way):
    """Up to its end; the first steps saw batch norm of one part at a time."""
    found = [record for record in records(runs / way) if "loss" in record]
    assert [r["step"] for r in found] == [1, 2, 3, 4]
    one = [record for record in records(runs / "one") if "loss" in record]
    assert found[3]["loss"] == pytest.approx(one[3]["loss"], rel=0.02)
    assert (runs / way / "model" / "model.safetensors").exists()


def test_two_processes_train_learned_queries(runs):
    """Every parameter that learns has a part in the loss; else DDP stops in the second step."""
    assert [r["step"] for r in records(runs / "queries") if "loss" in r] == [1, 2, 3, 4]


def test_one_process_alone_needs_no_group():
    device = torch.device("cpu")
    assert distributed.join(device) is device
    assert (distributed.rank(), distributed.process_count()) == (0, 1)
    values = torch.tensor([1.0, 2.0])
    assert torch.equal(distributed.mean_over_processes(values), values)


def test_a_synchronised_norm_of_one_process_is_an_ordinary_one():
    torch.manual_seed(0)
    ordinary = nn.Sequential(nn.Conv2d(3, 5, 1), nn.BatchNorm2d(5))
    synchronised = nn.Sequential(nn.Conv2d(3, 5, 1), nn.BatchNorm2d(5))
    synchronised.load_state_dict(ordinary.state_dict())
    distributed.synchronise_batch_norms(synchronised, "cpu")
    assert isinstance(synchronised[1], distributed.SynchronisedBatchNorm)
    maps = torch.randn(4, 3, 6, 7)
    for model in (ordinary, synchronised):
        for _ in range(2):
            (model(maps) ** 3).sum().backward()
    for a, b in zip(ordinary.parameters(), synchronised.parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, rtol=1e-4, atol=1e-3)
    for a, b in zip(ordinary.buffers(), synchronised.buffers(), strict=True):
        torch.testing.assert_close(b, a)
    torch.testing.assert_close(synchronised.eval()(maps), ordinary.eval()(maps))


def test_on_gpus_batch_norms_become_torchs_own_with_the_same_tensors():
    model = nn.Sequential(nn.Conv2d(3, 5, 1), nn.Sequential(nn.BatchNorm2d(5)))
    before = model.state_dict(keep_vars=True)
    distributed.synchronise_batch_norms(model, "cuda")
    assert type(model[1][0]) is nn.SyncBatchNorm
    after = model.state_dict(keep_vars=True)
    assert after.keys() == before.keys()
    assert all(after[name] is tensor for name, tensor in before.items())
