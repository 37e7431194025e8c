import open_clip
import pytest
import torch

from tqdm_demo.model.text_encoder import TextEncoder

NAMES = ["road", "traffic light", "sky"]


@pytest.fixture
def encoder(clip) -> TextEncoder:
    tower = open_clip.CustomTextCLIP(**_config(clip)).text
    torch.manual_seed(2)
    for parameter in tower.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return TextEncoder(tower, prompt_length=3)


def _config(clip) -> dict:
    return {
        "embed_dim": 12,
        "vision_cfg": {"image_size": 16, "layers": 1, "width": 8, "head_width": 8},
        "text_cfg": {
            "context_length": clip.context_length,
            "vocab_size": 49408,
            "width": 16,
            "heads": 2,
            "layers": 2,
        },
    }


def test_without_the_prompt_it_is_open_clips_text_tower(encoder):
    tokens = open_clip.tokenize(NAMES, context_length=encoder.tower.context_length)
    torch.testing.assert_close(encoder(tokens, with_prompt=False), encoder.tower(tokens))


def test_the_prompt_stands_between_the_start_and_the_name(encoder):
    tokens = open_clip.tokenize(NAMES, context_length=encoder.tower.context_length)
    words = open_clip.tokenize(["a b c " + name for name in NAMES], context_length=15)
    with torch.no_grad():
        encoder.prompt.copy_(encoder.tower.token_embedding(words[0, 1:4]))
    torch.testing.assert_close(encoder(tokens), encoder.tower(words))


def test_padding_makes_no_difference(encoder):
    short = open_clip.tokenize(NAMES, context_length=6)
    long = open_clip.tokenize(NAMES, context_length=60)
    torch.testing.assert_close(encoder(short), encoder(long))
    torch.testing.assert_close(encoder(short[:1]), encoder(short)[:1])


def test_only_the_prompt_learns_and_the_tower_stays_in_evaluation_mode(encoder):
    encoder.train()
    assert encoder.training and not encoder.tower.training
    encoder(open_clip.tokenize(NAMES, context_length=6)).sum().backward()
    assert [n for n, p in encoder.named_parameters() if p.requires_grad] == ["prompt"]
    assert encoder.prompt.grad.abs().min() > 0


def test_a_name_that_is_too_long_is_refused(encoder):
    assert encoder.longest_name == 15 - 2 - 3
    fits = open_clip.tokenize(["x " * 10], context_length=77)
    assert encoder(fits).shape == (1, 12)
    one_more = open_clip.tokenize(["x", "x " * 11], context_length=77)
    with pytest.raises(ValueError, match="name 2 of 2 has 11 tokens; at most 10 fit"):
        encoder(one_more)
    plain = encoder(one_more, with_prompt=False)
    assert plain.shape == (2, 12)


def test_no_prompt_at_all(encoder):
    bare = TextEncoder(encoder.tower, prompt_length=0)
    tokens = open_clip.tokenize(NAMES, context_length=9)
    torch.testing.assert_close(bare(tokens), bare(tokens, with_prompt=False))


def test_a_longer_position_table_makes_room_and_changes_no_short_name(encoder):
    clip = encoder.tower
    whole = torch.cat((clip.positional_embedding.detach(), torch.randn(9, 16)))
    tokens = open_clip.tokenize(NAMES, context_length=clip.context_length)
    before, limit = encoder(tokens), encoder.longest_name
    name = open_clip.tokenize(["tree " * (limit + 1)], context_length=77)
    with pytest.raises(ValueError, match=f"at most {limit} fit"):
        encoder(name)
    assert not encoder.lengthen(whole + 0.1), "of another text tower"
    assert not encoder.lengthen(whole[:limit]), "shorter"
    # What a checkpoint stores in float16 is still recognised.
    assert encoder.lengthen(whole.half().float())
    assert encoder.longest_name == limit + 9
    assert torch.equal(encoder(tokens), before)
    assert encoder(name).isfinite().all()
    assert not encoder.tower.positional_embedding.requires_grad
