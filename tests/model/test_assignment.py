import pytest
import torch

from tqdm_demo.model.assignment import QueryAssignment, assign_queries

TRAINED = ("road", "sky", "car", "tree")
TRAINED_EMBEDDINGS = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]])
WORDS = {
    **dict(zip(TRAINED, TRAINED_EMBEDDINGS.tolist(), strict=True)),
    "taxi": [0.0, 0.1, 1],
    "lorry": [0.0, 0.3, 1],
    "street": [7.0, 0, 1],
}


def assign(*names: str) -> QueryAssignment:
    embeddings = torch.tensor([WORDS[name] for name in names])
    return assign_queries(names, embeddings, TRAINED, TRAINED_EMBEDDINGS)


@pytest.mark.parametrize(
    "names, slots, primary",
    [
        (TRAINED, [0, 1, 2, 3], [0, 1, 2, 3]),
        (("tree", "road", "car", "sky"), [3, 0, 2, 1], [1, 3, 2, 0]),
        (("road", "tree"), [0, 3, 1, 2], [0, 2, 3, 1]),  # sky and car are silent
        (("street",), [0, 1, 2, 3], [0, 1, 2, 3]),  # borrows from the road
        (("lorry", "taxi"), [2, 2, 0, 1, 3], [2, 3, 1, 4]),  # taxi is nearer to the car
        (("taxi", "car"), [2, 2, 0, 1, 3], [2, 3, 1, 4]),  # the trained name comes first
    ],
)
def test_slots_and_primaries(names, slots, primary):
    assignment = assign(*names)
    assert assignment.slots.tolist() == slots
    assert assignment.primary.tolist() == primary
    assert assignment.listed == len(names)


def test_a_trained_name_keeps_its_own_slot_even_if_another_embedding_is_nearer():
    embeddings = torch.tensor([[0.0, 0, 1]])
    assignment = assign_queries(("road",), embeddings, TRAINED, TRAINED_EMBEDDINGS)
    assert assignment.slots[0] == 0


def test_extras_see_the_primaries_and_themselves_and_nobody_sees_them():
    assert assign("road", "tree").attention_mask is None
    assignment = assign("lorry", "taxi", "street")  # lorry is extra; sky and tree are silent
    assert assignment.is_primary.tolist() == [False, True, True, True, True]
    expected = torch.ones(5, 5, dtype=torch.bool)
    expected[1:, 0] = False
    assert torch.equal(assignment.attention_mask, expected)
    two_extras = assign("lorry", "taxi", "car").attention_mask
    assert two_extras[:2].tolist() == [
        [True, False, True, True, True, True],
        [False, True, True, True, True, True],
    ]


def test_which_queries_count():
    assert assign(*TRAINED).counts.all()
    assert assign("road", "tree").counts.all()  # the silent ones too, as when they are listed
    shared = assign("lorry", "street", "taxi").counts  # queries: these three, sky, tree
    assert shared.tolist() == [
        [True, False, False, False, False],
        [False, True, True, True, True],
        [False, False, True, False, False],
    ]


def test_the_trained_assignment_is_what_the_trained_list_gets():
    direct, found = QueryAssignment.trained(4), assign(*TRAINED)
    assert torch.equal(direct.slots, found.slots) and torch.equal(direct.primary, found.primary)
    assert direct.listed == found.listed and direct.attention_mask is None


def test_silent_queries_take_the_trained_embeddings():
    listed = torch.tensor([WORDS["tree"], WORDS["taxi"]])
    queries = assign("tree", "taxi").query_embeddings(listed, TRAINED_EMBEDDINGS)
    assert torch.equal(queries, torch.cat((listed, TRAINED_EMBEDDINGS[[0, 1]])))


def test_refused_lists():
    with pytest.raises(ValueError, match="empty"):
        assign_queries((), torch.zeros(0, 3), TRAINED, TRAINED_EMBEDDINGS)
    with pytest.raises(ValueError, match="taxi"):
        assign("taxi", "car", "taxi")
