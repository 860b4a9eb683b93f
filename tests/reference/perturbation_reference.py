"""Captum's, SHAP's and LIME's attributions of small networks, as independent implementations.

`python tests/reference/perturbation_reference.py` writes `perturbation.npz`, the table that the
tests compare with where the libraries are not installed. Weights and inputs are in the table too.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("perturbation.npz")
BASELINE = 0.3
LIBRARIES = ("torch", "captum", "shap", "lime")
SAMPLES = 300


def weights(seed: int = 5) -> dict[str, np.ndarray]:
    """Random weights in Keras's layout, pictures `(4, 10, 10, 2)`, tables `(4, 6)` and targets."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype("float32")

    return {
        "conv": normal(3, 3, 2, 4),
        "conv_bias": 0.3 * normal(4),
        "head": normal(8 * 8 * 4, 3),
        "hidden": 2 * normal(6, 10),
        "hidden_bias": 0.3 * normal(10),
        "out": normal(10, 3),
        "pictures": rng.normal(size=(4, 10, 10, 2)).astype("float32"),
        "table": rng.normal(size=(4, 6)).astype("float32"),
        "targets": rng.integers(0, 3, 4),
    }


def draws(row: np.ndarray, seed: int = 0) -> np.random.Generator:
    """The random numbers that belong to one probe."""
    return np.random.default_rng([seed, zlib.crc32(row.tobytes())])


def halves(row: np.ndarray, features: int) -> np.ndarray:
    """LIME's samples: random halves of the features, the first one whole."""
    found = draws(row).random((SAMPLES, features)) < 0.5
    found[0] = True
    return found


def givers(rows: np.ndarray, repeats: int) -> list[np.ndarray]:
    """Whose feature each row gets at each repeat: round a circle that is drawn."""
    circle = np.argsort([draws(row).random() for row in rows], kind="stable")
    found = np.empty((repeats, len(rows)), int)
    for repeat in range(repeats):
        found[repeat, circle] = np.roll(circle, -1 - repeat)
    return list(found)


def scores(given: dict[str, np.ndarray], rows: np.ndarray, target: int) -> np.ndarray:
    """The network of tables, in NumPy."""
    hidden = np.maximum(rows @ given["hidden"] + given["hidden_bias"], 0)
    return (hidden @ given["out"])[:, target]


def attributions(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the libraries find on the networks of `given` weights."""
    return {**_captum(given), **_numpy_libraries(given)}


def _captum(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    import torch
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr import (
        FeaturePermutation,
        KernelShap,
        Lime,
        Occlusion,
        ShapleyValues,
        ShapleyValueSampling,
    )

    kernel = torch.from_numpy(given["conv"].transpose(3, 2, 0, 1).copy())
    tensors = {name: torch.from_numpy(np.asarray(array)) for name, array in given.items()}

    def of_pictures(x: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(torch.nn.functional.conv2d(x, kernel, tensors["conv_bias"]))
        return maps.permute(0, 2, 3, 1).flatten(1) @ tensors["head"]

    def of_tables(x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x @ tensors["hidden"] + tensors["hidden_bias"]) @ tensors["out"]

    pictures = torch.from_numpy(given["pictures"].transpose(0, 3, 1, 2).copy())
    table, target = tensors["table"], tensors["targets"]
    occluded = Occlusion(of_pictures).attribute(
        pictures, (2, 4, 3), strides=(2, 3, 2), baselines=BASELINE, target=target
    )
    per_channel = Occlusion(of_pictures).attribute(pictures, (1, 3, 3), (1, 3, 3), target=target)
    found = {
        "captum/occlusion": occluded[:, 0],
        "captum/occlusion_channels": per_channel.permute(0, 2, 3, 1),
        "captum/shapley": ShapleyValues(of_tables).attribute(
            table, BASELINE, target, perturbations_per_eval=8
        ),
    }
    torch.manual_seed(0)
    found["captum/shapley_sampling"] = ShapleyValueSampling(of_tables).attribute(
        table, BASELINE, target, n_samples=800, perturbations_per_eval=16
    )
    sampled = KernelShap(of_tables)
    one_by_one = [(table[i : i + 1], int(t)) for i, t in enumerate(given["targets"])]
    found["captum/kernel_shap"] = torch.cat(
        [
            sampled.attribute(x, BASELINE, t, n_samples=2000, perturbations_per_eval=64)
            for x, t in one_by_one
        ]
    )
    slopes = []
    for x, t in one_by_one:
        rows = iter(halves(x.numpy()[0], 6))
        lime = Lime(
            of_tables,
            interpretable_model=SkLearnRidge(alpha=1.0),
            similarity_func=lambda original, perturbed, z, **_: torch.exp(
                -((1 - torch.sqrt(z.float().mean())) ** 2) / (2 * 0.25**2)
            ),
            perturb_func=lambda *args, rows=rows, **_: torch.from_numpy(next(rows)[None]).long(),
        )
        slopes.append(lime.attribute(x, BASELINE, t, n_samples=SAMPLES))
    found["captum/lime"] = torch.cat(slopes)
    falls = []
    for giver in givers(given["table"], 2):
        permuted = FeaturePermutation(
            of_tables,
            perm_func=lambda x, mask, giver=giver: torch.where(mask.bool(), x[giver], x),
        )
        falls.append(permuted.attribute(table, target).mean(dim=0, keepdim=True))
    found["captum/permutation_importance"] = torch.stack(falls).mean(dim=0)
    return {name: tensor.detach().numpy() for name, tensor in found.items()}


def _numpy_libraries(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    import shap
    from lime.lime_base import LimeBase
    from sklearn.metrics import pairwise_distances

    baseline = np.full((1, 6), BASELINE, "float32")
    shares, slopes, fits = [], [], []
    for x, target in zip(given["table"], given["targets"], strict=True):

        def model(rows: np.ndarray, target: int = int(target)) -> np.ndarray:
            return scores(given, rows.astype("float32"), target)

        explainer = shap.KernelExplainer(model, baseline)
        shares.append(explainer.shap_values(x[None], nsamples=2**6, silent=True)[0])
        samples = halves(x, 6)
        labels = model(np.where(samples, x, baseline))
        distances = pairwise_distances(samples, samples[:1], metric="cosine").ravel()
        base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)))
        _, slope, fit, _ = base.explain_instance_with_data(
            samples.astype(float), labels[:, None], distances, 0, 6, feature_selection="none"
        )
        slopes.append([value for _, value in sorted(slope)])
        fits.append(fit)
    found = {"shap/kernel_shap": shares, "lime/lime": slopes, "lime/fit": fits}
    return {name: np.asarray(values) for name, values in found.items()}


if __name__ == "__main__":
    given = weights()
    np.savez_compressed(TABLE, **given, **attributions(given))
