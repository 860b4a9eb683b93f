"""The text models of keras-hub, small, each with a head that reads the last word."""

from functools import partial

import keras
import numpy as np

from .kinds import CLASSES, PROBES, kind

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
    "T5": {**{k: v for k, v in ENCODER.items() if k != "max_sequence_length"}, **WORDS,
           "key_value_dim": 8},
    "Bart": {**ENCODER, **WORDS},
}  # fmt: skip
BOTH_TEXTS = ("T5", "Bart")


def classifier(family):
    """The family's backbone, its last word's features, and a head of three classes."""
    import keras_hub

    backbone = getattr(keras_hub.models, f"{family}Backbone")(**FAMILIES[family], dropout=0.0)
    output = backbone.output
    if isinstance(output, dict):
        output = output["decoder_sequence_output" if family in BOTH_TEXTS else "sequence_output"]
    head = keras.layers.Dense(CLASSES, activation="softmax", name="head")
    return keras.Model(backbone.input, head(output[:, -1]))


def inputs_of(family, random):
    """By the input's name: two texts differ, nothing is padded."""
    sides = ("encoder_", "decoder_") if family in BOTH_TEXTS else ("",)
    found = {}
    for side in sides:
        found[f"{side}token_ids"] = random.integers(3, 60, (PROBES, 8))
        found[f"{side}padding_mask"] = np.ones((PROBES, 8), int)
    if family in ("Bert", "Albert", "Electra"):
        found["segment_ids"] = np.zeros((PROBES, 8), int)
    return found


CLIMBS = ("activation_maximization",)
"""Through attention, a climb goes another way by the least rounding."""
HIDING = ("kernel_shap", "lime", "rise", "shapley_sampling")
APART = {
    # PyTorch's way back does not tell what a `where` chooses by: DeepLIFT refuses it there.
    "DebertaV3": ("deep_lift",),
    "Gemma": ("deep_lift",),
    # On TensorFlow alone, keras-hub's attention has a softmax layer: it is heard, and where all
    # words are hidden it attends otherwise than the fused attention of the others.
    "Llama": ("gradient_flow", *HIDING),
    "Mistral": ("gradient_flow", *HIDING),
}

for family in FAMILIES:
    kind(
        f"{family} of keras-hub",
        partial(inputs_of, family),
        layers=("token_embedding", "token_embedding#2")
        if family in BOTH_TEXTS
        else ("token_embedding",),
        group="Texts, by keras-hub",
        apart=(*CLIMBS, *APART.get(family, ())),
    )(partial(classifier, family))
