"""Default layers follow from the data flow: what all that the head reads has passed."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.methods import (
    Activations,
    ChannelWeights,
    EigenCAM,
    GradCAM,
    HiResCAM,
    Occlusion,
    Saliency,
    ScoreCAM,
)
from tests.network.traced import places, traced

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)


def image(*shape):
    return RNG.random(shape).astype("f4")


X = image(3, 12, 12, 3)


def model_of(tail, shape=(12, 12, 3)):
    """A model whose head is global average pooling, behind what `tail` makes of the input."""
    inputs = keras.Input(shape)
    pooled = layers.GlobalAveragePooling2D(name="pool")(tail(inputs))
    return keras.Model(inputs, layers.Dense(4, name="head")(pooled))


def conv(filters, name, **options):
    return layers.Conv2D(filters, 3, padding="same", name=name, **options)


def dense_net(x):
    """Each block adds channels, as in DenseNet; normalisation and ReLU come last."""
    x = conv(6, "stem")(x)
    for n in range(3):
        x = layers.Concatenate(name=f"join_{n}")([x, conv(2, f"grow_{n}")(x)])
    return layers.ReLU(name="relu")(layers.BatchNormalization(name="bn")(x))


def inception(x):
    x = conv(4, "stem", activation="relu")(x)
    branches = [conv(n, f"branch_{n}", activation="relu")(x) for n in (2, 3)]
    return layers.Concatenate(name="mixed")(branches)


def conv_next(x):
    """The sum of a block is no layer's output."""
    x = conv(5, "stem")(x)
    for n in range(2):
        x = x + layers.LayerNormalization(name=f"norm_{n}")(conv(5, f"block_{n}")(x))
    return x


def tensorflow_s_relu(x):
    return ops.relu(conv(5, "last")(conv(4, "first")(x)))


def pooled(x):
    x = layers.ReLU(name="relu")(layers.GroupNormalization(2, name="norm")(conv(4, "last")(x)))
    return layers.MaxPooling2D(name="max")(x)


HEADS = {
    dense_net: "relu",
    inception: "mixed",
    conv_next: "pool/input",
    tensorflow_s_relu: "pool/input",
    pooled: "relu",
}


@pytest.mark.parametrize("tail", HEADS, ids=lambda tail: tail.__name__)
def test_grad_cam_lies_at_what_the_head_reads_frozen_and_thawed(tail):
    model = model_of(tail)
    assert places(model, X, GradCAM()) == [HEADS[tail]]
    for layer in model.layers[:-2]:
        layer.trainable = False
    assert places(model, X, GradCAM()) == [HEADS[tail]]


def test_the_map_of_a_sum_is_that_of_the_sum():
    # Behind global average pooling, HiResCAM is the class's weights on each position, over area.
    model = model_of(conv_next)
    found = keras_explain.explain(model, X, HiResCAM(), target=2)
    maps = keras.Model(model.inputs, model.get_layer("pool").input).predict(X, verbose=0)
    kernel = keras.ops.convert_to_numpy(model.get_layer("head").kernel)
    expected = maps @ kernel[:, 2] / 144
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_activations_end_with_the_sum_that_the_head_reads():
    assert places(model_of(conv_next), X, Activations()) == ["stem", "block_1/input", "pool/input"]


def two_heads():
    inputs = keras.Input((12, 12, 3))
    trunk = conv(4, "trunk", activation="relu")(inputs)
    heads = [
        layers.Dense(units, name=name)(
            layers.GlobalAveragePooling2D()(conv(4, f"conv_{name}", activation="relu")(trunk))
        )
        for name, units in (("age", 1), ("kind", 3))
    ]
    return keras.Model(inputs, heads)


@pytest.mark.parametrize("output", ["age", "kind"])
def test_each_head_has_its_own_map(output):
    model = two_heads()
    assert places(model, X, GradCAM(), output=output) == [f"conv_{output}"]
    assert places(model, X, Activations(), output=output) == ["trunk", f"conv_{output}"]


def test_dense_heads_have_the_map_before_their_own_channels():
    inputs = keras.Input((12, 12, 3))
    trunk = conv(4, "trunk", activation="relu")(inputs)
    outputs = {
        name: layers.Conv2D(n, 1, name=name)(conv(4, f"{name}_dec", activation="relu")(trunk))
        for name, n in (("seg", 3), ("depth", 1))
    }
    model = keras.Model(inputs, outputs)
    for name in outputs:
        assert places(model, X, GradCAM(), output=name) == [f"{name}_dec"]


@pytest.mark.parametrize(
    "method", [GradCAM, ScoreCAM, Saliency, Occlusion, ChannelWeights], ids=lambda m: m.__name__
)
def test_a_layer_of_which_nothing_reaches_the_score_is_refused(method):
    chosen = method("conv_age") if method in (GradCAM, ScoreCAM, ChannelWeights) else None
    chosen = chosen or method(layer="conv_age")
    expected = "nothing of 'conv_age' does. Known: trunk, conv_kind,.* Received: 'conv_age'"
    with pytest.raises(ValueError, match=expected):
        traced(two_heads(), X, [chosen], output="kind")


def test_what_says_nothing_of_the_score_may_be_asked_of_any_layer():
    for method in (Activations("conv_age"), EigenCAM("conv_age")):
        assert places(two_heads(), X, method, output="kind") == ["conv_age"]


def test_an_input_of_which_nothing_reaches_the_score_has_no_map():
    used, unused = keras.Input((4,), name="used"), keras.Input((5,), name="unused")
    heads = [layers.Dense(2, name="a")(used), layers.Dense(2, name="b")(unused)]
    model = keras.Model([used, unused], heads)
    x = [image(3, 4), image(3, 5)]
    for method in (Saliency(), Occlusion()):
        assert places(model, x, method, output="a") == ["used"]


def towers(names, base=None):
    inputs = [keras.Input((12, 12, 3), name=name) for name in names]
    pooled = [
        layers.GlobalAveragePooling2D()((base or conv(4, f"{i.name}_conv"))(i)) for i in inputs
    ]
    return keras.Model(inputs, layers.Dense(3)(layers.Concatenate()(pooled)))


def test_each_tower_has_a_map_laid_on_its_own_input():
    model = towers(("rgb", "flow"))
    built = traced(model, [X, X], [GradCAM(), EigenCAM()])
    for plan in built.plans.values():
        laid = {(spec.layer, spec.input) for spec in plan.specs.values()}
        assert laid == {("rgb_conv", "rgb"), ("flow_conv", "flow")}


def test_twins_that_share_their_layers_each_have_a_map():
    x = [X, image(3, 12, 12, 3)]
    model = towers(("left", "right"), conv(4, "shared", activation="relu"))
    (plan,) = traced(model, x, [GradCAM()]).plans.values()
    assert {spec.input for spec in plan.specs.values()} == {"left", "right"}
    assert len(keras_explain.explain(model, x, ScoreCAM(), target=0)) == 2


def test_parallel_branches_each_have_the_map_that_the_head_reads():
    ids = keras.Input((9,), dtype="int32")
    words = layers.Embedding(20, 6, name="words")(ids)
    branches = [
        layers.GlobalMaxPooling1D()(
            layers.Conv1D(4, size, activation="relu", name=f"of_{size}")(words)
        )
        for size in (2, 3)
    ]
    model = keras.Model(ids, layers.Dense(2)(layers.Concatenate()(branches)))
    assert set(places(model, RNG.integers(0, 20, (3, 9)), GradCAM())) == {"of_2", "of_3"}


def test_all_frames_of_a_time_distributed_have_their_map():
    frames = keras.Input((5, 12, 12, 3))
    maps = layers.TimeDistributed(conv(4, "conv", activation="relu"), name="each")(frames)
    pooled = layers.TimeDistributed(layers.GlobalAveragePooling2D(), name="pool")(maps)
    model = keras.Model(frames, layers.Dense(3)(layers.LSTM(6, name="lstm")(pooled)))
    x = image(2, 5, 12, 12, 3)
    assert places(model, x, GradCAM()) == ["each"]
    assert places(model, x, Activations()) == ["each", "lstm"]
    assert keras_explain.explain(model, x, GradCAM(), target=0).shape == (2, 5, 12, 12)


def test_recurrent_convolutions_and_layers_that_hold_others_count_as_one():
    model = keras.Sequential(
        [
            keras.Input((4, 8, 8, 1)),
            layers.ConvLSTM2D(4, 3, name="recurrent"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )
    for method in (GradCAM(), Activations()):
        assert places(model, image(2, 4, 8, 8, 1), method) == ["recurrent"]
    model = keras.Sequential(
        [
            keras.Input((7, 3)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both"),
            layers.Bidirectional(layers.GRU(4), name="last"),
            layers.Dense(2, name="head"),
        ]
    )
    assert places(model, image(2, 7, 3), Activations()) == ["both", "last"]


def test_a_picture_cut_into_tokens_is_read_at_the_last_block():
    inputs = keras.Input((12, 12, 3))
    patches = layers.Conv2D(8, 4, strides=4, name="patches")(inputs)
    x = layers.Reshape((9, 8))(patches)
    for n in range(2):
        attended = layers.MultiHeadAttention(2, 4)(x, x)
        x = layers.LayerNormalization(name=f"block_{n}")(layers.Add()([x, attended]))
    pooled = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, layers.Dense(4)(pooled))
    assert places(model, X, GradCAM()) == ["block_1"]
    assert places(model, X, Activations()) == ["patches", "block_0", "block_1"]


def test_activations_cover_a_deep_network_evenly_after_each_activation():
    inputs = x = keras.Input((8, 8, 3))
    for n in range(11):
        x = layers.BatchNormalization()(conv(3 + n, f"conv_{n}")(x))
        x = layers.ReLU(name=f"relu_{n}")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    expected = [f"relu_{n}" for n in (0, 2, 4, 6, 8, 10)]
    assert places(model, image(2, 8, 8, 3), Activations()) == expected
    model.trainable = False
    assert places(model, image(2, 8, 8, 3), Activations()) == expected


def test_a_head_of_one_position_is_no_layer_to_watch_though_it_is_reshaped():
    inputs = keras.Input((12, 12, 3))
    maps = conv(5, "conv", activation="relu")(inputs)
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    outputs = layers.Reshape((4,))(layers.Conv2D(4, 1, name="classes")(pooled))
    assert places(keras.Model(inputs, outputs), X, Activations()) == ["conv"]
