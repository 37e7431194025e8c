import re
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tqdm_demo.vocabulary import colours_for

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["road", "sky", "automobile, taxi", "building", "tree"]


@pytest.fixture(scope="module")
def client(page_url) -> Client:
    return Client(page_url, verbose=False)


@pytest.fixture(scope="module")
def sources(served_models) -> tuple[str, ...]:
    return served_models.columns


def assert_labels(path, shares, size, names):
    image = Image.open(path)
    labels = np.asarray(image)
    assert image.mode == "P" and image.size == size and labels.dtype == np.uint8
    assert labels.max() < len(names)
    np.testing.assert_allclose(
        shares, np.bincount(labels.ravel(), minlength=len(names)) / labels.size, atol=1e-6
    )
    colour = image.convert("RGB").getpixel((3, 5))
    assert colour == colours_for(names)[labels[5, 3]]
    return labels


def test_models_are_listed(client, served_models):
    listed = client.predict(api_name="/models")
    assert [entry["source"] for entry in listed] == [e.source for e in served_models.entries]
    assert all(set(entry) == {"source", "title", "kind", "about"} for entry in listed)


def test_an_example_for_every_model(client, sources, drawn_examples):
    path = drawn_examples[0].path
    for source in sources:
        file, names, shares = client.predict(handle_file(path), NAMES, source, api_name="/segment")
        assert names == NAMES
        assert_labels(file, shares, Image.open(path).size, NAMES)


def test_a_real_frame(client, served_models, camvid_frame):
    source = served_models.columns[0]
    file, names, shares = client.predict(handle_file(camvid_frame), [], source, api_name="/segment")
    assert tuple(names) == served_models.predictor(source).default_names
    assert_labels(file, shares, (480, 360), names)


def test_the_size_of_the_picture_is_kept(client, sources, tmp_path):
    path = tmp_path / "wide.png"
    Image.new("RGB", (1700, 300), "grey").save(path)
    file, _, shares = client.predict(
        handle_file(path), ["road", "sky"], sources[-1], api_name="/segment"
    )
    assert_labels(file, shares, (1700, 300), ["road", "sky"])


def test_similarity_is_a_file_of_maps(client, served_models, street):
    for source, stage in zip(served_models.columns, ("before", "after", "clip"), strict=True):
        file, names, low, high = client.predict(
            handle_file(street), NAMES, source, stage, api_name="/similarity"
        )
        with np.load(file) as kept:
            maps = kept["similarity"]
            assert kept["names"].tolist() == names == NAMES
        expected = served_models.predictor(source).stages(np.asarray(Image.open(street)), NAMES)
        np.testing.assert_allclose(maps, getattr(expected, stage), atol=1e-5)
        assert (low, high) == (pytest.approx(maps.min()), pytest.approx(maps.max()))


def test_compare_answers_for_every_model(client, sources, street):
    files, names, shares, table = client.predict(
        handle_file(street), NAMES, list(sources), api_name="/compare"
    )
    assert names == NAMES and len(files) == len(shares) == len(sources)
    labels = [
        assert_labels(file, row, (150, 100), NAMES) for file, row in zip(files, shares, strict=True)
    ]
    expected = [[float((a == b).mean()) for b in labels] for a in labels]
    np.testing.assert_allclose(table, expected, atol=1e-6)


def test_a_picture_alone_is_enough(client, served_models, street):
    picture = handle_file(street)
    own = list(served_models.predictor(served_models.default).default_names)
    file, names, shares = client.predict(picture, api_name="/segment")
    assert names == own
    assert_labels(file, shares, (150, 100), names)
    _, names, low, high = client.predict(picture, api_name="/similarity")
    assert names == own and low < high
    files, names, _, table = client.predict(picture, api_name="/compare")
    assert names == own and len(files) == len(table) == len(served_models.columns)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_curl_as_the_readme_shows_it(page_url, street, tmp_path):
    text = (ROOT / "tqdm_demo/interface/README.md").read_text(encoding="utf-8")
    (script,) = [s for s in re.findall(r"```bash\n(.*?)```", text, re.S) if "curl" in s]
    script = script.replace("http://127.0.0.1:7860", page_url.rstrip("/"))
    script = script.replace("photo.jpg", str(street))
    done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    image = Image.open(tmp_path / "labels.png")
    assert image.mode == "P" and image.size == (150, 100)


def test_mistakes_are_sentences(client, sources, drawn_examples, tmp_path):
    source, picture = sources[0], handle_file(drawn_examples[0].path)
    with pytest.raises(AppError, match="There is no model 'elsewhere'"):
        client.predict(picture, ["road"], "elsewhere", api_name="/segment")
    with pytest.raises(AppError, match="There is no model 'elsewhere'"):
        client.predict(picture, ["road"], [source, "elsewhere"], api_name="/compare")
    with pytest.raises(AppError, match="6 models: it takes 1 to 5"):
        client.predict(picture, ["road"], [source] * 6, api_name="/compare")
    with pytest.raises(AppError, match="no stage 'clip'; it has 'before', 'after', 'mask'"):
        client.predict(picture, ["road"], source, "clip", api_name="/similarity")
    with pytest.raises(AppError, match="“Car” is there twice"):
        client.predict(picture, ["car", "Car"], source, api_name="/segment")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(AppError, match="not an image"):
        client.predict(handle_file(broken), ["road"], source, api_name="/segment")


def test_these_are_the_only_public_endpoints(client):
    info = client.view_api(return_format="dict")
    endpoints = info["named_endpoints"]
    found = {
        name: [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    assert found == {
        "/models": [],
        "/segment": ["picture", "names", "model"],
        "/similarity": ["picture", "names", "model", "stage"],
        "/compare": ["picture", "names", "models"],
    }
    assert not info["unnamed_endpoints"]


@pytest.mark.parametrize("page", ["README.md", "tqdm_demo/interface/README.md"])
def test_the_snippets_of_the_readmes_run(page, page_url, sources, tmp_path, monkeypatch):
    text = (ROOT / page).read_text(encoding="utf-8")
    (snippet,) = [s for s in re.findall(r"```python\n(.*?)```", text, re.S) if "Client(" in s]
    assert 'Client("http://127.0.0.1:7860")' in snippet
    program = tmp_path / "snippet.py"
    snippet = snippet.replace("http://127.0.0.1:7860", page_url)
    program.write_text(snippet.replace("streets-tqdm", sources[0]), encoding="utf-8")
    monkeypatch.chdir(ROOT)
    found = runpy.run_path(str(program))
    assert found["names"] == ["car, taxi", "road", "sky"]
    assert_labels(found["labels"], found["shares"], (1024, 512), found["names"])
    if page != "README.md":
        assert all(f'"/{name}"' in snippet for name in ("models", "similarity", "compare"))
        assert found["maps"].shape[0] == 2 and len(found["table"]) == 2
