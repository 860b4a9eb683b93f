"""Captum's noise tunnel over the torch network of `cam_reference`, with noise that is given."""

from __future__ import annotations

from unittest import mock

import numpy as np

from tests.reference.cam_reference import network

KINDS = {"mean": "smoothgrad", "square": "smoothgrad_sq", "variance": "vargrad"}


def smoothed(given: dict[str, np.ndarray], noise: np.ndarray, reduce: str) -> dict[str, np.ndarray]:
    """Three methods' smoothed attributions by name, channels last.

    Args:
        given: Weights, inputs and targets of `captum_reference.weights`.
        noise: What is added, `(pictures, samples, height, width, channels)`.
        reduce: One of `KINDS`.
    """
    import torch
    from captum.attr import InputXGradient, LayerGradCam, NoiseTunnel, Saliency

    features, head = network(given)
    whole = torch.nn.Sequential(features, head)
    x = torch.from_numpy(given["inputs"].transpose(0, 3, 1, 2).copy())
    target = torch.from_numpy(given["targets"])
    drawn = torch.from_numpy(noise.transpose(0, 1, 4, 2, 3).reshape(-1, *x.shape[1:]).copy())
    methods = {
        "saliency": Saliency(whole),
        "gradient_times_input": InputXGradient(whole),
        "grad_cam/last": LayerGradCam(whole, features),
    }
    found = {}
    for name, method in methods.items():
        options = {"relu_attributions": True} if name.startswith("grad_cam") else {}
        with mock.patch("torch.normal", return_value=drawn):
            smooth = NoiseTunnel(method).attribute(
                x, nt_type=KINDS[reduce], nt_samples=noise.shape[1], target=target, **options
            )
        found[name] = smooth.detach().numpy().transpose(0, 2, 3, 1)
    found["grad_cam/last"] = found["grad_cam/last"][..., 0]
    return found
