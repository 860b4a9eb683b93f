"""Every attribution method sees when a network starts to look at a planted mark."""

import numpy as np
import pytest
from PIL import Image

from keras_explain.methods import method_of, registered
from keras_explain.passes import Pass
from keras_explain.probes import Probes

from .shortcut import ONSET, SHIRT, garments, told

NO_ATTRIBUTION = {"activations"}
"""They yield maps on the input, but do not say what counts."""

SMOOTH = 2.0
"""Least ratio to the control for maps as coarse as a CAM's: 7x7 under a mark of 5 of 28 pixels."""
SHARP = 3.0
LESS = {"deconvnet": 1.5}
"""It ignores what was off on the way forward, so it tells less of the network: 2.2 measured."""
FALLEN = 0.8
"""Share of marked T-shirts that are called Shirt by a network that has fallen for the mark."""


@pytest.fixture(scope="module")
def story():
    return told()


def test_the_network_falls_for_the_mark(story):
    assert story.fooled[-1] > FALLEN
    assert story.fooled_control[-1] < FALLEN / 2


def test_integrated_gradients_of_a_trained_network_miss_less_than_a_hundredth(story):
    model, labels = story.model, np.full(len(story.probes), SHIRT)
    method = method_of("integrated_gradients")
    made = Pass(model, Probes.of((story.probes, labels)), [method])
    nothing = Pass(model, Probes.of((np.zeros_like(story.probes), labels)), [])
    for weights in (story.planted[-1], story.control[-1]):
        model.set_weights(weights)
        outcome = made.run()
        gained = np.asarray(outcome.scores) - np.asarray(nothing.run().scores)
        gap = outcome.readings[0]["integrated_gradients/gap"]
        assert np.median(np.abs(gap)) <= 0.01
        assert np.abs(gap * gained).sum() <= 0.01 * np.abs(gained).sum()


def share_inside(maps, marks):
    """Mean share of the magnitude that lies inside the marks."""
    sizes = np.abs(maps)
    sizes = sizes.sum(axis=-1) if sizes.ndim == 4 else sizes
    if sizes.shape[1:] != marks.shape[1:]:
        sizes = np.stack(
            [np.asarray(Image.fromarray(m).resize(marks.shape[1:], Image.BILINEAR)) for m in sizes]
        )
    total = sizes.sum(axis=(1, 2))
    return float(np.mean((sizes * marks).sum(axis=(1, 2)) / np.maximum(total, 1e-12)))


def maps_of(made, weights, model):
    model.set_weights(weights)
    outcome = made.run()
    assert not outcome.faults, outcome.faults
    ((index, reading),) = outcome.readings.items()
    plan = made.built.plans[index]
    arrays = {key: np.asarray(tensor) for key, tensor in reading.items()}
    records = made.methods[index].records(plan, arrays)
    maps = [a for spec, a in records if spec.rows is None and {"height", "width"} <= {*spec.axes}]
    return maps[0] if maps else None


@pytest.mark.parametrize("name", sorted(set(registered()) - NO_ATTRIBUTION))
def test_the_share_inside_the_mark_rises_when_the_network_falls_for_it(story, name):
    model, labels = story.model, np.full(len(story.probes), SHIRT)
    method = registered()[name].example(*garments("held_out"))
    made = Pass(model, Probes.of((story.probes, labels)), [method], optional=True)
    if not made.built.plans:
        pytest.skip("does not apply to this network")
    specs = made.built.plans[0].specs.values()
    if not any({"height", "width"} <= {*spec.axes} and spec.rows is None for spec in specs):
        pytest.skip("yields no map of a probe")
    after_onset = story.planted[ONSET:]
    shares = [share_inside(maps_of(made, w, model), story.marks) for w in after_onset]
    control = share_inside(maps_of(made, story.control[-1], model), story.marks)
    coarse = maps_of(made, story.control[-1], model).shape[1] < story.marks.shape[1]
    assert shares[-1] > LESS.get(name, SMOOTH if coarse else SHARP) * control
    has_fallen = np.array(story.fooled[ONSET - 1 :]) > FALLEN
    has_fallen[0] = False  # nothing is planted yet
    with_it, without = (np.mean(np.array(shares)[its]) for its in (has_fallen, ~has_fallen))
    assert with_it > without, (shares, story.fooled)
