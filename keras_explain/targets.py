"""Which output of the model is explained, for each probe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .labels import are_several, class_indices, classes_at
from .store.format.task import Task

KNOWN = "'true', 'predicted', an index, or one index a probe"
FORMS = f"{KNOWN}; or a Contrast, NextToken, TopK or Region"
MOST_NAMED = 8

Shape = tuple[int, ...]
Choose = Callable[[Any], Any]
"""From logits `(probes, ..., outputs)` to one output a probe, int32 `(probes,)`; -1 for none."""


@dataclass(frozen=True)
class Target:
    """The score that is explained: a sum of logits, each with its weight.

    Attributes:
        text: What is explained, in words.
        weigh: From logits `(probes, ..., outputs)` to the index explained, int32 `(probes,)` (of
            several, the first; -1 for none), and how much each logit counts, float32 of the logits'
            shape. The weights count as fixed: there is no gradient through them.
    """

    text: str
    weigh: Callable[[Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Contrast:
    """What speaks for one output rather than another: the difference of their logits.

    Where both are the same output at a step, the score is zero.

    Attributes:
        target: What it speaks for: 'true', 'predicted', an index, or one index a probe.
        against: What it speaks against: the same, or 'runner_up' for the highest of all other
            outputs at the step.
    """

    target: Any = "true"
    against: Any = "runner_up"

    def __post_init__(self) -> None:
        _check(self.target, "target")
        _check(self.against, "against", "runner_up")

    def resolved(self, labels: Any, shape: Shape) -> Target:
        """The target for these labels and logits of this shape."""
        if shape[-1] < 2:
            raise ValueError(
                f"Contrast needs two outputs or more: one alone has its own. Received: {shape[-1]}"
            )
        text, choose = _choice(self.target, "target", labels, shape)
        if self.against == "runner_up":
            against, other = "the highest other", None
        else:
            against, other = _choice(self.against, "against", labels, shape)

        def weigh(logits: Any) -> tuple[Any, Any]:
            ops = keras.ops
            indices = choose(logits)
            for_it = ops.one_hot(indices, shape[-1], dtype="float32")
            if other is None:
                rest = ops.where(for_it > 0, -np.inf, _means(logits))
                second = ops.cast(ops.argmax(rest, axis=-1), "int32")
            else:
                second = other(logits)
            against_it = ops.one_hot(second, shape[-1], dtype="float32")
            return indices, _spread(for_it - against_it, logits)

        return Target(f"{text} minus {against}", weigh)


@dataclass(frozen=True, eq=False)
class NextToken:
    """The logit of one token at one position of a language model's outputs.

    The output at a position says which token comes after it. So `NextToken(position=4)` explains
    what the model expects behind the token at 4, by the tokens up to there.

    Attributes:
        position: Which position, from 0, or negative from the end; one for all probes or one each.
        token: 'true' for that of the labels at the position, 'predicted' for the likeliest at the
            step, or a token's id; one for all probes or one each.
    """

    position: Any = -1
    token: Any = "true"

    def __post_init__(self) -> None:
        _check(self.token, "token")
        if np.asarray(self.position).dtype.kind not in "iu":
            raise ValueError(
                "`position` must be a whole number, or one for each probe. "
                f"Received: {self.position!r}"
            )

    def resolved(self, labels: Any, shape: Shape) -> Target:
        """The target for these labels and logits of this shape."""
        if len(shape) != 3:
            raise ValueError(
                "NextToken needs outputs at each token, `(probes, tokens, vocabulary)`. "
                f"Received: outputs of shape {shape}"
            )
        probes, tokens, words = shape
        at = np.asarray(self.position)
        if at.shape not in ((), (1,), (probes,)) or (at < -tokens).any() or (at >= tokens).any():
            raise ValueError(
                f"`position` must be one of the {tokens} positions, or one for each of {probes} "
                f"probes. Received: {self.position!r}"
            )
        at = np.broadcast_to(at % tokens, (probes,)).astype(np.int32)
        here = np.eye(tokens, dtype=np.float32)[at]
        there = classes_at(labels, shape) if isinstance(self.token, str) else None
        known = None if there is None else there[np.arange(probes), at]
        if isinstance(self.token, str) and self.token == "true" and known is None:
            raise ValueError(
                "`token='true'` needs a token at each position among the labels. "
                f"Received: {'no labels' if labels is None else f'shape {np.shape(labels)}'}"
            )
        text, choose = _choice(
            known if isinstance(self.token, str) and self.token == "true" else self.token,
            "token",
            labels,
            shape,
        )

        def weigh(logits: Any) -> tuple[Any, Any]:
            ops = keras.ops
            chosen = logits
            if isinstance(self.token, str) and self.token == "predicted":
                chosen = ops.sum(ops.cast(logits, "float32") * here[:, :, None], axis=1)
            indices = choose(chosen)
            one = ops.one_hot(indices, words, dtype="float32")
            return indices, one[:, None, :] * here[:, :, None]

        word = "true token" if known is not None and self.token == "true" else f"token: {text}"
        where = f"position {int(at[0])}" if (at == at[0]).all() else "a position a probe"
        return Target(f"{word}, at {where}", weigh)


@dataclass(frozen=True)
class TopK:
    """The mean of the `k` highest logits, whichever they are at the step.

    Attributes:
        k: How many.
    """

    k: int

    def __post_init__(self) -> None:
        if not isinstance(self.k, int | np.integer) or self.k < 1:
            raise ValueError(f"`k` must be a whole number from 1 on. Received: {self.k!r}")

    def resolved(self, labels: Any, shape: Shape) -> Target:
        """The target for these labels and logits of this shape."""
        if self.k > shape[-1]:
            raise ValueError(
                f"`k` must be at most the number of outputs, {shape[-1]}. Received: {self.k}"
            )

        def weigh(logits: Any) -> tuple[Any, Any]:
            ops = keras.ops
            highest = ops.top_k(_means(logits), self.k)[1]
            weights = ops.sum(ops.one_hot(highest, shape[-1], dtype="float32"), axis=1)
            return ops.cast(highest[:, 0], "int32"), _spread(weights / self.k, logits)

        return Target("highest" if self.k == 1 else f"mean of the {self.k} highest", weigh)


@dataclass(frozen=True, eq=False)
class Region:
    """The mean of one class's logit over a region of dense outputs, such as a segmentation's.

    Attributes:
        mask: The region: an array of 0 and 1 that broadcasts to `(probes, height, width)`, or to
            what positions the outputs have; 'predicted' for the positions where the class is the
            highest at the step (with one output, where it is above zero); 'true' for those that
            the labels say are of the class. Where the region is empty, the score is zero.
        of: The class: an index, one index a probe, or 'predicted' for that of the highest mean.
    """

    mask: Any = "predicted"
    of: Any = "predicted"

    def __post_init__(self) -> None:
        _check(self.of, "of")
        if isinstance(self.mask, str):
            if self.mask not in ("predicted", "true"):
                raise ValueError(
                    "`mask` must be an array of 0 and 1, 'predicted' or 'true'. "
                    f"Received: {self.mask!r}"
                )
        elif not np.isin(np.asarray(self.mask), (0, 1)).all() or not np.any(self.mask):
            raise ValueError(
                "`mask` must be an array of 0 and 1 with a 1 in it, 'predicted' or 'true'. "
                f"Received: shape {np.shape(self.mask)}, values {np.unique(self.mask)[:5]}"
            )

    def resolved(self, labels: Any, shape: Shape) -> Target:
        """The target for these labels and logits of this shape."""
        if len(shape) < 3:
            raise ValueError(
                "Region needs dense outputs, `(probes, ..., outputs)`. "
                f"Received: outputs of shape {shape}"
            )
        text, choose = _choice(self.of, "of", labels, shape)
        find = self._finder(labels, shape)

        def weigh(logits: Any) -> tuple[Any, Any]:
            ops = keras.ops
            indices = choose(logits)
            region = ops.cast(find(logits, indices), "float32")
            count = ops.sum(region, axis=tuple(range(1, len(shape) - 1)), keepdims=True)
            share = (region / ops.maximum(count, 1.0))[..., None]
            of = ops.one_hot(indices, shape[-1], dtype="float32")
            return indices, share * _behind(of, len(shape))

        kind = self.mask if isinstance(self.mask, str) else "given"
        return Target(f"{text} in the {kind} region", weigh)

    def _finder(self, labels: Any, shape: Shape) -> Callable[[Any, Any], Any]:
        """From logits and classes `(probes,)` to where the region is, `(probes, ...)`."""
        ops, rank, single = keras.ops, len(shape) - 1, shape[-1] == 1
        if not isinstance(self.mask, str):
            given = _mask(np.asarray(self.mask), shape)
            return lambda logits, classes: ops.convert_to_tensor(given)
        if self.mask == "predicted":
            if single:
                return lambda logits, classes: logits[..., 0] > 0
            return lambda logits, classes: ops.equal(
                ops.cast(ops.argmax(logits, axis=-1), "int32"), _behind(classes, rank)
            )
        there = classes_at(labels, shape)
        if there is None:
            shown = "no labels" if labels is None else f"labels of shape {np.shape(labels)}"
            raise ValueError(
                f"`mask='true'` needs a class at each position, of shape {shape[:-1]} or one-hot "
                f"{shape}. Received: {shown}"
            )
        # With one output, its class is the label 1.
        return lambda logits, classes: ops.equal(there, _behind(classes + int(single), rank))


def target_of(spec: Any, labels: Any, shape: Shape, task: Task | None = None) -> Target:
    """Read the user's `target`.

    Args:
        spec: 'true', 'predicted', an index, one index a probe; or a `Contrast`, `NextToken`,
            `TopK` or `Region`.
        labels: The probes' labels for the explained output, or None: class indices `(probes,)` or
            `(probes, 1)`, one-hot (also smoothed) or multi-hot rows `(probes, outputs)`, or for
            dense outputs a class at each position.
        shape: Of the logits, `(probes, ..., outputs)`.
        task: What the output is; None where its labels alone must tell.

    Raises:
        ValueError: If `spec` is none of these, or names an output that the model does not have.
    """
    if isinstance(spec, Contrast | NextToken | TopK | Region):
        return spec.resolved(labels, shape)
    if isinstance(spec, type) and spec in (Contrast, NextToken, TopK, Region):
        raise ValueError(f"`target` must be an instance. Received: the class {spec.__name__}")
    numbers = task is not None and task.kind == "numbers" and np.prod(shape[1:]) > 1
    if numbers and isinstance(spec, str) and spec in ("true", "predicted"):
        return _all_numbers(shape)
    if isinstance(spec, str) and spec == "true" and shape[-1] > 1:
        if are_several(labels, shape[0], shape[-1]) and not _is_one_hot(labels):
            return _all_labels(np.asarray(labels, "f4"))
        if task is not None and task.kind == "labels" and np.shape(labels) == shape:
            return _labels_at_positions(np.asarray(labels, "f4"))
        there = classes_at(labels, shape)
        if there is not None:
            return _each_position(there, shape)
    text, choose = _choice(spec, "target", labels, shape)

    def weigh(logits: Any) -> tuple[Any, Any]:
        indices = choose(logits)
        return indices, _spread(keras.ops.one_hot(indices, shape[-1], dtype="float32"), logits)

    return Target(text, weigh)


def scores_of(logits: Any, weights: Any) -> Any:
    """The score of each row, float32 `(rows,)`: its logits, each times its weight, summed.

    A logit without weight does not count even where it is infinite, as masked ones are.
    """
    ops = keras.ops
    counted = ops.where(weights == 0, 0.0, ops.cast(logits, "float32"))
    return ops.sum(counted * weights, axis=tuple(range(1, len(logits.shape))))


def _all_labels(present: NDArray[np.float32]) -> Target:
    """The sum of all labels' logits, of multi-hot rows."""
    first = np.where(present.any(axis=1), present.argmax(axis=1), -1).astype(np.int32)
    ops = keras.ops
    return Target(
        "true (sum of all labels)",
        lambda logits: (ops.convert_to_tensor(first), _spread(present, logits)),
    )


def _labels_at_positions(present: NDArray[np.float32]) -> Target:
    """The mean over the positions of the sum of the logits of each position's labels."""
    counts = present.reshape(len(present), -1, present.shape[-1]).sum(axis=1)
    first = np.where(counts.any(axis=1), counts.argmax(axis=1), -1).astype(np.int32)
    share = present / np.float32(np.prod(present.shape[1:-1]))
    ops = keras.ops
    return Target(
        "true (sum of all labels, at each position)",
        lambda logits: (ops.convert_to_tensor(first), ops.convert_to_tensor(share)),
    )


def _all_numbers(shape: Shape) -> Target:
    """The mean of all numbers that the model returns: none of them is the true or predicted one."""
    indices = np.zeros(shape[0], np.int32)
    weights = np.full(shape, 1 / np.prod(shape[1:]), np.float32)
    ops = keras.ops
    return Target(
        "mean of all outputs",
        lambda logits: (ops.convert_to_tensor(indices), ops.convert_to_tensor(weights)),
    )


def _each_position(there: NDArray[np.int32], shape: Shape) -> Target:
    """The mean over the positions of the logit of each position's own label."""
    rows = [row[row >= 0] for row in there.reshape(shape[0], -1)]
    commonest = np.array([np.bincount(row).argmax() if row.size else -1 for row in rows], "int32")
    labelled = (there >= 0).astype("f4")
    count = labelled.sum(axis=tuple(range(1, there.ndim)), keepdims=True)
    share = (labelled / np.maximum(count, 1))[..., None]

    def weigh(logits: Any) -> tuple[Any, Any]:
        ops = keras.ops
        weights = ops.one_hot(there, shape[-1], dtype="float32") * ops.convert_to_tensor(share)
        return ops.convert_to_tensor(commonest), weights

    return Target("true (at each position)", weigh)


def _choice(spec: Any, option: str, labels: Any, shape: Shape) -> tuple[str, Choose]:
    """What a user's word for one output a probe means, in words, and how it is chosen."""
    _check(spec, option)
    ops, (probes, outputs) = keras.ops, (shape[0], shape[-1])
    if isinstance(spec, str) and spec == "predicted":
        return spec, lambda logits: ops.cast(ops.argmax(_means(logits), axis=-1), "int32")
    if isinstance(spec, str):
        # With one output there is nothing to choose: it is the score of the positive class.
        indices = np.zeros(probes) if outputs == 1 else class_indices(labels, probes, outputs)
        text = spec
    else:
        indices = np.asarray(spec)
        if indices.shape not in ((), (1,), (probes,)):
            raise ValueError(f"`{option}` must be {KNOWN}. Received: {spec!r} for {probes} probes")
        few = indices.size == 1 or probes <= MOST_NAMED
        named = ", ".join(map(str, indices.ravel()))
        text = f"output{'' if indices.size == 1 else 's'} {named}" if few else "an output a probe"
        indices = np.broadcast_to(indices, (probes,))
    if isinstance(spec, str) and (indices.min() < 0 or indices.max() >= outputs):
        raise ValueError(
            f"`probes` must hold labels of the classes that the model has, 0 to {outputs - 1}, for "
            f"`{option}='true'`. Received: {sorted({int(i) for i in indices})[-8:]}"
        )
    if indices.min() < 0 or indices.max() >= outputs:
        raise ValueError(
            f"`{option}` must name one of the model's outputs, 0 to {outputs - 1}. "
            f"Received: {sorted({int(i) for i in indices})}"
        )
    fixed = np.ascontiguousarray(indices, "int32")
    return text, lambda logits: ops.convert_to_tensor(fixed)


def _check(spec: Any, option: str, *more: str) -> None:
    """Raise a `ValueError` unless `spec` may name one output a probe."""
    words = ("true", "predicted", *more)
    fits = spec in words if isinstance(spec, str) else np.asarray(spec).dtype.kind in "iu"
    if not fits:
        forms = FORMS if option == "target" else KNOWN
        also = "".join(f"; or {word!r}" for word in more)
        raise ValueError(f"`{option}` must be {forms}{also}. Received: {spec!r}")


def _is_one_hot(labels: Any) -> bool:
    return bool((np.asarray(labels).sum(axis=1) == 1).all())


def _mask(mask: NDArray[Any], shape: Shape) -> NDArray[np.float32]:
    """A user's mask for all positions, `(probes, ...)`."""
    positions = shape[:-1]
    try:
        return np.ascontiguousarray(np.broadcast_to(mask, positions), "f4")
    except ValueError:
        raise ValueError(
            f"`mask` must broadcast to the outputs' positions, {positions}. "
            f"Received: shape {mask.shape}"
        ) from None


def _means(logits: Any) -> Any:
    """The logits' means over the positions, float32 `(probes, outputs)`."""
    logits = keras.ops.cast(logits, "float32")
    positions = tuple(range(1, len(logits.shape) - 1))
    return keras.ops.mean(logits, axis=positions) if positions else logits


def _behind(array: Any, rank: int) -> Any:
    """`(probes, ...)` with the positions' axes put in behind the probes, up to `rank` axes."""
    while len(array.shape) < rank:
        array = keras.ops.expand_dims(array, 1)
    return array


def _spread(weights: Any, logits: Any) -> Any:
    """Weights of outputs `(probes, outputs)`, shared out evenly over the logits' positions."""
    share = 1 / float(np.prod(logits.shape[1:-1]))
    return keras.ops.broadcast_to(_behind(weights * share, len(logits.shape)), logits.shape)
