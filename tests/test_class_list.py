import pytest

from tqdm_demo.class_list import EVERYTHING_ELSE, ClassList, background_words, parse_class_list
from tqdm_demo.vocabulary import CITYSCAPES_NAMES, MAX_NAMES, PRESETS, SYNONYM_NAMES, colours_for


@pytest.mark.parametrize(
    ("text", "names", "colours"),
    [
        ("road\n\n  sky ", ("road", "sky"), ((128, 64, 128), (70, 130, 180))),
        ("car, automobile: #0000ff", ("car, automobile",), ((0, 0, 255),)),
        ("car,taxi :  00FF0a", ("car, taxi",), ((0, 255, 10),)),
        ("car: #f80", ("car",), ((255, 136, 0),)),
        ("car：#010203", ("car",), ((1, 2, 3),)),
        ("sky: #ffffff\nroad", ("sky", "road"), ((255, 255, 255), (128, 64, 128))),
    ],
)
def test_lists_that_are_fine(text, names, colours):
    classes = parse_class_list(text)
    assert classes.names == names and classes.colours == colours
    assert classes.labels == tuple(name.split(",")[0] for name in names)
    assert not classes.everything_else


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("car\ncar", "twice"),
        ("car\nbus, CAR: #123456", "“CAR” is there twice (entries 1 and 2)"),
        ("road\n\ncar: blue", "Line 2: “blue” is no colour; write it like #0000ff."),
        ("car: #12345", "no colour"),
        ("car:", "“” is no colour"),
        (": #123456", "empty name"),
        ("car,: #123456", "empty name"),
        ("x" * 61, "too long"),
        ("\n".join(f"name {i}" for i in range(65)), "65 names are too many"),
        ("!!!", "no letter"),
    ],
)
def test_mistakes_are_sentences(text, words):
    with pytest.raises(ValueError) as caught:
        parse_class_list(text)
    assert words in str(caught.value)


def test_names_may_be_of_any_script():
    classes = parse_class_list("<b>car</b>\nسيارة\n🚗 car\n<script>alert(1)</script>")
    assert len(classes.labels) == 4 and classes.labels[3] == "<script>alert(1)</script>"


def test_the_text_leads_back_to_the_same_list():
    classes = parse_class_list("road\n\ncar, taxi: #ff00aa\n", everything_else=True)
    assert parse_class_list(classes.text, classes.everything_else) == classes


def test_everything_else_is_one_more_grey_class():
    classes = parse_class_list("car\nbus", everything_else=True)
    assert classes.labels == ("car", "bus", EVERYTHING_ELSE) and classes.everything_else
    assert classes.colours == (*colours_for(("car", "bus")), (150, 150, 150))
    words = classes.entries[-1].names
    assert len(words) == 17 and "sky" in words and "car" not in words and "bus" not in words


@pytest.mark.parametrize("name", ["car", "automobile", "bus, automobile", "sports car", "CAR"])
def test_a_word_that_the_list_means_is_no_background(name):
    assert "car" not in background_words(ClassList.from_names([name]).entries)
    assert "road" in background_words(ClassList.from_names([name]).entries)


def test_a_list_that_names_all_leaves_nothing_else():
    for names in (CITYSCAPES_NAMES, SYNONYM_NAMES):
        assert background_words(ClassList.from_names(names).entries) == ()
        assert not parse_class_list("\n".join(names), everything_else=True).everything_else


def test_the_background_keeps_to_the_limit():
    names = [f"name {i}" for i in range(MAX_NAMES - 2)]
    assert len(background_words(ClassList.from_names(names).entries)) == 2
    full = parse_class_list("\n".join([*names, "a", "b"]), everything_else=True)
    assert len(full.entries) == MAX_NAMES


def test_the_ready_lists_are_fine():
    for names in PRESETS.values():
        assert parse_class_list("\n".join(names)).names == names


def test_names_of_a_program_are_read_like_typed_ones():
    classes = ClassList.from_names(["road", "car ,taxi"])
    assert classes == parse_class_list("road\ncar, taxi")
    assert [entry.names for entry in classes.entries] == [("road",), ("car", "taxi")]


def test_a_list_can_be_extended_by_classes_that_it_lacks():
    classes = parse_class_list("road\ncar, taxi: #010203")
    added = ClassList.from_names(["zebra"]).entries
    longer = classes.extended(added)
    assert longer.names == ("road", "car, taxi", "zebra")
    assert longer.colours[:2] == classes.colours and len(set(longer.colours)) == 3
    with pytest.raises(ValueError, match="“taxi” is there twice"):
        classes.extended(ClassList.from_names(["taxi"]).entries)
