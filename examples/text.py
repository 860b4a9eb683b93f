"""Which words does a transformer go by? Trained from scratch on real text, watched while it learns.

    python examples/text.py
    tensorboard --logdir logs

One line about each of 1,859 Debian packages; the network is to say which section it is of. Half a
minute on two cores.
"""

import csv
import os
import re
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels crash on some models

import keras
import numpy as np
from keras import layers

import keras_explain
from keras_explain import Tokens
from keras_explain.callbacks import Explain
from keras_explain.methods import AttentionMaps, AttentionRollout, IntegratedGradients

LENGTH = 12
WORDS = 2000

with (Path(__file__).parent / "data" / "synopses.csv").open() as file:
    _, *rows = csv.reader(file)
texts = [re.findall(r"[a-z0-9+]+", synopsis.lower())[:LENGTH] for _, synopsis in rows]
sections = sorted({section for section, _ in rows})
y = np.array([sections.index(section) for section, _ in rows])
train, held_out = slice(0, 1500), slice(1500, None)

counted = Counter(word for text in texts[train] for word in text)
vocabulary = ["", "[UNK]", *(word for word, _ in counted.most_common(WORDS))]
id_of = {word: number for number, word in enumerate(vocabulary)}
x = np.array([[id_of.get(w, 1) for w in text] + [0] * (LENGTH - len(text)) for text in texts])

keras.utils.set_random_seed(0)
ids = keras.Input((LENGTH,), dtype="int32")
token = layers.Embedding(len(vocabulary), 32, name="words")(ids)
place = layers.Embedding(LENGTH, 32, name="places")(keras.ops.arange(LENGTH)[None])
embedded = layers.Add()([token, place])
attended = layers.MultiHeadAttention(2, 16, dropout=0.2, name="attention")(embedded, embedded)
h = layers.LayerNormalization()(layers.Add()([embedded, attended]))
h = layers.Dropout(0.3)(layers.GlobalMaxPooling1D()(layers.Dense(32, activation="relu")(h)))
model = keras.Model(ids, layers.Dense(len(sections), activation="softmax")(h))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

watched = np.arange(1500, len(x))[::12]
explain = Explain(
    "logs/text",
    (x[watched], y[watched]),
    [IntegratedGradients(), AttentionMaps(), AttentionRollout(), "weight_gradients"],
    class_names=sections,
    inputs=Tokens(vocabulary),
)
model.fit(x[train], y[train], epochs=8, validation_data=(x[held_out], y[held_out]),
          callbacks=[explain], verbose=2)  # fmt: skip

run = keras_explain.Run("logs/text")
key = next(key for key in run.keys if key.startswith("integrated_gradients") and "gap" not in key)
for step in (run.steps[0], run.steps[-1]):
    of_tokens = run.load(key, step).sum(axis=-1)
    for number, section in enumerate(sections):
        its = [
            (score, vocabulary[word])
            for text, scores in zip(x[watched][y[watched] == number],
                                    of_tokens[y[watched] == number], strict=True)
            for word, score in zip(text, scores, strict=True)
        ]  # fmt: skip
        best = list(dict.fromkeys(word for _, word in sorted(its, reverse=True)))[:4]
        print(f"epoch {step}: {section} for its {', '.join(best)}")
