"""Published weights by name, from a stand-in for Google Drive with a stand-in for the file.

The stand-in has every tensor of the authors' file, by name and shape, each of one value, so that
its file takes kilobytes.
"""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.drive_server import QUOTA, DriveFile
from tqdm_demo import convert as program
from tqdm_demo.checkpoints.published import catalogue, conversion, store
from tqdm_demo.checkpoints.published.catalogue import WEIGHTS_BY_NAME, RemoteFile, find_weights
from tqdm_demo.checkpoints.published.recognition import training_set
from tqdm_demo.checkpoints.sources import PUBLISHED_SOURCES, describe, is_missing, locate
from tqdm_demo.presets import PRESETS

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
NAME = "tqdm-clip-vit-b-gta5"
ID = WEIGHTS_BY_NAME[NAME].checkpoint.place.removeprefix("drive:")
CACHE = "weights"  # below tmp_path, see the fixture "drive"


def stand_in() -> bytes:
    shapes = json.loads((REFERENCE / "clip_vit_b.keys.json").read_text())
    state = {
        name: torch.zeros(1, dtype=torch.int64 if "num_batches" in name else None).expand(shape)
        if shape
        else torch.zeros(shape, dtype=torch.int64)
        for name, shape in shapes.items()
    }
    file = io.BytesIO()
    torch.save({"state_dict": state, "meta": {}}, file)
    return file.getvalue()


@pytest.fixture
def converts(monkeypatch):
    """Conversions that copy the files' bytes in place of converting them; what was asked."""
    asked = []

    def convert(checkpoint, folder, dtype, backbone=None, expected=""):
        content = checkpoint.read_bytes() + (backbone.read_bytes() if backbone else b"")
        if b"damaged" in content:
            raise ValueError(f"{checkpoint} is damaged")
        folder.mkdir(parents=True)
        (folder / "config.json").write_bytes(content)
        asked.append((folder.name, dtype, expected))

    monkeypatch.setattr(conversion, "convert", convert)
    return asked


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_the_table_is_whole():
    assert len(WEIGHTS_BY_NAME) >= 3
    for name, weights in WEIGHTS_BY_NAME.items():
        assert weights.name == name and "licence" in weights.terms and weights.gigabytes > 0
        assert not weights.preset or weights.preset in PRESETS
        if weights.model.startswith("tqdm "):
            stem = weights.checkpoint.name.removesuffix(".pth")
            assert training_set({}, stem) == weights.trained_on
    with pytest.raises(ValueError, match="no published weights 'tqdm-clip-gta5' .did you mean"):
        find_weights("tqdm-clip-gta5")


@pytest.mark.slow
def test_a_stand_in_for_the_authors_file_becomes_a_model(drive, tmp_path, capsys):
    drive.files[ID] = DriveFile(stand_in(), confirm=True)
    source = f"published:{NAME}#float16"
    assert is_missing(source) and "1.1 GB" in describe(source).about
    folder = locate(source)
    assert not is_missing(source) and is_missing(f"published:{NAME}")
    assert folder == tmp_path / CACHE / "models" / f"{NAME}-float16"
    assert json.loads((folder / "config.json").read_text())["training"] == {"source": "GTA5"}
    assert (folder / "model.safetensors").stat().st_size > 300e6
    printed = capsys.readouterr().out
    assert printed.startswith("tqdm, CLIP ViT-B/16, GTA5. The authors' weights, trained on GTA5: a")
    assert "MIT licence; the weights come without a stated licence" in printed
    assert not list((tmp_path / CACHE / "downloads").iterdir())


def test_the_first_use_downloads_and_later_ones_ask_nobody(drive, converts, tmp_path, monkeypatch):
    drive.files[ID] = DriveFile(b"weights")
    told = []
    folder = store.fetch_weights(NAME, tell=lambda text, share: told.append((text, share)))
    assert told[0] == ("Downloading tqdm-clip-vit-b-gta.pth: 0 of 0 MB", 1.0)
    assert told[-1][0].startswith("Converting tqdm")
    del drive.files[ID]
    assert locate(f"published:{NAME}") == folder == tmp_path / CACHE / "models" / NAME
    assert converts == [(NAME, torch.float32, "tqdm with CLIP ViT-B/16")]
    digest = hashlib.sha256(b"weights").hexdigest()
    hashes = json.loads((tmp_path / CACHE / "hashes.json").read_text())
    assert hashes == {"tqdm-clip-vit-b-gta.pth": digest}


def test_another_file_under_the_same_address_is_refused(drive, converts, tmp_path):
    drive.files[ID] = DriveFile(b"weights")
    locate(f"published:{NAME}")
    drive.files[ID] = DriveFile(b"other weights", tag='"2"')
    with pytest.raises(ValueError, match=r"is another file than expected.*first downloaded here"):
        locate(f"published:{NAME}#float16")
    assert not [n for n in files_of(tmp_path / CACHE) if "downloads" in n or "float16" in n]


def test_a_digest_that_authors_publish_is_held_to(drive, converts, monkeypatch):
    drive.files[ID] = DriveFile(b"weights")
    weights = WEIGHTS_BY_NAME[NAME]
    file = replace(weights.checkpoint, sha256="0" * 64)
    monkeypatch.setitem(catalogue.WEIGHTS_BY_NAME, NAME, replace(weights, checkpoint=file))
    with pytest.raises(ValueError, match="which its authors name"):
        locate(f"published:{NAME}")


@pytest.mark.parametrize("served", [DriveFile(page=QUOTA), DriveFile(b"damaged")])
def test_what_fails_leaves_nothing_and_can_be_tried_again(drive, converts, tmp_path, served):
    drive.files[ID] = served
    with pytest.raises(ValueError, match="Try again tomorrow|is removed; try again"):
        locate(f"published:{NAME}")
    assert files_of(tmp_path / CACHE) == [".lock"]
    drive.files[ID] = DriveFile(b"weights")
    assert locate(f"published:{NAME}").is_dir()


def test_a_second_file_is_downloaded_beside_the_first(drive, converts, monkeypatch):
    backbone = RemoteFile("dino.pth", drive.address.replace("download", "dino.pth"), 1.2)
    weights = replace(WEIGHTS_BY_NAME[NAME], backbone=backbone)
    monkeypatch.setitem(catalogue.WEIGHTS_BY_NAME, NAME, weights)
    drive.files |= {ID: DriveFile(b"head, "), "dino.pth": DriveFile(b"backbone")}
    assert "2.3 GB" in describe(f"published:{NAME}").about
    assert (locate(f"published:{NAME}") / "config.json").read_bytes() == b"head, backbone"


def test_the_checkpoint_is_taken_out_of_an_archive(tmp_path):
    for name, content in (
        ("small.pth", b"few"),
        ("big.pth", b"a checkpoint"),
        ("log.txt", b"l" * 99),
    ):
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "tldr.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("small.pth", "big.pth", "log.txt"):
            archive.add(tmp_path / name, f"../work_dirs/{name}")
    assert store.unpack(path) == tmp_path / "tldr.pth" and not path.exists()
    assert (tmp_path / "tldr.pth").read_bytes() == b"a checkpoint"
    assert store.unpack(tmp_path / "tldr.pth") == tmp_path / "tldr.pth"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="no whole archive"):
        store.unpack(path)


def test_the_program_downloads_into_a_folder(drive, converts, tmp_path, capsys):
    drive.files[ID] = DriveFile(b"weights")
    folder, cache = tmp_path / "mine", tmp_path / "elsewhere"
    arguments = ["--download", NAME, str(folder), "--dtype", "float16", "--cache-dir", str(cache)]
    program.main([*arguments, "--keep"])
    assert converts == [("mine", torch.float16, "tqdm with CLIP ViT-B/16")]
    assert "trained on GTA5: a download of about 1.1 GB" in capsys.readouterr().out
    kept = cache / "downloads" / "tqdm-clip-vit-b-gta.pth"
    assert kept.read_bytes() == b"weights"
    with pytest.raises(SystemExit, match="convert: There are no published weights 'nothing'"):
        program.main(["--download", "nothing", str(folder)])
    with pytest.raises(SystemExit, match="2"):
        program.main([str(folder)])


def test_a_folder_that_cannot_be_written_is_told(drive, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TQDM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="cannot be stored.*--cache-dir or TQDM_CACHE_DIR"):
        locate(f"published:{NAME}")


def test_mistakes_in_a_source_are_told():
    with pytest.raises(ValueError, match="behind the # stands float32 or float16"):
        locate(f"published:{NAME}#plain")
    with pytest.raises(ValueError, match="There are no published weights 'x'; there are tqdm-"):
        locate("published:x")
    assert describe("published:x").about == "Not loaded yet."
    assert [describe(source).kind for source in PUBLISHED_SOURCES[:3]] == 3 * ["textual"]


def test_a_folder_that_holds_something_is_refused_before_the_download(drive, converts, tmp_path):
    drive.files[ID] = DriveFile(b"weights")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "diary.txt").touch()
    with pytest.raises(ValueError, match="mine exists already; name a new folder"):
        store.fetch_weights(NAME, folder=mine)
    assert files_of(tmp_path) == ["mine/diary.txt"] and not converts
