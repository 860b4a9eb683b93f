"""What `fit` and `predict` do to data and state is done to the probes.

The test of the kind: what is logged as prediction is what `model.predict` returns, and `probe_loss`
is what `evaluate` does.
"""

import keras
import numpy as np
import pytest
from keras import layers, losses, ops

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.methods import ExpectedGradients, GradCAM
from keras_explain.passes import Pass
from keras_explain.probes import Probes

pytestmark = pytest.mark.every_backend

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
Y = np.array([0, 1, 0, 1])


def from_logits():
    return losses.SparseCategoricalCrossentropy(from_logits=True)


def agrees_with_keras(folder, model, data, probes, evaluated=None, **options):
    """Train one epoch, and hold what is logged to Keras's own figures."""
    callback = Explain(folder, probes, strict=True, **options)
    model.fit(*data, epochs=1, verbose=0, callbacks=[callback])
    run = keras_explain.Run(folder)
    x, y = evaluated or probes
    predicted = model.predict(x, verbose=0)
    if isinstance(predicted, dict):
        predicted = predicted[options["output"]]
    step = run.steps[-1]
    np.testing.assert_allclose(
        run.predictions(step), predicted.reshape(len(predicted), -1), rtol=1e-4, atol=1e-5
    )
    if y is not None:
        loss = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
        np.testing.assert_allclose(run.logs["probe_loss"][-1], loss, rtol=1e-4)
    return run


def of_tokens_and_image():
    tokens = keras.Input((5,), dtype="int32", name="tokens")
    image = keras.Input((8, 8, 1), name="image")
    seen = layers.Conv2D(3, 3, activation="relu", name="conv")(image)
    x = layers.Concatenate()(
        [layers.Flatten()(layers.Embedding(20, 4)(tokens)), layers.Flatten()(seen)]
    )
    model = keras.Model([tokens, image], layers.Dense(3)(x))
    model.compile("sgd", from_logits())
    return model


def test_inputs_that_have_names_are_paired_by_name(tmp_path):
    """A dict for a model of a list, whose order is not the alphabet's; also with more in it."""
    x = {
        "image": RNG.random((4, 8, 8, 1)).astype("f4"),
        "tokens": RNG.integers(0, 20, (4, 5)),
    }
    y = np.array([0, 1, 2, 0])
    model = of_tokens_and_image()
    run = agrees_with_keras(tmp_path, model, (x, y), (x, y))
    step = run.steps[-1]
    listed = keras_explain.explain(
        model, [x["tokens"], x["image"]], "saliency", labels=y, target="true"
    )
    by_name = keras_explain.explain(model, x, "saliency", labels=y, target="true")
    assert set(listed) == set(by_name)
    np.testing.assert_array_equal(listed["saliency/image"], by_name["saliency/image"])
    shown = run.load("saliency/image", step)
    np.testing.assert_allclose(shown, by_name["saliency/image"], atol=1e-3 * np.abs(shown).max())
    assert np.abs(shown).max() > 0
    cams = keras_explain.explain(model, x, "grad_cam", target=1)
    maps = keras.Model(model.inputs, model.get_layer("conv").output)
    maps = maps.predict([x["tokens"], x["image"]], verbose=0)
    # Behind it come a Flatten and one dense layer: the gradient is that layer's kernel.
    kernel = ops.convert_to_numpy(model.layers[-1].kernel)[-maps[0].size :, 1]
    weights = kernel.reshape(maps[0].shape).mean(axis=(0, 1))
    np.testing.assert_allclose(cams, np.maximum((maps * weights).sum(-1), 0), atol=1e-6)
    more = {**x, "id": np.arange(4)}
    np.testing.assert_array_equal(
        keras_explain.explain(model, more, "saliency", labels=y)["saliency/image"],
        by_name["saliency/image"],
    )
    with pytest.raises(ValueError, match="name all inputs of the model: tokens, image. Received"):
        keras_explain.explain(model, {"image": x["image"]}, "saliency", target=0)


@pytest.mark.parametrize("more", [{}, {"a": np.zeros(4, "f4")}], ids=["all", "and more"])
def test_inputs_of_a_model_of_a_dict_are_paired_by_name(more):
    inputs = {name: keras.Input((3,), name=name) for name in ("this", "other")}
    out = layers.Dense(1, name="out")(layers.Subtract()([inputs["this"], inputs["other"]]))
    model = keras.Model(inputs, out)
    kernel = ops.convert_to_numpy(model.get_layer("out").kernel)[:, 0]
    x = {name: RNG.random((4, 3)).astype("f4") for name in ("this", "other")}
    found = keras_explain.explain(model, {**x, **more}, "gradient_times_input", target=0)
    for name, sign in (("this", 1), ("other", -1)):
        expected = sign * kernel * x[name]
        np.testing.assert_allclose(found[f"gradient_times_input/{name}"], expected, atol=1e-6)


@pytest.mark.parametrize("names", [("other", "this"), ("this", "other")])
def test_a_list_for_a_model_of_a_dict_is_taken_as_keras_does(names):
    """In the alphabet's order; where the model's is another, Keras refuses it."""
    inputs = {name: keras.Input((3,), name=name) for name in names}
    out = layers.Dense(1, name="out")(layers.Subtract()(list(inputs.values())))
    model = keras.Model(inputs, out)
    x = [RNG.random((4, 3)).astype("f4") for _ in names]
    if names == ("this", "other"):
        with pytest.raises(ValueError, match="a dict of the model's inputs.*: this, other. Rec"):
            keras_explain.explain(model, x, "gradient_times_input", target=0)
        return
    kernel = ops.convert_to_numpy(model.get_layer("out").kernel)[:, 0]
    found = keras_explain.explain(model, x, "gradient_times_input", target=0)
    np.testing.assert_allclose(found["gradient_times_input/other"], kernel * x[0], atol=1e-6)
    np.testing.assert_allclose(found["gradient_times_input/this"], -kernel * x[1], atol=1e-6)


@pytest.mark.live
def test_a_preprocessor_inside_fit_is_applied(tmp_path):
    hub = pytest.importorskip("keras_hub")
    backbone = hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(16, 16, 3),
    )
    converter = hub.layers.ImageConverter(image_size=(16, 16), scale=1 / 255.0, offset=-0.5)
    model = hub.models.ImageClassifier(
        backbone=backbone,
        preprocessor=hub.models.ImageClassifierPreprocessor(image_converter=converter),
        num_classes=3,
    )
    model.compile("sgd", from_logits(), jit_compile=False)
    x, y = RNG.integers(0, 256, (8, 16, 16, 3)).astype("f4"), RNG.integers(0, 3, 8)
    run = agrees_with_keras(tmp_path, model, (x, y), (x[:4], y[:4]))
    assert np.abs(run.probes.inputs["input"]).max() <= 0.5


def test_big_endian_numbers_are_read(tmp_path):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
    model.compile("sgd", from_logits())
    x, y = RNG.random((8, 6)).astype("f4"), RNG.integers(0, 3, 8)
    agrees_with_keras(tmp_path, model, (x, y), (x.astype(">f4"), y.astype(">i4")), (x, y))


class Sampling(layers.Layer):
    """Noise of its own also outside of training, as in a variational autoencoder."""

    def __init__(self):
        super().__init__()
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + keras.random.normal(ops.shape(x), seed=self.seed)


def stateful():
    return keras.Sequential(
        [keras.Input(batch_shape=(8, 5, 3)), layers.LSTM(4, stateful=True), layers.Dense(2)]
    )


def sampling():
    return keras.Sequential([keras.Input((5, 3)), Sampling(), layers.Flatten(), layers.Dense(2)])


@pytest.mark.parametrize("build", [stateful, sampling])
def test_state_that_is_no_weight_begins_alike_at_every_step(tmp_path, build):
    model = build()
    model.compile(keras.optimizers.SGD(0.0), from_logits())
    x, y = RNG.random((32, 5, 3)).astype("f4") * 5, RNG.integers(0, 2, 32)
    callback = Explain(tmp_path, (x[:8], y[:8]), strict=True)
    if BACKEND == "torch" and build is stateful:  # Keras cannot train it there, but predicts
        with callback:
            for step in (-1, 0, 1):
                callback.log(model, step)
                model.predict(x, batch_size=8, verbose=0)
    else:
        model.fit(x, y, epochs=2, batch_size=8, verbose=0, shuffle=False, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    first, *later = (run.predictions(step) for step in run.steps)
    assert len(later) == 2
    for one in later:
        np.testing.assert_array_equal(one, first)
    if build is stateful:
        model.layers[0].reset_states()
        np.testing.assert_allclose(first, ops.convert_to_numpy(model(x[:8])), atol=1e-5)


def test_a_batch_size_that_the_model_fixes_is_respected():
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(8, 6)),
            layers.Dense(4, "relu", name="a"),
            layers.Dense(3, name="b"),
        ]
    )
    free = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4, "relu", name="a"), layers.Dense(3, name="b")]
    )
    free.set_weights(model.get_weights())
    for each in (model, free):
        each.compile("sgd", from_logits())
    x, y = RNG.random((3, 6)).astype("f4"), np.array([0, 1, 2])
    for method in ("saliency", "integrated_gradients", "kernel_shap", "weight_gradients"):
        fixed, other = (keras_explain.explain(one, x, method, labels=y) for one in (model, free))
        for key, array in other.items() if isinstance(other, dict) else [("it", other)]:
            found = fixed[key] if isinstance(fixed, dict) else fixed
            np.testing.assert_allclose(found, array, atol=1e-5, err_msg=f"{method} {key}")
    with pytest.raises(ValueError, match="at most 8 examples: the model takes batches of 8"):
        keras_explain.explain(model, RNG.random((9, 6)), "saliency", target=0)


class WholeNumbers(keras.Model):
    """Declares no inputs, and makes floats of bytes itself."""

    def __init__(self):
        super().__init__()
        self.a, self.b = layers.Dense(8, activation="relu"), layers.Dense(3)

    def call(self, x):
        return self.b(self.a(ops.cast(x, "float32") / 255.0))


class Recommender(keras.Model):
    """Declares no inputs, and looks ids up in a table of its own."""

    def __init__(self):
        super().__init__()
        self.table, self.out = layers.Embedding(50, 4, name="table"), layers.Dense(3)

    def call(self, x):
        return self.out(ops.mean(self.table(x), axis=1))


def test_whole_numbers_are_ids_only_where_they_choose(tmp_path):
    x, y = RNG.integers(0, 256, (8, 20)).astype("uint8"), RNG.integers(0, 3, 8)
    model = WholeNumbers()
    model.compile("sgd", from_logits())
    run = agrees_with_keras(tmp_path / "bytes", model, (x, y), (x, y))
    assert run.probes.kinds == {"input": "features"}
    assert np.abs(run.load("saliency", 0)).max() > 0
    model = Recommender()
    model.compile("sgd", from_logits())
    ids = RNG.integers(0, 50, (8, 6))
    run = agrees_with_keras(tmp_path / "ids", model, (ids, y), (ids, y))
    assert run.probes.kinds == {"input": "tokens"}
    assert np.abs(run.load("saliency/table", 0)).max() > 0


def test_a_table_of_counts_is_a_table(tmp_path):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), layers.Dense(3)])
    model.compile("sgd", from_logits())
    x, y = RNG.integers(0, 50, (8, 6)), RNG.integers(0, 3, 8)
    run = agrees_with_keras(tmp_path, model, (x, y), (x, y))
    assert run.probes.kinds == {"input": "features"}


def its_own_step(loss_of):
    """A `train_step` that only yields `loss_of(model, data)`, as the backend asks for it."""
    if BACKEND == "jax":

        def step(self, state, data):
            trainable, fixed, *_ = state
            loss = loss_of(lambda x: self.stateless_call(trainable, fixed, x)[0], data)
            return {"loss": loss}, state

        return step
    return lambda self, data: {"loss": loss_of(self, data)}


class GAN(keras.Model):
    """Trains by a step of its own; only its parts can be called."""

    def __init__(self):
        super().__init__()
        self.critic = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])
        self.built = BACKEND != "tensorflow"  # elsewhere Keras would call it to build it

    train_step = its_own_step(lambda model, data: ops.mean(data[0]))


def test_a_model_without_call_says_which_part_can_be_explained(tmp_path):
    x = RNG.random((8, 4)).astype("f4")
    model = GAN()
    model.compile("sgd")
    trained = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda b, logs: trained.append(b))
    with pytest.raises(ValueError, match="GAN has no `call`.*Its parts: critic"):
        model.fit(x, verbose=0, callbacks=[Explain(tmp_path, (x[:4],)), spy])
    assert not trained
    with pytest.raises(ValueError, match="must name a part of GAN. Known: critic. Received: 'D'"):
        model.fit(x, verbose=0, callbacks=[Explain(tmp_path, (x[:4],), model="D"), spy])
    with pytest.raises(ValueError, match="GAN has no `call`"):
        keras_explain.explain(model, x, "saliency")


class Pulls(layers.Layer):
    def call(self, x):
        self.add_loss(3 * ops.mean(ops.square(x)))
        return x


@pytest.mark.parametrize("loss", [from_logits(), None], ids=["beside labels", "alone"])
@pytest.mark.parametrize("added", [Pulls, lambda: layers.ActivityRegularization(l1=0.1)])
def test_what_layers_add_to_the_loss_is_in_it(tmp_path, added, loss):
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(3, name="first"), added(), layers.Dense(2)]
    )
    model.compile("sgd", loss)
    data = (RNG.random((4, 5)).astype("f4"), *([] if loss is None else [Y]))
    callback = Explain(tmp_path, data, target=0, strict=True)
    model.fit(*data, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    expected = model.evaluate(*data, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(run.logs["probe_loss"][-1], expected, rtol=1e-4)
    assert np.any(run.load("weight_gradients/first/kernel", 0))


@pytest.mark.parametrize("choice", ["critic", lambda model: model.critic])
def test_a_part_of_the_model_is_explained(tmp_path, choice):
    x = RNG.random((8, 4)).astype("f4")
    model = GAN()
    model.compile("sgd")
    callback = Explain(tmp_path, (x[:4],), model=choice, strict=True)
    model.fit(x, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    np.testing.assert_allclose(
        run.predictions(0), model.critic.predict(x[:4], verbose=0), rtol=1e-4
    )


class Triplet(keras.Model):
    """Takes three inputs as one tuple, from a data set of such tuples."""

    def __init__(self):
        super().__init__()
        self.embedded = layers.Dense(4)

    def call(self, parts):
        a, p, n = (self.embedded(x) for x in parts)
        return ops.sum((a - p) ** 2, -1) - ops.sum((a - n) ** 2, -1)

    train_step = its_own_step(lambda model, data: ops.mean(model(data)))


def test_a_tuple_may_be_the_inputs_of_a_model_with_its_own_step(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    arrays = tuple(RNG.random((8, 3)).astype("f4") for _ in range(3))
    data = tensorflow.data.Dataset.from_tensor_slices(arrays).batch(4)
    model = Triplet()
    if BACKEND != "tensorflow":
        model(tuple(a[:4] for a in arrays))  # elsewhere Keras would take the first for the input
    model.compile("sgd")
    callback = Explain(tmp_path, data.take(1), target=0, methods=["saliency"], strict=True)
    model.fit(data, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert [key for key in run.keys if key.startswith("saliency")] == [
        "saliency/input_0", "saliency/input_1", "saliency/input_2",
    ]  # fmt: skip
    expected = ops.convert_to_numpy(model(tuple(a[:4] for a in arrays)))
    np.testing.assert_allclose(run.predictions(0)[:, 0], expected, rtol=1e-4, atol=1e-6)


SENTENCES = {
    "one-hot labels for a sparse loss": (
        lambda x, y: (x, np.eye(3)[y]),
        r"labels that the model's loss takes.*Received: labels \(8, 3\) float64"),
    "five features of six": (
        lambda x, y: (x[:, :5], y),
        r"what the model takes, examples first: .*\(probes, 6\) float32. Received: \(8, 5\)"),
    "a label of no class": (
        lambda x, y: (x, np.full(8, 7)),
        r"labels of the classes that the model has, 0 to 2, .*Received: \[7\]"),
    "no batch axis": (
        lambda x, y: (x[0], y[0]), r"a single example is `\(x\[:1\], y\[:1\]\)`"),
    "labels of text": (
        lambda x, y: (x, np.array(["cat"] * 8)), "names of classes are for `class_names`"),
    "a list of examples": (
        lambda x, y: ([x, x], y), "stack examples.*Received: 2 arrays"),
}  # fmt: skip


@pytest.mark.parametrize("name", SENTENCES)
def test_what_does_not_fit_is_told_in_a_sentence(tmp_path, name):
    spoil, said = SENTENCES[name]
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
    model.compile("sgd", from_logits())
    x, y = RNG.random((8, 6)).astype("f4"), RNG.integers(0, 3, 8)
    with pytest.raises(ValueError, match=said):
        model.fit(x, y, verbose=0, callbacks=[Explain(tmp_path, spoil(x, y))])


def test_sparse_and_nullable_tables_are_read():
    import scipy.sparse

    x, y = RNG.random((8, 6)).astype("f4"), RNG.integers(0, 3, 8)
    for given in (scipy.sparse.csr_matrix(x), x.astype(object)):
        np.testing.assert_allclose(Probes.of((given, y)).x, x, rtol=1e-6)


def test_batches_of_several_lengths_are_refused():
    batches = [np.zeros((2, 3)), np.zeros((2, 4))]
    with pytest.raises(ValueError, match="batches of one shape, as after `padded_batch`"):
        Probes.of((batch, np.zeros(2)) for batch in batches)


@pytest.mark.parametrize("strange", [lambda x: x, np.zeros(3), "model"])
def test_only_keras_models_are_explained(strange):
    with pytest.raises(ValueError, match="`model` must be a Keras 3 model"):
        keras_explain.explain(strange, np.zeros((2, 3)))


def test_pictures_without_a_channel_axis_are_pictures():
    model = keras.Sequential(
        [keras.Input((28, 28)), layers.Flatten(), layers.Dense(8, "relu"), layers.Dense(3)]
    )
    model.compile("adam", from_logits())
    x, y = RNG.random((4, 28, 28)).astype("f4"), np.array([0, 1, 2, 0])
    made = Pass(model, Probes.of((x, y)), [])
    kept = made.described()
    assert kept.kinds == {"input": "image"}
    assert kept.axes == {"input": ("height", "width")}
    assert made.built.view.inputs["input"].space == (28, 28)


def test_a_channel_axis_that_the_model_adds_is_laid_on_the_picture():
    """What is hidden of such a picture is a square, and a convolution's map lies over it."""
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(4, 3, name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )
    x = RNG.random((2, 28, 28)).astype("f4")
    made = Pass(model, Probes.of((x,)), [GradCAM()], "predicted")
    (spec,) = (spec for plan in made.built.plans.values() for spec in plan.specs.values())
    assert spec.input == "input"
    found = keras_explain.explain(model, x, "occlusion", target=0, window=7, stride=7)
    score = model.predict(x, verbose=0)[:, 0]
    for row, column in ((0, 0), (7, 14)):
        hidden = x.copy()
        hidden[:, row : row + 7, column : column + 7] = 0
        expected = score - model.predict(hidden, verbose=0)[:, 0]
        np.testing.assert_allclose(found[:, row + 3, column + 3], expected, atol=1e-5)


@pytest.mark.parametrize("first", [layers.Conv1D(3, 3), layers.LSTM(3, return_sequences=True)])
def test_series_of_as_many_steps_as_channels_stay_series(first):
    model = keras.Sequential([keras.Input((12, 12)), first, layers.Flatten(), layers.Dense(3)])
    made = Pass(model, Probes.of((RNG.random((4, 12, 12)),)), [], "predicted")
    assert made.described().axes == {"input": ("time", "channel")}


def of_bytes(dtype):
    image = keras.Input((8, 8, 3), dtype=dtype)
    x = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(image))
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_pictures_of_bytes_are_explained_as_if_they_were_floats(dtype, nested):
    model, same = of_bytes(dtype), of_bytes("float32")
    same.set_weights(model.get_weights())
    if nested:
        model = keras.Sequential([keras.Input((8, 8, 3), dtype=dtype), model])
    x = RNG.integers(0, 256, (4, 8, 8, 3)).astype(dtype)
    for method in ("saliency", "integrated_gradients", "lrp", "deep_lift"):
        found = keras_explain.explain(model, x, method, target=1)
        expected = keras_explain.explain(same, x.astype("f4"), method, target=1)
        if not isinstance(expected, dict):
            found, expected = {method: found}, {method: expected}
        for key, array in expected.items():
            np.testing.assert_allclose(found[key], array, rtol=1e-5, atol=1e-6 * abs(array).max())
        assert np.abs(found[method]).max() > 0
    assert model.inputs[0].dtype == dtype
    assert model.predict(x, verbose=0).shape == (4, 3)


@pytest.mark.live
def test_examples_are_preprocessed_as_the_probes_are():
    hub = pytest.importorskip("keras_hub")
    preprocessor = hub.models.BertTextClassifierPreprocessor(
        hub.models.BertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "dog"]),
        sequence_length=6,
    )
    backbone = hub.models.BertBackbone(
        vocabulary_size=7, num_layers=1, num_heads=2, hidden_dim=4, intermediate_dim=8,
        max_sequence_length=6,
    )  # fmt: skip
    model = hub.models.BertTextClassifier(backbone, 2, preprocessor)
    texts = np.array(["cat dog", "dog", "cat cat", "dog dog cat"])
    ids = preprocessor(list(texts))
    arrays = {name: keras.ops.convert_to_numpy(array) for name, array in ids.items()}
    given, made = (
        keras_explain.explain(model, texts, ExpectedGradients(some, samples=4), target=0)
        for some in (texts, arrays)
    )
    assert set(given) == set(made)
    for key, array in made.items():
        np.testing.assert_array_equal(given[key], array)
