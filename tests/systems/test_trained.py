import torch

from tqdm_demo.inference.predictor import Predictor


@torch.inference_mode()
def test_only_names_that_were_not_trained_run_the_text_tower_and_in_one_batch(tiny_weights):
    model = Predictor.load(str(tiny_weights / "tiny-tqdm"), "cpu").model
    encoder = model.segmenter.text_encoder
    batches, encode = [], encoder.encode
    encoder.encode = lambda tokens: batches.append(len(tokens)) or encode(tokens)
    names = ["boat", "sky", "tree", "road"]
    found = model.encode_names(names)
    assert batches == [2]
    one_by_one = [model._encode([name]) for name in names]
    torch.testing.assert_close(found, torch.cat(one_by_one), atol=1e-5, rtol=1e-5)
    assert torch.equal(model.encode_names(["sky", "road"]), found[[1, 3]]) and len(batches) == 5
