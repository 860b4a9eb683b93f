"""A layer's output is one static array per probe; what is not is left out, with its reason."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import Activations, Saliency, WeightGradients
from tests.fixtures.on_backend import loops_are_operations, sizes_may_be_unknown
from tests.network.traced import traced

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)


class WithPositions(layers.Layer):
    def __init__(self, length):
        super().__init__(name="both")
        self.length = length
        self.words = layers.Embedding(50, 8, name="words")
        self.positions = layers.Embedding(length, 8, name="positions")

    def call(self, ids):
        return self.words(ids) + self.positions(ops.arange(self.length))


def text_model(length):
    ids = keras.Input((length,), dtype="int32")
    pooled = layers.GlobalAveragePooling1D()(WithPositions(length)(ids))
    return keras.Model(ids, layers.Dense(2, name="head")(pooled))


@pytest.mark.parametrize("probes", [3, 8])
def test_a_position_table_is_no_output_also_with_as_many_positions_as_probes(probes):
    built = traced(text_model(8), RNG.integers(0, 50, (probes, 8)), [Activations()])
    assert list(built.view.absent) == ["both/positions"]
    assert list(built.plans[0].specs) == ["activations/both/words", "activations/both"]


class Turned(keras.Model):
    """Its middle has time first, as recurrent code often has."""

    def __init__(self):
        super().__init__()
        self.middle, self.head = layers.Dense(4, name="middle"), layers.Dense(2, name="head")

    def call(self, x):
        turned = self.middle(ops.transpose(x, (1, 0, 2)))
        return self.head(ops.mean(turned, axis=0))


def test_rows_that_are_as_many_as_the_probes_but_another_axis_are_told_apart():
    x = RNG.random((4, 4, 3)).astype("f4")
    model = Turned()
    model(x)
    view = traced(model, x).view
    assert list(view.layers) == ["head"]
    assert "its 4 rows are not the probes" in view.absent["middle"]


class Video(keras.Model):
    """Frames are folded into the batch."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, activation="relu", name="conv")
        self.pool = layers.GlobalAveragePooling2D()
        self.head = layers.Dense(2, name="head")

    def call(self, x):
        frames = ops.reshape(x, (-1, 8, 8, 3))
        return self.head(ops.mean(ops.reshape(self.pool(self.conv(frames)), (-1, 5, 4)), axis=1))


def test_video_folded_into_the_batch_keeps_every_step(tmp_path):
    x, y = RNG.random((6, 5, 8, 8, 3)).astype("f4"), np.arange(6) % 2
    model = Video()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, verbose=0, callbacks=[Explain(tmp_path, (x[:3], y[:3]))])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0)
    assert not run.failures
    assert {"predictions", "saliency", "weight_gradients/conv/kernel"} <= set(run.keys)
    with pytest.raises(ValueError, match="'conv': it has 15 rows for the 3 probes"):
        keras_explain.explain(model, x[:3], Activations("conv"))


class Cell(layers.Layer):
    def __init__(self, units):
        super().__init__(name="cell")
        self.state_size = self.output_size = units
        self.inner = layers.Dense(units, name="inner")
        self.recurrent = layers.Dense(units, use_bias=False, name="recurrent")

    def build(self, shape):
        self.inner.build(shape)
        self.recurrent.build((None, self.state_size))

    def call(self, x, states):
        state = ops.tanh(self.inner(x) + self.recurrent(states[0]))
        return state, [state]


def loop_model():
    return keras.Sequential(
        [keras.Input((5, 3)), layers.RNN(Cell(6), name="rnn"), layers.Dense(3, name="head")]
    )


def test_what_a_loop_computes_at_each_turn_is_never_chosen():
    built = traced(loop_model(), RNG.random((4, 5, 3)).astype("f4"), [Activations(), Saliency()])
    assert list(built.plans[0].specs) == ["activations/rnn", "activations/head"]


@loops_are_operations
def test_the_layers_of_a_cell_are_left_out_with_their_reason():
    with pytest.raises(ValueError, match="'rnn/cell/inner': it is computed anew at each turn"):
        traced(loop_model(), np.ones((4, 5, 3), "f4"), [Activations("inner")])


class Refined(layers.Layer):
    """Asks one layer three times, in a loop of the backend's."""

    def __init__(self):
        super().__init__(name="refined")
        self.step = layers.Dense(4, use_bias=False, name="step")

    def build(self, shape):
        self.step.build(shape)

    def call(self, x):
        return ops.fori_loop(0, 3, lambda turn, state: ops.tanh(self.step(state)), x)


def test_a_loop_inside_a_layer_keeps_every_step(tmp_path):
    inputs = keras.Input((4,))
    refined = Refined()
    model = keras.Model(inputs, layers.Dense(2, name="head")(refined(inputs)))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = RNG.normal(size=(6, 4)).astype("f4"), np.arange(6) % 2
    methods = [Activations(["refined", "head"]), "gradient"]
    callback = Explain(tmp_path, (x, y), methods, target=1, strict=True)
    model.fit(x, y, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0)
    step, head = (ops.convert_to_numpy(one.kernel) for one in (refined.step, model.layers[-1]))
    state, slopes = x, np.broadcast_to(np.eye(4), (6, 4, 4))
    for _ in range(3):
        state = np.tanh(state @ step)
        slopes = slopes @ step * (1 - state**2)[:, None]
    found = run.load("activations/refined", 0)
    np.testing.assert_allclose(found, state, rtol=2e-3, atol=1e-5)
    scale = np.abs(slopes @ head[:, 1]).max()
    np.testing.assert_allclose(run.load("gradient", 0), slopes @ head[:, 1], atol=2e-3 * scale)


class Trimmed(layers.Layer):
    def call(self, ids):
        import tensorflow as tf

        return ids[:, : tf.reduce_max(tf.reduce_sum(tf.cast(ids > 0, tf.int32), 1))]

    def compute_output_shape(self, shape):
        return (shape[0], None)


@sizes_may_be_unknown
def test_an_output_of_unknown_size_is_left_out_and_the_rest_is_kept():
    model = keras.Sequential(
        [
            keras.Input((9,), dtype="int32"),
            Trimmed(),
            layers.Embedding(50, 8, name="emb"),
            layers.GRU(4, name="gru"),
            layers.Dense(2, name="head"),
        ]
    )
    ids = RNG.integers(1, 50, (3, 9))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    methods = [Activations(), WeightGradients(), Saliency()]
    view = traced(model, ids, methods, optional=True).view
    assert {"emb", "trimmed"} <= set(view.absent)
    assert list(view.layers) == ["gru", "head"]
    with pytest.raises(ValueError, match="'emb': its size is not known before the model runs"):
        keras_explain.explain(model, ids, Saliency(layer="emb"))


class Wrong(Activations):
    """One of its records has a row too many."""

    def records(self, plan, arrays):
        records = super().records(plan, arrays)
        (spec, array), *others = records
        return [(spec, np.concatenate([array, array[:1]])), *others]


def test_a_bad_record_costs_itself_alone(tmp_path):
    x, y = RNG.random((6, 4)).astype("f4"), np.arange(6) % 2
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    methods = [Wrong(["a", "b"]), Saliency()]
    with pytest.warns(UserWarning, match="must have 3 rows"):
        model.fit(x, y, verbose=0, callbacks=[Explain(tmp_path, (x[:3], y[:3]), methods)])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0)
    assert {"predictions", "scores", "saliency"} <= set(run.keys)
    assert [key for key in run.keys if key.startswith("activations")] == ["activations/b"]
    assert len(run.failures) == 2
