"""``--help`` of every program: on any console, and with a sentence and a default an option."""

import importlib
import io
import re
from pathlib import Path

import pytest

from tqdm_demo.presets import PRESETS
from tqdm_demo.pretraining.config import PretrainConfig
from tqdm_demo.training.command_line import FIXED

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in [ROOT / "app.py", *(ROOT / "tqdm_demo").rglob("*.py")]
    if '\nif __name__ == "__main__":\n    main()' in path.read_text(encoding="utf-8")
)


def help_of(program, monkeypatch, *arguments):
    """What the program prints on a console that knows ASCII alone."""
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr("sys.stdout", console)
    monkeypatch.setattr("sys.argv", [program, *arguments, "--help"])
    with pytest.raises(SystemExit) as raised:
        importlib.import_module(program).main()
    assert raised.value.code == 0
    return console.buffer.getvalue().decode("ascii")


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_is_printed_on_an_ascii_console(program, monkeypatch):
    assert "--help" in help_of(program, monkeypatch)


@pytest.mark.parametrize(
    ("program", "arguments", "configurations"),
    [
        ("tqdm_demo.pretrain", (), [PretrainConfig()]),
        *(
            ("tqdm_demo.train", ("--preset", name), [preset.training, preset.model])
            for name, preset in PRESETS.items()
        ),
    ],
)
def test_every_option_has_a_sentence_and_the_default_of_the_preset(
    program, arguments, configurations, monkeypatch
):
    printed = help_of(program, monkeypatch, *arguments)
    entries = dict(re.findall(r"\n  --([\w-]+)(.*?)(?=\n  -|\n\n|\Z)", printed, re.DOTALL))
    for configuration in configurations:
        for name, value in vars(configuration).items():
            if name in FIXED:
                continue
            entry = " ".join(entries[name.replace("_", "-")].split())
            assert re.search(r"[A-Z][^.]{8,}.*\. \(", entry), name
            shown = (
                {True: "on", False: "off", "": "empty"}.get(value, value)
                if not isinstance(value, (int, float)) or isinstance(value, bool)
                else value
            )
            shown = " ".join(map(str, shown)) if isinstance(shown, tuple) else shown
            assert entry.endswith(f"default: {shown})"), name
