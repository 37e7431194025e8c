import json

from tqdm_demo.benchmark import made_up_picture, main, measure


def test_a_picture_of_any_size():
    assert made_up_picture((70, 30)).shape == (30, 70, 3)
    assert made_up_picture((70, 30)).std() > 20


def test_it_says_what_an_answer_took(tiny_weights):
    found = measure(str(tiny_weights / "tiny-tqdm"), (150, 90), "windows", "cpu")
    assert found["mode"] == "windows" and found["size"] == (150, 90)
    assert found["first_s"] > 0 and found["second_s"] > 0 and found["peak_mb"] > 50


def test_every_model_has_a_process_of_its_own(tiny_weights, capsys):
    main([str(tiny_weights / "tiny-tqdm"), "--size", "60", "40", "--device", "cpu"])
    config, found = map(json.loads, capsys.readouterr().out.splitlines())
    assert config["size"] == [60, 40] and found["mode"] == "single"
