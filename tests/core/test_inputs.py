"""What people call the parts of an input: checked, kept in the run, and read again."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_explain
from keras_explain import Features, Picture, Tokens
from keras_explain.callbacks import Explain
from keras_explain.inputs import named
from keras_explain.probes import Probes
from keras_explain.store import DamagedFile, InputFacts

TABLE = np.array([[43, 1], [61, 0]], "float32")
IDS = np.array([[2, 3, 0], [3, 9, 0]])
WORDS = ["", "[UNK]", "good", "bad"]


def facts_of(inputs, values):
    return {name: one.facts(name, values[name]) for name, one in named(inputs, values).items()}


def words_of(vocabulary):
    return facts_of(Tokens(vocabulary), {"input": IDS})["input"][1].words


def test_a_table_s_columns_have_names_units_and_categories():
    named = Features(["age", "sex"], {"age": "years"}, {"sex": ["female", "male"]})
    kind, facts = facts_of(named, {"input": TABLE})["input"]
    assert kind == "features"
    assert facts.names == ("age", "sex")
    assert facts.units == {"age": "years"}
    assert facts.categories == {"sex": {"0": "female", "1": "male"}}
    by_number = Features(["age", "sex"], categories={"sex": {0.0: "female", 1: "male"}})
    assert facts_of(by_number, {"input": TABLE})["input"][1].categories == facts.categories


class Tokenizer:
    def get_vocabulary(self):
        return sorted(WORDS)  # as some do, not in the order of the ids

    def id_to_token(self, number):
        return WORDS[number].encode() if number < len(WORDS) else None


def test_words_come_from_whatever_knows_them():
    expected = {"0": "", "2": "good", "3": "bad"}
    looked_up = layers.StringLookup(vocabulary=["good", "bad"], mask_token="")
    by_word = {word: number for number, word in enumerate(WORDS)}
    for known in (WORDS, by_word, dict(enumerate(WORDS)), looked_up, Tokenizer()):
        assert words_of(known) == expected


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"`units` must be by the names.*age, sex.*Received: agee"):
        Features(["age", "sex"], {"agee": "years"})
    with pytest.raises(ValueError, match="name the 2 features of 'input'. Received: 1 names"):
        facts_of(Features(["age"]), {"input": TABLE})
    with pytest.raises(ValueError, match="`vocabulary` must be a list of words.*Received: int"):
        Tokens(3)
    with pytest.raises(ValueError, match="knows none of 0, 2, 3, 9"):
        facts_of(Tokens({"far": 77}), {"input": IDS})
    with pytest.raises(ValueError, match="Tokens of an input of whole numbers.*float32"):
        facts_of(Tokens(WORDS), {"input": TABLE})
    with pytest.raises(ValueError, match=r"by the inputs' names: a, b.*one Features"):
        facts_of(Features(["age", "sex"]), {"a": TABLE, "b": TABLE})
    with pytest.raises(ValueError, match=r"names of the model's inputs \(input\).*'c': Features"):
        facts_of({"c": Features(["age", "sex"])}, {"input": TABLE})
    for damaged in (
        {"names": "ab"},
        {"names": [1]},
        {"units": {"a": 1}},
        {"categories": {"a": []}},
    ):
        with pytest.raises(DamagedFile):
            InputFacts.from_json(damaged)


def test_they_are_kept_in_the_run_and_refused_before_the_first_batch(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, "relu"), layers.Dense(1)])
    model.compile("sgd", "mse")
    y = np.ones((2, 1), "float32")
    named = Features(["age", "sex"], {"age": "years"})
    watch = Explain(tmp_path / "run", (TABLE, y), "saliency", inputs=named, target=0, strict=True)
    model.fit(TABLE, y, verbose=0, callbacks=[watch])
    probes = keras_explain.Run(tmp_path / "run").probes
    assert probes.facts["input"] == InputFacts(("age", "sex"), {"age": "years"})
    before = model.get_weights()
    wrong = Explain(tmp_path / "no", (TABLE, y), "saliency", inputs=Tokens(WORDS), target=0)
    with pytest.raises(ValueError, match="Tokens of an input of whole numbers"):
        model.fit(TABLE, y, verbose=0, callbacks=[wrong])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


MEANS = np.array([104, 117, 124], "float32")
PHOTOS = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3)).astype("uint8")


def undone(values):
    """Of what `keras.applications.vgg16.preprocess_input` does: blue first, less the means."""
    return (values + MEANS)[..., ::-1]


def test_a_preprocessed_picture_is_shown_as_it_was(tmp_path):
    x = PHOTOS[..., ::-1].astype("float32") - MEANS
    model = keras.Sequential([keras.Input((6, 6, 3)), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    y = np.ones((3, 2), "float32")
    for name, inputs in (("shown", Picture(undone)), ("bare", None)):
        watch = Explain(tmp_path / name, (x, y), "saliency", inputs=inputs, target=0, strict=True)
        model.fit(x, y, verbose=0, callbacks=[watch])
    shown, bare = (keras_explain.Run(tmp_path / name).probes for name in ("shown", "bare"))
    np.testing.assert_array_equal(shown.pictures["input"], PHOTOS)
    np.testing.assert_array_equal(shown.inputs["input"], x)
    assert not bare.pictures
    assert shown.hash == bare.hash  # the same examples, whatever they look like


def test_a_display_that_makes_no_pictures_is_named():
    probes = Probes.of((PHOTOS.astype("float32"),))
    model = keras.Sequential([keras.Input((6, 6, 3)), layers.Flatten()])
    for display, received in (
        (lambda values: values[0], r"shape \(6, 6, 3\)"),
        (lambda values: values - 300, "from -300.0 to"),
        (lambda values: values * np.nan, "float32 of shape"),
        (lambda values: values[..., :2], r"shape \(3, 6, 6, 2\)"),
    ):
        with pytest.raises(ValueError, match=f"`display` must make pictures.*{received}"):
            probes.described(model, names=Picture(display))
    with pytest.raises(ValueError, match="`display` must be a function. Received: str"):
        Picture("grey")
    halves = probes.described(model, names=Picture(lambda values: values / 255 / 2)).pictures
    np.testing.assert_allclose(halves["input"], PHOTOS / 2, atol=0.5)
