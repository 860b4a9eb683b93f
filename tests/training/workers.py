"""One of two processes that train one model together, bare and watched.

    KERAS_BACKEND=jax python -m tests.training.workers FOLDER RANK PORT PORT

TensorFlow's `MultiWorkerMirroredStrategy` and PyTorch's `DistributedDataParallel` in loops of one's
own; on JAX `fit`, batches spread over the processes and kernels over the two devices of each.
Writes `<rank>.json`: what differs, the weights, and how many files there are of ours. Each process
is given a folder of its own.
"""

import json
import os
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from . import devices
from .own_steps import looped
from .watching import BACKEND, Watch, X, Y, differing, left_by
from .ways import built, fitted, ready


def on_tensorflow(rank, ports):
    import tensorflow as tf

    addresses = [f"127.0.0.1:{port}" for port in ports]
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
    os.environ["TF_CONFIG"] = json.dumps(task)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()

    def train(watch):
        with strategy.scope():
            model = ready()
            model.optimizer.build(model.trainable_variables)

        def step(x, y):
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
            weights = model.trainable_variables
            model.optimizer.apply(tape.gradient(loss, weights), weights)
            return loss

        @tf.function
        def learn(x, y):
            loss = strategy.run(step, args=(x, y))
            return strategy.reduce("MEAN", loss, axis=None)

        return looped(watch, model, lambda x, y: learn(*halves(rank, x, y)))

    return train


def on_jax(rank, ports):
    devices.make_two()
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
    keras.distribution.initialize(addresses, len(ports), rank)

    def train(watch):
        keras.distribution.set_distribution(devices.by_layers(2, 2))
        data = X[rank::2], Y[rank::2]
        trained = fitted(watch, data=data, batch_size=4, shuffle=False)
        assert devices.is_by_layers(trained.model)
        return trained

    keras.distribution.set_distribution(devices.by_layers(1, 4))
    with pytest.raises(ValueError, match="must each be whole in every process"):
        ready().fit(X, Y, verbose=0, callbacks=Watch(Path(sys.argv[1])).callbacks())
    return train


def on_torch(rank, ports):
    import torch
    from torch.nn.parallel import DistributedDataParallel

    torch.distributed.init_process_group(
        "gloo", f"tcp://127.0.0.1:{ports[0]}", rank=rank, world_size=len(ports)
    )

    def train(watch):
        model = built()
        model.compile(loss="sparse_categorical_crossentropy")
        net = DistributedDataParallel(model)
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        entropy = keras.losses.SparseCategoricalCrossentropy()

        def learn(x, y):
            optimizer.zero_grad()
            x, y = map(keras.ops.convert_to_tensor, halves(rank, x, y))
            loss = entropy(y, net(x, training=True))
            loss.backward()
            optimizer.step()
            return loss

        trained = looped(watch, net, learn)
        trained.model = model
        return trained

    return train


def halves(rank, *arrays):
    """This process's share of a batch."""
    return [array[rank::2] for array in arrays]


if __name__ == "__main__":
    folder, rank, *ports = Path(sys.argv[1]), *map(int, sys.argv[2:])
    train = {"tensorflow": on_tensorflow, "jax": on_jax, "torch": on_torch}[BACKEND](rank, ports)
    bare, _ = left_by(train, Watch(None))
    watch = Watch(folder / str(rank))
    watched, trained = left_by(train, watch)
    found = {
        "differs": differing(bare, watched),
        "weights": [float(np.sum(weight)) for weight in trained.model.trainable_variables],
        "traces": [explain.traces for explain in watch.made],
        "files": len([path for path in watch.folder.rglob("*") if path.is_file()]),
    }
    (folder / f"{rank}.json").write_text(json.dumps(found))
