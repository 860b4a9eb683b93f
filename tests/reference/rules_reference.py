"""Captum's guided backpropagation, deconvolution and DeepLIFT of a small torch network.

`python tests/reference/rules_reference.py` writes `rules.npz`, the table that the tests compare
with where torch is not installed. Weights and inputs are in the table too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("rules.npz")
ACTIVATIONS = ("relu", "sigmoid", "tanh", "elu", "softplus", "leaky_relu")
SHAPES = {
    "kernel1": (3, 3, 2, 6),
    "kernel2": (3, 3, 6, 8),
    "kernel3": (72, 10),
    "kernel4": (10, 4),
}


def weights(seed: int = 3) -> dict[str, np.ndarray]:
    """Random weights in Keras's layout, inputs `(5, 12, 12, 2)`, baselines and targets."""
    rng = np.random.default_rng(seed)
    given = {}
    for number, (name, shape) in enumerate(SHAPES.items(), 1):
        scale = 1.5 / np.sqrt(np.prod(shape[:-1]))
        given[name] = (rng.normal(size=shape) * scale).astype("float32")
        given[f"bias{number}"] = (0.2 * rng.normal(size=shape[-1])).astype("float32")
    given["inputs"] = rng.normal(size=(5, 12, 12, 2)).astype("float32")
    given["baseline"] = (0.5 * rng.normal(size=(5, 12, 12, 2))).astype("float32")
    given["targets"] = rng.integers(0, 4, 5)
    return given


def network(given: dict[str, np.ndarray], activation: str = "relu"):
    """The network in torch, channels first: two convolutions with pooling, two dense layers."""
    import torch
    from torch import nn

    class Flatten(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)  # in Keras's order

    class Apart(nn.Module):
        def forward(self, x):
            # Captum's DeepLIFT loses a part of the difference where pooling follows a unit at once.
            return x * 1

    def unit():
        kinds = {
            "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "elu": nn.ELU,
            "softplus": nn.Softplus, "leaky_relu": lambda: nn.LeakyReLU(0.2),
        }  # fmt: skip
        return kinds[activation]()

    net = nn.Sequential(
        nn.Conv2d(2, 6, 3), unit(), Apart(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), unit(), Flatten(),
        nn.Linear(72, 10), unit(), nn.Linear(10, 4),
    )  # fmt: skip
    with torch.no_grad():
        for layer, number in ((0, 1), (4, 2), (7, 3), (9, 4)):
            kernel = given[f"kernel{number}"]
            order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
            net[layer].weight.copy_(torch.from_numpy(kernel.transpose(order).copy()))
            net[layer].bias.copy_(torch.from_numpy(given[f"bias{number}"]))
    return net


def attributions(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Captum's figures for networks of `given` weights, channels last, by method and network."""
    import warnings

    import torch
    from captum.attr import Deconvolution, DeepLift, GuidedBackprop

    images = given["inputs"], given["baseline"]
    x, baseline = (torch.from_numpy(image.transpose(0, 3, 1, 2).copy()) for image in images)
    found = {}

    def note(name, method, net, *baselines):
        given_x = x.clone().requires_grad_()
        target = torch.from_numpy(given["targets"])
        found[name] = method(net).attribute(given_x, *baselines, target=target)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        note("guided_backprop", GuidedBackprop, network(given))
        note("deconvnet", Deconvolution, network(given))
        for activation in ACTIVATIONS:
            note(f"deep_lift/{activation}", DeepLift, network(given, activation), baseline)
    return {name: a.detach().numpy().transpose(0, 2, 3, 1) for name, a in found.items()}


if __name__ == "__main__":
    given = weights()
    found = {f"captum/{name}": a for name, a in attributions(given).items()}
    np.savez_compressed(TABLE, **given, **found)
