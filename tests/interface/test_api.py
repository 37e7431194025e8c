import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tqdm_demo.vocabulary import colours_for


@pytest.fixture(scope="module")
def client(page_url) -> Client:
    return Client(page_url, verbose=False)


def assert_labels(answer, size, names):
    path, answered, shares = answer
    image = Image.open(path)
    labels = np.asarray(image)
    assert image.mode == "P" and image.size == size and labels.dtype == np.uint8
    assert tuple(answered) == tuple(names) and labels.max() < len(names)
    np.testing.assert_allclose(
        shares, np.bincount(labels.ravel(), minlength=len(names)) / labels.size, atol=1e-6
    )
    colour = image.convert("RGB").getpixel((3, 5))
    assert colour == colours_for(names)[labels[5, 3]]


def test_an_example_for_every_model(client, served_models, drawn_examples):
    path = drawn_examples[0].path
    names = ["road", "sky", "automobile, taxi", "building", "tree"]
    for model in served_models:
        answer = client.predict(handle_file(path), names, model.source, api_name="/segment")
        assert_labels(answer, Image.open(path).size, names)


def test_a_real_frame(client, served_models, camvid_frame):
    source = served_models[0].source
    answer = client.predict(handle_file(camvid_frame), [], source, api_name="/segment")
    assert_labels(answer, (480, 360), served_models[0].predictor.default_names)


def test_the_size_of_the_picture_is_kept(client, served_models, tmp_path):
    path = tmp_path / "wide.png"
    Image.new("RGB", (1700, 300), "grey").save(path)
    answer = client.predict(
        handle_file(path), ["road", "sky"], served_models[-1].source, api_name="/segment"
    )
    assert_labels(answer, (1700, 300), ["road", "sky"])


def test_mistakes_are_sentences(client, served_models, drawn_examples, tmp_path):
    source, picture = served_models[0].source, handle_file(drawn_examples[0].path)
    with pytest.raises(AppError, match="There is no model 'elsewhere'"):
        client.predict(picture, ["road"], "elsewhere", api_name="/segment")
    with pytest.raises(AppError, match="“Car” is there twice"):
        client.predict(picture, ["car", "Car"], source, api_name="/segment")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(AppError, match="not an image"):
        client.predict(handle_file(broken), ["road"], source, api_name="/segment")


def test_it_is_the_only_public_endpoint(client):
    info = client.view_api(return_format="dict")
    assert list(info["named_endpoints"]) == ["/segment"]
    parameters = info["named_endpoints"]["/segment"]["parameters"]
    assert [p["parameter_name"] for p in parameters] == ["picture", "names", "model"]
    assert not info["unnamed_endpoints"]
