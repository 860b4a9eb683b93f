"""Class activation maps of a small torch network, written from the papers' formulas.

Channels first, one picture and one channel after another; Grad-CAM and HiResCAM are Captum's.
`python -m tests.reference.cam_reference` writes `cam.npz`, for the weights in `captum.npz`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.reference import captum_reference

TABLE = Path(__file__).with_name("cam.npz")


def network(given):
    """The network of `captum_reference` in two halves: to the last feature map, and from it."""
    import torch
    from torch import nn

    class Flatten(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)  # in Keras's order

    features = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3), nn.ReLU()
    )
    head = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), Flatten(), nn.Linear(300, 4))
    with torch.no_grad():
        for layer, kernel, bias in ((0, "conv1", "bias1"), (3, "conv2", "bias2")):
            kernel = given[kernel].transpose(3, 2, 0, 1).copy()
            features[layer].weight.copy_(torch.from_numpy(kernel))
            features[layer].bias.copy_(torch.from_numpy(given[bias]))
        head[2].weight.copy_(torch.from_numpy(given["dense"].T.copy()))
        head[2].bias.copy_(torch.from_numpy(given["bias3"]))
    return features, head


def maps(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All maps by name, `(pictures, height, width)`, and gradient x activation by channel."""
    import torch
    from captum.attr import LayerGradCam, LayerGradientXActivation

    features, head = network(given)
    whole = torch.nn.Sequential(features, head)
    x = torch.from_numpy(given["inputs"].transpose(0, 3, 1, 2).copy())
    target = torch.from_numpy(given["targets"])
    product = LayerGradientXActivation(whole, features).attribute(x, target=target)
    by_name = {
        "grad_cam": LayerGradCam(whole, features).attribute(
            x, target=target, relu_attributions=True
        )[:, 0],
        "hi_res_cam": product.sum(1),
        "gradient_times_activation": product.permute(0, 2, 3, 1),
    }
    found = {name: array.detach().numpy() for name, array in by_name.items()}
    one_by_one = {"grad_cam_plus_plus": [], "layer_cam": [], "eigen_cam": [], "score_cam": []}
    for picture, index in zip(x, target, strict=True):
        activation = features(picture[None]).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(head(activation)[0, index], activation)
        a, g = activation[0].detach().numpy().astype("f8"), gradient[0].numpy().astype("f8")
        one_by_one["grad_cam_plus_plus"].append(plus_plus(a, g))
        one_by_one["layer_cam"].append(layer(a, g))
        one_by_one["eigen_cam"].append(eigen(a))
        one_by_one["score_cam"].append(score(a, picture, lambda p, i=index: whole(p[None])[0, i]))
    return found | {name: np.stack(found) for name, found in one_by_one.items()}


def plus_plus(a, g):
    """Equations 1, 10 and 19 of Chattopadhyay et al., less the factor exp(score)."""
    total = np.zeros(a.shape[1:])
    for one, slope in zip(a, g, strict=True):
        below = 2 * slope**2 + one.sum() * slope**3
        alpha = np.divide(slope**2, below, out=np.zeros_like(below), where=below != 0)
        total += (alpha * np.maximum(slope, 0)).sum() * one
    return np.maximum(total, 0)


def layer(a, g):
    """Equations 5 to 7 of Jiang et al."""
    return np.maximum(sum(np.maximum(s, 0) * one for one, s in zip(a, g, strict=True)), 0)


def eigen(a):
    """The first left singular vector times its singular value, summing to no less than zero."""
    left, size, _ = np.linalg.svd(a.reshape(len(a), -1).T, full_matrices=False)
    found = (left[:, 0] * size[0]).reshape(a.shape[1:])
    return -found if found.sum() < 0 else found


def score(a, picture, scored):
    """Algorithm 1 of Wang et al., with the black picture as baseline."""
    import torch

    gained, kept = [], []
    with torch.no_grad():
        nothing = float(scored(torch.zeros_like(picture)))
        for one in a:
            mask = torch.from_numpy(one.astype("f4"))[None, None]
            mask = torch.nn.functional.interpolate(
                mask, picture.shape[1:], mode="bilinear", align_corners=False
            )[0, 0]
            if one.max() > one.min():
                mask = (mask - one.min()) / (one.max() - one.min())
                gained.append(float(scored(mask * picture)) - nothing)
                kept.append(one)
    shares = np.exp(gained) / np.exp(gained).sum()
    return np.maximum(sum(share * one for share, one in zip(shares, kept, strict=True)), 0)


if __name__ == "__main__":
    given = dict(np.load(captum_reference.TABLE))
    np.savez_compressed(TABLE, **{k: v.astype("f4") for k, v in maps(given).items()})
