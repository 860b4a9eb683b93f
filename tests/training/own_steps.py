"""Trainings whose steps, losses or loops are written by hand, for each backend."""

import keras

from keras_explain.methods import Saliency

from .watching import BACKEND, Broken, Trained, X, Y
from .ways import built, fitted, ready, way


def compiled_loss(model, x, y, y_pred):
    return model.compute_loss(x=x, y=y, y_pred=y_pred)


def own_step(loss_of=compiled_loss):
    """A model whose `train_step` is written by hand, for the backend."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        class Own(keras.Model):
            def train_step(self, data):
                x, y = data
                with tf.GradientTape() as tape:
                    loss = loss_of(self, x, y, self(x, training=True))
                weights = self.trainable_variables
                self.optimizer.apply(tape.gradient(loss, weights), weights)
                return {"loss": loss}

    elif BACKEND == "jax":
        import jax

        class Own(keras.Model):
            def train_step(self, state, data):
                trainable, fixed, optimizer, metrics = state
                x, y = data

                def objective(trainable, fixed):
                    y_pred, fixed = self.stateless_call(trainable, fixed, x, training=True)
                    return loss_of(self, x, y, y_pred), fixed

                back = jax.value_and_grad(objective, has_aux=True)
                (loss, fixed), gradients = back(trainable, fixed)
                trainable, optimizer = self.optimizer.stateless_apply(
                    optimizer, gradients, trainable
                )
                return {"loss": loss}, (trainable, fixed, optimizer, metrics)

    else:
        import torch

        class Own(keras.Model):
            def train_step(self, data):
                x, y = data
                self.zero_grad()
                loss = loss_of(self, x, y, self(x, training=True))
                loss.backward()
                weights = self.trainable_weights
                with torch.no_grad():
                    self.optimizer.apply([w.value.grad for w in weights], weights)
                return {"loss": loss.detach()}

    body = built()
    return Own(body.inputs, body.outputs)


@way("a `train_step` of one's own")
def custom_step(watch):
    return fitted(watch, ready(own_step(), metrics=None))


@way("a `train_step` that keeps its loss to itself")
def custom_step_without_loss(watch):
    entropy = keras.losses.SparseCategoricalCrossentropy()
    model = own_step(lambda model, x, y, y_pred: entropy(y, y_pred))
    model.compile(keras.optimizers.Adam(0.01), jit_compile=BACKEND == "jax")
    return fitted(watch, model, watched={"methods": [Saliency(), Broken()]})


@way("a `compute_loss` of one's own")
def custom_loss(watch):
    class Own(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y, y_pred)) + 0.1

    body = built()
    return fitted(watch, ready(Own(body.inputs, body.outputs)))


@way("`train_on_batch`, with `Explain.log`", steps=[0, 1])
def by_batch(watch):
    model = ready()
    return looped(watch, model, lambda x, y: model.train_on_batch(x, y)[0])


@way("a loop of one's own, with `Explain.log`", steps=[0, 1])
def own_loop(watch):
    model = built()
    model.compile(loss="sparse_categorical_crossentropy")
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)
    entropy = keras.losses.SparseCategoricalCrossentropy()
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function
        def learn(x, y):
            with tf.GradientTape() as tape:
                loss = entropy(y, model(x, training=True))
            optimizer.apply(tape.gradient(loss, model.trainable_variables))
            return loss

    elif BACKEND == "torch":

        def learn(x, y):
            model.zero_grad()
            loss = entropy(keras.ops.convert_to_tensor(y), model(x, training=True))
            loss.backward()
            import torch

            with torch.no_grad():
                optimizer.apply([w.value.grad for w in model.trainable_weights])
            return loss

    else:
        import jax

        def loss_of(trainable, fixed, x, y):
            y_pred, fixed = model.stateless_call(trainable, fixed, x, training=True)
            return entropy(y, y_pred), fixed

        back = jax.jit(jax.value_and_grad(loss_of, has_aux=True))

        def learn(x, y):
            trainable = [v.value for v in model.trainable_variables]
            (loss, fixed), gradients = back(
                trainable, [v.value for v in model.non_trainable_variables], x, y
            )
            optimizer.apply(gradients, model.trainable_variables)
            for variable, value in zip(model.non_trainable_variables, fixed, strict=True):
                variable.assign(value)
            return loss

    return looped(watch, model, learn)


def looped(watch, model, learn):
    """Two epochs by hand."""
    figures = {"loss": []}
    (explain,) = watch.callbacks() or [None]
    for epoch in range(2):
        for at in range(0, 24, 8):
            loss = learn(X[at : at + 8], Y[at : at + 8])
        figures["loss"].append(float(keras.ops.convert_to_numpy(loss)))
        if explain is not None:
            explain.log(model, epoch, logs={"loss": loss})
    if explain is not None:
        explain.close()
    return Trained(model, figures)
