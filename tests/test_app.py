import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tqdm_demo.checkpoints import folder as checkpoint
from tqdm_demo.interface.page import LIMITS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def app(monkeypatch):
    """app.py, with the page's launch written down instead of done."""
    spec = importlib.util.spec_from_file_location("app_under_test", ROOT / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.launched = []
    monkeypatch.setattr(
        module, "launch_page", lambda page, host, port: module.launched.append((page, host, port))
    )
    monkeypatch.delenv("SPACE_ID", raising=False)
    return module


def test_arguments(app):
    default = app.parse_arguments([])
    assert (default.port, default.model, default.device) == (None, [], "auto")
    assert (default.max_models, default.window_batch, default.cache_mb) == (4, 4, 1024)
    given = app.parse_arguments(["--model", "runs/mine", "--model", "a/b", "--max-models", "1"])
    assert (given.model, given.max_models) == (["runs/mine", "a/b"], 1)
    with pytest.raises(SystemExit):
        app.parse_arguments(["--device", "tpu"])


def test_a_host_is_told_the_limits(app, capsys):
    with pytest.raises(SystemExit):
        app.parse_arguments(["--help"])
    assert LIMITS in " ".join(capsys.readouterr().out.split())
    readme = (ROOT / "tqdm_demo" / "interface" / "README.md").read_text(encoding="utf-8")
    assert LIMITS in " ".join(readme.replace("`", "").split())


def test_it_serves_this_machine_only_and_a_space_to_everyone(app, monkeypatch, tiny_weights):
    model = str(tiny_weights / "tiny-tqdm")
    monkeypatch.setattr("sys.argv", ["app.py", "--port", "7999", "--model", model])
    app.main()
    assert app.launched[0][1:] == ("127.0.0.1", 7999)
    monkeypatch.setenv("SPACE_ID", "someone/space")
    app.main()
    assert app.launched[1][1:] == ("0.0.0.0", 7999)


def test_a_busy_port_ends_in_a_sentence(app, monkeypatch, tiny_weights):
    def busy(*arguments):
        raise OSError("Cannot find empty port in range: 7999-7999")

    monkeypatch.setattr(app, "launch_page", busy)
    model = str(tiny_weights / "tiny-tqdm")
    monkeypatch.setattr("sys.argv", ["app.py", "--port", "7999", "--model", model])
    with pytest.raises(SystemExit, match=r"port 7999 cannot be used.*--port"):
        app.main()


@pytest.mark.process
def test_it_needs_no_module_that_only_unix_has():
    """So that it starts on Windows too."""
    blocked = "import sys; sys.modules |= dict.fromkeys(('fcntl', 'resource'))"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    subprocess.run(
        [sys.executable, "-c", f"{blocked}; import app"], cwd=ROOT, env=environment, check=True
    )


def test_without_any_model_it_says_what_is_missing(app, monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoint, "WEIGHTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["app.py", "--model", "nowhere"])
    with pytest.raises(SystemExit, match="'nowhere' is neither a bundled model"):
        app.main()
    assert app.launched == []
