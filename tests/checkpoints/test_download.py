"""One large file over HTTP, from a server that does all that Google Drive does."""

from collections import namedtuple

import pytest

from tests.drive_server import QUOTA, DriveFile
from tqdm_demo.checkpoints import download as module
from tqdm_demo.checkpoints.download import download, sha256
from tqdm_demo.checkpoints.published.catalogue import RemoteFile

CONTENT = bytes(range(256)) * 40
FILE = RemoteFile("a.pth", "drive:one", 0.001)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "a.pth"


@pytest.fixture
def get(drive, target):
    """Downloads what the server has under the id "one"."""
    target.parent.mkdir()

    def get(served: DriveFile, **options) -> DriveFile:
        drive.files["one"] = served
        download(FILE, target, **options)
        return served

    return get


@pytest.mark.parametrize("confirm", [False, True], ids=["at once", "behind the question"])
def test_a_file_is_had(get, target, confirm):
    served = get(DriveFile(CONTENT, confirm=confirm))
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["a.pth"]
    assert len(served.asked) == 1 + confirm
    assert served.asked[0][1] == {"id": "one", "export": "download", "confirm": "t"}
    get(served)
    assert len(served.asked) == 1 + confirm, "it is there, nothing is asked again"


def test_a_plain_address_is_had_too(drive, target):
    target.parent.mkdir()
    drive.files["b.pth"] = DriveFile(CONTENT)
    place = drive.address.replace("download", "b.pth")
    download(RemoteFile("b.pth", place, 0.001), target)
    assert target.read_bytes() == CONTENT


def test_a_connection_that_breaks_is_taken_up_again(get, target):
    served = get(DriveFile(CONTENT, confirm=True, cuts=[3000, 6000]))
    assert target.read_bytes() == CONTENT
    assert [start for start, query in served.asked if "uuid" in query] == [0, 3000, 6000]


def test_the_next_try_goes_on_from_what_is_there(get, target):
    def stop(done: int, total: int) -> None:
        assert (done, total) == (5, len(CONTENT))
        raise KeyboardInterrupt

    served = DriveFile(CONTENT, cuts=[5])
    with pytest.raises(KeyboardInterrupt):
        get(served, report=stop)
    assert not target.exists() and target.with_name("a.pth.part").stat().st_size == 5
    get(served)
    assert target.read_bytes() == CONTENT and served.asked[-1][0] == 5


@pytest.mark.parametrize("change", ["tag", "size", "no parts"])
def test_parts_of_two_files_are_never_joined(get, target, change):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(DriveFile(b"x" * 7000, cuts=[3000]), report=stop)
    other = DriveFile(CONTENT, tag='"2"', ranges=change != "no parts")
    if change == "size":
        other.tag = '"1"'
    elif change == "tag":
        other.content = b"y" * 7000
    get(other)
    assert target.read_bytes() == other.content


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (DriveFile(page=QUOTA), "quota for a.pth is used up.*tomorrow.*drive.google.com/file"),
        (DriveFile(page=QUOTA, status=403), "quota for a.pth is used up"),
        (DriveFile(page="<html>Sign in</html>", status=403), r"not for everybody \(403\)"),
        (DriveFile(page="<html>Hello</html>"), "answers with a web page instead of a.pth"),
        (DriveFile(b"<!DOCTYPE html><html>Hi"), "answers with a web page instead of a.pth"),
        (DriveFile(page="<html>busy</html>", status=500), "cannot be reached.*answers 500"),
        (DriveFile(page="<html>teapot</html>", status=418), "answers with error 418"),
    ],
)  # fmt: skip
def test_what_comes_instead_is_told_and_nothing_stays(get, target, served, said):
    with pytest.raises(ValueError, match=said):
        get(served)
    assert sum(path.stat().st_size for path in target.parent.glob("*.p*th*t")) == 0
    assert not target.exists()


def test_a_missing_file_and_a_missing_server_are_told(drive, target):
    target.parent.mkdir()
    with pytest.raises(ValueError, match=r"not at 127.0.0.1 any more.*\(404\).*authors' page"):
        download(FILE, target)
    drive.shutdown()
    drive.server_close()
    with pytest.raises(ValueError, match="127.0.0.1 cannot be reached.*Go online.*browser"):
        download(FILE, target)


def test_what_breaks_off_again_and_again_is_given_up_and_kept(get, target):
    with pytest.raises(ValueError, match="broke off after 0 MB.*goes on from there"):
        get(DriveFile(CONTENT, cuts=10 * [3000]))
    assert target.with_name("a.pth.part").stat().st_size == 3000


def test_offline_is_told_at_once(get, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="HF_HUB_OFFLINE switches downloads off"):
        get(DriveFile(CONTENT))


def test_the_disk_is_looked_at_first(get, target, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: usage(module.SPARE + 12_000))
    with pytest.raises(ValueError, match=r"a.pth needs 0.2 GB in .*downloads.*--cache-dir"):
        get(DriveFile(CONTENT), extra=0.5)  # 10,240 bytes and half of it
    assert list(target.parent.iterdir()) == []
    get(DriveFile(CONTENT))


def test_a_digest(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256(tmp_path / "file").startswith("ba7816bf8f01cfea")
