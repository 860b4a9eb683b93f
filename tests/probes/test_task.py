"""The task of the explained output is decided from its loss, its head and its labels."""

import functools

import keras
import numpy as np
import pytest
from keras import layers, losses, ops

import keras_explain
from keras_explain.callbacks import Explain
from keras_explain.passes import Pass
from keras_explain.probes import Known, Probes, check_said, labels_of, loss_of, task_of, truth_of
from keras_explain.store.format.task import Task

pytestmark = pytest.mark.every_backend

RNG = np.random.default_rng(0)
IDS = np.array([0, 2, 1, 1])
FLAGS = np.array([0, 1, 1, 0])
FRACTIONS = RNG.random((4, 3))


class OwnBinary(losses.BinaryCrossentropy):
    """A loss of the user's own that is one of Keras's."""


def own_loss(y_true, y_pred):
    return ops.mean((y_true - y_pred) ** 2)


# (outputs, head, loss, labels) -> (kind, scale)
TASKS = {
    "softmax": ((3,), "softmax", "sparse_categorical_crossentropy", IDS,
                "classes", "probabilities"),
    "softmax, trained by squares": ((3,), "softmax", "mse", np.eye(3)[IDS],
                                    "classes", "probabilities"),
    "logits": ((3,), None, losses.SparseCategoricalCrossentropy(from_logits=True), IDS,
               "classes", "logits"),
    "logits, by a function": (
        (3,), None, functools.partial(losses.categorical_crossentropy, from_logits=True),
        np.eye(3)[IDS], "classes", "logits"),
    "a softmax that nobody hears": ((3,), None, "categorical_crossentropy", np.eye(3)[IDS],
                                    "classes", "probabilities"),
    "logarithms of a softmax": ((3,), "log_softmax", own_loss, np.eye(3)[IDS],
                                "classes", "logits"),
    "one logit": ((1,), None, losses.BinaryCrossentropy(from_logits=True), FLAGS,
                  "binary", "logits"),
    "one sigmoid": ((1,), "sigmoid", OwnBinary(), FLAGS, "binary", "probabilities"),
    "a margin": ((1,), None, "hinge", 2 * FLAGS - 1, "binary", "logits"),
    "one sigmoid, a loss of one's own": ((1,), "sigmoid", own_loss, FLAGS,
                                         "binary", "probabilities"),
    "several labels": ((3,), "sigmoid", "binary_crossentropy", np.eye(3)[IDS],
                       "labels", "probabilities"),
    "logits of several labels": ((3,), None, losses.BinaryFocalCrossentropy(from_logits=True),
                                 np.eye(3)[IDS], "labels", "logits"),
    "regression of whole numbers": ((1,), None, "mse", np.array([45.0, 3, 60, 7]),
                                    "numbers", "values"),
    "regression of flags without a head": ((1,), None, "mae", FLAGS, "numbers", "values"),
    "an autoencoder of sigmoids": ((2, 2, 3), "sigmoid", "binary_crossentropy",
                                   RNG.random((4, 2, 2, 3)), "numbers", "values"),
    "a forecast": ((6, 2), None, losses.Huber(), RNG.random((4, 6, 2)), "numbers", "values"),
    "a segmentation": ((5, 5, 3), None, losses.SparseCategoricalCrossentropy(from_logits=True),
                       RNG.integers(0, 3, (4, 5, 5)), "classes", "logits"),
    "a mask": ((5, 5, 1), "sigmoid", losses.Dice(), RNG.integers(0, 2, (4, 5, 5, 1)),
               "binary", "probabilities"),
    "raw outputs, labels of classes": ((3,), None, own_loss, IDS, "classes", "logits"),
    "raw outputs, numbers": ((3,), None, own_loss, FRACTIONS, "numbers", "values"),
    "nothing known": ((3,), None, None, None, "unknown", "values"),
}  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_the_task_is_what_loss_head_and_labels_say(name):
    shape, head, loss, labels, kind, scale = TASKS[name]
    task = task_of(Known(shape, head, loss, labels))
    assert (task.kind, task.scale) == (kind, scale)


def test_the_user_has_the_last_word():
    known = Known((1,), None, own_loss, FLAGS)
    assert task_of(known, "binary") == Task("binary", "logits", (1,))
    said = ("binary", "probabilities")
    assert task_of(known, said) == Task("binary", "probabilities", (1,))
    with pytest.raises(ValueError, match="`task='binary'` needs one output. Received: 3"):
        task_of(Known((3,)), "binary")


@pytest.mark.parametrize("said", ["class", 3, ("classes", "percent"), ["numbers"]])
def test_what_is_no_task_is_refused(said):
    with pytest.raises(ValueError, match="`task` must be one of 'classes', 'binary', 'labels'"):
        check_said(said)


def test_one_position_is_none():
    """As after a convolution of what has been pooled to one pixel."""
    assert not task_of(Known((1, 1, 3), "softmax")).is_dense


def test_the_truth_has_the_form_of_the_task():
    classes = Task("classes", "logits", (3,))
    for labels in (IDS, IDS[:, None], np.eye(3)[IDS], np.eye(3)[IDS] * 0.9 + 0.1 / 3):
        np.testing.assert_array_equal(truth_of(classes, labels, 4), IDS)
    dense = Task("classes", "logits", (2, 3))
    np.testing.assert_array_equal(
        truth_of(dense, [[0, 255]] * 4, 4), [[0, -1]] * 4, "what is no class has no label"
    )
    numbers = Task("numbers", "values", (1,))
    np.testing.assert_array_equal(truth_of(numbers, IDS, 4), IDS[:, None])
    binary = Task("binary", "logits", (1,))
    np.testing.assert_array_equal(truth_of(binary, 2 * FLAGS - 1, 4), FLAGS)
    assert truth_of(classes, np.zeros((4, 7)), 4) is None


def test_outputs_losses_and_labels_are_paired_by_name():
    names = ["age", "kind"]
    y = {"kind": IDS, "age": FLAGS}
    assert labels_of(y, None, names, 1) is IDS
    assert labels_of([FLAGS, IDS], None, names, 1) is IDS
    assert labels_of(IDS, [None, "mse"], names, 1) is IDS, "labels of the one with a loss"
    assert labels_of(IDS, [None, "mse"], names, 0) is None
    assert labels_of({"kind": IDS}, None, names, 0) is None
    assert loss_of({"kind": "mse"}, names, 0) is None
    assert loss_of(["mae", "mse"], names, 1) == "mse"
    assert loss_of("mse", names, 0) == "mse"


def two_heads():
    i = keras.Input((6,))
    h = layers.Dense(8, activation="relu")(i)
    return keras.Model(
        i,
        {
            "kind": layers.Dense(3, name="kind")(h),
            "size": layers.Dense(1, name="size")(h),
        },
    )


def test_each_head_has_its_own_task_and_labels():
    model = two_heads()
    loss = {"kind": losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"}
    model.compile("sgd", loss)
    x, sizes = RNG.random((4, 6)).astype("f4"), RNG.random(4)
    for y in ({"kind": IDS, "size": sizes}, {"kind": IDS}):
        kept = Pass(model, Probes.of((x, y)), [], output="kind").described(["a", "b", "c"])
        assert kept.task == Task("classes", "logits", (3,), "kind")
        np.testing.assert_array_equal(kept.labels, IDS)
    y = {"kind": IDS, "size": sizes}
    kept = Pass(model, Probes.of((x, y)), [], output="size").described({"kind": ["a", "b", "c"]})
    assert kept.task == Task("numbers", "values", (1,), "size")
    assert kept.labels is None
    assert kept.class_names is None
    np.testing.assert_allclose(kept.truth[:, 0], sizes, rtol=1e-6)


def test_labels_of_the_explained_output_are_enough():
    """Weight gradients need all labels; the maps do not, and keep their target."""
    model = two_heads()
    model.compile("sgd", {"kind": losses.SparseCategoricalCrossentropy(from_logits=True),
                          "size": "mse"})  # fmt: skip
    x = RNG.random((4, 6)).astype("f4")
    made = Pass(model, Probes.of((x, {"kind": IDS})), [], output="kind")
    outcome = made.run()
    assert not made.built.view.has_loss
    np.testing.assert_array_equal(outcome.targets, IDS)


def test_labels_in_a_dict_are_those_of_the_outputs_of_these_names(tmp_path):
    """Tickets with a priority and a department, whose outputs are a list."""
    inputs = {name: keras.Input((5,), name=name) for name in ("title", "body")}
    h = layers.Concatenate()(list(inputs.values()))
    heads = [
        layers.Dense(1, activation="sigmoid", name="priority")(h),
        layers.Dense(3, activation="softmax", name="department")(h),
    ]
    model = keras.Model(list(inputs.values()), heads)
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
    x = {name: RNG.random((4, 5)).astype("f4") for name in inputs}
    y = {"department": IDS, "priority": RNG.random((4, 1))}
    names = ["spam", "sales", "help"]
    callback = Explain(tmp_path, (x, y), output="department", class_names=names, strict=True)
    ordered = [x["title"], x["body"]], [y["priority"], y["department"]]
    model.fit(*ordered, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    np.testing.assert_array_equal(run.probes.labels, IDS)
    assert run.probes.class_names == tuple(names)
    outputs = model.predict(ordered[0], verbose=0)[1]
    np.testing.assert_allclose(run.predictions(0), outputs, rtol=1e-4)
    np.testing.assert_array_equal(run.outcome(0).right, outputs.argmax(axis=1) == IDS)
    whole = model.evaluate(*ordered, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(run.logs["probe_loss"][-1], whole, rtol=1e-4)


@pytest.mark.parametrize("target", ["true", 0])
def test_fit_takes_labels_of_the_outputs_that_have_a_loss(tmp_path, target):
    i = keras.Input((6,))
    h = layers.Dense(8, activation="relu")(i)
    model = keras.Model(i, {"cls": layers.Dense(3, name="cls")(h), "feat": h})
    model.compile("sgd", loss={"cls": losses.SparseCategoricalCrossentropy(from_logits=True)})
    x, y = RNG.random((4, 6)).astype("f4"), {"cls": IDS}
    callback = Explain(tmp_path, (x, y), output="cls", target=target, strict=True)
    model.fit(x, y, verbose=0, callbacks=[callback])
    run = keras_explain.Run(tmp_path)
    outputs = model.predict(x, verbose=0)["cls"]
    chosen = IDS if target == "true" else np.zeros(4, int)
    scores = outputs[np.arange(4), chosen]
    np.testing.assert_allclose(run.load("scores", 0), scores, rtol=1e-4, atol=1e-6)
    assert any(key.startswith("weight_gradients") for key in run.keys)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["cat", "dog"], "must name the 3 classes of the explained output. Received: 2 names"),
        (["a"] * 9, "Received: 9 names"),
        ({3: "owl"}, "by class, 0 to 2. Received: 3"),
        ("abc", "must be a list of names"),
    ],
)
def test_names_that_are_not_the_classes_are_refused(tmp_path, names, said):
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = RNG.random((4, 6)).astype("f4")
    with pytest.raises(ValueError, match=said):
        model.fit(x, IDS, verbose=0, callbacks=[Explain(tmp_path, (x, IDS), class_names=names)])


def test_names_by_class_stand_at_their_class():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
    made = Pass(model, Probes.of((RNG.random((4, 6)), IDS)), [])
    assert made.described({2: "owl", 0: "cat"}).class_names == ("cat", "1", "owl")
