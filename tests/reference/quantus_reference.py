"""Figures of Quantus (and infidelity of Captum) for one map, as independent second implementations.

`python -m tests.reference.quantus_reference` writes `quantus.npz` from fixed weights; the live test
runs it on fresh ones. Quantus gets our map, our random subsets and noise, and the model's logits.
"""

import sys
import zlib
from pathlib import Path
from unittest import mock

import numpy as np

TABLE = Path(__file__).with_name("quantus.npz")
POINTS, SUBSETS, SAMPLES, SHARE, RADIUS = 12, 24, 6, 0.25, 0.05


def given(seed: int = 5) -> dict[str, np.ndarray]:
    """Weights of a small network, inputs `(5, 12, 12, 1)`, targets and regions."""
    rng = np.random.default_rng(seed)
    regions = np.zeros((5, 12, 12), bool)
    for region in regions:
        top, left = rng.integers(0, 7, 2)
        region[top : top + 6, left : left + 6] = True
    return {
        "kernel": rng.normal(size=(144, 20)).astype("f4") / 12,
        "bias": rng.normal(size=20).astype("f4"),
        "out": rng.normal(size=(20, 3)).astype("f4"),
        "inputs": rng.normal(size=(5, 12, 12, 1)).astype("f4"),
        "targets": rng.integers(0, 3, 5),
        "regions": regions,
    }


def logits(g: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """A tanh layer and a linear one."""
    return np.tanh(x.reshape(len(x), -1) @ g["kernel"] + g["bias"]) @ g["out"]


def maps(g: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Gradient times input, by the chain rule, `(rows, 12, 12)`."""
    hidden = np.tanh(x.reshape(len(x), -1) @ g["kernel"] + g["bias"])
    at_hidden = g["out"].T[g["targets"]] * (1 - hidden**2)
    return ((at_hidden @ g["kernel"].T) * x.reshape(len(x), -1)).reshape(-1, 12, 12)


def chance(x: np.ndarray) -> np.random.Generator:
    """The generator that belongs to an input."""
    return np.random.default_rng([0, zlib.crc32(np.ascontiguousarray(x).tobytes())])


def figures(g: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What Quantus and Captum find."""
    # Behind TensorFlow, torch's compiler for GPUs breaks the interpreter.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    import quantus
    import torch
    from captum.metrics import infidelity

    x, y, regions = g["inputs"], g["targets"], g["regions"][:, None]
    flat = x.reshape(len(x), 1, 12, 12)
    attribution = maps(g, x)[:, None].astype("f8")
    count = round(SHARE * 144)
    subsets = np.stack(
        [
            np.argpartition(chance(one).random((SUBSETS, 144), np.float32), count - 1, 1)[:, :count]
            for one in x
        ]
    )
    noise = np.stack([chance(one).uniform(-1, 1, (SAMPLES, 12, 12, 1)) for one in x])
    noise = RADIUS * noise * np.ptp(x, axis=(1, 2, 3))[:, None, None, None, None]

    class Model:
        def shape_input(self, x, shape, **_):
            return np.asarray(x, "f4").reshape(-1, 1, 12, 12)

        def predict(self, x):
            return logits(g, x)

    quiet = {"disable_warnings": True, "normalise": False}
    zero = {**quiet, "perturb_baseline": 0.0}  # "black" would be the smallest value

    def flipped(order):
        flipping = quantus.PixelFlipping(features_in_step=144 // POINTS, **zero)
        curve = np.array(flipping.evaluate_batch(Model(), flat, y, order))
        start = logits(g, x)[np.arange(5), y]
        return np.trapezoid(np.column_stack([start, curve]), dx=1 / POINTS, axis=1)

    correlation = quantus.FaithfulnessCorrelation(nr_runs=SUBSETS, subset_size=count, **zero)
    # Quantus draws run by run, and within a run example by example.
    drawn = iter(subsets.swapaxes(0, 1).reshape(-1, count))
    with mock.patch("numpy.random.choice", side_effect=drawn):
        faithfulness = correlation.evaluate_batch(Model(), flat, y, attribution)

    steps = iter(noise.swapaxes(0, 1))
    sensitivity = quantus.MaxSensitivity(
        nr_samples=SAMPLES,
        perturb_func=lambda arr, indices, **_: arr + next(steps).reshape(arr.shape),
        **quiet,
    )
    sensitivity.explain_batch = lambda model, x, y: maps(g, x)
    changed = sensitivity.evaluate_batch(Model(), flat, y, attribution)

    def forward(x):
        return torch.from_numpy(logits(g, x.numpy()).astype("f4"))

    def perturb(x):
        # One call for all changes of one example after the other.
        mask = np.zeros((5, SUBSETS, 144), "f4")
        np.put_along_axis(mask, subsets, 1, axis=2)
        mask = torch.from_numpy(mask.reshape(-1, 1, 12, 12))
        return mask, x * (1 - mask)

    of = {
        name: infidelity(
            forward,
            perturb,
            torch.from_numpy(flat),
            torch.from_numpy(attribution.astype("f4")),
            target=torch.from_numpy(y),
            n_perturb_samples=SUBSETS,
            normalize=scaled,
        ).numpy()
        for name, scaled in (("infidelity", False), ("scaled_infidelity", True))
    }
    positive = attribution * (attribution > 0)
    return {
        "deletion": flipped(attribution.copy()),
        "faithfulness": np.array(faithfulness),
        **of,
        "max_sensitivity": changed,
        "sparseness": quantus.Sparseness(**quiet).evaluate_batch(flat, np.abs(attribution)),
        "complexity": quantus.Complexity(**quiet).evaluate_batch(flat, np.abs(attribution)),
        "pointing_game": quantus.PointingGame(abs=False, **quiet).evaluate_batch(
            a_batch=attribution, s_batch=regions
        ),
        "region_share": quantus.RelevanceMassAccuracy(**quiet).evaluate_batch(
            positive, s_batch=regions
        ),
        # The other way round: what comes back in the order of the map.
        "insertion": _inserted(g, attribution),
    }


def _inserted(g: dict[str, np.ndarray], attribution: np.ndarray) -> np.ndarray:
    """Insertion in the plainest NumPy, as Quantus has none."""
    areas = []
    for x, a, target, at in zip(g["inputs"], attribution, g["targets"], range(5), strict=True):
        one = {**g, "targets": g["targets"][at : at + 1]}
        order = np.argsort(-a.ravel(), kind="stable")
        curve = []
        for point in range(POINTS + 1):
            shown = np.zeros(144, "f4")
            kept = order[: point * 144 // POINTS]
            shown[kept] = x.ravel()[kept]
            curve.append(logits(one, shown[None])[0, target])
        areas.append(np.trapezoid(curve, dx=1 / POINTS))
    return np.array(areas)


if __name__ == "__main__":
    g = given()
    np.savez_compressed(TABLE, **g, **{f"quantus/{k}": v for k, v in figures(g).items()})
