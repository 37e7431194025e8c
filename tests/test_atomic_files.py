"""A replaced file is the old one or the new one, never half of it, and nothing lies beside it."""

import pytest

from tqdm_demo.atomic_files import replace_text, replacing


@pytest.fixture
def file(tmp_path):
    """A file that is there before."""
    file = tmp_path / "picture.png"
    file.write_text("old")
    return file


def test_the_new_file_takes_the_place_of_the_old_one_at_the_end(file):
    with replacing(file) as partial:
        partial.write_text("new")
        assert file.read_text() == "old" and partial.suffix == ".png"
    assert file.read_text() == "new" and list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file(file, error):
    with pytest.raises(type(error)), replacing(file) as partial:
        partial.write_text("ha")
        raise error
    assert file.read_text() == "old" and list(file.parent.iterdir()) == [file]


def test_a_block_that_writes_nothing_is_told(file):
    with pytest.raises(FileNotFoundError), replacing(file):
        pass
    assert file.read_text() == "old"


def test_text_is_written_as_utf8_into_a_new_folder(tmp_path):
    replace_text(tmp_path / "new" / "a.txt", "Straße\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "Straße\n".encode()
    assert len(list((tmp_path / "new").iterdir())) == 1
