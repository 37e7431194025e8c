"""Any number of names, and the start of a training."""

import dataclasses
from types import SimpleNamespace

import open_clip
import pytest
import torch

from tqdm_demo.model.image_encoder import resize_positions
from tqdm_demo.model.segmenter import Segmenter

B, H, W = 2, 48, 64
DIRECTIONS = {"automobile": "car", "taxi": "car", "pavement": "road"}


class Asker:
    """A segmenter with an image on it; asks for the scores of any list of names."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.segmenter = segmenter
        generator = torch.Generator().manual_seed(8)
        # Far from the gentle start of a training, so that every part has its say.
        for name, parameter in segmenter.named_parameters():
            if parameter.dim() < 2:
                parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
            elif name.startswith("context_decoder."):
                parameter.data *= 20
        self.pixels = torch.randn(B, 3, H, W, generator=generator)
        trained = segmenter.config.class_names
        self.trained = torch.randn(len(trained), 12, generator=generator)
        self.words = dict(zip(trained, self.trained, strict=True))
        for closeness, (name, near) in enumerate(DIRECTIONS.items(), start=1):
            noise = torch.randn(12, generator=generator)
            self.words[name] = 1.5 * self.words[near] + 0.05 * closeness * noise

    @torch.no_grad()
    def ask(self, names) -> SimpleNamespace:
        embeddings = torch.stack([self.words[name] for name in names])
        assignment = self.segmenter.assign_queries(names, embeddings, self.trained)
        queries = assignment.query_embeddings(embeddings, self.trained)
        features = self.segmenter.encode_image(self.pixels)
        decoding = self.segmenter.decode(features, queries, assignment)
        last = decoding.predictions[-1]
        scores = self.segmenter.semantic_scores(last, assignment)
        by_name = {name: scores[:, k] for k, name in enumerate(names)}
        return SimpleNamespace(scores=by_name, last=last, decoding=decoding, assignment=assignment)


@pytest.fixture(params=["textual", "no context decoder", "learned"])
def asker(request, config, learned_config) -> Asker:
    torch.manual_seed(3)
    configs = {
        "textual": config,
        "no context decoder": dataclasses.replace(config, context_decoder=False),
        "learned": learned_config,
    }
    return Asker(Segmenter(configs[request.param]).eval())


def assert_same(first: dict, second: dict, names) -> None:
    assert names
    for name in names:
        torch.testing.assert_close(first[name], second[name], atol=1e-5, rtol=1e-4, msg=name)


def test_the_trained_list_follows_the_published_rule(asker):
    names = asker.segmenter.config.class_names
    answer = asker.ask(names)
    probabilities = answer.last.class_logits.softmax(-1)[..., : len(names)]
    published = torch.einsum("bqc,bqhw->bchw", probabilities, answer.last.mask_logits.sigmoid())
    ours = torch.stack([answer.scores[name] for name in names], dim=1)
    torch.testing.assert_close(ours, published)
    assert published.std() > 0.01


def test_the_order_of_the_names_is_of_no_account(asker):
    names = asker.segmenter.config.class_names
    shuffled = [names[i] for i in (3, 0, 4, 2, 1)]
    assert_same(asker.ask(names).scores, asker.ask(shuffled).scores, names)
    mixed = ("taxi", "sky", "pavement", "car", "automobile")
    assert_same(asker.ask(mixed).scores, asker.ask(mixed[::-1]).scores, mixed)


def test_removing_a_name_changes_no_other_score(asker):
    names = asker.segmenter.config.class_names
    whole = asker.ask(names).scores
    for gone in names:
        rest = [name for name in names if name != gone]
        assert_same(whole, asker.ask(rest).scores, rest)
    assert_same(whole, asker.ask([names[2]]).scores, [names[2]])


def test_an_untrained_name_borrows_the_rows_of_its_nearest_trained_name(asker):
    names = list(asker.segmenter.config.class_names)
    asker.words["carriage"] = 2 * asker.words["car"]  # the same direction, another word
    slots = asker.ask(["sky", "carriage"]).assignment.slots
    assert slots[:2].tolist() == [names.index("sky"), names.index("car")]
    asker.words["carriage"] = asker.words["car"]
    same = asker.ask(["sky", "carriage"]).scores
    as_car = asker.ask(["sky", "car"]).scores
    torch.testing.assert_close(same["carriage"], as_car["car"])
    torch.testing.assert_close(same["sky"], as_car["sky"])


def test_further_names_of_a_slot_change_nothing_for_the_other_slots(asker):
    names = asker.segmenter.config.class_names
    whole = asker.ask(names).scores
    more = asker.ask((*names, "taxi", "automobile", "pavement")).scores
    assert_same(whole, more, [name for name in names if name not in ("car", "road")])
    some = asker.ask((*names, "automobile")).scores
    assert_same(some, more, [*(n for n in names if n != "road"), "automobile"])


def test_two_names_of_one_slot_do_not_steal_each_others_score(asker):
    answer = asker.ask(("automobile", "sky", "taxi"))
    car = asker.segmenter.config.class_names.index("car")
    probabilities = answer.last.class_logits.softmax(-1)
    masks = answer.last.mask_logits.sigmoid()
    for query, name in ((0, "automobile"), (2, "taxi")):
        own = probabilities[:, query, car, None, None] * masks[:, query]
        torch.testing.assert_close(answer.scores[name], own)
    # The sky has its slot to itself: all queries count for it, but for the extra one.
    counting = answer.assignment.is_primary
    assert (~counting).nonzero().tolist() in ([[0]], [[2]])
    everything = torch.einsum("bq,bqhw->bhw", probabilities[:, counting, 1], masks[:, counting])
    torch.testing.assert_close(answer.scores["sky"], everything)


def test_with_textual_queries_a_similar_word_gives_other_scores(segmenter):
    asker = Asker(segmenter)
    one, other = asker.ask(["car", "sky"]).scores, asker.ask(["taxi", "sky"]).scores
    assert not torch.allclose(one["car"], other["taxi"], atol=1e-4)


def test_a_decoding_says_what_each_query_looks_at(segmenter):
    decoding = Asker(segmenter).ask(("sky", "taxi", "car", "tree")).decoding
    queries = 6  # four names, road and traffic light silent
    assert decoding.text_queries.shape == (B, queries, 12)
    assert decoding.score_map.shape == (B, queries, 6, 8)
    similarity = decoding.query_similarity()
    assert similarity.shape == (B, queries, 24, 32)
    for cosines in (decoding.score_map, similarity):
        assert cosines.abs().max() <= 1 + 1e-5 and cosines.std() > 0.01
    first = torch.nn.functional.cosine_similarity(
        decoding.predictions[-1].mask_embeddings[1, 2],
        decoding.pixels.mask_features[1, :, 5, 7],
        dim=0,
    )
    torch.testing.assert_close(similarity[1, 2, 5, 7], first)


def test_learned_queries_decode_without_text(learned_config):
    asker = Asker(Segmenter(learned_config).eval())
    names = learned_config.class_names
    answer = asker.ask(names)
    with torch.no_grad():
        features = asker.segmenter.encode_image(asker.pixels)
        silent = asker.segmenter.decode(features, None, answer.assignment)
    assert silent.text_queries is None and silent.score_map is None
    assert torch.equal(silent.predictions[-1].mask_logits, answer.last.mask_logits)
    assert answer.decoding.score_map.shape == (B, 5, 6, 8)


def test_a_training_starts_from_the_towers_of_a_clip(config, clip):
    wide = {**config.clip, "vision_cfg": {**config.clip["vision_cfg"], "image_size": 64}}
    config = dataclasses.replace(config, clip=wide)
    segmenter = Segmenter.from_clip(config, clip).train()
    tower = segmenter.image_encoder.tower
    assert torch.equal(tower.proj, clip.visual.proj)
    expected = resize_positions(clip.visual.positional_embedding, (6, 6), (8, 8))
    assert torch.equal(tower.positional_embedding, expected)
    tokens = open_clip.tokenize(list(config.class_names), context_length=15)
    torch.testing.assert_close(
        segmenter.encode_text(tokens, with_prompt=False), clip.encode_text(tokens)
    )
    text = segmenter.text_encoder.tower
    assert not text.training and not any(p.requires_grad for p in text.parameters())
    with torch.no_grad():
        tower.proj.add_(1.0)
    assert not torch.equal(tower.proj, clip.visual.proj)


def test_the_frozen_encoder_is_a_copy_that_never_learns(segmenter):
    frozen = segmenter.train().frozen_image_encoder()
    assert not frozen.training and not any(p.requires_grad for p in frozen.parameters())
    assert all(p.requires_grad for p in segmenter.image_encoder.parameters())
    pixels = torch.randn(1, 3, 48, 48)
    segmenter.eval()
    before = frozen.run_tower(pixels).global_embedding
    torch.testing.assert_close(before, segmenter.encode_image(pixels).global_embedding)
    with torch.no_grad():
        segmenter.image_encoder.tower.proj.mul_(2)
    torch.testing.assert_close(frozen.run_tower(pixels).global_embedding, before)


def test_a_position_table_that_is_too_short_is_refused(config, clip):
    with pytest.raises(ValueError, match="text_positions is 16; .* 15 positions"):
        Segmenter.from_clip(dataclasses.replace(config, text_positions=16), clip)


def test_without_text_in_the_decoder_no_prompt_learns(learned_config):
    learning = [n for n, p in Segmenter(learned_config).named_parameters() if p.requires_grad]
    assert learning and not [name for name in learning if name.startswith("text_encoder")]
