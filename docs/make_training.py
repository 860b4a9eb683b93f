"""Makes `training.md` from the ways of training that the tests go.

pytest -n 0 tests/training --training
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

INTRODUCTION = """\
# Which ways of training work?

All of these, made and held true by `pytest tests/training`: each is trained twice, with `Explain`
and without. A tick means that weights, optimizer, batch normalisation, seeds, metrics, history,
and the next number of `random`, NumPy, Keras and the backend are the same to the last bit; that
each step was explained with one trace in all; that the last maps are those of the weights stated;
and that a method which fails at every step took nothing with it. A dash: Keras does not have it
there.
"""
BELOW = """\
`jit_compile=True` on PyTorch has a dash because `torch.compile` takes too long for the tests: tried
once by hand, less its C++ compiler, it was the same to the last bit too.

## Which weights are explained?

Those that the model has when the callback's turn comes, after each epoch: callbacks take turns in
the order of their list. So `SwapEMAWeights(swap_on_epoch=True)` before `Explain` shows the
averaged weights, and behind it the latest; `use_ema=True` alone shows the latest, and Keras puts
the average in place when all epochs are over. With gradient accumulation a batch counts once its
round is full.

A layer frozen when `fit` begins has no weight gradients in that `fit`, even if a callback
unfreezes it on the way (Keras itself then goes on without it on TensorFlow, and stops on the
others): `compile` and `fit` again, and it has. Where only a `train_step` of your own knows the
loss, weight gradients are left out; a `compute_loss` lets them be found. In a loop of your own on
JAX, put the state back into the model's variables before `Explain.log`.

## Several devices, several processes

The callback explains once, on the weights as all devices hold them. On JAX the maps of weights
spread by `DataParallel` or `ModelParallel` are those of the same weights on one device, to 1e-5.

Where several processes train one model, each checks the configuration, and one of them writes:
the chief of TensorFlow's strategy or of `TF_CONFIG`, `jax.process_index() == 0`, PyTorch's rank 0
(`RANK`, before its processes know each other). No hook waits for another process. Tested with two
real processes each: JAX's `DataParallel` in `fit`; in loops of one's own PyTorch's
`DistributedDataParallel` and TensorFlow's `MultiWorkerMirroredStrategy`, under which `fit` of
Keras 3.15 itself fails. Each weight must be whole in every process, spread over its own devices
at most; else the callback says so before the first batch.
"""
MARKS = {True: "✓", False: "–"}


def page(ways: Mapping[str, Sequence[str]], backends: Sequence[str]) -> str:
    """The page, from the backends that have each way."""
    titles = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    lines = [
        INTRODUCTION,
        "| | " + " | ".join(titles[backend] for backend in backends) + " |",
        "| --- |" + " --- |" * len(backends),
        *(
            f"| {name} | " + " | ".join(MARKS[backend in having] for backend in backends) + " |"
            for name, having in ways.items()
        ),
        "",
        BELOW,
    ]
    return "\n".join(lines)
