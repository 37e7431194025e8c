"""Uploads a model, or the whole demo, to the Hugging Face Hub.

    python -m tqdm_demo.publish MODEL user/name            a model folder, as a model repository
    python -m tqdm_demo.publish --space user/name          the demo, as a Gradio Space
    python -m tqdm_demo.publish --space user/name --hardware zero-a10g --models published:NAME

MODEL is a bundled name or a checkpoint folder. What is sent is an allow-list, in commits of fewer
than a hundred files: of a model its configuration, its tensors and a card (what its folder says,
and what config.json records); of the demo the code, the bundled models and the examples. Data,
caches, trainings, tests and hidden files are never sent, nor anything that a link points to, and a
file with a Hub token in it stops everything. A Space's front matter and requirements are written
for its hardware, and TQDM_MODELS is set to --models. ``--dry-run`` lists the files with their sizes
and shows what is written, ``--export FOLDER`` writes all of it for a push with git and LFS; both
use no network. Otherwise log in first: ``hf auth login``. Memory stays below 1 GB.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import LocalTokenNotFoundError

from tqdm_demo.checkpoints.folder_files import CONFIG_FILE, TENSOR_FILE, read_config, resolve_source
from tqdm_demo.checkpoints.model_card import complete_card
from tqdm_demo.console import print_any_text
from tqdm_demo.space_files import (
    GIT_ATTRIBUTES,
    HARDWARE,
    describe_space,
    space_readme,
    space_requirements,
    space_variables,
)

ROOT = Path(__file__).resolve().parents[1]
CARD_FILE = "README.md"
# What a Space is made of, below the repository's root; a star stands for one name.
SPACE_FILES = (
    "app.py",
    "requirements.txt",
    "README.md",
    "LICENSE",
    ".github/page.jpg",
    "tqdm_demo/**/*.py",
    "tqdm_demo/**/*.css",
    "tqdm_demo/**/*.js",
    "tqdm_demo/**/*.html",
    f"tqdm_demo/**/{CARD_FILE}",
    f"weights/*/{CONFIG_FILE}",
    f"weights/*/{TENSOR_FILE}",
    f"weights/**/{CARD_FILE}",
    "examples/index.json",
    "examples/**/*.jpg",
    "examples/**/*.png",
)
# Fewer than a hundred files a commit are recommended.
MOST_FILES = 90
_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{30,}")
_TEXTS = {".py", ".css", ".js", ".html", ".md", ".json", ".txt", ""}


@dataclass(frozen=True)
class Upload:
    """One file that would be sent.

    Attributes:
        name: in the repository.
        content: where it lies here, or its bytes.
    """

    name: str
    content: Path | bytes

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


@dataclass(frozen=True)
class Space:
    """What a Space runs on.

    Attributes:
        hardware: of ``space_files.HARDWARE``.
        variables: by name.
    """

    hardware: str
    variables: Mapping[str, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program; the arguments are those of the command line."""
    print_any_text()
    options = _parse(arguments)
    try:
        if options.space:
            uploads, kind = space_uploads(ROOT, options.hardware, options.models), "space"
        else:
            uploads, kind = model_uploads(resolve_source(options.model)), "model"
        check_for_tokens(uploads)
    except ValueError as error:
        raise SystemExit(f"publish: {error}") from error
    print(listing(uploads))
    if options.space:
        written = {upload.name: upload.content for upload in uploads}
        texts = (written[name].decode() for name in (CARD_FILE, "requirements.txt"))
        print(describe_space(*texts, options.hardware, options.models))
    if options.export is not None:
        try:
            export(uploads, options.export)
        except (ValueError, OSError) as error:
            raise SystemExit(f"publish: {error}") from error
        print(f"written to {options.export}")
    if options.dry_run or options.export is not None:
        print(f"dry run: nothing was sent to {options.repository} ({kind})")
        return
    space = Space(options.hardware, space_variables(options.models)) if options.space else None
    try:
        address = send(HfApi(), uploads, options.repository, options.private, space)
    except LocalTokenNotFoundError as error:
        raise SystemExit("publish: not logged in; run `hf auth login` first") from error
    except Exception as error:  # which ones depends on the library that a session is made of
        raise SystemExit(f"publish: {options.repository} was not sent: {error}") from error
    print(f"sent to {address}")


def model_uploads(folder: Path) -> list[Upload]:
    """The files of a model: configuration, tensors, and a card made of what is known of it.

    Raises:
        ValueError: a folder without a model's files.
    """
    sections = read_config(folder)
    if not {"model", "clip"} & set(sections):
        raise ValueError(f"{folder / CONFIG_FILE} describes no model of this project")
    if not (folder / TENSOR_FILE).is_file():
        raise ValueError(f"{folder} has no {TENSOR_FILE}")
    own = folder / CARD_FILE
    text = own.read_text(encoding="utf-8") if own.is_file() else ""
    card = complete_card(folder.resolve().name, text, sections)
    files = [Upload(name, folder / name) for name in (CONFIG_FILE, TENSOR_FILE)]
    return [Upload(CARD_FILE, card.encode()), *files]


def space_uploads(
    root: Path, hardware: str = HARDWARE[0], models: Sequence[str] = ()
) -> list[Upload]:
    """The files of the demo below ``root``, by :data:`SPACE_FILES`.

    Args:
        root: of the repository.
        hardware: that the Space's README and requirements are written for.
        models: sources that the Space serves first.

    Raises:
        ValueError: a file that the list names is not there, or a Space cannot have a model.
    """
    found: dict[str, Path] = {}
    for pattern in SPACE_FILES:
        paths = [path for path in root.glob(pattern) if _may_be_sent(path, root, pattern)]
        if not paths and "*" not in pattern:
            raise ValueError(f"{root / pattern} is missing")
        found |= {path.relative_to(root).as_posix(): path for path in paths}
    readme = space_readme(found[CARD_FILE].read_text(encoding="utf-8"), hardware, models)
    needed = space_requirements(found["requirements.txt"].read_text(encoding="utf-8"), hardware)
    written = {CARD_FILE: readme.encode(), "requirements.txt": needed.encode()}
    return [Upload(name, written.get(name, found[name])) for name in sorted(found)]


def export(uploads: Sequence[Upload], folder: Path) -> None:
    """Writes all files below a folder, as a Space would have them.

    Raises:
        ValueError: the folder holds something already.
        OSError: it cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} exists already; name a new folder")
    for upload in uploads:
        path = folder / upload.name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = upload.content
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    (folder / ".gitattributes").write_text(GIT_ATTRIBUTES, encoding="utf-8")


def check_for_tokens(uploads: Sequence[Upload]) -> None:
    """Looks for tokens of the Hub in everything that is text.

    Raises:
        ValueError: there is one; the message names the file and not the token.
    """
    for upload in uploads:
        if Path(upload.name).suffix in _TEXTS:
            content = upload.content
            content = content if isinstance(content, bytes) else content.read_bytes()
            if _TOKEN.search(content):
                raise ValueError(f"{upload.name} holds a token of the Hub; nothing was sent")


def send(
    api: HfApi,
    uploads: Sequence[Upload],
    repository: str,
    private: bool,
    space: Space | None = None,
) -> str:
    """Sends all files, a commit for :data:`MOST_FILES` at most, and returns the address.

    Args:
        api: the Hub's client.
        uploads: what is sent, and nothing else.
        repository: ``user/name``; is created where it does not exist.
        private: whether a new repository is private.
        space: its hardware and variables; None = a model.
    """
    kind = "model" if space is None else "space"
    more = {} if space is None else {"space_sdk": "gradio", "space_hardware": space.hardware}
    address = api.create_repo(repository, repo_type=kind, private=private, exist_ok=True, **more)
    if space is not None:
        # A Space that was there already has kept its hardware.
        if api.get_space_runtime(repository).requested_hardware not in (None, space.hardware):
            api.request_space_hardware(repository, space.hardware)
        for name, value in space.variables.items():
            api.add_space_variable(repository, name, value)
    # The entry point and the front matter come last: before them nothing can start.
    last = ("app.py", CARD_FILE)
    ordered = sorted(uploads, key=lambda upload: upload.name in last)
    for start in range(0, len(ordered), MOST_FILES):
        batch = ordered[start : start + MOST_FILES]
        api.create_commit(
            repository,
            operations=[CommitOperationAdd(upload.name, upload.content) for upload in batch],
            commit_message="Publish with tqdm_demo.publish",
            repo_type=kind,
        )
    return str(address)


def listing(uploads: Sequence[Upload]) -> str:
    """One line a file: its size in bytes and its name; then the sum."""
    lines = [f"{upload.size:>13,}  {upload.name}" for upload in uploads]
    total = sum(upload.size for upload in uploads)
    return "\n".join([*lines, f"{total:>13,}  {len(uploads)} files"])


def _may_be_sent(path: Path, root: Path, pattern: str) -> bool:
    """No links, and nothing hidden that the pattern does not name."""
    parts = path.relative_to(root).parts
    hidden = any(part.startswith((".", "__pycache__")) for part in parts)
    links = any((root / Path(*parts[:n])).is_symlink() for n in range(1, len(parts) + 1))
    return path.is_file() and not links and (not hidden or path == root / pattern)


def _repository(text: str) -> str:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no user/name")
    return text


def _sources(text: str) -> list[str]:
    return [source.strip() for source in text.split(",") if source.strip()]


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="bundled name or folder")
    parser.add_argument("repository", nargs="?", type=_repository, metavar="user/name")
    parser.add_argument("--space", type=_repository, metavar="user/name", help="send the demo")
    parser.add_argument(
        "--hardware", choices=HARDWARE, default=HARDWARE[0], help=f"of the Space ({HARDWARE[0]})"
    )
    parser.add_argument(
        "--models", type=_sources, default=[], metavar="A,B", help="that the Space serves first"
    )
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write the Space there")
    parser.add_argument("--private", action="store_true", help="of a repository that is new")
    parser.add_argument("--dry-run", action="store_true", help="list files and sizes, send nothing")
    options = parser.parse_args(arguments)
    if (options.space is None) == (options.repository is None) or (
        options.space is not None and options.model is not None
    ):
        parser.error("give either MODEL user/name or --space user/name")
    if options.space is None and (options.models or options.export is not None):
        parser.error("--models and --export are for --space")
    options.repository = options.space or options.repository
    return options


if __name__ == "__main__":
    main()
