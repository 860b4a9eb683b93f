"""The page of methods is what the methods say of themselves, and every one has been checked."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from keras_explain.methods import registered

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "methods.md").read_text()
TABLE = json.loads((DOCS / "agreement.json").read_text())


OF_NO_PAPER = {"activations", "decision_boundary", "weight_gradients"}


@pytest.fixture(scope="module")
def make_methods():
    spec = importlib.util.spec_from_file_location("make_methods", DOCS / "make_methods.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(registered()))
def test_a_method_s_section_is_its_own_words(make_methods, name):
    section = "\n".join(make_methods.section(name, registered()[name]))
    assert section in PAGE, "run `python docs/make_methods.py`"
    assert f"(#{make_methods.anchors()[name]})" in PAGE


@pytest.mark.parametrize("name", sorted(registered()))
def test_a_method_has_an_independent_check_that_holds(name):
    checks = TABLE[name]
    assert set(checks) - {"closed form"}
    for entry in checks.values():
        assert entry["difference"] <= entry["within"]
        assert entry["within"] <= 1e-4 or entry["sampled"]


def test_the_table_of_checks_is_what_was_measured(make_methods):
    assert "\n".join(make_methods.agreement(TABLE)) in PAGE


def test_a_method_names_its_source():
    for name, kind in registered().items():
        if name not in OF_NO_PAPER:
            assert re.search(r"\d{4}, https://", kind.__doc__), name
