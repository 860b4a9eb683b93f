"""What the callback logs, when, and what it refuses."""

import copy
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import keras_explain
from keras_explain.callbacks import ActivationMaps, Explain, GradientMaps, WeightGradients
from keras_explain.methods import GradCAM, Saliency

X = np.random.default_rng(0).random((40, 10, 10, 3), "float32")
Y = np.random.default_rng(1).integers(0, 3, 40)
PROBES = (X[:4], Y[:4])


def network(*first):
    model = keras.Sequential(
        [
            *first,
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(callback, model=None, **options):
    model = model or network(keras.Input((10, 10, 3)))
    options = {"epochs": 3, "batch_size": 8, "verbose": 0, **options}
    model.fit(X, Y, callbacks=[callback], **options)
    return keras_explain.Run(callback.log_dir)


def test_steps_are_the_epochs_as_keras_numbers_them(tmp_path):
    run = fit(Explain(tmp_path, PROBES), validation_split=0.2)
    assert run.steps == (-1, 0, 1, 2)
    assert set(run.logs) == {"loss", "accuracy", "val_loss", "val_accuracy", "probe_loss"}
    # There are no logs before the first epoch, but there is a loss on the probes.
    assert np.isnan(run.logs["loss"]).tolist() == [True, False, False, False]
    assert np.isfinite(run.logs["probe_loss"]).all()


def test_step_minus_one_is_the_untrained_network(tmp_path):
    model = network(keras.Input((10, 10, 3)))
    before = keras_explain.explain(model, X[:4], "saliency", labels=Y[:4])
    run = fit(Explain(tmp_path, PROBES), model)
    np.testing.assert_allclose(run.load("saliency", -1), before, rtol=1e-3)
    after = keras_explain.explain(model, X[:4], "saliency", labels=Y[:4])
    np.testing.assert_allclose(run.load("saliency", 2), after, rtol=1e-3)


def test_a_loss_that_only_the_train_step_knows_leaves_out_the_weight_gradients(tmp_path):
    class Own(keras.Model):
        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(data[0], training=True)))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    plain = network(keras.Input((10, 10, 3)))
    model = Own(plain.inputs, plain.outputs)
    model.compile("sgd", jit_compile=False)
    run = fit(Explain(tmp_path, PROBES, strict=True), model)
    assert run.steps == (-1, 0, 1, 2)
    assert {run.specs[key].method for key in run.keys} == {
        "saliency", "grad_cam", "activations", "predictions", "scores",
    }  # fmt: skip
    with pytest.raises(ValueError, match="compiled with a loss or has a `compute_loss`"):
        fit(Explain(tmp_path, PROBES, "weight_gradients"), model)


def test_every_n_epochs_and_the_last(tmp_path):
    assert fit(Explain(tmp_path, PROBES, every=2), epochs=5).steps == (-1, 1, 3, 4)


def test_without_the_untrained_network(tmp_path):
    assert fit(Explain(tmp_path, PROBES, before_training=False)).steps == (0, 1, 2)


@pytest.mark.parametrize("at_once", [1, 4])
def test_every_n_batches(tmp_path, at_once):
    model = network(keras.Input((10, 10, 3)))
    model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=at_once)
    run = fit(Explain(tmp_path, PROBES, every=4, unit="batch"), model)
    # 5 batches an epoch; with 4 at once the epochs' last batch comes alone.
    assert run.steps == {1: (-1, 3, 7, 11, 14), 4: (-1, 3, 8, 13, 14)}[at_once]


def test_resuming_continues_the_run(tmp_path):
    model = network(keras.Input((10, 10, 3)))
    callback = Explain(tmp_path, PROBES)
    fit(callback, model, epochs=2)
    run = fit(callback, model, epochs=4, initial_epoch=2)
    assert run.steps == (-1, 0, 1, 2, 3)
    # The step that it went on from is written anew, and keeps its figures.
    assert np.isfinite(run.logs["loss"][1:]).all()


def test_the_pass_is_traced_once_however_many_epochs(tmp_path):
    callback = Explain(tmp_path, PROBES)
    fit(callback, epochs=12)
    assert callback.traces == 1


def as_dataset(count):
    return tf.data.Dataset.from_tensor_slices((X[:count], Y[:count])).batch(3)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[index * 2 : index * 2 + 2], Y[index * 2 : index * 2 + 2]


FORMS = {
    "arrays": PROBES,
    "weighted": (*PROBES, np.ones(4)),
    "tensors": (tf.constant(X[:4]), tf.constant(Y[:4])),
    "lists of arrays": ([X[:4]], Y[:4]),
    "tf.data": as_dataset(4),
    "PyDataset": Batches(),
    "generator": ((X[i : i + 1], Y[i : i + 1]) for i in range(4)),
}


@pytest.mark.parametrize("form", FORMS)
def test_probes_come_in_any_form_that_fit_takes(tmp_path, form):
    model = network(keras.Input((10, 10, 3)))
    expected = keras_explain.explain(model, X[:4], Saliency(), labels=Y[:4])
    run = fit(Explain(tmp_path, FORMS[form], [Saliency()]), model, epochs=1)
    np.testing.assert_allclose(run.load("saliency", -1), expected, rtol=1e-3)


def test_probes_may_be_dicts(tmp_path):
    a, b = keras.Input((10, 10, 3), name="image"), keras.Input((5,), name="table")
    both = layers.Concatenate()([layers.Flatten()(layers.Conv2D(2, 3)(a)), layers.Dense(4)(b)])
    model = keras.Model({"image": a, "table": b}, layers.Dense(3, activation="softmax")(both))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = {"image": X, "table": X[:, 0, :5, 0]}
    probes = ({name: array[:4] for name, array in x.items()}, Y[:4])
    model.fit(x, Y, epochs=1, verbose=0, callbacks=[Explain(tmp_path, probes, strict=True)])
    run = keras_explain.Run(tmp_path)
    assert run.load("saliency/image", 0).shape == (4, 10, 10, 3)
    assert run.load("saliency/table", 0).shape == (4, 5)


REFUSED = [
    ({"methods": ["gradcam"]}, "Known: .*grad_cam.*Did you mean 'grad_cam'.*Received: 'gradcam'"),
    ({"methods": []}, "at least one method"),
    ({"methods": [["grad_cam"]]}, r"must name known methods.*Received: \['grad_cam'\]"),
    ({"methods": [GradCAM("conv9")]}, "Known: conv, flatten.*Did you mean 'conv'.*'conv9'"),
    ({"methods": [Saliency(), Saliency()]}, "must write different records"),
    ({"methods": [GradCAM("flatten")]}, "must have maps with channels. Known: conv"),
    ({"target": "best"}, "'true', 'predicted', an index.*'best'"),
    ({"target": 7}, r"0 to 2. Received: \[7\]"),
    ({"target": [0, 1]}, "for 4 probes"),
    ({"every": 0}, "`every` must be a whole number from 1 on. Received: 0"),
    ({"unit": "hour"}, "epoch, batch. Received: 'hour'"),
    ({"output": "head"}, "Known: .*Received: 'head'"),
    ({"probes": X[:4]}, r"\(x, y\)"),
    ({"probes": (X[:4], Y[:3])}, r"one length.*\[3, 4\]"),
    ({"probes": (X[:0], Y[:0])}, "1 to 256 examples"),
    ({"probes": (np.repeat(X, 8, 0), np.repeat(Y, 8))}, "at most|1 to 256"),
    (
        {"probes": (X[:4, :6], Y[:4])},
        r"examples first: .*\(probes, 10, 10, 3\).*Received: \(4, 6, 10, 3\)",
    ),
    (
        {"probes": (X[:4], np.full((4, 3), 0.5))},
        r"labels that the model's loss takes.*\(4, 3\) float64",
    ),
]


@pytest.mark.parametrize("build", ["built", "unbuilt"])
@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_does_not_fit_is_refused_before_the_first_batch(tmp_path, build, options, message):
    model = network(*([keras.Input((10, 10, 3))] if build == "built" else []))
    trained = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: trained.append(b))
    if build == "unbuilt" and "examples first" in message:
        pytest.skip("an unbuilt model has no shape yet that probes could miss")

    def train():
        callback = Explain(tmp_path, **{"probes": PROBES, **options})
        model.fit(X, Y, epochs=1, verbose=0, callbacks=[callback, spy])

    with pytest.raises(ValueError, match=message):
        train()
    assert not trained
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("preset", [GradientMaps, ActivationMaps, WeightGradients])
def test_presets_log_their_maps(tmp_path, preset):
    run = fit(preset(tmp_path, PROBES), epochs=1)
    found = {run.specs[key].method for key in run.keys} - {"predictions", "scores"}
    assert (
        found
        == {
            GradientMaps: {"saliency", "gradient_times_input"},
            ActivationMaps: {"activations"},
            WeightGradients: {"weight_gradients"},
        }[preset]
    )


def test_pickle_and_copy_before_and_after_fit(tmp_path):
    callback = Explain(tmp_path, PROBES, every=2)
    for again in (pickle.loads(pickle.dumps(callback)), copy.deepcopy(callback)):
        assert again.every == 2
    fit(callback)
    again = pickle.loads(pickle.dumps(callback))
    assert again.methods == callback.methods
    assert fit(again, epochs=1).steps == (-1, 0)


def test_one_instance_serves_two_fits(tmp_path):
    callback = Explain(tmp_path, PROBES)
    fit(callback)
    run = fit(callback, epochs=2)
    # The second training starts below the first one's last step: a new attempt.
    assert run.steps == (-1, 0, 1)


def test_the_model_saves_as_before(tmp_path):
    model = network(keras.Input((10, 10, 3)))
    config = model.to_json()
    keys = [set(vars(layer)) for layer in model.layers]
    fit(Explain(tmp_path, PROBES), model)
    assert model.to_json() == config
    assert [set(vars(layer)) for layer in model.layers] == keys


def test_figures_of_weight_gradients_keep_sizes_far_apart(tmp_path):
    model = network(keras.Input((10, 10, 3)))
    found = keras_explain.explain(model, X[:4], "weight_gradients", labels=Y[:4])
    run = fit(Explain(tmp_path, PROBES), model)
    for part in ("statistics", "histogram"):
        expected = found[f"weight_gradients/{part}"]
        kept = run.load(f"weight_gradients/{part}", -1)
        np.testing.assert_allclose(kept, expected, rtol=1e-4, atol=1e-7)


def test_keras_need_not_wait_for_each_batch(tmp_path):
    # Backends that run ahead are made to wait by any callback with a hook after batches; Keras
    # knows the hooks that are its own by this mark.
    epochs, batches = (Explain(tmp_path, PROBES, unit=unit) for unit in ("epoch", "batch"))
    assert epochs.on_train_batch_end._is_default
    assert not hasattr(batches.on_train_batch_end, "_is_default")
    plain = keras.callbacks.Callback()
    assert plain.on_train_batch_end._is_default


class Eager(keras.Model):
    """A model that only a real batch can build."""

    def __init__(self):
        super().__init__()
        self.flat, self.out = layers.Flatten(), layers.Dense(3, activation="softmax")

    def call(self, x):
        if not self.out.built and not tf.executing_eagerly():
            raise TypeError("not by symbols")
        return self.out(self.flat(x))


def test_a_model_that_its_first_batch_builds_is_explained_from_then_on(tmp_path):
    model = Eager()
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    assert fit(Explain(tmp_path, PROBES, ["saliency"]), model).steps == (0, 1, 2)


def test_a_wrong_layer_of_such_a_model_is_told_right_after_its_first_batch(tmp_path):
    model, batches = Eager(), []
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: batches.append(epoch))
    callback = Explain(tmp_path, PROBES, [GradCAM("conv9")])
    with pytest.raises(ValueError, match="Known: .*'conv9'"):
        model.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=[callback, spy])
    assert not batches
