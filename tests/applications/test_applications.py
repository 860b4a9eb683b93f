"""What is explained by default in published architectures is what their head reads.

`python docs/make_applications.py` measures all of them, and writes `docs/applications.md`.
"""

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.fixtures.checkout import ROOT
from tests.fixtures.on_backend import on_backend

from .measured import ATTRIBUTIONS, measured
from .networks import architectures, families

DOCS = ROOT / "docs"
TABLE = json.loads((DOCS / "applications.json").read_text())
SOME = {
    "MobileNetV2": (),
    "ConvNeXtTiny": (),
    "DenseNet121": pytest.mark.live,
    "InceptionV3": pytest.mark.live,
}
"""One for each kind of end: an activation, a sum that no layer made, and concatenations."""
SMALLEST = [
    min(known, key=lambda name: TABLE[name]["parameters"])
    for names in families().values()
    if (known := set(names) & set(TABLE))
]


def check(found, name):
    """That what was measured holds, and is what the docs say."""
    assert found["layers"] == TABLE[name]["layers"]
    assert found["size"] == TABLE[name]["size"]
    assert found["same frozen"]
    assert found["grad_cam off"] < 1e-4
    assert found["predictions off"] < 1e-3
    assert found["score varies"] > 1e-5  # rounding is a hundredth of that
    assert {"saliency", "grad_cam", "activations", "weight_gradients"} <= set(found["records"])
    for records in found["records"].values():
        assert not records["not finite"]
        assert not records["zero"]


@pytest.mark.parametrize("name", [pytest.param(name, marks=at) for name, at in SOME.items()])
def test_default_methods_explain_what_the_head_reads(name):
    check(measured(name, whole=False), name)


def test_attributions_are_complete_as_far_as_they_promise():
    """A head that convolves one position, squeeze and excitation, and hard activations."""
    name = "MobileNetV3Small"
    found = measured(name)
    check(found, name)
    assert not found["refused"]
    assert {method.name for method in ATTRIBUTIONS} <= set(found["records"])
    assert found["deep_lift/gap"][1] < 1e-2
    assert found["lrp/conservation, no biases"][1] < found["lrp/conservation"][0]


def test_the_docs_hold_each_architecture_to_it():
    assert set(TABLE) <= set(architectures())
    for name, found in TABLE.items():
        check(found, name)
        for sentence in found["refused"].values():
            assert "Received" in sentence


def test_the_page_is_what_was_measured():
    spec = importlib.util.spec_from_file_location("made", DOCS / "make_applications.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (DOCS / "applications.md").read_text() == module.page(TABLE)


@pytest.mark.live
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_layers_of_the_smallest_of_each_family_are_those_of_each_backend(backend):
    pytest.importorskip(backend)
    command = [sys.executable, "-m", "tests.applications.measured", *SMALLEST, "--layers"]
    found = json.loads(subprocess.check_output(command, cwd=ROOT, env=on_backend(backend)))
    there = {name: layers for name, layers in found.items() if layers is not None}
    assert len(there) >= len(SMALLEST) - 1  # Keras has no NASNet on PyTorch
    assert there == {name: TABLE[name]["layers"] for name in there}
