import pytest
import torch

from tqdm_demo.systems.closed_classes import ClosedClasses
from tqdm_demo.systems.system import NO_CLASS
from tqdm_demo.vocabulary import CITYSCAPES_NAMES, PHOTO_NAMES, SYNONYM_NAMES


@pytest.mark.parametrize(
    ("trained", "name", "meant"),
    [
        (CITYSCAPES_NAMES, "road", "road"),
        (CITYSCAPES_NAMES, "Tree", "vegetation"),
        (CITYSCAPES_NAMES, "taxi", "car"),
        (CITYSCAPES_NAMES, "zebra", None),
        (PHOTO_NAMES, "vegetation", "tree"),
        (PHOTO_NAMES, "tree", "tree"),
        (PHOTO_NAMES, "airplane", "aeroplane"),
        (PHOTO_NAMES, "pedestrian", None),
        (("tree", "bush"), "bush", "bush"),
        (("tree", "bush"), "vegetation", None),  # either could be meant
    ],
)
def test_names_and_synonyms_find_their_class(trained, name, meant):
    index = ClosedClasses(trained).find(name)
    assert (None if index is None else trained[index]) == meant


def test_the_list_of_other_words_is_known_word_by_word():
    classes = ClosedClasses(CITYSCAPES_NAMES)
    assert [classes.find(name) for name in SYNONYM_NAMES] == list(range(19))


def test_scores_of_names_and_of_what_is_not_named():
    scores = torch.tensor([0.2, 0.5, 0.3]).view(1, 3, 1, 1).expand(2, 3, 4, 6)
    found = ClosedClasses(("road", "sky", "car")).answer(scores, ["car", "zebra", "taxi"])
    assert found.scores.shape == (2, 3, 4, 6) and found.others.shape == (2, 2, 4, 6)
    assert found.scores[1, :, 2, 3].tolist() == pytest.approx([0.3, NO_CLASS, 0.3])
    assert found.others[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.5])
    assert found.similarity is None


def test_embeddings_are_rows_of_the_trained_classes():
    rows = ClosedClasses(("road", "sky", "car")).rows(["taxi", "zebra"])
    assert rows.tolist() == [[0, 0, 1], [0, 0, 0]]
