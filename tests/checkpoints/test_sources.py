"""What a source means, and what is said where there is no such model."""

import dataclasses
import json
import shutil

import pytest
from safetensors.torch import save_file

from tqdm_demo.checkpoints.folder import load_segmenter, save_segmenter
from tqdm_demo.checkpoints.folder_files import RIVAL_SYSTEMS, read_config
from tqdm_demo.checkpoints.loading import load_model
from tqdm_demo.checkpoints.rival_folder import RIVALS
from tqdm_demo.checkpoints.sources import BUNDLED, CURATED, describe, locate
from tqdm_demo.class_list import ClassList
from tqdm_demo.config import ModelConfig
from tqdm_demo.config_json import from_json
from tqdm_demo.inference.predictor import Predictor
from tqdm_demo.model.segmenter import Segmenter
from tqdm_demo.systems.trained import TrainedModel

NAMES = ("road", "sky", "car", "traffic light", "vegetation")


@pytest.fixture
def self_contained(hub, tiny_weights):
    """A segmenter on the Hub that needs no other folder: someone/tiny."""
    config = dataclasses.replace(load_segmenter(tiny_weights / "tiny-tqdm").config, text_tower=None)
    save_segmenter(Segmenter(config), hub / "someone" / "tiny")
    return "someone/tiny"


def test_a_model_from_the_hub(self_contained, hub):
    predictor = Predictor.load(self_contained, "cpu")
    assert predictor.kind == "textual" and predictor.default_names == NAMES
    shutil.rmtree(hub / "someone")  # from now on the cache is all there is
    assert Predictor.load(self_contained, "cpu").default_names == NAMES
    assert locate(self_contained).parent.name == "snapshots"


def test_a_clip_from_the_hub(hub, tiny_weights):
    shutil.copytree(tiny_weights / "tiny-clip", hub / "someone" / "clip")
    predictor = Predictor.load("zero-shot:someone/clip", "cpu")
    assert predictor.kind == "zero-shot" and predictor.model.method == "plain"
    assert Predictor.load("zero-shot:someone/clip#maskclip", "cpu").model.method == "maskclip"


def test_a_local_folder_comes_before_the_hub(tiny_weights, tmp_path, monkeypatch, hub):
    shutil.copytree(tiny_weights / "tiny-clip", tmp_path / "runs" / "mine")
    monkeypatch.chdir(tmp_path)
    assert locate("zero-shot:runs/mine").samefile(tmp_path / "runs" / "mine")


def test_a_repository_of_others_is_told(hub):
    (hub / "someone" / "else").mkdir(parents=True)
    with pytest.raises(ValueError, match="no model of this project: no config.json"):
        locate("someone/else")
    (hub / "someone" / "else" / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="of this project: no model.safetensors"):
        locate("someone/else")


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("text_cfg", "hf_model_name", "someone/text"),
        ("text_cfg", "hf_tokenizer_name", "someone/words"),
        ("vision_cfg", "timm_model_pretrained", True),
        ("vision_cfg", "timm_model_name", "hf-hub:someone/tower"),
    ],
)
def test_a_config_that_fetches_other_files_is_refused(hub, tiny_weights, section, key, value):
    folder = hub / "someone" / "clip"
    shutil.copytree(tiny_weights / "tiny-clip", folder)
    config = read_config(folder)
    config["clip"][section][key] = value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=f"asks for files of others .{key}"):
        Predictor.load("zero-shot:someone/clip", "cpu")


def test_mistakes_are_told(tiny_weights):
    with pytest.raises(ValueError, match="'nobody' is neither a bundled model"):
        locate("nobody")
    with pytest.raises(ValueError, match="no similarity 'sclip', only plain, maskclip, clearclip"):
        locate("zero-shot:mini-clip#sclip")
    with pytest.raises(ValueError, match="only zero-shot models take a similarity"):
        Predictor.load(f"{tiny_weights / 'tiny-tqdm'}#plain", "cpu")


def test_descriptions_need_no_network_and_never_fail(tiny_weights):
    kinds = ["textual", "learned", "zero-shot"]
    found = [describe(source) for source in BUNDLED]
    assert [entry.kind for entry in found] == [*kinds, *kinds[:2], "tldr", "tldr", "rein"]
    for entry in found:
        assert entry.title.endswith(", photographs") == entry.source.startswith("photos-")
    assert "mIoU" in describe("streets-tqdm").about
    assert describe(str(tiny_weights / "tiny-queries")).kind == "learned"
    assert describe(str(tiny_weights / "tiny-queries")).title == "tiny-queries"
    unknown = describe("someone/model")
    assert (unknown.title, unknown.kind) == ("someone/model", "")
    assert describe("zero-shot:someone/clip").kind == "zero-shot"
    assert describe("open_clip:ViT-H-14/laion2b_s32b_b79k").title.startswith("ViT-H-14")
    assert all(describe(model.source) is model for model in CURATED)


COLOURS = '"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "input_size": [8, 8]}'
FOREIGN = {
    "null": "is null; it takes an object",
    "[1, 2]": "is [1, 2]; it takes an object",
    100_000 * "[": "cannot read",
    '{"model_type": "bert"}': "no section 'model'",
    '{"model": "resnet50"}': 'ModelConfig is "resnet50"; it takes an object',
    '{"model": {"queries": ["textual"]}}': "it takes 'textual' or 'learned'",
    '{"model": {"clip": {"text_cfg": 7}}}': "text_cfg",
    '{"model": {}}': "describes no model that can be built: KeyError",
    '{"model": {}, "results": [], "training": 3}': "results is []; it takes an object",
    '{"clip": ["ViT"]}': 'clip is ["ViT"]; it takes an object',
    '{"clip": {"embed_dim": 8}, "image_mean": 0}': "image_mean is 0; it takes a list of 3",
    '{"clip": {"embed_dim": 8, "vision_cfg": {"depth": 3}, "text_cfg": {}}, ' + COLOURS: "depth",
    '{"clip": {"embed_dim": 8, "vision_cfg": {"width": 0}, "text_cfg": {}}, ' + COLOURS: "built",
}


@pytest.mark.parametrize("text", FOREIGN, ids=lambda text: text[:40])
def test_a_config_of_another_program_is_told_and_never_breaks_a_description(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    source = ("zero-shot:" if '"clip": [' in text or '"embed_dim"' in text else "") + str(tmp_path)
    assert describe(source).source == source
    with pytest.raises(ValueError) as raised:
        load_model(source, "cpu")
    assert FOREIGN[text] in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_results_of_an_odd_shape_never_break_a_description(tiny_weights, tmp_path):
    sections = read_config(tiny_weights / "tiny-tqdm")
    for odd in ({"measured": 3}, {"measured": {"a": "b"}}, {"validation": {"a": {"miou": "x"}}}):
        (tmp_path / "config.json").write_text(json.dumps({**sections, "results": odd}))
        assert describe(str(tmp_path)).kind == "textual"


def test_a_training_is_told_in_words(tiny_weights, tmp_path):
    sections = read_config(tiny_weights / "tiny-tqdm")
    sections["training"] = {"source": "streets:game"}
    found = {"streets:game": {"miou": 12.34}, "folder:DIR": {"miou": 5}, "streets:oil": {"miou": 6}}
    sections["results"] = {"validation": found}
    (tmp_path / "config.json").write_text(json.dumps(sections))
    shutil.copy(tiny_weights / "tiny-tqdm" / "model.safetensors", tmp_path)
    assert describe(str(tmp_path)).about == (
        "Trained on drawn streets in the style “game”. "
        "Validation mIoU 12.3 on other pictures of it, "
        "5.0 on DIR, 6.0 on drawn streets in the style “oil”."
    )
    measured = {**found, "folder:real:val": {"miou": 7}, "unseen": {"miou": 8},
                "held-out": {"miou": 9}}  # fmt: skip
    sections["results"]["measured"] = measured
    (tmp_path / "config.json").write_text(json.dumps(sections))
    assert describe(str(tmp_path)).about == (
        "Trained on drawn streets in the style “game”. mIoU 12.3 on other pictures of it, "
        "5.0 on DIR, 7.0 on real val, 8.0 in other styles on average."
    )


def test_of_filtered_pictures_the_means_are_told(tiny_weights, tmp_path):
    sections = read_config(tiny_weights / "tiny-tqdm")
    sections["training"] = {"source": "folder:photos:train"}
    found = {"folder:photos:val": {"miou": 77.54}, "folder:photos:val:filter=oil": {"miou": 60},
             "painterly": {"miou": 46.5}, "conditions": {"miou": 64.5}}  # fmt: skip
    sections["results"] = {"measured": found}
    (tmp_path / "config.json").write_text(json.dumps(sections))
    assert describe(str(tmp_path)).about == (
        "Trained on photos train. mIoU 77.5 on photos val, 46.5 through painterly filters, "
        "64.5 through filters of weather and light."
    )


def test_a_clips_figures_are_told_in_words(tiny_weights, tmp_path):
    shutil.copytree(tiny_weights / "tiny-clip", tmp_path / "clip")
    sections = read_config(tmp_path / "clip")
    found = {"streets:game": {"miou": 3}, "streets:oil": {"miou": 4}, "unseen": {"miou": 4}}
    sections["results"] = {"measured": found}
    (tmp_path / "clip" / "config.json").write_text(json.dumps(sections))
    assert describe(f"zero-shot:{tmp_path / 'clip'}").about == (
        "Never trained to segment. Zero-shot mIoU 3.0 on drawn streets in the style “game”, "
        "4.0 in other styles on average."
    )


def test_curated_models_are_open_clips_and_can_be_used(hub):
    for model in CURATED:
        with pytest.raises(ValueError, match="There is no model .*/.* on http"):
            locate(model.source)  # open_clip knows it; the stand-in Hub does not have it


def test_the_whole_position_table_is_used_where_it_is_cached(hub, tiny_weights, monkeypatch):
    """As for a published checkpoint, which holds the first rows of its CLIP's table."""
    folder = tiny_weights / "tiny-tqdm"
    whole = load_segmenter(folder).text_encoder.tower.positional_embedding.detach()
    config = from_json(ModelConfig, read_config(folder)["model"])
    short = dataclasses.replace(
        config, text_positions=8, text_tower=None, clip_weights="ViT-B-16/openai"
    )
    model = Segmenter(short)
    model.text_encoder.tower.positional_embedding.data.copy_(whole[:8])
    save_segmenter(model, hub / "someone" / "short")
    loaded = load_model("someone/short", "cpu")
    assert isinstance(loaded, TrainedModel) and loaded.longest_name == 8 - 3 - 2
    clip = hub / "timm" / "vit_base_patch16_clip_224.openai"
    clip.mkdir(parents=True)
    save_file({"positional_embedding": whole}, clip / "open_clip_model.safetensors")
    assert load_model("someone/short", "cpu").longest_name == 3, "it is not in the cache yet"
    locate("open_clip:ViT-B-16/openai")
    longer = load_model("someone/short", "cpu")
    assert longer.longest_name == len(whole) - 3 - 2 > 3
    predictor = Predictor(longer)
    predictor.check(ClassList.from_names(["a row of cars"]))  # raises where it does not fit


def test_every_system_that_can_be_loaded_can_be_described():
    assert tuple(RIVALS) == RIVAL_SYSTEMS
