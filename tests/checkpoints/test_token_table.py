import pytest
import torch

from tqdm_demo.checkpoints.token_table import ROWS, TABLE, pack_tokens, unpack_tokens

SIZE, WIDTH = 11, 3


def tensors():
    torch.manual_seed(1)
    return {TABLE: torch.randn(SIZE, WIDTH), "other": torch.ones(2)}


def test_rows_that_were_read_come_back_and_the_others_are_the_same_noise_each_time():
    whole = tensors()
    packed = pack_tokens(whole, {7, 2, 5})
    assert packed[TABLE].shape == (3, WIDTH) and packed[ROWS].tolist() == [2, 5, 7]
    once, again = unpack_tokens(packed, SIZE), unpack_tokens(packed, SIZE)
    assert torch.equal(once[TABLE][[2, 5, 7]], whole[TABLE][[2, 5, 7]])
    assert torch.equal(once[TABLE], again[TABLE]) and set(once) == {TABLE, "other"}
    left = once[TABLE][[0, 1, 3, 4, 6, 8, 9, 10]]
    assert 0 < left.abs().max() < 0.1 and len(left.unique()) == left.numel()


def test_a_whole_table_stays_as_it_is():
    assert unpack_tokens(tensors(), SIZE)[TABLE].equal(tensors()[TABLE])


@pytest.mark.parametrize(
    "change, told",
    [
        ({ROWS: torch.tensor([2, 5, SIZE])}, "outside of the 11 tokens"),
        ({ROWS: torch.tensor([-1, 5, 7])}, "outside of the 11 tokens"),
        ({ROWS: torch.tensor([2, 5])}, r"rows has the shape \(2,\)"),
        ({TABLE: torch.zeros(3)}, r"weight \(3,\)"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change, told):
    with pytest.raises(ValueError, match=told):
        unpack_tokens({**pack_tokens(tensors(), {2, 5, 7}), **change}, SIZE)
