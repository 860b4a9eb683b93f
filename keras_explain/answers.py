"""The compiled graphs that answer a method's questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np

from . import backends
from .methods.base import Plan, Seen
from .model_view import ModelView
from .network.network import Network, float32, floats
from .questions import Ask, Questions
from .targets import scores_of

MEMORY = 2**30
"""Bytes that the activations of one call may take, forward and backward."""
MOST_ROWS = 64


class Call(NamedTuple):
    """One kind of call of a model.

    Attributes:
        rows: Number of rows.
        back: Whether there is a way back, for gradients.
        given: Layers whose outputs are given, so that what comes before them is not run.
        weights: Whether the way back leads to the trainable weights too.
    """

    rows: int
    back: bool
    given: tuple[str, ...] = ()
    weights: bool = False


class Answers:
    """Answers questions about a network, each kind by a graph of its own that is traced once.

    Args:
        network: The model.
        view: Its places.
        plan_of: The plan of a method.

    Attributes:
        rows_at_once: Most rows of one call.
        calls: How often the model was called since this was cleared; in parts where only some
            layers were run again.
    """

    def __init__(self, network: Network, view: ModelView, plan_of: Callable[[Any], Plan]) -> None:
        self._network = network
        self._plan_of = plan_of
        self._graphs: dict[Any, Any] = {}
        self.rows_at_once = network.rows or rows_at_once(view)
        self.calls: dict[Call, float] = defaultdict(float)

    def answer(self, ask: Ask, rows: Questions) -> Mapping[str, Any]:
        """The answer for all rows in one call, as arrays."""
        places = tuple(rows.replaced)
        reader = None if ask.reader is None else ask.reader.identity
        kind = (ask.gradients, ask.values, ask.outputs, reader, ask.of, ask.rewiring, places)
        if kind not in self._graphs:
            names = [place.name for place in places]
            traced = partial(self._traced, ask, names)
            self._graphs[kind] = self._network.compiled(traced)
        reads = reader is not None and self._plan_of(ask.reader).needs.gradients
        back = bool(ask.gradients or reads)
        replaced = [keras.ops.convert_to_tensor(array) for array in rows.replaced.values()]
        goal = keras.ops.convert_to_tensor(rows.goal.astype(np.float32, copy=False))
        x = self._network.packed(rows.inputs)
        found = self._graphs[kind](x, replaced, goal)
        self._count(Call(rows.count, back, tuple(place.name for place in places)), ask)
        arrays: Mapping[str, Any] = keras.tree.map_structure(backends.current().numpy_of, found)
        return arrays

    def _count(self, call: Call, ask: Ask) -> None:
        self.calls[call] += 1
        forward, backward = (0.0, 0.0) if ask.rewiring is None else ask.rewiring.further()
        for back, times in ((False, forward - backward), (True, backward)):
            if times:
                self.calls[call._replace(back=back)] += times

    def _traced(
        self,
        ask: Ask,
        names: list[str],
        trainable: list[Any],
        fixed: list[Any],
        x: Any,
        replaced: list[Any],
        goal: Any,
    ) -> dict[str, Any]:
        """The traced function: what was asked for, as tensors."""
        # Weights too: behind token ids, an embedding's are where gradients begin.
        sources = floats([*keras.tree.flatten(x), *replaced, *trainable, *fixed])
        by_name = dict(zip(names, replaced, strict=True))
        backend = backends.current()
        plan = None if ask.reader is None else self._plan_of(ask.reader)
        joined = {place.name for place in ask.gradients}
        joined |= set() if plan is None else {place.name for place in plan.needs.gradients}
        with (
            backend.recording(sources) as tape,
            self._network.running((trainable, fixed), x, ask.rewiring, by_name, joined) as ran,
        ):
            scored = ran.logits if ask.of is None else ran.tensor(ask.of)
            scores = scores_of(scored, goal)
            total = keras.ops.sum(scores)
        gradients = tape.gradients(total, [ran.tensor(place) for place in ask.gradients])
        found: dict[str, Any] = {
            "scores": scores,
            "gradients": [float32(gradient) for gradient in gradients],
            "values": [float32(ran.tensor(place)) for place in ask.values],
        }
        if ask.outputs:
            found["outputs"] = float32(ran.logits)
        if plan is not None:
            at = list(plan.needs.gradients)
            seen = Seen(
                values={place: float32(ran.tensor(place)) for place in plan.needs.values},
                gradients=dict(
                    zip(
                        at,
                        map(float32, tape.gradients(total, [ran.tensor(p) for p in at])),
                        strict=True,
                    )
                ),
            )
            found["reading"] = dict(ask.reader.read(seen, plan))
        return found


def rows_at_once(view: ModelView) -> int:
    """How many rows may go through a model of these places in one call: an even number."""
    places = (*view.inputs.values(), *view.layers.values(), *view.attention.values())
    values = sum(int(np.prod(place.shape)) for place in places)
    rows = MEMORY // (2 * 4 * max(values, 1))
    return max(2, min(MOST_ROWS, rows) // 2 * 2)
