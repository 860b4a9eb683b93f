"""keras.io's examples on tables, ids and graphs."""

import keras
import numpy as np
from keras import layers, losses, ops

from .catalogue import COUNT, STRINGS, classes, example
from .closed_forms import other_embedding

WORK = ["private", "state", "none"]
EDUCATION = ["school", "college", "none", "master"]
OF_COLUMNS = {
    "saliency/age": "age",
    "saliency/hours": "hours",
    "saliency/work_emb": "work",
    "saliency/education_emb": "education",
}
"""Columns of strings are explained at their embeddings."""


def people(random):
    """Columns as in the census data: two of strings, two of numbers, without an axis."""
    return {
        "work": random.choice(WORK, COUNT),
        "education": random.choice(EDUCATION, COUNT),
        "age": random.uniform(18, 80, COUNT).astype("f4"),
        "hours": random.uniform(1, 60, COUNT).astype("f4"),
    }


@example("imbalanced classification: credit card fraud", {"saliency": "input"})
def fraud(random):
    model = keras.Sequential(
        [
            keras.Input((9,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.Recall()])
    return model, random.random((COUNT, 9)).astype("f4"), classes()[:, None]


@example("structured data with pandas", {"saliency": "input"})
def data_frame(random):
    import pandas as pd

    frame = pd.DataFrame(random.random((COUNT, 5)), columns=list("abcde"))
    normalizer = layers.Normalization()
    normalizer.adapt(frame.to_numpy())
    model = keras.Sequential([normalizer, layers.Dense(8, activation="relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    return model, frame, pd.Series(random.random(COUNT), name="price")


def space_of(x):
    import tensorflow as tf

    space = keras.utils.FeatureSpace(
        features={
            "work": "string_categorical",
            "education": keras.utils.FeatureSpace.string_hashed(num_bins=8),
            "age": "float_discretized",
            "hours": "float_normalized",
        },
        crosses=[("work", "education")],
        crossing_dim=8,
        output_mode="concat",
    )
    space.adapt(tf.data.Dataset.from_tensor_slices(x).batch(4))
    return space


@example("structured data with FeatureSpace: training model", {"saliency": "input"})
def feature_space(random):
    raw = people(random)
    space = space_of(raw)
    encoded = space.get_encoded_features()
    x = layers.Dropout(0.5)(layers.Dense(8, activation="relu")(encoded))
    model = keras.Model(encoded, layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, np.asarray(space(raw)), classes()


@example(
    "structured data with FeatureSpace: inference model",
    {"saliency/hours": "hours"},
    not_on=STRINGS,
)
def feature_space_inference(random):
    """Nothing of an age reaches the score but the bucket that it is in."""
    raw = people(random)
    space = space_of(raw)
    x = layers.Dense(8, activation="relu")(space.get_encoded_features())
    model = keras.Model(space.get_inputs(), layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy")
    return model, {name: column[:, None] for name, column in raw.items()}, classes()


def columns_of(embedded):
    """Inputs of the census, without an axis, and what each becomes, as in Wide & Deep."""
    inputs = {
        name: keras.Input((), name=name, dtype="string" if name in embedded else "float32")
        for name in ("work", "education", "age", "hours")
    }
    encoded = []
    for name, one in inputs.items():
        if name not in embedded:
            encoded.append(ops.expand_dims(one, -1))
            continue
        vocabulary = {"work": WORK, "education": EDUCATION}[name]
        wide = embedded[name] == "wide"
        lookup = layers.StringLookup(
            vocabulary=vocabulary,
            num_oov_indices=0,
            output_mode="binary" if wide else "int",
        )
        ids = lookup(ops.expand_dims(one, -1) if wide else one)
        encoded.append(
            ids if wide else layers.Embedding(len(vocabulary), 4, name=f"{name}_emb")(ids)
        )
    return inputs, layers.concatenate(encoded)


@example("Wide & Deep on strings", OF_COLUMNS, not_on=STRINGS)
def wide_and_deep(random):
    inputs, wide = columns_of({"work": "wide", "education": "wide"})
    wide = layers.BatchNormalization()(wide)
    deep = layers.concatenate(
        [
            layers.Embedding(len(words), 4, name=f"{name}_emb")(
                layers.StringLookup(vocabulary=words, num_oov_indices=0)(inputs[name])
            )
            for name, words in (("work", WORK), ("education", EDUCATION))
        ]
        + [ops.expand_dims(inputs[name], -1) for name in ("age", "hours")]
    )
    deep = layers.ReLU()(layers.BatchNormalization()(layers.Dense(8)(deep)))
    merged = layers.concatenate([wide, layers.Dropout(0.1)(deep)])
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(merged))
    model.compile("adam", losses.SparseCategoricalCrossentropy())
    return model, people(random), classes()


@example("Deep & Cross on strings", OF_COLUMNS, not_on=STRINGS, live=True)
def deep_and_cross(random):
    inputs, x0 = columns_of({"work": "deep", "education": "deep"})
    cross = x0
    for _ in range(2):
        cross = x0 * layers.Dense(x0.shape[-1])(cross) + cross
    cross = layers.BatchNormalization()(cross)
    deep = layers.ReLU()(layers.BatchNormalization()(layers.Dense(8)(x0)))
    model = keras.Model(
        inputs, layers.Dense(2, activation="softmax")(layers.concatenate([cross, deep]))
    )
    model.compile("adam", losses.SparseCategoricalCrossentropy())
    return model, people(random), classes()


@example(
    "TabTransformer",
    {
        "saliency/age": "age",
        "saliency/hours": "hours",
        "saliency/embedding": "work",
        "saliency/embedding_1": "education",
    },
    live=True,
)
def tab_transformer(random):
    raw = people(random)
    inputs = {name: keras.Input((), name=name, dtype="float32") for name in raw}
    embedded = [
        layers.Embedding(input_dim=len(words), output_dim=4)(inputs[name])
        for name, words in (("work", WORK), ("education", EDUCATION))
    ]
    x = ops.stack(embedded, axis=1)
    numbers = layers.concatenate([ops.expand_dims(inputs[name], -1) for name in ("age", "hours")])
    for _ in range(2):
        attended = layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.1)(x, x)
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([attended, x]))
        forward = layers.Dense(4, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([forward, x]))
    numbers = layers.LayerNormalization(epsilon=1e-6)(numbers)
    x = layers.BatchNormalization()(layers.concatenate([layers.Flatten()(x), numbers]))
    x = layers.Dropout(0.1)(layers.Dense(8, activation="selu")(x))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="sigmoid")(x))
    model.compile("adam", losses.BinaryCrossentropy())
    ids = {"work": WORK, "education": EDUCATION}
    x = {
        name: np.array([ids[name].index(one) for one in column], "f4") if name in ids else column
        for name, column in raw.items()
    }
    return model, x, classes()


@example(
    "collaborative filtering for recommendations",
    {
        "saliency/embedding": "input",
        "saliency/embedding_1": "input",
        "saliency/embedding_2": "input",
        "saliency/embedding_3": "input",
    },
    check=other_embedding,
)
def recommender(random):
    class RecommenderNet(keras.Model):
        def __init__(self):
            super().__init__()
            self.user_embedding = layers.Embedding(20, 4)
            self.user_bias = layers.Embedding(20, 1)
            self.movie_embedding = layers.Embedding(30, 4)
            self.movie_bias = layers.Embedding(30, 1)

        def call(self, inputs):
            user, movie = inputs[:, 0], inputs[:, 1]
            dot = ops.sum(self.user_embedding(user) * self.movie_embedding(movie), 1, keepdims=True)
            return ops.nn.sigmoid(dot + self.user_bias(user) + self.movie_bias(movie))

    model = RecommenderNet()
    model.compile("adam", losses.BinaryCrossentropy())
    x = np.stack([random.integers(0, 20, COUNT), random.integers(0, 30, COUNT)], axis=1)
    return model, x, random.random(COUNT)


class GraphConvLayer(layers.Layer):
    def __init__(self, width):
        super().__init__()
        self.ffn_prepare = keras.Sequential([layers.BatchNormalization(), layers.Dense(width)])
        self.update_fn = keras.Sequential([layers.BatchNormalization(), layers.Dense(width)])

    def call(self, inputs):
        nodes, edges, weights = inputs
        messages = self.ffn_prepare(ops.take(nodes, edges[1], axis=0)) * ops.expand_dims(
            weights, -1
        )
        heard = ops.segment_sum(messages, edges[0], num_segments=nodes.shape[0])
        found = self.update_fn(ops.concatenate([nodes, heard], axis=1))
        return found / ops.sqrt(ops.maximum(ops.sum(found**2, -1, keepdims=True), 1e-12))


class GNNNodeClassifier(keras.Model):
    """The graph belongs to the model; its inputs are numbers of nodes."""

    def __init__(self, features, edges):
        super().__init__()
        self.node_features = ops.convert_to_tensor(features)
        self.edges = ops.convert_to_tensor(edges)
        self.edge_weights = ops.ones(edges.shape[1]) / edges.shape[1]
        self.preprocess = keras.Sequential([layers.Dense(6, "gelu")], name="preprocess")
        self.conv1 = GraphConvLayer(6)
        self.conv2 = GraphConvLayer(6)
        self.postprocess = keras.Sequential([layers.Dense(6, "gelu")], name="postprocess")
        self.compute_logits = layers.Dense(3, name="logits")

    def call(self, node_indices):
        x = self.preprocess(self.node_features)
        x = self.conv1((x, self.edges, self.edge_weights)) + x
        x = self.conv2((x, self.edges, self.edge_weights)) + x
        return self.compute_logits(ops.take(self.postprocess(x), node_indices, axis=0))


@example("node classification with a graph neural network", {})
def graph_network(random):
    features = random.random((40, 5)).astype("f4")
    model = GNNNodeClassifier(features, random.integers(0, 40, (2, 90)).astype("int32"))
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, random.integers(0, 40, COUNT), classes(3)
