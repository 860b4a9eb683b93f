"""Captum's attributions beside ours on PyTorch: how long each takes, and how far they part.

Captum gets the same weights in PyTorch's own layers, channels first, as its users have them, and,
where it needs none of PyTorch's own layers, the same Keras model as ours. All are made once and
asked again; ours return the predictions too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from backends import arrived, medians
from captum import attr
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn

from keras_explain import methods
from keras_explain.passes import Pass
from keras_explain.probes import Probes

EPSILON = 1e-6
WINDOW = 6
SAMPLES = 32


def twin(model: Any) -> nn.Sequential:
    """The small CNN of `backends.py` in PyTorch's own layers, with its weights."""
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 5),
    )  # fmt: skip
    given = iter(model.get_weights())
    with torch.no_grad():
        for layer in filter(lambda layer: hasattr(layer, "weight"), net):
            kernel = next(given)
            if kernel.shape[0] == 2048:  # behind the maps, whose channels Keras flattens last
                kernel = kernel.reshape(8, 8, 32, -1).transpose(2, 0, 1, 3).reshape(2048, -1)
            theirs = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
            layer.weight.copy_(torch.from_numpy(theirs.copy()))
            layer.bias.copy_(torch.from_numpy(next(given)))
    return net.eval()


def on_keras(model: Any, x: Any, y: Any) -> dict[str, Callable[[], Any]]:
    """By title, Captum's call for the Keras model itself, of what changes no layers."""
    background = torch.zeros_like(x[:1])
    window = (WINDOW, WINDOW, 3)

    def call(kind: Any, **options: Any) -> Callable[[], Any]:
        return lambda: kind(model).attribute(x, target=y, **options)

    return {
        "saliency": call(attr.Saliency, abs=True),
        "gradient times input": call(attr.InputXGradient),
        "integrated gradients, 32 steps": call(
            attr.IntegratedGradients, n_steps=32, method="gausslegendre"
        ),
        "occlusion, 64 windows of 6 x 6": call(
            attr.Occlusion, sliding_window_shapes=window, strides=window
        ),
        "GradientSHAP, 32 samples": call(
            attr.GradientShap, baselines=background, n_samples=SAMPLES, stdevs=0.1
        ),
    }


def pairs(net: nn.Sequential, x: Any, y: Any) -> dict[str, tuple[Any, Callable[[], Any], bool]]:
    """By title: our method, Captum's call, and whether both are the same numbers."""
    kinds = {
        "saliency": attr.Saliency(net),
        "product": attr.InputXGradient(net),
        "path": attr.IntegratedGradients(net),
        "cam": attr.LayerGradCam(net, net[7]),
        "lift": attr.DeepLift(net),
        "guided": attr.GuidedBackprop(net),
        "deconvnet": attr.Deconvolution(net),
        "lrp": attr.LRP(net),
        "occlusion": attr.Occlusion(net),
        "shap": attr.GradientShap(net),
    }
    background = torch.zeros_like(x)

    def call(kind: str, **options: Any) -> Callable[[], Any]:
        return lambda: kinds[kind].attribute(x, target=y, **options)

    def lrp() -> Any:
        for module in net:  # which it forgets each time; of flatten it knows none
            if hasattr(module, "weight"):
                module.rule = EpsilonRule(epsilon=EPSILON)
            elif isinstance(module, nn.Flatten):
                module.rule = EpsilonRule()
        return call("lrp")()

    window = {"sliding_window_shapes": (3, WINDOW, WINDOW), "strides": (3, WINDOW, WINDOW)}
    return {
        "saliency": (methods.Saliency(), call("saliency", abs=True), True),
        "gradient times input": (methods.GradientTimesInput(), call("product"), True),
        "integrated gradients, 32 steps": (
            methods.IntegratedGradients(steps=32),
            call("path", n_steps=32, method="gausslegendre"),
            True,
        ),
        "Grad-CAM": (methods.GradCAM(layer="last"), call("cam", relu_attributions=True), True),
        "DeepLIFT, rescale": (methods.DeepLIFT(), call("lift", baselines=background), True),
        "guided backpropagation": (methods.GuidedBackprop(), call("guided"), True),
        "DeconvNet": (methods.Deconvnet(), call("deconvnet"), True),
        "LRP, epsilon": (methods.LRP(composite="epsilon"), lrp, True),
        "occlusion, 64 windows of 6 x 6": (
            methods.Occlusion(window=WINDOW, stride=WINDOW),
            call("occlusion", **window),
            True,
        ),
        "GradientSHAP, 32 samples": (
            methods.GradientSHAP(samples=SAMPLES),
            call("shap", baselines=background[:1], n_samples=SAMPLES, stdevs=0.1),
            False,
        ),
    }


def apart(ours: dict[str, Any], theirs: Any) -> float:
    """The largest difference, as a share of the largest value."""
    own = next(iter(ours.values()))
    other = theirs.detach().numpy().transpose(0, 2, 3, 1)
    if own.ndim == 3:
        other = other[..., 0]
    return float(np.abs(own - other).max() / np.abs(other).max())


def bare(model: Any, x: Any, labels: Any) -> Callable[[], Any]:
    """One forward and backward to the inputs."""
    taken = torch.from_numpy(x).requires_grad_()
    at = torch.from_numpy(labels.astype("int64"))[:, None]

    def run() -> Any:
        scores = model(taken).gather(1, at).sum()
        return torch.autograd.grad(scores, taken)[0].numpy()

    return run


def print_table(model: Any, images: Any, labels: Any, rounds: int) -> None:
    """Time and difference of each method that both have."""
    net = twin(model)
    x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    y = torch.from_numpy(labels.astype("int64"))
    with torch.no_grad():
        np.testing.assert_allclose(net(x).numpy(), model.predict(images, verbose=0), atol=1e-4)
    print("\n### Captum 0.9 beside ours, small CNN 48x48\n")
    found = medians(
        {"Keras": bare(model, images, labels), "PyTorch": bare(net, x.detach().numpy(), labels)},
        rounds,
        "Keras",
    )
    print("A bare forward and backward to the inputs, of PyTorch's own layers over Keras's on")
    print(f"PyTorch: {found['PyTorch']:.2f}.\n")
    print("| method | Captum's time over ours | the same, on the Keras model "
          "| largest difference, of the largest value |")  # fmt: skip
    print("| --- | --- | --- | --- |")
    same_model = on_keras(model, torch.from_numpy(images).requires_grad_(), y)
    for title, (method, call, is_same) in pairs(net, x.requires_grad_(), y).items():
        made = Pass(model, Probes.of((images, labels)), [method])
        cases = {"ours": arrived(made), "Captum": call}
        if title in same_model:
            cases["same"] = same_model[title]
        found = medians(cases, rounds, "ours")
        same = f"{found['same']:.2f}" if "same" in found else "-"
        (reading,) = arrived(made)().values()
        text = f"{apart(reading, call()):.1e}" if is_same else "each draws its own samples"
        print(f"| {title} | {found['Captum']:.2f} | {same} | {text} |", flush=True)
