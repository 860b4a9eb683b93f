"""GradientSHAP beside Captum's and SHAP's; all that it shares is in test_expected_gradients."""

import importlib.util
from unittest import mock

import keras
import numpy as np
import pytest

import keras_explain
from keras_explain.methods import ExpectedGradients, GradientSHAP
from tests.agreement import agrees
from tests.methods.test_captum import network as twin
from tests.methods.test_expected_gradients import network
from tests.reference import captum_reference
from tests.reference.cam_reference import network as torch_halves

RNG = np.random.default_rng(18)


class Heard(GradientSHAP):
    """Keeps what it draws."""

    def _drawn(self, random, start):
        shares, examples = super()._drawn(random, start)
        heard["uniform"].append(shares)
        heard["choice"].append(examples)
        return shares, examples

    def ends(self, ask, here):
        copies = super().ends(ask, here)

        def listened(row, numbers):
            (found,) = copies(row, numbers).values()
            ((place, inputs),) = here.items()
            heard["normal"].append(found - inputs[row])
            return {place: found}

        return listened


heard = {"uniform": [], "choice": [], "normal": []}


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("captum"), reason="captum is not installed")
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_it_agrees_with_captum_s_gradient_shap_on_the_same_draws(noise):
    import torch
    from captum.attr import GradientShap

    given = captum_reference.weights(seed=15)
    x, background = given["inputs"], RNG.normal(size=(5, 14, 14, 3)).astype("f4")
    for kept in heard.values():
        kept.clear()
    method = Heard(background, samples=12, noise=noise)
    found = keras_explain.explain(twin(given), x, method, target=given["targets"])
    drawn = {name: np.concatenate(kept) for name, kept in heard.items()}
    first = (torch.from_numpy(a.transpose(0, 3, 1, 2).copy()) for a in (x, background))
    normal = torch.from_numpy(drawn["normal"].transpose(0, 3, 1, 2).copy())
    with (
        mock.patch("numpy.random.uniform", return_value=drawn["uniform"]),
        mock.patch("numpy.random.choice", return_value=drawn["choice"]),
        mock.patch("torch.normal", return_value=normal),
    ):
        expected = GradientShap(torch.nn.Sequential(*torch_halves(given))).attribute(
            *first, n_samples=12, target=torch.from_numpy(given["targets"])
        )
    expected = expected.detach().numpy().transpose(0, 2, 3, 1)
    name = "gradient_shap" if noise else "expected_gradients"
    agrees(name, "Captum", found["gradient_shap"], expected)


@pytest.mark.live
@pytest.mark.skipif(not importlib.util.find_spec("shap"), reason="shap is not installed")
def test_it_agrees_with_shap_s_gradient_explainer():
    import shap

    model = network()
    x = RNG.normal(size=(2, 7, 6, 2)).astype("f4")
    background = RNG.normal(size=(5, 7, 6, 2)).astype("f4")
    inner = keras.Model(model.inputs, model.get_layer("logits").output)
    explainer = shap.GradientExplainer(inner, background)
    expected = explainer.shap_values(x, nsamples=3000, rseed=0)[..., 2]
    found = keras_explain.explain(model, x, ExpectedGradients(background, samples=1000), target=2)
    # SHAP's 3000 free draws err by some 1 / sqrt(3000) of a draw's deviation, which is twice the
    # largest mean: 3.7 % for one value, and up to twice that for the worst of 168.
    agrees("expected_gradients", "SHAP", found["expected_gradients"], expected,
           within=0.1, sampled=True)  # fmt: skip


def test_noise_must_be_a_share():
    with pytest.raises(ValueError, match="`noise` must be a share from 0 on. Received: -1"):
        GradientSHAP(noise=-1)
