"""Every method on every kind of model, on every backend: the same numbers, or the same reason.

`pytest -n 0 tests/backends/test_matrix.py --models` writes `docs/models.md`.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.on_backend import on_backend

from .kinds import KINDS
from .matrix import UNSUPPORTED

BACKENDS = ("tensorflow", "jax", "torch")
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TOLERANCE = 1e-4
ROUNDING = 1e-4
"""Records smaller than this are compared as if they were as large."""
OF_SCORES = 1e-2
"""The same of what is told from differences of scores, which are some 100 times as large."""
PARTS = {
    "activation_maximization": 0.5,
    "activation_maximization/activation": 5e-3,
    "meaningful_perturbation": 5e-2,
    "counterfactual": 1e-2,
    "agreement": 0.2,
    "tcav/p_value": np.inf,
    "weight_gradients/histogram": 2e-2,
    "gradient_flow/zeros": 2e-2,
}
"""Where backends part, and how far: `docs/models.md` says why."""
MAY_BE_NAN = ("agreement", "projection", "quality", "tcav", "weight_gradients/statistics")
"""What is not known at a first step, of a map without contrast, or without what it is about."""

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, BACKENDS)), reason="a backend is not installed"
    ),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {backend: tmp_path_factory.mktemp(backend) for backend in BACKENDS}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.backends.matrix", made[backend]],
            # Three processes share the cores: threads of PyTorch's own would wait for one another.
            env={**on_backend(backend), "OMP_NUM_THREADS": "1"},
            cwd=ROOT,
        )
        for backend in ("jax", "tensorflow", "torch")
    ]
    assert [one.wait() for one in running] == [0, 0, 0]
    return made


@pytest.fixture(scope="module")
def cells(folders):
    return {b: json.loads((folder / "cells.json").read_text()) for b, folder in folders.items()}


@pytest.fixture(scope="module")
def trainings(folders):
    return {b: json.loads((f / "trainings.json").read_text()) for b, f in folders.items()}


def supporting(kind):
    return [backend for backend in BACKENDS if (backend, kind) not in UNSUPPORTED]


@pytest.mark.parametrize("kind", KINDS)
def test_every_method_explains_it_or_says_why_not(cells, kind):
    for backend in supporting(kind):
        for method, cell in cells[backend][kind].items():
            assert set(cell) <= {"why", "records"}, f"{backend} {method}: {cell}"
            if "why" in cell:
                assert 30 < len(cell["why"]) < 700
                assert "\n" not in cell["why"]
            else:
                assert all(one["rows"] and one["axes"] for one in cell["records"].values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_logs_what_keras_says(trainings, kind):
    for backend in supporting(kind):
        kept = trainings[backend][kind]
        assert kept["steps"] == [-1, 0], backend
        np.testing.assert_allclose(*kept["predictions"], rtol=1e-4, atol=1e-5, err_msg=backend)
        np.testing.assert_allclose(*kept["losses"], rtol=1e-4, err_msg=backend)
        assert kept["zero"] == [], backend
        at = tuple(name.rpartition("/")[2] for name in kept["at_inputs"])
        assert at == (KINDS[kind].layers or ("",)), backend


@pytest.mark.parametrize("kind", KINDS)
def test_backends_refuse_alike(cells, kind):
    refused = [
        {method for method, cell in cells[backend][kind].items() if "why" in cell}
        - {*KINDS[kind].apart}
        for backend in supporting(kind)
    ]
    assert all(one == refused[0] for one in refused)


@pytest.mark.parametrize("kind", KINDS)
def test_backends_agree(folders, cells, kind):
    first, *others = supporting(kind)
    known = {
        key: one
        for cell in cells[first][kind].values()
        for key, one in cell.get("records", {}).items()
    }
    arrays = {
        backend: dict(np.load(folders[backend] / f"{kind}.npz")) for backend in supporting(kind)
    }
    for found in arrays.values():
        for key in [key for key in found if key.startswith(KINDS[kind].apart)]:
            del found[key]
        assert set(found) == set(arrays[first])
    # The bias of attention's keys does not matter: its gradient is rounding alone.
    largest = 1e-2 * max(
        np.abs(values).max()
        for key, values in arrays[first].items()
        if key.startswith("weight_gradients/") and not key.endswith(("histogram", "statistics"))
    )
    idle = without_effect(arrays[first].get("weight_gradients/statistics"))
    for key, expected in arrays[first].items():
        bound = PARTS.get(key, PARTS.get(key.partition("/")[0], TOLERANCE))
        for backend in (first, *others):
            values = arrays[backend][key]
            if key in ("weight_gradients/histogram", "weight_gradients/statistics"):
                values, expected_rows = values[~idle], expected[~idle]
            else:
                expected_rows = expected
            assert values.shape == expected_rows.shape
            where = f"{backend} {key}"
            assert np.isfinite(values).all() or key.startswith(MAY_BE_NAN), where
            assert known[key]["signed"] or key == "predictions" or not (values < 0).any(), where
            if np.isinf(bound):
                continue
            # A gap is a share of the score already: of a sum that is exact, it is rounding alone.
            least = OF_SCORES if known[key]["of_scores"] else ROUNDING
            if key.endswith(("/gap", "/conservation")):
                least = 1
            elif key.startswith("weight_gradients/"):
                least = largest
            scale = max(np.nanmax(np.abs(expected_rows), initial=0), least)
            np.testing.assert_allclose(
                values, expected_rows, rtol=0, atol=bound * scale, err_msg=where
            )


def without_effect(statistics):
    """Which weights' gradients are zero but for rounding: their figures are chance."""
    if statistics is None:
        return np.zeros(0, bool)
    norms = statistics[:, 0]
    return norms < 1e-6 * norms.max()


def test_the_docs_show_what_was_found(cells, request):
    sys.path.insert(0, str(DOCS))
    from make_models import page

    shown: dict[str, dict] = {}
    for kind, of in KINDS.items():
        shown.setdefault(of.group, {})[kind] = cells[supporting(kind)[0]][kind]
    bounds = {
        "climbing": PARTS["activation_maximization"],
        "reached": PARTS["activation_maximization/activation"],
        "steps": PARTS["meaningful_perturbation"],
        "ranks": PARTS["agreement"],
    }
    text = page(shown, bounds)
    if request.config.getoption("--models"):
        (DOCS / "models.md").write_text(text)
    assert (DOCS / "models.md").read_text() == text
