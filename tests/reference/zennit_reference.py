"""zennit's relevances of a small torch network, as an independent second implementation.

`python -m tests.reference.zennit_reference` writes `zennit.npz`, the table that the tests compare
with where torch is not installed. Weights and inputs are in the table too. With a path and a seed
it writes another: zennit loads torchvision, which does not go into one process with TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("zennit.npz")
LOW, HIGH = -3.0, 3.5


def weights(seed: int = 3) -> dict[str, np.ndarray]:
    """Random weights in Keras's layout, inputs `(5, 10, 10, 3)` in a box, and targets."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int, fan: int | None = None) -> np.ndarray:
        fan = fan or int(np.prod(shape[:-1]))
        return (1.4 * rng.normal(size=shape) / np.sqrt(fan)).astype("float32")

    def normalization(name: str, channels: int) -> dict[str, np.ndarray]:
        return {
            f"{name}/gamma": rng.uniform(0.5, 1.5, channels).astype("float32"),
            f"{name}/beta": rng.normal(0, 0.3, channels).astype("float32"),
            f"{name}/mean": rng.normal(0, 0.3, channels).astype("float32"),
            f"{name}/variance": rng.uniform(0.05, 1.5, channels).astype("float32"),
        }

    inputs = np.clip(rng.normal(size=(5, 10, 10, 3)), LOW, HIGH).astype("float32")
    inputs[:, 2:4] = 0
    return {
        "stem/kernel": normal(3, 3, 3, 8),
        **normalization("stem_norm", 8),
        "depthwise/kernel": normal(3, 3, 8, 1, fan=9),
        "depthwise/bias": 0.2 * normal(8, fan=1),
        **normalization("depthwise_norm", 8),
        "pointwise/kernel": normal(1, 1, 8, 8),
        **normalization("pointwise_norm", 8),
        "last/kernel": normal(2, 2, 8, 10),
        "last/bias": 0.2 * normal(10, fan=1),
        "dense/kernel": normal(40, 12),
        "dense/bias": 0.2 * normal(12, fan=1),
        **normalization("dense_norm", 12),
        "logits/kernel": normal(12, 4),
        "logits/bias": 0.2 * normal(4, fan=1),
        "inputs": inputs,
        "targets": rng.integers(0, 4, 5),
    }


def relevances(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """zennit's relevances, channels last, by composite or by the rule of all linear layers."""
    import torch
    from torch import nn
    from zennit import composites, rules
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.layer import Sum
    from zennit.types import AvgPool, Linear

    def normalization(name: str, kind: type) -> nn.Module:
        # zennit 0.5 leaves `eps` in a normalisation that it has folded away, and so a factor.
        made = kind(len(given[f"{name}/gamma"]), eps=0.0)
        for attribute, key in (("weight", "gamma"), ("bias", "beta"),
                               ("running_mean", "mean"), ("running_var", "variance")):  # fmt: skip
            getattr(made, attribute).data.copy_(torch.from_numpy(given[f"{name}/{key}"]))
        made.running_var += 1e-3
        return made

    def convolution(name: str, **options) -> nn.Module:
        kernel = given[f"{name}/kernel"]
        across = (2, 3, 0, 1) if options.get("groups", 1) > 1 else (3, 2, 0, 1)
        kernel = kernel.transpose(across)
        inputs = kernel.shape[1] * options.get("groups", 1)
        bias = given.get(f"{name}/bias")
        made = nn.Conv2d(
            inputs, len(kernel), kernel.shape[2:], bias=bias is not None, **options
        )  # fmt: skip
        made.weight.data.copy_(torch.from_numpy(kernel.copy()))
        if bias is not None:
            made.bias.data.copy_(torch.from_numpy(bias))
        return made

    def dense(name: str) -> nn.Module:
        kernel = given[f"{name}/kernel"]
        made = nn.Linear(*kernel.shape)
        made.weight.data.copy_(torch.from_numpy(kernel.T.copy()))
        made.bias.data.copy_(torch.from_numpy(given[f"{name}/bias"]))
        return made

    class Residual(nn.Module):
        def __init__(self, *inner):
            super().__init__()
            self.inner, self.sum = nn.Sequential(*inner), Sum(-1)

        def forward(self, x):
            return self.sum(torch.stack([x, self.inner(x)], -1))

    class Flatten(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)  # in Keras's order

    def network() -> nn.Module:
        return nn.Sequential(
            convolution("stem", padding=1), normalization("stem_norm", nn.BatchNorm2d),
            nn.ReLU(), nn.MaxPool2d(2),
            Residual(
                convolution("depthwise", groups=8, padding=1),
                normalization("depthwise_norm", nn.BatchNorm2d), nn.ReLU6(),
                convolution("pointwise"), normalization("pointwise_norm", nn.BatchNorm2d),
            ),
            nn.LeakyReLU(0.2), convolution("last"), nn.ReLU(), nn.AvgPool2d(2), Flatten(),
            dense("dense"), normalization("dense_norm", nn.BatchNorm1d),
            nn.GELU(approximate="tanh"), dense("logits"),
        ).eval().double()  # fmt: skip

    # Sums and averages share relevance without a stabilizer, as by the gradient.
    sums = [((Sum, AvgPool), rules.Norm(1e-12))]

    def everywhere(rule, first=()):
        return composites.SpecialFirstLayerMapComposite(
            [*sums, *composites.layer_map_base(), (Linear, rule)], [(Linear, one) for one in first],
            [SequentialMergeBatchNorm()],
        )  # fmt: skip

    folds = {"canonizers": [SequentialMergeBatchNorm()], "layer_map": sums}
    known = {
        "z": everywhere(rules.Epsilon(0.0)),
        "epsilon": everywhere(rules.Epsilon(0.1)),
        "gamma": everywhere(rules.Gamma(0.3)),
        "z_plus": everywhere(rules.ZPlus()),
        "alpha_beta": everywhere(rules.AlphaBeta(1.5, 0.5)),
        "z_box": everywhere(rules.Epsilon(), [rules.ZBox(LOW, HIGH)]),
        "flat": everywhere(rules.Epsilon(), [rules.Flat()]),
        "w_square": everywhere(rules.Epsilon(), [rules.WSquare(zero_params=["bias"])]),
        "epsilon_plus": composites.EpsilonPlus(**folds),
        "epsilon_gamma_box": composites.EpsilonGammaBox(LOW, HIGH, **folds),
        "epsilon_plus_flat": composites.EpsilonPlusFlat(**folds),
        "epsilon_alpha2_beta1": composites.EpsilonAlpha2Beta1(**folds),
        # Without folding, normalisations pass relevance on.
        "unfolded": composites.EpsilonPlus(layer_map=sums),
    }
    x = torch.from_numpy(given["inputs"].transpose(0, 3, 1, 2).copy()).double()
    target = torch.eye(4, dtype=torch.float64)[torch.from_numpy(given["targets"])]
    found = {}
    for name, composite in known.items():
        with Gradient(network(), composite) as attributor:
            found[name] = attributor(x, lambda output: output * target)[1]
    return {name: r.detach().numpy().transpose(0, 2, 3, 1) for name, r in found.items()}


if __name__ == "__main__":
    path, seed = sys.argv[1:] or (TABLE, "3")
    given = weights(int(seed))
    tables = {f"zennit/{k}": v.astype("float32") for k, v in relevances(given).items()}
    np.savez_compressed(path, **given, **tables)
