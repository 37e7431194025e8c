"""Which files of uploads and answers are removed, and when."""

import os
from types import SimpleNamespace

import pytest

from tqdm_demo.interface import old_files
from tqdm_demo.interface.old_files import clean, remove_old, remove_parts

OLD, NEW = 1000, 3000
BEFORE = 2000


@pytest.fixture
def make(tmp_path):
    """Makes a file of an age, and gives its path."""

    def make(name: str, time: int) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (time, time))
        return str(path)

    return make


def test_old_files_go_with_their_names(make):
    old, new, kept = make("old", OLD), make("new", NEW), make("kept", OLD)
    names = {old, new, kept, "/nowhere/file"}
    remove_old(names, {kept}, BEFORE)
    assert names == {new, kept}
    assert [os.path.exists(path) for path in (old, new, kept)] == [False, True, True]


def test_files_may_come_meanwhile(make, monkeypatch):
    names = {make("a", OLD), make("b", OLD)}
    remove = os.remove
    monkeypatch.setattr("os.remove", lambda path: (remove(path), names.add(path + " new")))
    remove_old(names, (), BEFORE)
    assert all(name.endswith(" new") for name in names) and len(names) == 2


def test_what_is_left_of_broken_uploads_is_removed(make, tmp_path):
    for name, time in (("tmpold", OLD), ("tmpnew", NEW), ("picture", OLD), ("tmpdir/file", OLD)):
        make(name, time)
    os.utime(tmp_path / "tmpdir", (OLD, OLD))
    remove_parts(tmp_path, BEFORE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture", "tmpdir", "tmpnew"]
    remove_parts(tmp_path / "nowhere", BEFORE)


def test_a_page_is_cleaned(make, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    age = old_files.FILE_AGE
    monkeypatch.setattr("time.time", lambda: BEFORE + age)
    upload, kept = make("a/upload", OLD), make("a/kept", OLD)
    make("tmpleft", OLD)
    page = SimpleNamespace(
        blocks={1: SimpleNamespace(keep_in_cache={kept}), 2: SimpleNamespace()},
        temp_file_sets=[{upload}, {kept}],
    )
    clean(page)
    assert page.temp_file_sets == [set(), {kept}]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["kept"]
