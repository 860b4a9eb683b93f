"""Models of keras.io's examples that train by a `train_step` of their own, for each backend.

What they learn from is one loss here; what the callback meets is what it meets there: sub-models,
and no `call` of the whole.
"""

import keras
from keras import layers, ops

BACKEND = keras.backend.backend()


class OwnStep(keras.Model):
    """A model that learns from its `objective`; without `call`, unless a class adds one."""

    def objective(self, data):
        raise NotImplementedError

    if BACKEND == "tensorflow":

        def train_step(self, data):
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = self.objective(data)
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    elif BACKEND == "torch":

        def train_step(self, data):
            import torch

            self.zero_grad()
            loss = self.objective(data)
            loss.backward()
            weights = [w for w in self.trainable_weights if w.value.grad is not None]
            with torch.no_grad():
                self.optimizer.apply([w.value.grad for w in weights], weights)
            return {"loss": loss.detach()}

    else:

        def train_step(self, state, data):
            import jax

            trainable, fixed, optimizer, metrics = state

            def learned(trainable, fixed):
                mapping = [
                    *zip(self.trainable_variables, trainable, strict=True),
                    *zip(self.non_trainable_variables, fixed, strict=True),
                ]
                with keras.StatelessScope(state_mapping=mapping) as scope:
                    loss = self.objective(data)
                after = [scope.get_current_value(v) for v in self.non_trainable_variables]
                return loss, [f if a is None else a for a, f in zip(after, fixed, strict=True)]

            back = jax.value_and_grad(learned, has_aux=True)
            (loss, fixed), gradients = back(trainable, fixed)
            trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
            return {"loss": loss}, (trainable, fixed, optimizer, metrics)


def only(data):
    return data[0] if isinstance(data, list | tuple) else data


class Sampling(layers.Layer):
    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


class VAE(OwnStep):
    def __init__(self):
        super().__init__()
        inputs = keras.Input((8, 8, 1))
        x = layers.Conv2D(4, 3, activation="relu", strides=2, padding="same")(inputs)
        x = layers.Dense(6, activation="relu")(layers.Flatten()(x))
        mean, log_variance = layers.Dense(2, name="z_mean")(x), layers.Dense(2, name="z_log_var")(x)
        outputs = [mean, log_variance, Sampling()([mean, log_variance])]
        self.encoder = keras.Model(inputs, outputs, name="encoder")
        self.decoder = keras.Sequential(
            [
                keras.Input((2,)),
                layers.Dense(4 * 4 * 4, activation="relu"),
                layers.Reshape((4, 4, 4)),
                layers.Conv2DTranspose(4, 3, activation="relu", strides=2, padding="same"),
                layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same"),
            ],
            name="decoder",
        )
        self.built = True

    def objective(self, data):
        pictures = only(data)
        mean, log_variance, z = self.encoder(pictures)
        lost = ops.sum(keras.losses.binary_crossentropy(pictures, self.decoder(z)), axis=(1, 2))
        spread = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
        return ops.mean(lost) + ops.mean(ops.sum(spread, axis=1))


class CallableVAE(VAE):
    """The variant with `call`, which is predicted with."""

    def call(self, inputs):
        return self.decoder(self.encoder(inputs)[0])


class WGAN(OwnStep):
    def __init__(self):
        super().__init__()
        self.discriminator = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                layers.ZeroPadding2D((2, 2)),
                layers.Conv2D(4, 5, strides=2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Flatten(),
                layers.Dropout(0.2),
                layers.Dense(1),
            ]
        )
        self.generator = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(4 * 4 * 4, use_bias=False),
                layers.BatchNormalization(),
                layers.LeakyReLU(0.2),
                layers.Reshape((4, 4, 4)),
                layers.UpSampling2D((2, 2)),
                layers.Conv2D(1, 3, padding="same", activation="tanh"),
            ]
        )
        self.seed_generator = keras.random.SeedGenerator(0)
        self.built = True

    def objective(self, data):
        real = only(data)
        noise = keras.random.normal((ops.shape(real)[0], 3), seed=self.seed_generator)
        made = self.generator(noise, training=True)
        return ops.mean(self.discriminator(made)) - ops.mean(self.discriminator(real))


@keras.saving.register_keras_serializable()
def sinusoidal_embedding(x):
    return ops.concatenate([ops.sin(6.3 * x), ops.cos(6.3 * x)], axis=3)


class DiffusionModel(OwnStep):
    """Denoises pictures of which it knows the variance of the noise."""

    def __init__(self):
        super().__init__()
        self.normalizer = layers.Normalization(mean=0.5, variance=0.1)
        self.normalizer.build((None, 8, 8, 3))
        noisy, variances = keras.Input((8, 8, 3)), keras.Input((1, 1, 1))
        waves = layers.Lambda(sinusoidal_embedding, output_shape=(1, 1, 2))(variances)
        known = layers.UpSampling2D(size=8, interpolation="nearest")(waves)
        x = layers.Concatenate()([layers.Conv2D(4, kernel_size=1)(noisy), known])
        skip = layers.Conv2D(4, kernel_size=3, padding="same", activation="swish")(x)
        x = layers.AveragePooling2D(pool_size=2)(skip)
        x = layers.Conv2D(6, kernel_size=3, padding="same", activation="swish")(x)
        x = layers.UpSampling2D(size=2, interpolation="bilinear")(x)
        x = layers.Concatenate()([x, skip])
        x = layers.Conv2D(4, kernel_size=3, padding="same", activation="swish")(x)
        x = layers.Conv2D(3, kernel_size=1, kernel_initializer="zeros")(x)
        self.network = keras.Model([noisy, variances], x, name="residual_unet")
        self.ema_network = keras.models.clone_model(self.network)
        self.ema_network.trainable = False
        self.seed_generator = keras.random.SeedGenerator(0)
        self.built = True

    def objective(self, data):
        pictures = self.normalizer(only(data))
        noise = keras.random.normal(ops.shape(pictures), seed=self.seed_generator)
        rate = keras.random.uniform((ops.shape(noise)[0], 1, 1, 1), seed=self.seed_generator)
        noisy = ops.sqrt(1 - rate) * pictures + ops.sqrt(rate) * noise
        return ops.mean(ops.abs(noise - self.network([noisy, rate], training=True)))


class ContrastiveModel(OwnStep):
    """SimCLR: an encoder, a projection and a linear probe, trained on two views of each picture."""

    def __init__(self):
        super().__init__()
        self.contrastive_augmenter = layers.GaussianNoise(0.1, seed=0)
        self.encoder = keras.Sequential(
            [
                keras.Input((12, 12, 3)),
                layers.Conv2D(4, kernel_size=3, strides=2, activation="relu"),
                layers.Conv2D(6, kernel_size=3, activation="relu"),
                layers.Flatten(),
                layers.Dense(6, activation="relu"),
            ],
            name="encoder",
        )
        self.projection_head = keras.Sequential(
            [keras.Input((6,)), layers.Dense(6, activation="relu"), layers.Dense(6)]
        )
        self.linear_probe = keras.Sequential([keras.Input((6,)), layers.Dense(3)])
        self.built = True

    def objective(self, data):
        pictures, labels = data
        views = [self.contrastive_augmenter(pictures, training=True) for _ in "12"]
        one, two = (
            ops.normalize(self.projection_head(self.encoder(view)), axis=1) for view in views
        )
        likeness = ops.matmul(one, ops.transpose(two)) / 0.1
        which = ops.arange(ops.shape(pictures)[0])
        contrast = keras.losses.sparse_categorical_crossentropy(which, likeness, from_logits=True)
        classified = self.linear_probe(self.encoder(pictures))
        own = keras.losses.sparse_categorical_crossentropy(labels, classified, from_logits=True)
        return ops.mean(contrast) + ops.mean(own)


class SiameseModel(OwnStep):
    """Triplets: the distances of an anchor to one picture that is like it and one that is not."""

    def __init__(self):
        super().__init__()
        picture = keras.Input((12, 12, 3))
        x = layers.Conv2D(4, 3, activation="relu", name="last")(picture)
        x = layers.BatchNormalization()(layers.Dense(8, activation="relu")(layers.Flatten()(x)))
        embedding = keras.Model(picture, layers.Dense(4)(x), name="Embedding")
        names = ("anchor", "positive", "negative")
        inputs = [keras.Input((12, 12, 3), name=name) for name in names]
        self.siamese_network = keras.Model(
            inputs, DistanceLayer()(*(embedding(one) for one in inputs))
        )
        self.built = True

    def call(self, inputs):
        return self.siamese_network(inputs)

    def objective(self, data):
        near, far = self.siamese_network(list(data))
        return ops.mean(ops.maximum(near - far + 0.5, 0.0))


class DistanceLayer(layers.Layer):
    def call(self, anchor, positive, negative):
        near = ops.sum(ops.square(anchor - positive), -1)
        return near, ops.sum(ops.square(anchor - negative), -1)
