"""The text models of keras-hub are explained at their words, whatever else they embed."""

import keras
import numpy as np
import pytest

from keras_explain.methods import Saliency
from tests.network.traced import traced

pytestmark = [pytest.mark.live, pytest.mark.every_backend]

TOKENS = np.random.default_rng(0).integers(3, 60, (2, 8))
ENCODER = {
    "num_layers": 1, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32,
    "max_sequence_length": 8,
}  # fmt: skip
DECODER = {
    "vocabulary_size": 60, "num_layers": 1, "num_query_heads": 2, "num_key_value_heads": 1,
    "hidden_dim": 16, "intermediate_dim": 32,
}  # fmt: skip
WORDS = {"vocabulary_size": 60}
FAMILIES = {
    "Bert": {**ENCODER, **WORDS},
    "Albert": {**ENCODER, **WORDS, "embedding_dim": 8},
    "Electra": {**ENCODER, "vocab_size": 60, "embedding_dim": 8},
    "DistilBert": {**ENCODER, **WORDS},
    "Roberta": {**ENCODER, **WORDS},
    "DebertaV3": {**ENCODER, **WORDS, "bucket_size": 8},
    "GPT2": {**ENCODER, **WORDS},
    "Gemma": {**DECODER, "head_dim": 8},
    "Llama": DECODER,
    "Mistral": {**DECODER, "sliding_window": 8},
}


def input_for(name):
    if "mask" in name:
        return np.ones_like(TOKENS)
    return np.zeros_like(TOKENS) if "segment" in name else TOKENS


def laid(backbone, sequence):
    """The layer and the input of each record of the gradient at the inputs."""
    model = keras.Model(backbone.input, keras.layers.Dense(2)(sequence[:, -1]))
    x = {one.name: input_for(one.name) for one in backbone.inputs}
    (plan,) = traced(model, x, [Saliency()]).plans.values()
    return {(spec.layer.rsplit("/", 1)[-1], spec.input) for spec in plan.specs.values()}


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_explained_at_the_token_embedding(family):
    hub = pytest.importorskip("keras_hub")
    backbone = getattr(hub.models, f"{family}Backbone")(**FAMILIES[family])
    output = backbone.output
    sequence = output["sequence_output"] if isinstance(output, dict) else output
    assert laid(backbone, sequence) == {("token_embedding", "token_ids")}


@pytest.mark.parametrize(("family", "more"), [("T5", {"key_value_dim": 8}), ("Bart", ENCODER)])
def test_both_texts_of_an_encoder_and_a_decoder_are_explained(family, more):
    hub = pytest.importorskip("keras_hub")
    sizes = {name: n for name, n in ENCODER.items() if name != "max_sequence_length"}
    backbone = getattr(hub.models, f"{family}Backbone")(**WORDS, **{**sizes, **more})
    found = laid(backbone, backbone.output["decoder_sequence_output"])
    assert found == {
        ("token_embedding", "encoder_token_ids"),
        ("token_embedding#2", "decoder_token_ids"),
    }
