"""Private names of Keras: in one module, on each layout of Keras that it knows."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from keras.src import backend

from keras_explain.network import keras_internals

ROOT = Path(__file__).parents[2]
HOME = ROOT / "keras_explain" / "network" / "keras_internals.py"
SOURCES = [
    path
    for room in ("keras_explain", "callbacks")
    for path in (ROOT / room).rglob("*.py")
    if path != HOME
]


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=500
    )


def test_the_layout_of_the_next_keras_yields_the_same(tmp_path):
    for options in ((), ("--new-layout",)):
        done = run("-m", "tests.core.any_keras", str(tmp_path / "expected.npz"), *options)
        assert done.returncode == 0, done.stderr[-3000:]
    assert "explanations are the same" in done.stdout


def del_nn(monkeypatch):
    monkeypatch.delattr(backend, "nn")


def del_relu(monkeypatch):
    monkeypatch.delattr(backend.nn, "relu")


def relu_goes_elsewhere(monkeypatch):
    monkeypatch.setattr(keras.ops, "relu", abs)


def multiply_goes_elsewhere(monkeypatch):
    monkeypatch.setattr(keras.ops, "multiply", lambda x1, x2: None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (del_nn, "keras.src.backend has neither 'nn' nor 'ops.nn'"),
        (del_relu, "has no 'relu'"),
        (relu_goes_elsewhere, "keras.ops.relu does not call"),
        (multiply_goes_elsewhere, "keras.ops.multiply does not call"),
    ],
)
def test_an_unknown_keras_is_refused_in_plain_words(change, said, monkeypatch):
    change(monkeypatch)
    with pytest.raises(ImportError) as refused:
        runpy.run_path(str(HOME))
    monkeypatch.undo()
    told = str(refused.value)
    assert told.startswith("keras_explain does not know this Keras: ")
    assert said in told
    assert f"Supported: {keras_internals.SUPPORTED}. Received: Keras {keras.__version__}" in told


def test_nothing_of_keras_is_left_replaced():
    assert keras_internals.nn.relu.__module__.startswith("keras.")
    assert keras_internals.numpy.multiply.__module__.startswith("keras.")


def private_names(path):
    """Names with one underscore in front that are taken from something else than `self`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and not (
            isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        ):
            yield node.attr
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
            yield from (a.value for a in node.args[1:2] if isinstance(a, ast.Constant))


def keras_private_names():
    """All that Keras's own layers and models keep under such a name."""
    kinds = [getattr(keras.layers, name) for name in dir(keras.layers)]
    kinds = [kind for kind in kinds if isinstance(kind, type)]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    names = {name for kind in (*kinds, type(model)) for name in dir(kind)}
    names |= {name for thing in (model, *model.layers) for name in vars(thing)}
    names |= {"_value_dense", "_gate_dense", "_output_dense", "_compute_causal_padding"}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def test_private_names_of_keras_are_in_one_module():
    keras_has = keras_private_names()
    assert {"_layers", "_functional", "_compile_loss", "_symbolic_build"} <= keras_has
    found = {path.relative_to(ROOT): keras_has & set(private_names(path)) for path in SOURCES}
    assert {path: names for path, names in found.items() if names} == {}
    for path in SOURCES:
        assert "keras.src" not in path.read_text(), path
