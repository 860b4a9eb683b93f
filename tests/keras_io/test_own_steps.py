"""keras.io's examples that train by a step or a loop of their own, or `fit` more than once."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_explain
from keras_explain.callbacks import Explain

from . import tables  # noqa: F401
from .catalogue import EXAMPLES
from .own_steps import (
    BACKEND,
    VAE,
    WGAN,
    CallableVAE,
    ContrastiveModel,
    DiffusionModel,
    SiameseModel,
)

RNG = np.random.default_rng(0)


def image(*shape):
    return RNG.random((8, *shape)).astype("f4")


def maps_of(run, *methods):
    """The keys of some methods; each is finite, and something of it is not zero.

    Grad-CAM cuts off what speaks against the score: of its map only the layer's output is not.
    """
    found = [key for key, spec in run.specs.items() if spec.method in methods]
    for key in found:
        array = run.load(key, run.steps[-1])
        assert np.isfinite(array).all(), key
        if key.startswith("grad_cam/"):
            array = run.load(key.replace("grad_cam", "activations"), run.steps[-1])
        assert np.any(array), key
    return set(found)


PARTS = {
    "VAE": (VAE, (8, 8, 1), "encoder, decoder"),
    "WGAN-GP": (WGAN, (8, 8, 1), "discriminator, generator"),
    "DDIM": (DiffusionModel, (8, 8, 3), "network, ema_network"),
    "SimCLR": (ContrastiveModel, (12, 12, 3), "encoder, projection_head, linear_probe"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_model_of_a_train_step_alone_says_what_can_be_explained(tmp_path, name):
    build, shape, parts = PARTS[name]
    model = build()
    model.compile("adam")
    x = image(*shape)
    before = [np.copy(weight) for weight in model.get_weights()]
    said = f"{build.__name__} has no `call`.*model='{parts.split(',')[0]}'.*Its parts: {parts}. "
    with pytest.raises(ValueError, match=said):
        model.fit(x, verbose=0, callbacks=[Explain(tmp_path, (x[:4],))])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def explained(folder, trained, data, probes, **options):
    trained.compile("adam", jit_compile=False)
    callback = Explain(folder, probes, strict=True, **options)
    trained.fit(*data, epochs=1, verbose=0, callbacks=[callback])
    run = keras_explain.Run(folder)
    assert run.steps == (-1, 0)
    assert run.failures == ()
    return run


def predicts(run, part, x, index=None):
    expected = part.predict(x, verbose=0)
    expected = expected if index is None else expected[index]
    found = run.predictions(0)
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-3, atol=1e-5)


def test_the_encoder_of_a_vae_is_explained(tmp_path):
    x = image(8, 8, 1)
    model = VAE()
    run = explained(tmp_path, model, (x,), (x[:4],), model="encoder", output="z_mean", target=0)
    predicts(run, model.encoder, x[:4], 0)
    assert maps_of(run, "saliency", "grad_cam") == {"saliency", "grad_cam/conv2d"}


def test_a_vae_that_can_be_called_is_explained_whole(tmp_path):
    x = image(8, 8, 1)
    model = CallableVAE()
    run = explained(tmp_path, model, (x,), (x[:4],))
    predicts(run, model, x[:4])
    assert run.probes.task.shape == (8, 8, 1)
    assert "saliency" in maps_of(run, "saliency")


def test_the_critic_of_a_wgan_is_explained(tmp_path):
    x = image(8, 8, 1)
    model = WGAN()
    run = explained(tmp_path, model, (x,), (x[:4],), model="discriminator")
    predicts(run, model.discriminator, x[:4])
    assert maps_of(run, "saliency") == {"saliency"}


def test_the_network_of_a_diffusion_model_is_explained(tmp_path):
    """Its inputs are made in the step, so the probes are not the data's."""
    x = image(8, 8, 3)
    rates = np.full((4, 1, 1, 1), 0.3, "f4")
    model = DiffusionModel()
    probes = ([x[:4], rates],)
    run = explained(tmp_path, model, (x,), probes, model="network", target=0)
    predicts(run, model.network, probes[0])
    assert len(maps_of(run, "saliency")) == 2


def test_a_classifier_of_contrastive_parts_is_explained(tmp_path):
    """The path of its predictions goes over two of its parts."""
    x, y = image(12, 12, 3), np.arange(8) % 3
    model = ContrastiveModel()
    classifier = keras.Sequential([model.encoder, model.linear_probe])
    run = explained(tmp_path, model, (x, y), (x[:4], y[:4]), model=lambda model: classifier)
    predicts(run, classifier, x[:4])
    assert "saliency" in maps_of(run, "saliency")


def test_each_of_a_triplet_has_its_maps(tmp_path):
    x = tuple(image(12, 12, 3) for _ in range(3))
    probes = (tuple(one[:4] for one in x),)
    model = SiameseModel()
    run = explained(tmp_path, model, (Batches(x),), probes, model="siamese_network", output=0)
    predicts(run, model.siamese_network, list(probes[0]), 0)
    # The distance to what is like it does not read what is not.
    assert maps_of(run, "saliency") == {"saliency/anchor", "saliency/positive"}
    assert {run.specs[key].input for key in maps_of(run, "grad_cam")} == {"anchor", "positive"}


class Batches(keras.utils.PyDataset):
    """Two batches of four, in the structure of the arrays."""

    def __init__(self, arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 2

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return keras.tree.map_structure(lambda array: array[rows], self.arrays)


def convnet():
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=False)
    return model


class DeeplySupervised(keras.Model):
    """In training each scale predicts, and in inference the last one alone."""

    def __init__(self):
        super().__init__()
        self.scales = [layers.Conv2D(4, 3, activation="relu") for _ in "12"]
        self.heads = [layers.Dense(2) for _ in "12"]
        self.pool = layers.GlobalAveragePooling2D()

    def call(self, x, training=False):
        found = []
        for scale, head in zip(self.scales, self.heads, strict=True):
            x = scale(x)
            found.append(head(self.pool(x)))
        return ops.stack(found, axis=1) if training else found[-1]


def of_each_scale(y, found):
    """Takes what training predicts, `(rows, scales, classes)`."""
    y = ops.repeat(ops.reshape(y, (-1, 1)), 2, axis=1)
    chances = ops.log_softmax(found, axis=2)
    return -ops.mean(ops.one_hot(ops.cast(y, "int32"), 2) * chances)


def test_outputs_that_only_training_has_are_not_explained(tmp_path):
    x, y = image(12, 12, 1), np.arange(8) % 2
    model = DeeplySupervised()
    model(x)
    model.compile("adam", of_each_scale, jit_compile=False)
    if BACKEND != "tensorflow":  # Keras builds the loss on what inference predicts
        with pytest.raises((ValueError, IndexError)):
            model.fit(x, y, verbose=0)
        return
    callback = Explain(tmp_path, (x[:4], y[:4]), target="predicted", strict=True)
    model.fit(x, y, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    assert run.steps == (-1, 0)
    assert run.failures == ()
    predicts(run, model, x[:4])
    assert maps_of(run, "saliency", "grad_cam") == {"saliency", "grad_cam/conv2d_1"}
    assert not maps_of(run, "weight_gradients"), "the loss takes no outputs of inference"


def test_folds_each_have_a_run(tmp_path):
    """One callback, three trainings."""
    x, y = image(12, 12, 1), np.arange(8) % 2
    callback = Explain(tmp_path / "fold-{n}", (x[:4], y[:4]), strict=True)
    for fold in range(3):
        kept = np.arange(8) % 3 != fold
        model = convnet()
        model.fit(x[kept], y[kept], verbose=0, callbacks=[callback])
        run = keras_explain.Run(callback.run_dir)
        assert run.steps == (-1, 0)
        assert maps_of(run, "saliency", "grad_cam") == {"saliency", "grad_cam/conv"}
        predicts(run, model, x[:4])
    assert len(list(tmp_path.iterdir())) == 3


def test_a_batch_of_a_data_set_is_watched(tmp_path):
    tf = pytest.importorskip("tensorflow")
    x, y = image(12, 12, 1), np.arange(8) % 2
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    model = convnet()
    model.fit(data, verbose=0, callbacks=[Explain(tmp_path, data.take(1), strict=True)])
    run = keras_explain.Run(tmp_path)
    np.testing.assert_array_equal(run.probes.inputs["input"], x[:4])
    np.testing.assert_array_equal(run.probes.labels, y[:4])
    predicts(run, model, x[:4])


class CTCLayer(layers.Layer):
    """The endpoint of the captcha reader: the loss is made here, of an input."""

    def call(self, labels, predicted):
        rows = ops.ones_like(labels[:, 0], dtype="int32")
        lengths = (rows * labels.shape[1], rows * predicted.shape[1])
        self.add_loss(ops.mean(ops.ctc_loss(labels, predicted, *lengths, mask_index=0)))
        return ops.softmax(predicted)


def captcha_reader():
    picture = keras.Input((12, 8, 1), name="image")
    labels = keras.Input((3,), dtype="int32", name="label")
    x = layers.Conv2D(4, 3, activation="relu", padding="same", name="conv")(picture)
    x = layers.Reshape((6, 4 * 8))(layers.MaxPooling2D((2, 1))(x))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    model = keras.Model([picture, labels], CTCLayer(name="ctc")(labels, layers.Dense(6)(x)))
    model.compile("adam", jit_compile=False)
    return model


@pytest.mark.live
def test_a_loss_made_in_the_model_needs_no_labels_of_the_output(tmp_path):
    x = {"image": image(12, 8, 1), "label": np.arange(24).reshape(8, 3) % 5 + 1}
    probes = ({name: array[:4] for name, array in x.items()},)
    data = Batches((x,))
    with pytest.raises(ValueError, match="give `target='predicted'` .* no labels"):
        captcha_reader().fit(data, verbose=0, callbacks=[Explain(tmp_path, probes)])
    model = captcha_reader()
    callback = Explain(tmp_path, probes, target="predicted", strict=True)
    model.fit(data, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    predicts(run, model, probes[0])
    assert maps_of(run, "saliency") == {"saliency/image"}
    assert maps_of(run, "grad_cam") <= {"grad_cam/conv"}
    assert maps_of(run, "weight_gradients")
    expected = model.evaluate(*probes, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(run.logs["probe_loss"][-1], expected, rtol=1e-3)


def test_an_actor_is_watched_from_a_loop_of_its_own(tmp_path):
    states = RNG.random((8, 4)).astype("f4")
    inputs = keras.Input((4,))
    common = layers.Dense(8, activation="relu", name="common")(inputs)
    heads = [layers.Dense(2, activation="softmax")(common), layers.Dense(1)(common)]
    model = keras.Model(inputs, heads)

    def surprise(taken, chances):
        return -ops.mean(ops.sum(taken * ops.log(chances), axis=-1))

    model.compile("adam", [surprise, "huber"], jit_compile=False)
    with pytest.raises(ValueError, match="give `target='predicted'` .* no labels"):
        Explain(tmp_path, (states[:4],)).log(model, 0)
    with Explain(tmp_path, (states[:4],), target="predicted", strict=True) as explain:
        for episode in range(2):
            action = RNG.random((8, 2)).astype("f4")
            model.train_on_batch(states, [action, RNG.random((8, 1))])
            explain.log(model, episode, logs={"reward": float(episode)})
    run = keras_explain.Run(tmp_path)
    assert run.steps == (0, 1)
    assert list(run.logs["reward"]) == [0, 1]
    assert maps_of(run, "saliency") == {"saliency"}
    chances = model.predict(states[:4], verbose=0)[0]
    np.testing.assert_allclose(run.predictions(1), chances, rtol=1e-3)


def test_a_graph_inside_the_model_has_no_gradient_at_the_numbers_of_its_nodes():
    model, x, _ = EXAMPLES["node classification with a graph neural network"].build(RNG)
    model(x)
    with pytest.raises(ValueError, match="no input with a gradient"):
        keras_explain.explain(model, x[:4], "saliency", target=0)
