from tqdm_demo.checkpoints.sources import Description
from tqdm_demo.interface.tabs.figure_order import figure_sources, in_figure_order


def entry(source, kind, title=""):
    return Description(source, title or source, "", kind)


ENTRIES = [
    entry("streets-tqdm", "textual", "tqdm"),
    entry("streets-queries", "learned", "learned queries"),
    entry("zero-shot:mini-clip", "zero-shot", "zero-shot CLIP"),
    entry("photos-tqdm", "textual", "tqdm, photographs"),
    entry("photos-rein", "rein", "Rein, photographs"),
    entry("zero-shot:mine", "zero-shot", "zero-shot CLIP, mine"),
    entry("published:tldr", "tldr", "TLDR, GTA5"),
    entry("published:soma", "soma"),
    entry("user/name", ""),
]


def test_models_stand_in_the_order_of_the_figure():
    kinds = [e.kind for e in in_figure_order(ENTRIES)]
    assert kinds == ["zero-shot"] * 2 + ["tldr", "rein", "soma", "learned"] + ["textual"] * 2 + [""]
    assert [e.source for e in in_figure_order(ENTRIES)][:2] == [
        "zero-shot:mini-clip", "zero-shot:mine"
    ]  # fmt: skip


def test_the_figure_takes_one_model_of_a_kind_near_the_chosen_one():
    def missing(source):
        return source.startswith("published:")

    found = figure_sources(ENTRIES, ENTRIES[3], missing)
    assert found == ["zero-shot:mini-clip", "photos-rein", "streets-queries", "photos-tqdm"]
    found = figure_sources(ENTRIES, ENTRIES[0], missing)
    assert found == ["zero-shot:mini-clip", "photos-rein", "streets-queries", "streets-tqdm"]


def test_the_chosen_model_is_among_them():
    chosen = entry("mine", "textual")
    assert figure_sources([*ENTRIES, chosen], chosen, lambda source: False)[-1] == "mine"
