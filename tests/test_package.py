"""What the package offers at its top."""

import subprocess
import sys

import pytest

import tqdm_demo
from tqdm_demo.inference import predictor


def test_the_predictor_is_at_the_top():
    from tqdm_demo import Predictor

    assert Predictor is predictor.Predictor
    with pytest.raises(AttributeError, match="'Nothing'"):
        _ = tqdm_demo.Nothing


def test_importing_the_package_loads_nothing_large():
    code = "import sys, tqdm_demo; print({'torch', 'numpy', 'gradio'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
