"""The grammar of data specifications."""

import pytest

from tqdm_demo.data.specs import Spec, open_kinds, split_specs, with_root


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("streets:fog", [Spec("streets", "fog")]),
        ("gta5", [Spec("gta5")]),
        ("acdc:/a b/c:val:night", [Spec("acdc", "/a b/c", ("val", "night"))]),
        (" folder:x , gta5:y ", [Spec("folder", "x"), Spec("gta5", "y")]),
        ('folder:"/a:b, c":val,gta5:y', [Spec("folder", "/a:b, c", ("val",)), Spec("gta5", "y")]),
        ('folder:"say ""hi"""', [Spec("folder", 'say "hi"')]),
        ('folder:12" records', [Spec("folder", '12" records')]),
        (r"folder:C:\x\y:val", [Spec("folder", r"C:\x\y", ("val",))]),
        ("folder:d:/x,folder:e:/y", [Spec("folder", "d:/x"), Spec("folder", "e:/y")]),
        (r'folder:"C:\a,b"', [Spec("folder", r"C:\a,b")]),
        ("folder::train", [Spec("folder", "", ("train",))]),
        ("folder:x:train:include=A*:include=B*:filter=oil",
         [Spec("folder", "x", ("train",),
               (("include", "A*"), ("include", "B*"), ("filter", "oil")))]),
        ("folder:x=y:val", [Spec("folder", "x=y", ("val",))]),
        ("", []),
    ],
)  # fmt: skip
def test_a_list_is_read_and_written_again(text, wanted):
    found = split_specs(text)
    assert list(found) == wanted
    assert split_specs(",".join(map(str, found))) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('folder:"/a:val', "not closed"),
        ('folder:"/a"b:val', "'b:val' stands behind"),
        ("folder:x:color=red", "'color=red' .* include=..., exclude="),
        ("folder:x:filter=", "'filter='"),
    ],
)
def test_what_cannot_be_read_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        split_specs(text)


def test_settings_and_the_last_part_of_the_folder():
    (spec,) = split_specs("folder:/x/y:include=A*:filter=oil:include=B*")
    assert spec.values("include") == ("A*", "B*")
    assert str(spec.with_setting("filter", None)) == "folder:/x/y:include=A*:include=B*"
    assert str(spec.with_setting("filter", "fog")).endswith("include=B*:filter=fog")
    assert spec.short_place == "y" and split_specs(r"folder:C:\x\z")[0].short_place == "z"


def test_open_folders_take_the_root():
    text = "folder::train,gta5,streets:fog,acdc:/there"
    assert open_kinds(text) == ("folder", "gta5")
    rooted = with_root(text, "/a,b")
    assert rooted == 'folder:"/a,b":train,gta5:"/a,b",streets:fog,acdc:/there'
    assert open_kinds(rooted) == ()
