from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub.errors import LocalTokenNotFoundError

from tqdm_demo import publish
from tqdm_demo.publish import check_for_tokens, main, model_uploads, space_uploads

TOKEN = "hf_" + "aB3" * 11


class StandInHub:
    """The Hub's client: keeps what it is asked to do."""

    def __init__(self, error: Exception | None = None) -> None:
        self.created, self.commits, self.error = [], [], error
        self.variables, self.hardware = {}, None

    def add_space_variable(self, repository: str, name: str, value: str) -> None:
        self.variables[name] = value

    def get_space_runtime(self, repository: str) -> SimpleNamespace:
        return SimpleNamespace(requested_hardware=self.hardware)

    def request_space_hardware(self, repository: str, hardware: str) -> None:
        self.hardware = hardware

    def create_repo(self, repository: str, **settings: object) -> str:
        if self.error is not None:
            raise self.error
        self.created.append((repository, settings))
        return f"https://hub/{repository}"

    def create_commit(self, repository: str, **settings: object) -> None:
        self.commits.append(SimpleNamespace(repository=repository, **settings))


@pytest.fixture
def hub(monkeypatch) -> StandInHub:
    stand_in = StandInHub()
    monkeypatch.setattr(publish, "HfApi", lambda: stand_in)
    return stand_in


@pytest.fixture
def demo(tmp_path) -> Path:
    """A small copy of the repository's layout, with much that must not be sent."""
    wanted = (
        "app.py requirements.txt README.md LICENSE .github/page.jpg tqdm_demo/__init__.py "
        "tqdm_demo/interface/page.css tqdm_demo/interface/README.md weights/README.md "
        "weights/small/config.json weights/small/model.safetensors "
        "examples/index.json examples/fog.jpg examples/truth/fog.png"
    )
    unwanted = (
        ".env .git/config .venv/lib/x.py .github/secret.txt runs/state.pth tests/test_x.py "
        "token.txt notes.py data/a.jpg tqdm_demo/__pycache__/a.py tqdm_demo/.cache/a.py "
        "tqdm_demo/keys.json weights/small/optimizer.pth weights/small/deep/config.json "
        "weights/small/model.safetensors.partial examples/raw.tif examples/.hidden.jpg"
    )
    for name in (wanted + " " + unwanted).split():
        path = tmp_path / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "demo" / "README.md").write_text("---\nsdk: gradio\n---\n# Demo\n")
    (tmp_path / "private.py").write_text("secret")
    (tmp_path / "demo/tqdm_demo/link.py").symlink_to(tmp_path / "private.py")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/photo.jpg").write_text("private")
    (tmp_path / "demo/examples/album").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "demo"


def test_a_space_gets_what_the_list_names_and_nothing_else(demo):
    assert {upload.name for upload in space_uploads(demo)} == {
        "app.py",
        "requirements.txt",
        "README.md",
        "LICENSE",
        ".github/page.jpg",
        "tqdm_demo/__init__.py",
        "tqdm_demo/interface/page.css",
        "tqdm_demo/interface/README.md",
        "weights/README.md",
        "weights/small/config.json",
        "weights/small/model.safetensors",
        "examples/index.json",
        "examples/fog.jpg",
        "examples/truth/fog.png",
    }
    (demo / "app.py").unlink()
    with pytest.raises(ValueError, match="app.py is missing"):
        space_uploads(demo)


def test_a_token_stops_everything(demo, hub, monkeypatch):
    (demo / "tqdm_demo" / "__init__.py").write_text(f"TOKEN = '{TOKEN}'")
    with pytest.raises(ValueError, match="tqdm_demo/__init__.py holds a token") as raised:
        check_for_tokens(space_uploads(demo))
    assert TOKEN not in str(raised.value)
    monkeypatch.setattr(publish, "ROOT", demo)
    with pytest.raises(SystemExit, match="holds a token"):
        main(["--space", "user/demo"])
    assert hub.created == []


def test_the_real_demo_is_complete_and_small(capsys, hub):
    main(["--space", "user/demo", "--hardware", "cpu-basic", "--dry-run"])
    printed = capsys.readouterr().out
    *files, total = re.findall(r"^ *([\d,]+)  (.+)$", printed, re.M)
    names = {name for _, name in files}
    assert {
        "app.py",
        "README.md",
        "tqdm_demo/inference/predictor.py",
        "examples/index.json",
    } <= names
    assert {"weights/streets-tqdm/model.safetensors", "tqdm_demo/interface/page.css"} <= names
    assert not [name for name in names if name.startswith(("tests", "runs", ".venv", ".git/"))]
    code = {str(p.relative_to(publish.ROOT)) for p in publish.ROOT.glob("tqdm_demo/**/*.py")}
    assert code <= names
    assert int(total[0].replace(",", "")) < 60_000_000 and total[1] == f"{len(files)} files"
    assert "suggested_hardware: cpu-basic" in printed and "download.pytorch.org" in printed
    assert "nothing was sent to user/demo (space)" in printed and hub.created == []


def test_a_model_is_its_configuration_its_tensors_and_a_card(tiny_weights, hub, capsys):
    folder = tiny_weights / "tiny-tqdm"
    main([str(folder), "user/model", "--private"])
    assert hub.created == [
        ("user/model", {"repo_type": "model", "private": True, "exist_ok": True})
    ]
    (commit,) = hub.commits
    sent = {operation.path_in_repo: operation.path_or_fileobj for operation in commit.operations}
    assert set(sent) == {"README.md", "config.json", "model.safetensors"}
    assert commit.repo_type == "model" and commit.repository == "user/model"
    card = sent["README.md"].decode()
    assert card.startswith("---\nlicense: other") and "# tiny-tqdm" in card
    assert "| model.width |" not in card and "| width | 32 |" in card
    assert "`tiny-clip`" in card
    assert "sent to https://hub/user/model" in capsys.readouterr().out


def test_a_space_is_sent_as_a_gradio_space(demo, hub, monkeypatch):
    monkeypatch.setattr(publish, "ROOT", demo)
    main(["--space", "user/demo"])
    ((repository, settings),) = hub.created
    assert repository == "user/demo" and settings["space_sdk"] == "gradio"
    (commit,) = hub.commits
    assert commit.repo_type == "space"
    names = [operation.path_in_repo for operation in commit.operations]
    assert sorted(names) == [upload.name for upload in space_uploads(demo)]
    assert set(names[-2:]) == {"README.md", "app.py"}, "nothing starts before all is there"
    assert settings["space_hardware"] == "zero-a10g" and hub.variables == {}
    assert hub.hardware is None, "a new one has it from the start"


def test_a_space_that_is_there_gets_the_hardware_that_its_files_are_written_for(
    demo, hub, monkeypatch
):
    monkeypatch.setattr(publish, "ROOT", demo)
    hub.hardware = "cpu-basic"
    main(["--space", "user/demo", "--hardware", "t4-small"])
    assert hub.hardware == "t4-small"


def test_many_files_are_sent_in_several_commits(demo, hub, monkeypatch):
    monkeypatch.setattr(publish, "ROOT", demo)
    monkeypatch.setattr(publish, "MOST_FILES", 5)
    main(["--space", "user/demo", "--hardware", "t4-small", "--models", "a/b,streets-tqdm"])
    assert [len(commit.operations) for commit in hub.commits] == [5, 5, 4]
    assert hub.variables == {"TQDM_MODELS": "a/b,streets-tqdm"}
    assert hub.created[0][1]["space_hardware"] == "t4-small"


def test_an_exported_space_is_what_would_be_sent(demo, hub, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "ROOT", demo)
    folder = tmp_path / "space"
    main(["--space", "user/demo", "--export", str(folder)])
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == {upload.name for upload in space_uploads(demo)} | {".gitattributes"}
    in_lfs = (folder / ".gitattributes").read_text()
    assert all(f"*.{ending} filter=lfs" in in_lfs for ending in ("safetensors", "jpg", "png"))
    assert hub.created == []
    with pytest.raises(SystemExit, match="exists already"):
        main(["--space", "user/demo", "--export", str(folder)])
    with pytest.raises(SystemExit):
        main(["tiny", "user/model", "--export", str(tmp_path / "other")])


def test_a_dry_run_asks_nothing_of_the_hub(tiny_weights, hub, capsys):
    main([str(tiny_weights / "tiny-clip"), "user/clip", "--dry-run"])
    printed = capsys.readouterr().out
    uploads = model_uploads(tiny_weights / "tiny-clip")
    for upload in uploads:
        assert f"{upload.size:,}  {upload.name}" in printed
    assert "3 files" in printed and "dry run" in printed
    assert hub.created == [] and hub.commits == []


def test_what_is_no_model_is_refused(tmp_path, hub):
    with pytest.raises(SystemExit, match="neither a bundled model"):
        main([str(tmp_path), "user/model"])
    (tmp_path / "config.json").write_text('{"other": 1}')
    with pytest.raises(SystemExit, match="describes no model"):
        main([str(tmp_path), "user/model"])
    (tmp_path / "config.json").write_text('{"model": {}}')
    with pytest.raises(SystemExit, match="has no model.safetensors"):
        main([str(tmp_path), "user/model"])
    assert hub.created == []


def test_who_is_not_logged_in_is_told(tiny_weights, monkeypatch):
    stand_in = StandInHub(LocalTokenNotFoundError("no token"))
    monkeypatch.setattr(publish, "HfApi", lambda: stand_in)
    with pytest.raises(SystemExit, match="hf auth login"):
        main([str(tiny_weights / "tiny-tqdm"), "user/model"])


def test_without_a_connection_there_is_a_sentence(tiny_weights, monkeypatch):
    class ConnectError(Exception):
        """Of the library behind the Hub's client."""

    monkeypatch.setattr(publish, "HfApi", lambda: StandInHub(ConnectError("no such name")))
    with pytest.raises(SystemExit, match="publish: user/model was not sent: no such name"):
        main([str(tiny_weights / "tiny-tqdm"), "user/model"])


@pytest.mark.parametrize(
    "arguments",
    [[], ["model"], ["model", "no-slash"], ["model", "a/b", "--space", "a/c"], ["--space", "x"]],
)
def test_command_lines_that_make_no_sense(arguments):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
