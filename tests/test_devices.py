from types import SimpleNamespace

import pytest
import torch

from tqdm_demo.devices import choose_device, cpu_limit, limit_cache, trim_heap


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cuda", "mps", "cpu")
    with pytest.raises(ValueError, match="'tpu'"):
        choose_device("tpu")


def test_the_heap_is_trimmed_wherever_the_c_library_can(monkeypatch):
    trim_heap()
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    trim_heap()
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.delattr("ctypes.CDLL")
    trim_heap()


def test_a_container_has_the_cpus_that_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.delenv("CPU_CORES", raising=False)
    assert cpu_limit(tmp_path) == 16
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cpu_limit(tmp_path) == 16
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    assert cpu_limit(tmp_path) == 2
    monkeypatch.setenv("CPU_CORES", "1")
    assert cpu_limit(tmp_path) == 1
    monkeypatch.setenv("CPU_CORES", "many")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert cpu_limit(tmp_path) == 1


def test_the_older_kind_of_quota_counts_too(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.delenv("CPU_CORES", raising=False)
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert cpu_limit(tmp_path) == 16
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("400000\n")
    assert cpu_limit(tmp_path) == 4


def test_what_is_kept_on_a_gpu_takes_a_quarter_of_it_at_most(monkeypatch):
    card = SimpleNamespace(total_memory=8 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    assert limit_cache(4096, torch.device("cuda")) == 2048
    assert limit_cache(1024, torch.device("cuda")) == 1024
    assert limit_cache(4096, torch.device("cpu")) == 4096
