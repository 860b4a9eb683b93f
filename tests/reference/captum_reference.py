"""Captum's attributions of a small torch network, as an independent second implementation.

`python tests/reference/captum_reference.py` writes `captum.npz`, the table that the tests compare
with where torch is not installed. Weights and inputs are in the table too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("captum.npz")


def weights(seed: int = 7) -> dict[str, np.ndarray]:
    """Random weights in Keras's layout, inputs `(6, 14, 14, 3)` and targets."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype("float32")

    return {
        "conv1": normal(3, 3, 3, 8),
        "bias1": 0.1 * normal(8),
        "conv2": normal(3, 3, 8, 12),
        "bias2": 0.1 * normal(12),
        "dense": normal(5 * 5 * 12, 4),
        "bias3": 0.1 * normal(4),
        "inputs": rng.normal(size=(6, 14, 14, 3)).astype("float32"),
        "targets": rng.integers(0, 4, 6),
    }


def attributions(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Captum's figures for the network of `given` weights, channels last."""
    import torch
    from captum.attr import InputXGradient, IntegratedGradients, LayerGradCam, Saliency
    from torch import nn

    class Flatten(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)  # in Keras's order

    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=0), nn.ReLU(),
        nn.AvgPool2d(1), nn.ZeroPad2d((0, 1, 0, 1)), Flatten(), nn.Linear(300, 4),
    )  # fmt: skip
    with torch.no_grad():
        for layer, kernel, bias in ((0, "conv1", "bias1"), (3, "conv2", "bias2")):
            net[layer].weight.copy_(torch.from_numpy(given[kernel].transpose(3, 2, 0, 1).copy()))
            net[layer].bias.copy_(torch.from_numpy(given[bias]))
        net[8].weight.copy_(torch.from_numpy(given["dense"].T.copy()))
        net[8].bias.copy_(torch.from_numpy(given["bias3"]))
    x = torch.from_numpy(given["inputs"].transpose(0, 3, 1, 2).copy()).requires_grad_()
    target = torch.from_numpy(given["targets"])
    found = {
        "saliency": Saliency(net).attribute(x, target=target, abs=True),
        "gradient_times_input": InputXGradient(net).attribute(x, target=target),
        "integrated_gradients": IntegratedGradients(net).attribute(
            x, target=target, n_steps=32, method="gausslegendre"
        ),
        "grad_cam": LayerGradCam(net, net[4]).attribute(x, target=target, relu_attributions=True),
    }
    return {name: a.detach().numpy().transpose(0, 2, 3, 1) for name, a in found.items()}


if __name__ == "__main__":
    given = weights()
    np.savez_compressed(
        TABLE, **given, **{f"captum/{k}": v for k, v in attributions(given).items()}
    )
