"""The pass works on models of every kind, and explains logits wherever they can be found."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.methods import DEFAULT, GradCAM, GradientTimesInput, Saliency
from keras_explain.passes import Pass
from keras_explain.probes import Probes
from keras_explain.records import records_of, score_kind
from keras_explain.store.format.task import Task

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 12, 12, 3)).astype("float32")
Y = RNG.integers(0, 3, 4)
INPUT = (12, 12, 3)


def head(softmax="inside"):
    return {
        "inside": [layers.Dense(3, activation="softmax", name="out")],
        "activation": [layers.Dense(3, name="out"), layers.Activation("softmax")],
        "layer": [layers.Dense(3, name="out"), layers.Softmax()],
        "none": [layers.Dense(3, name="out")],
    }[softmax]


def body(name="conv"):
    return [layers.Conv2D(5, 3, activation="relu", name=name), layers.Flatten()]


def functional():
    inputs = x = keras.Input(INPUT)
    for layer in (*body(), *head("layer")):
        x = layer(x)
    return keras.Model(inputs, x)


class Subclassed(keras.Model):
    def __init__(self, softmax=ops.softmax):
        super().__init__()
        self.conv, self.flat = body()
        self.out = layers.Dense(3, name="out")
        self.softmax = softmax

    def call(self, x):
        return self.softmax(self.out(self.flat(self.conv(x))))


def nested(ends_inside):
    inner = keras.Sequential([keras.Input(INPUT), *body(), *(head() if ends_inside else [])])
    return keras.Sequential([keras.Input(INPUT), inner, *([] if ends_inside else head())])


def shared():
    inputs = keras.Input(INPUT)
    conv = layers.Conv2D(3, 3, padding="same", name="conv")
    x = layers.Flatten()(conv(ops.relu(conv(inputs))))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="out")(x))


def mixed():
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = keras.Sequential([keras.Input(INPUT), *body(), *head("none")])
        model.add(layers.Activation("softmax", dtype="float32"))
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    return model


MODELS = {
    "functional": functional,
    "sequential, softmax inside": lambda: keras.Sequential([keras.Input(INPUT), *body(), *head()]),
    "sequential, activation": lambda: keras.Sequential(
        [keras.Input(INPUT), *body(), *head("activation")]
    ),
    "subclassed, ops.softmax": Subclassed,
    "subclassed, activations": lambda: Subclassed(keras.activations.softmax),
    "nested": lambda: nested(ends_inside=False),
    "nested to its end": lambda: nested(ends_inside=True),
    "shared layer": shared,
    "mixed precision": mixed,
}


def observe(model, methods=DEFAULT, y=Y, x=X, **options):
    model.compile("sgd", "sparse_categorical_crossentropy")
    made = Pass(model, Probes.of((x, y)), methods, **options)
    outcome = made.run()
    records, faults = records_of(made, outcome)
    assert not faults
    assert made.traces == 1
    return {spec.key: array for spec, array in records}, score_kind(made)


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_model_is_explained_by_its_logits(kind):
    model = MODELS[kind]()
    model(X)
    found, score = observe(model)
    assert score == "logit"
    assert found["saliency"].shape == (4, *INPUT)
    assert {key.split("/")[0] for key in found} >= {"grad_cam", "activations", "weight_gradients"}
    probabilities = found["predictions"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-2)
    # The score is the logit: its softmax is the probability of the target up to the others.
    logits = np.log(probabilities)
    alone = {t: observe(model, [Saliency()], target=t)[0]["scores"] for t in range(3)}
    gaps = np.stack([alone[1] - alone[0], alone[2] - alone[0]])
    expected = (logits[:, 1:] - logits[:, :1]).T
    np.testing.assert_allclose(gaps, expected, rtol=2e-2, atol=2e-2)
    figures = found.pop("weight_gradients/statistics")
    assert np.isnan(figures[:, -1]).all()  # no step moved the weights yet
    assert np.isfinite(figures[:, :-1]).all()
    assert all(np.isfinite(array).all() for array in found.values())


def test_saturated_probabilities_do_not_fade_the_maps():
    model = keras.Sequential([keras.Input(INPUT), *body(), *head()])
    model.get_layer("out").kernel.assign(model.get_layer("out").kernel * 300)
    found, _ = observe(model, target="predicted")
    assert found["predictions"].max(axis=1).min() > 0.999
    assert found["saliency"].max(axis=(1, 2, 3)).min() > 1


def test_a_shared_layer_has_one_output_for_each_call():
    with pytest.raises(ValueError, match="Known: .*conv, .*conv#2"):
        observe(shared(), [GradCAM("other")])
    first, second = (observe(shared(), [GradCAM(name)])[0] for name in ("conv", "conv#2"))
    assert list(first)[-1] == "grad_cam/conv"
    assert list(second)[-1] == "grad_cam/conv#2"


def test_inner_layers_are_named_by_their_path_or_alone():
    model = nested(ends_inside=False)
    outer = model.layers[0].name
    short, long = (observe(model, [GradCAM(n)])[0] for n in ("conv", f"{outer}/conv"))
    (key,) = (key for key in short if key.startswith("grad_cam"))
    assert key.endswith("/conv")
    np.testing.assert_array_equal(short[key], long[key])


def test_a_sigmoid_is_looked_through():
    model = keras.Sequential(
        [keras.Input(INPUT), *body(), layers.Dense(1, activation="sigmoid", name="out")]
    )
    model.compile("sgd", "binary_crossentropy")
    made = Pass(model, Probes.of((X, Y > 0)), [Saliency()])
    outcome = made.run()
    assert score_kind(made) == "logit"
    odds = np.asarray(outcome.predictions)[:, 0]
    np.testing.assert_allclose(outcome.scores, np.log(odds / (1 - odds)), rtol=1e-3)


def test_probabilities_that_cannot_be_looked_through_are_called_so():
    def own_softmax(x):
        e = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
        return e / ops.sum(e, axis=-1, keepdims=True)

    model = Subclassed(own_softmax)
    model(X)
    assert observe(model)[1] == "probability"


def test_outputs_whose_loss_takes_logits_are_called_so():
    model = keras.Sequential([keras.Input(INPUT), *body(), *head("none")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    made = Pass(model, Probes.of((X, Y)), [Saliency()])
    assert score_kind(made) == "logit"
    assert made.built.task == Task("classes", "logits", (3,))


def several():
    image, ids = keras.Input(INPUT, name="image"), keras.Input((6,), dtype="int32", name="ids")
    words = layers.Embedding(9, 4, name="words")(ids)
    joined = layers.Concatenate()(
        [layers.Flatten()(layers.Conv2D(3, 3)(image)), layers.Flatten()(words)]
    )
    outputs = {
        "kind": layers.Dense(3, activation="softmax", name="kind")(joined),
        "size": layers.Dense(1, name="size")(joined),
    }
    model = keras.Model({"image": image, "ids": ids}, outputs)
    model.compile("sgd", {"kind": "sparse_categorical_crossentropy", "size": "mse"})
    return model


def test_several_inputs_and_outputs():
    x = {"image": X, "ids": RNG.integers(0, 9, (4, 6))}
    y = {"kind": Y, "size": RNG.normal(size=(4, 1))}
    model = several()
    for output, size in (("kind", 3), ("size", 1)):
        made = Pass(model, Probes.of((x, y)), [*DEFAULT, GradientTimesInput()], output=output)
        outcome = made.run()
        found = {spec.key: a for spec, a in records_of(made, outcome)[0]}
        assert found["predictions"].shape == (4, size)
        assert found["saliency/image"].shape == (4, *INPUT)
        # Token ids have no gradient; their embedding stands for them.
        assert found["gradient_times_input/words"].shape == (4, 6, 4)
        assert np.abs(found["gradient_times_input/words"]).max() > 0
    with pytest.raises(ValueError, match="Known: kind, size, or 0 to 1. Received: 'colour'"):
        Pass(model, Probes.of((x, y)), [Saliency()], output="colour").trace()


def test_pictures_of_bytes_are_explained():
    model = functional()
    bytes_ = RNG.integers(0, 256, (4, *INPUT), dtype=np.uint8)
    found = keras_explain.explain(model, bytes_, "saliency", target=0)
    np.testing.assert_array_equal(
        found, keras_explain.explain(model, bytes_.astype("float32"), "saliency", target=0)
    )


def test_nothing_of_the_model_changes():
    model = keras.Sequential(
        [keras.Input(INPUT), layers.BatchNormalization(), layers.Dropout(0.5), *body(), *head()]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = [v.value.numpy() for v in model.variables]
    keys = [set(vars(layer)) for layer in model.layers]
    observe(model)
    assert all((a == v.value).numpy().all() for a, v in zip(before, model.variables, strict=True))
    assert [set(vars(layer)) for layer in model.layers] == keys


def test_weights_that_change_do_not_retrace():
    model = functional()
    model.compile("sgd", "sparse_categorical_crossentropy")
    made = Pass(model, Probes.of((X, Y)), DEFAULT)
    first = np.array(made.run().scores)
    for weight in model.trainable_variables:
        weight.assign(weight * 1.5)
    assert (np.array(made.run().scores) != first).all()
    assert made.traces == 1


def test_a_frozen_embedding_has_gradients_too():
    model = several()
    x = {"image": X, "ids": RNG.integers(0, 9, (4, 6))}
    free = keras_explain.explain(model, x, "saliency", target=0, output="kind")
    model.get_layer("words").trainable = False
    frozen = keras_explain.explain(model, x, "saliency", target=0, output="kind")
    assert free["saliency/words"].max() > 0
    for key, attribution in free.items():
        np.testing.assert_array_equal(attribution, frozen[key])


def test_a_layer_may_be_called_like_the_input():
    model = keras.Sequential(
        [keras.Input(INPUT), layers.Conv2D(3, 1, name="input"), layers.Flatten(), *head()]
    )
    at_input = keras_explain.explain(model, X, "saliency", target=0)
    at_layer = keras_explain.explain(model, X, "saliency", target=0, layer="input")
    kernel = np.asarray(model.get_layer("input").kernel)[0, 0]
    assert np.abs(at_input - at_layer).max() > 0
    # The chain rule through a 1x1 convolution bounds one by the other.
    assert (at_input <= at_layer @ np.abs(kernel).T + 1e-6).all()


class MakesLayersWhenBuilt(keras.Model):
    """Nothing is there before it knows what it gets."""

    def build(self, shape):
        self.flat, self.out = layers.Flatten(), layers.Dense(3)
        self.middle = layers.Dense(shape[-1], activation="tanh")

    def call(self, x):
        return self.out(self.middle(self.flat(x)))


class DrawsWhenCalled(Subclassed):
    """Has a seed, which each call moves on."""

    def __init__(self):
        super().__init__()
        self.noise = layers.GaussianNoise(0.1, seed=1)

    def call(self, x):
        return super().call(self.noise(x))


@pytest.mark.every_backend
@pytest.mark.parametrize("build", [Subclassed, MakesLayersWhenBuilt, DrawsWhenCalled])
def test_a_model_that_nobody_has_called_yet_is_explained(build):
    model = build()
    found = keras_explain.explain(model, X, "gradient_times_input", target=1)
    again = keras_explain.explain(model, X, "gradient_times_input", target=1)
    np.testing.assert_array_equal(found, again)
    assert found.any()
    assert model.predict(X, verbose=0).shape == (4, 3)  # no trace is left in its weights
