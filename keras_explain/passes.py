"""The pass: one compiled forward and backward over all probes, from which the methods are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras

from . import backends
from .methods.base import Method, Plan, Seen
from .model_view import ModelView, NotApplicableError, view_of
from .outcome import Fault, Outcome
from .probes import Probes, output_names
from .questions import Answers, Questions
from .tap import Tap, tapped
from .targets import Target, target_of


@dataclass
class _Built:
    """What the trace found out, in Python rather than in the graph."""

    view: ModelView
    plans: dict[int, Plan]
    logits: bool
    faults: list[Fault] = field(default_factory=list)

    @property
    def needs_loss(self) -> bool:
        return any(plan.needs.weight_gradients for plan in self.plans.values())


class Pass:
    """One forward and backward of a model over fixed probes, compiled once.

    A pure function of the weights, inputs and targets, run in a `StatelessScope`: nothing of the
    model can change, and one trace serves for as long as the model's structure stays. Gradients of
    the score (for maps) and of the loss (for weights) are two backward sweeps over one forward.
    The model runs in inference mode.

    Args:
        model: A built Keras model of any kind.
        probes: The examples.
        methods: What is read off.
        target: Which output is explained, as the user says it.
        output: Name or index of the explained one among several outputs.
        optional: Whether methods that do not apply to the model are left out, not an error.

    Attributes:
        traces: How often the graph was traced.
    """

    def __init__(
        self,
        model: keras.Model,
        probes: Probes,
        methods: Sequence[Method],
        target: Any = "true",
        output: str | int | None = None,
        optional: bool = False,
    ) -> None:
        self.methods = list(methods)
        self.traces = 0
        self._model = model
        self._probes = probes
        self._target = target
        self._output = output
        self._optional = optional
        self._backend = backends.current()
        self._trainable = list(model.trainable_variables)
        self._fixed = list(model.non_trainable_variables)
        self._x = keras.tree.map_structure(keras.ops.convert_to_tensor, probes.cast_for(model))
        self._names = list(probes.named_inputs(model))
        self._graph = self._backend.compiled(self._forward_backward)
        self._weights = self._backend.snapshotter(self._trainable)
        self._state = self._backend.snapshotter(self._fixed)
        self._answers = {
            gradients: self._backend.compiled(partial(self._answer, gradients))
            for gradients in (False, True)
        }
        self._built: _Built | None = None

    @property
    def built(self) -> _Built:
        """What the trace found out about the model and the methods."""
        if self._built is None:
            self.trace()
        if self._built is None:
            raise RuntimeError("the pass could not be traced")
        return self._built

    def trace(self) -> None:
        """Trace the graph without running it.

        Raises:
            ValueError: If a method, its options, the target or the probes do not fit the model.
        """
        self._build_loss()
        self._backend.trace(self._graph, *self._arguments())

    def _build_loss(self) -> None:
        """Build a compiled loss that no `fit` has built yet, outside of the graph."""
        loss = getattr(self._model, "_compile_loss", None)
        if self._probes.y is not None and loss is not None and not loss.built:
            symbols = keras.tree.map_structure(
                lambda array: keras.KerasTensor(array.shape, array.dtype), self._x
            )
            loss.build(self._probes.y, self._model.compute_output_spec(symbols))

    def run(self) -> Outcome:
        """The outcome at the model's present weights."""
        if self._built is None:
            self.trace()
        trainable, fixed, x = self._arguments()
        found = self._graph(trainable, fixed, x)
        readings = {int(index): reading for index, reading in found.pop("readings").items()}
        outcome = Outcome(loss=found.pop("loss", None), readings=readings, **found)
        self._compute(outcome, trainable, fixed)
        return outcome

    def _compute(self, outcome: Outcome, trainable: list[Any], fixed: list[Any]) -> None:
        """Let the methods that need more than the pass ask for it, at the same weights."""

        def ask(inputs: Mapping[str, Any], targets: Any, gradients: bool) -> Answers:
            flat = [keras.ops.convert_to_tensor(inputs[name]) for name in self._names]
            x = keras.tree.pack_sequence_as(self._x, flat)
            answers: Answers = self._answers[gradients](trainable, fixed, x, targets)
            return answers

        arrays = map(self._backend.numpy_of, keras.tree.flatten(self._x))
        inputs = dict(zip(self._names, arrays, strict=True))
        questions = Questions(inputs, self._backend.numpy_of(outcome.targets), ask)
        for index, plan in self.built.plans.items():
            method = self.methods[index]
            if type(method).compute is Method.compute:
                continue
            try:
                computed = method.compute(questions, plan)
            except Exception as error:  # a method that fails must not take the others with it
                outcome.faults.append(Fault(method.name, error))
                outcome.readings.pop(index, None)
            else:
                outcome.readings[index] = {**outcome.readings[index], **computed}

    def _arguments(self) -> tuple[list[Any], list[Any], Any]:
        return self._weights(), self._state(), self._x

    def _forward_backward(self, trainable: list[Any], fixed: list[Any], x: Any) -> dict[str, Any]:
        """The traced function: everything that all methods read, as a dict of tensors."""
        self.traces += 1
        inputs = dict(zip(self._names, keras.tree.flatten(x), strict=True))
        # Frozen weights too: behind token ids, a frozen embedding is where gradients begin.
        sources = [t for t in (*inputs.values(), *trainable, *fixed) if _is_float(t)]
        with self._backend.recording(sources) as tape, self._running(trainable, fixed) as tap:
            outputs = self._model(x, training=False)
            explained, labels = self._explained(outputs)
            head = tap.logits_of(explained)
            logits = explained if head is None else head[1]
            count = explained.shape[-1] if len(explained.shape) > 1 else 1
            target = target_of(self._target, labels, self._probes.count, count)
            targets, scores = target.pick(logits)
            total = keras.ops.sum(keras.ops.cast(scores, "float32"))
            has_loss = self._probes.y is not None and getattr(self._model, "compiled", False)
            view = view_of(tap, inputs, (explained, logits), self._trainable, has_loss)
            self._built = built = _Built(view, self._plans(view), head is not None)
            loss = self._loss(x, outputs) if built.needs_loss else None
        seen = self._seen(built, tape, tap, inputs, trainable, total, loss)
        found = {
            "predictions": _float32(explained),
            "scores": _float32(scores),
            "targets": targets,
            "readings": self._read(built, seen),
        }
        return found if loss is None else {**found, "loss": _float32(loss)}

    def _answer(
        self, gradients: bool, trainable: list[Any], fixed: list[Any], x: Any, targets: Any
    ) -> Answers:
        """The traced function behind `Questions`: scores of any inputs, and gradients at them."""
        inputs = dict(zip(self._names, keras.tree.flatten(x), strict=True))
        sources = {name: tensor for name, tensor in inputs.items() if _is_float(tensor)}
        with (
            self._backend.recording(list(sources.values())) as tape,
            self._running(trainable, fixed) as tap,
        ):
            explained, _ = self._explained(self._model(x, training=False))
            head = tap.logits_of(explained)
            _, scores = Target(targets).pick(explained if head is None else head[1])
            total = keras.ops.sum(keras.ops.cast(scores, "float32"))
        at = tape.gradients(total, list(sources.values())) if gradients else []
        found = {name: _float32(g) for name, g in zip(sources, at, strict=False)}
        return _float32(scores), found

    @contextmanager
    def _running(self, trainable: list[Any], fixed: list[Any]) -> Iterator[Tap]:
        """The model at these weights, listened to, and unable to change."""
        mapping = zip((*self._trainable, *self._fixed), (*trainable, *fixed), strict=True)
        with keras.StatelessScope(list(mapping)), tapped(self._model) as tap:
            yield tap

    def _explained(self, outputs: Any) -> tuple[Any, Any]:
        """The one of the model's outputs that is explained, and its labels or None."""
        flat, labels = keras.tree.flatten(outputs), keras.tree.flatten(self._probes.y)
        names = output_names(outputs, self._model)
        place = 0 if self._output is None else self._output
        if isinstance(place, str) and place in names:
            place = names.index(place)
        if isinstance(place, str) or not 0 <= place < len(flat):
            raise ValueError(
                f"`output` must name one of the model's outputs. Known: {', '.join(names)}, "
                f"or 0 to {len(flat) - 1}. Received: {self._output!r}"
            )
        if self._probes.y is not None and len(labels) != len(flat):
            raise ValueError(
                f"`probes` must hold labels for each of the model's {len(flat)} outputs. "
                f"Received: labels for {len(labels)}"
            )
        return flat[place], None if self._probes.y is None else labels[place]

    def _loss(self, x: Any, outputs: Any) -> Any:
        """The compiled loss on the probes."""
        y, weight = (
            keras.tree.map_structure(
                lambda a: None if a is None else keras.ops.convert_to_tensor(a), part
            )
            for part in (self._probes.y, self._probes.sample_weight)
        )
        return self._model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)

    def _plans(self, view: ModelView) -> dict[int, Plan]:
        plans: dict[int, Plan] = {}
        taken: dict[str, Method] = {}
        for index, method in enumerate(self.methods):
            try:
                plan = method.plan(view)
            except NotApplicableError:
                if self._optional:
                    continue
                raise
            for key in plan.specs:
                if key in taken:
                    raise ValueError(
                        "`methods` must write different records. "
                        f"Received: {taken[key]} and {method}, both {key!r}"
                    )
                taken[key] = method
            plans[index] = plan
        return plans

    def _seen(
        self,
        built: _Built,
        tape: Any,
        tap: Tap,
        inputs: Mapping[str, Any],
        trainable: Sequence[Any],
        score: Any,
        loss: Any,
    ) -> Seen:
        """Sweep backwards, once for all methods, to exactly the places that they need."""
        view = built.view
        tensors = {view.layers[name]: tensor for name, tensor in tap.outputs.items()}
        tensors |= {view.inputs[name]: tensor for name, tensor in inputs.items()}
        needs = [plan.needs for plan in built.plans.values()]
        at = [place for place in tensors if any(place in need.gradients for need in needs)]
        gradients = tape.gradients(score, [tensors[place] for place in at])
        paths = view.weights
        at_weights = tape.gradients(loss, trainable) if built.needs_loss else []
        values = [place for place in tensors if any(place in need.values for need in needs)]
        return Seen(
            values={place: _float32(tensors[place]) for place in values},
            gradients={place: _float32(g) for place, g in zip(at, gradients, strict=True)},
            weight_gradients={p: _float32(g) for p, g in zip(paths, at_weights, strict=False)},
            weights=dict(zip(paths, trainable, strict=True)),
        )

    def _read(self, built: _Built, seen: Seen) -> dict[str, Mapping[str, Any]]:
        readings: dict[str, Mapping[str, Any]] = {}
        for index, plan in list(built.plans.items()):
            method = self.methods[index]
            try:
                readings[str(index)] = dict(method.read(seen, plan))
            except Exception as error:  # a method that fails must not take the others with it
                built.faults.append(Fault(method.name, error))
                del built.plans[index]
        return readings


def _is_float(tensor: Any) -> bool:
    return bool(keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype)))


def _float32(tensor: Any) -> Any:
    return keras.ops.cast(tensor, "float32") if _is_float(tensor) else tensor
