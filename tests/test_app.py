import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tqdm_demo.checkpoints import folder_files
from tqdm_demo.interface.options import VARIABLES, parse_options
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
        module, "launch_page", lambda *arguments, block: module.launched.append(arguments)
    )
    return module


def test_arguments():
    default = parse_options([])
    assert (default.host, default.port) == ("127.0.0.1", None)
    assert (default.model, default.device, default.precision) == ([], "auto", "auto")
    assert (default.max_models, default.window_batch, default.cache_mb) == (4, 4, 1024)
    given = parse_options(["--model", "runs/mine", "--model", "a/b", "--max-models", "1"])
    assert (given.model, given.max_models) == (["runs/mine", "a/b"], 1)
    with pytest.raises(SystemExit):
        parse_options(["--device", "tpu"])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """No variable that a host would set, and the number of threads as it was."""
    for name in ("SPACE_ID", "TQDM_MODELS", *sum(VARIABLES.values(), ())):
        monkeypatch.delenv(name, raising=False)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_variables_stand_for_options_and_the_command_line_comes_first(monkeypatch, capsys):
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7001")
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("TQDM_MODELS", "a/b, published:tqdm-eva02-l-gta5,")
    monkeypatch.setenv("TQDM_MAX_MODELS", "2")
    monkeypatch.setenv("TQDM_PRECISION", "float32")
    options = parse_options(["--max-models", "3"])
    assert (options.host, options.port, options.max_models) == ("0.0.0.0", 7001, 3)
    assert options.model == ["a/b", "published:tqdm-eva02-l-gta5"]
    assert options.precision == "float32"
    monkeypatch.setenv("TQDM_PORT", "7002")
    assert parse_options([]).port == 7002
    assert parse_options(["--model", "mine"]).model == ["mine"]
    monkeypatch.setenv("TQDM_DEVICE", "tpu")
    with pytest.raises(SystemExit):
        parse_options([])
    assert "--device: invalid choice: 'tpu'" in capsys.readouterr().err


def test_every_option_has_a_variable_and_help_names_it(capsys):
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    options = set(re.findall(r"\[(--[\w-]+)", printed))
    assert options == {*VARIABLES, "--model", "--cache-dir"}
    named = {"TQDM_MODELS", "TQDM_CACHE_DIR", *sum(VARIABLES.values(), ())}
    assert named <= set(re.findall(r"\b[A-Z_]+\b", printed))


def test_a_host_is_told_the_limits(capsys):
    with pytest.raises(SystemExit):
        parse_options(["--help"])
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
    def busy(*arguments, block):
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


@pytest.mark.process
def test_the_page_is_built_before_the_heavy_packages_are_imported():
    """So that it is shown seconds earlier."""
    heavy = ("torch", "torchvision", "timm", "open_clip", "scipy", "matplotlib.figure", "gdown")
    code = (
        "import sys, app\n"
        "models = app.prepare_models(app.parse_options([]))\n"
        "app.locate(models.columns[0])\n"
        "app.build_page(models, app.read_examples())\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    assert found.stdout.split(b"\n")[-2] == b"[]", found.stdout


def test_a_model_that_cannot_be_loaded_ends_the_program(app, monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text('{"model": {}}')
    monkeypatch.setattr("sys.argv", ["app.py", "--model", str(tmp_path)])
    with pytest.raises(SystemExit, match="^app.py: .*config.json"):
        app.main()
    assert len(app.launched) == 1


def test_without_any_model_it_says_what_is_missing(app, monkeypatch, tmp_path):
    monkeypatch.setattr(folder_files, "WEIGHTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["app.py", "--model", "nowhere"])
    with pytest.raises(SystemExit, match="'nowhere' is neither a bundled model"):
        app.main()
    assert app.launched == []
