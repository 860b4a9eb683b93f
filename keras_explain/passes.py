"""The pass: one compiled forward and backward over all probes, from which the methods are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from . import backends
from .answers import Answers, Call
from .backends.trail import Trail
from .inputs import InputNames, named
from .methods.base import Method, Plan, Seen
from .model_view import ModelView, NotApplicableError, view_of
from .network.connections import Connections
from .network.layer_outputs import LayerOutputs, first_axes_of_twice
from .network.network import Network, Ran, float32, floats
from .network.readers import readers_of
from .outcome import Fault, Outcome
from .probes import Known, Probes, check_said, scale_is_said, seen, task_of, truth_of
from .probes.fitting import is_text
from .probes.keeping import DEFAULT_MB, Keeping
from .probes.looks import Look, look_of
from .probes.names import ClassNames
from .questions import Questions
from .store import ProbeSet
from .store.format.task import Task
from .targets import scores_of, target_of


@dataclass
class _Built:
    """What the trace found out, in Python rather than in the graph."""

    view: ModelView
    plans: dict[int, Plan]
    task: Task
    labels: Any
    looks: dict[str, Look]
    head: str | None
    target: str
    faults: list[Fault] = field(default_factory=list)

    @property
    def needs_loss(self) -> bool:
        return any(plan.needs.weight_gradients for plan in self.plans.values())

    def gradients_at(self, names: Mapping[str, Any]) -> frozenset[str]:
        """Which of the places the methods need gradients at."""
        needed = (place.name for plan in self.plans.values() for place in plan.needs.gradients)
        return frozenset(needed) & frozenset(names)


class _ReadAsNumbersError(Exception):
    """Ends a trace: some integer inputs must be passed as floating-point numbers instead."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Pass:
    """One forward and backward of a model over fixed probes, compiled once.

    A pure function of the weights, inputs and targets: nothing of the model can change, and one
    trace serves for as long as the model's structure stays. Gradients of the score (for maps) and
    of the loss (for weights) are two backward sweeps over one forward.

    Args:
        model: A built Keras model of any kind.
        probes: The examples.
        methods: What is read off.
        target: Which output is explained, as the user says it.
        output: Name or index of the explained one among several outputs.
        optional: Whether methods that do not apply to the model are left out, not an error.
        task: What the explained output is, as the user says it.
        inputs: What the user says of the inputs.
        predictions_mb: Most megabytes that a step's predictions take.

    Attributes:
        traces: How often the graph was traced.
        probes: The examples as the model takes them.
    """

    def __init__(
        self,
        model: keras.Model,
        probes: Probes,
        methods: Sequence[Method],
        target: Any = "true",
        output: str | int | None = None,
        optional: bool = False,
        task: Any = None,
        inputs: InputNames | Mapping[str, InputNames] | None = None,
        predictions_mb: float = DEFAULT_MB,
    ) -> None:
        self.methods = list(methods)
        self.traces = 0
        self.probes = self._probes = probes.fitted(model)
        self._said = check_said(task)
        self._scale_is_said = True
        self._keeps_integers = False
        self._named = inputs
        self._output = output
        self._megabytes = predictions_mb
        self._target = target
        self._optional = optional
        self._backend = backends.current()
        self._network = Network(model, self.probes, output)
        self._graph = self._network.compiled(self._forward_backward)
        self._built: _Built | None = None
        self._answers: Answers | None = None
        self._further: dict[str, Plan] = {}
        self._joined: frozenset[str] = frozenset()
        self._doubled: Mapping[str, int | None] | None = None
        self._memory: dict[str, dict[str, Any]] = {}
        self._failed: list[Fault] = []
        """Methods whose `read` has failed at this step, where it runs at each."""

    @property
    def built(self) -> _Built:
        """What the trace found out about the model and the methods."""
        if self._built is None:
            self.trace()
        if self._built is None:
            raise RuntimeError("the pass could not be traced")
        return self._built

    @property
    def keeping(self) -> Keeping:
        """How much is kept of the explained output."""
        return Keeping.of(self.built.task, self._probes.count, self._megabytes)

    def described(
        self,
        class_names: ClassNames | None = None,
        names: InputNames | Mapping[str, InputNames] | None = None,
    ) -> ProbeSet:
        """The probes as they are kept in the run.

        Args:
            class_names: Names of the classes, as the user gives them.
            names: What the user says of the inputs.

        Raises:
            ValueError: If the names do not fit.
        """
        built = self.built
        return self.probes.described(
            self._network.model,
            class_names,
            names,
            keeping=self.keeping,
            labels=built.labels,
            looks=built.looks,
        )

    def trace(self) -> None:
        """Trace the graph without running it.

        Raises:
            ValueError: If a method, its options, the target or the probes do not fit the model.
        """
        undeclared = self.probes.undeclared_integers(self._network.model)
        try:
            self._trace_with(undeclared)
        except Exception:
            if not undeclared:
                raise
            self._trace_with(())  # the model may need them as they are
        ids = [name for name in undeclared if self.built.looks[name].is_ids]
        if ids and any(keras.backend.is_float_dtype(self._dtypes()[name]) for name in ids):
            self._trace_with([name for name in undeclared if name not in ids])
        if self._built is not None and not self._scale_is_said:
            predictions = self._graph(self._network.x)["predictions"]
            self._built.task = seen(self._built.task, self._backend.numpy_of(predictions))
            self._scale_is_said = True

    def _trace_with(self, floats: Sequence[str]) -> None:
        """Trace anew, with the named inputs as floating-point numbers."""
        self.traces, self._built = 0, None
        if floats or self._network.floats:
            self._network = Network(self._network.model, self.probes, self._output, floats)
            self._graph = self._network.compiled(self._forward_backward)
        self._network.build_loss()
        self._doubled = first_axes_of_twice(self._network)
        try:
            self._backend.trace(self._graph, self._network.x)
        except _ReadAsNumbersError as found:
            try:
                self._trace_with([*floats, *found.names])
            except Exception:
                self._keeps_integers = True  # the model needs them as they are
                self._trace_with(floats)

    def _dtypes(self) -> dict[str, str]:
        x = keras.tree.flatten(self._network.x)
        dtypes = [keras.backend.standardize_dtype(tensor.dtype) for tensor in x]
        return dict(zip(self._network.names, dtypes, strict=True))

    def run(self, only: Callable[[Method], bool] = lambda method: True) -> Outcome:
        """The outcome at the model's present weights, once it has been computed.

        Args:
            only: Which methods are wanted; what the others would compute is left out.
        """
        built = self.built
        self._failed.clear()
        found = self._graph(self._network.x)
        readings = {
            int(index): reading
            for index, reading in found.pop("readings").items()
            if only(self.methods[int(index)])
        }
        outcome = Outcome(loss=found.pop("loss", None), readings=readings, **found)
        outcome.faults.extend(self._failed)
        if any(self.methods[index].computes for index in readings):
            self._compute(outcome)
        if not self._backend.IS_TRACED:  # the way through the model keeps all its tensors alive
            built.view = replace(built.view, flow=None)
        self._backend.wait((outcome.scores, outcome.loss, outcome.readings))
        return outcome

    def forget(self) -> None:
        """Let the next step be the first one, for methods that look back at earlier steps."""
        for index, plan in self.built.plans.items():
            if self.methods[index].follows:
                plan.memory.clear()
                self._memory.pop(self.methods[index].identity, None)

    def calls(self) -> dict[Call, float]:
        """How often the last step called the model, or what costs as much."""
        needs = [plan.needs for plan in self.built.plans.values()]
        weights = any(need.weight_gradients for need in needs)
        back = weights or any(need.gradients for need in needs)
        calls = {} if self._answers is None else dict(self._answers.calls)
        own = Call(self._probes.count, back, weights=weights)
        return {**calls, own: calls.get(own, 0) + 1}

    def plan_of(self, method: Method) -> Plan:
        """The plan of any method, whether it is one of the pass's own or stands inside another."""
        if method.identity not in self._further:
            self._further[method.identity] = method.plan(self.built.view)
        return self._further[method.identity]

    def _compute(self, outcome: Outcome) -> None:
        """Let the methods that need more than the pass ask for it, at the same weights."""
        if self._answers is None:
            self._answers = Answers(self._network, self.built.view, self.plan_of)
        self._answers.calls.clear()
        found = {
            self.methods[index].identity: index
            for index in outcome.readings
            if not self.methods[index].computes
        }

        def known(method: Method) -> Mapping[str, Any] | None:
            if method.identity not in found:
                return None
            reading = outcome.readings[found[method.identity]]
            return {key: self._backend.numpy_of(tensor) for key, tensor in reading.items()}

        questions = Questions(
            view=self.built.view,
            inputs=self._network.inputs(),
            targets=self._backend.numpy_of(outcome.targets),
            goal=self._backend.numpy_of(outcome.goal),
            rows_at_once=self._answers.rows_at_once,
            probes=self._probes.count,
            classes=self._classes(),
            fixed=self._network.rows is not None,
            _answer=self._answers.answer,
            _known=known,
            _memory=self._memory,
            _plan_of=self.plan_of,
        )
        for index, plan in self.built.plans.items():
            method = self.methods[index]
            if not method.computes or index not in outcome.readings:
                continue
            try:
                computed = method.compute(questions, plan)
            except Exception as error:  # a method that fails must not take the others with it
                outcome.faults.append(Fault(method.name, error))
                outcome.readings.pop(index, None)
            else:
                outcome.readings[index] = {**outcome.readings[index], **computed}
                found[method.identity] = index

    def _forward_backward(self, trainable: list[Any], fixed: list[Any], x: Any) -> dict[str, Any]:
        """The traced function: everything that all methods read, as a dict of tensors."""
        if self._backend.IS_TRACED or self._built is None:
            self.traces += 1
        # Frozen weights too: behind token ids, a frozen embedding is where gradients begin.
        sources = floats([*keras.tree.flatten(x), *trainable, *fixed])
        with (
            self._backend.recording(sources) as tape,
            self._backend.followed() if self._built is None else nullcontext() as trail,
            self._network.running((trainable, fixed), x, joined=self._joined) as ran,
        ):
            task = self._built.task if self._built else self._task(ran)
            if task.kind == "numbers" and ran.head is not None:  # a bounded value, not a chance
                self._network.explains_logits = False
                ran = replace(ran, logits=ran.explained, head=None)
            logits = self._network.of_probes(ran.logits)
            shape = (self._probes.count, *ran.logits.shape[1:])
            target = target_of(self._target, ran.labels, shape, task)
            targets, goal = target.weigh(logits)
            scores = scores_of(logits, goal)
            total = keras.ops.sum(scores)
            # Without a graph this is run at each step: what was planned stays.
            self._built = built = self._built or self._found_out(
                ran, task, target.text, trail, [*trainable, *fixed]
            )
            loss = self._network.loss(x, ran.outputs) if built.needs_loss else None
        inside = built.gradients_at(built.view.inner)
        if inside - self._joined:  # only now is it known that gradients must flow through these
            self._joined, self.traces, self._built = inside, self.traces - 1, None
            return self._forward_backward(trainable, fixed, x)
        seen = self._seen(built, tape, ran, trainable, total, loss)
        found = {
            "predictions": float32(self._network.of_probes(ran.explained)),
            "scores": scores,
            "targets": targets,
            "goal": goal,
            "readings": self._read(built, seen),
        }
        return found if loss is None else {**found, "loss": float32(loss)}

    def _task(self, ran: Ran) -> Task:
        labels = None if ran.labels is None else np.asarray(ran.labels)
        shape = tuple(int(size) for size in ran.logits.shape[1:])
        known = Known(shape, ran.head, ran.loss, labels, ran.output)
        task = task_of(known, self._said)
        self._scale_is_said = task.scale == "values" or scale_is_said(known, self._said)
        return task

    def _classes(self) -> NDArray[np.int64] | None:
        """The probes' classes, for methods that compare classes."""
        built = self.built
        if not built.task.has_classes or built.task.is_dense:
            return None
        truth = truth_of(built.task, built.labels, self._probes.count)
        return None if truth is None else truth.astype(np.int64)

    def _found_out(
        self, ran: Ran, task: Task, target: str, trail: Trail | None, weights: Sequence[Any]
    ) -> _Built:
        if trail is None:
            raise RuntimeError("nothing was followed")
        outputs = keras.tree.flatten(ran.outputs)
        connections = Connections.of(trail, ran.tap, ran.inputs, weights, ran.logits, outputs)
        view = view_of(
            ran.tap,
            ran.inputs,
            (ran.explained, ran.logits),
            self._network.weights,
            self._network.has_loss,
            connections,
            LayerOutputs(next(iter(ran.inputs.values())), self._doubled),
        )
        if self._network.loss_is_of_outputs:
            names = enumerate(self._network.weights)
            idle = (name for at, name in names if str(at) not in connections.learning)
            view = replace(view, idle_weights=frozenset(idle))
        if view.integers_read_as_numbers and not self._keeps_integers:
            raise _ReadAsNumbersError(view.integers_read_as_numbers)
        looks = self._looks(ran, view)
        view = replace(
            view,
            inputs={
                n: replace(place, axes=looks[n].place_axes) for n, place in view.inputs.items()
            },
            fitted=self._fitted,
        )
        return _Built(view, self._plans(view), task, ran.labels, looks, ran.head, target)

    def _fitted(self, examples: Any) -> Mapping[str, NDArray[Any]]:
        """Examples in the form of the probes, as the model takes them."""
        model = self._network.model
        with self._backend.eagerly():
            return Probes.of((examples, None)).fitted(model).named_inputs(model)

    def _looks(self, ran: Ran, view: ModelView) -> dict[str, Look]:
        """What each input is."""
        arrays = self.probes.named_inputs(self._network.model)
        said = named(self._named, arrays)
        # That of a keras-hub task.
        tokenizer = getattr(getattr(self._network.model, "preprocessor", None), "tokenizer", None)
        looks = {}
        for name, tensor in ran.inputs.items():
            readers = readers_of(ran.tap, tensor)
            if is_text(arrays[name]):  # Keras hands a copy of it to the layer that reads it
                readers = [
                    (layer, tuple(ran.tap.outputs[one].shape))
                    for one, layer in ran.tap.layers.items()
                    if view.connections is not None and name in view.connections.inputs_of(one)
                ]
            is_ids = name in view.embeddings
            looks[name] = look_of(arrays[name], readers, is_ids, said.get(name), tokenizer)
        return looks

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
        ran: Ran,
        trainable: Sequence[Any],
        score: Any,
        loss: Any,
    ) -> Seen:
        """Sweep backwards, once for all methods, to exactly the places that they need."""
        view, of_probes = built.view, self._network.of_probes
        needs = [plan.needs for plan in built.plans.values()]
        outputs = (*view.layers.values(), *view.entries.values())
        places = (*outputs, *view.inputs.values(), *view.inner.values())
        at = [place for place in places if any(place in need.gradients for need in needs)]
        gradients = tape.gradients(score, [ran.tensor(place) for place in at])
        paths = view.weights
        at_weights = tape.gradients(loss, trainable) if built.needs_loss else []
        values = [place for place in places if any(place in need.values for need in needs)]
        return Seen(
            values={place: of_probes(float32(ran.tensor(place))) for place in values},
            gradients={
                place: of_probes(float32(g)) for place, g in zip(at, gradients, strict=True)
            },
            weight_gradients={p: float32(g) for p, g in zip(paths, at_weights, strict=False)},
            weights=dict(zip(paths, trainable, strict=True)),
        )

    def _read(self, built: _Built, seen: Seen) -> dict[str, Mapping[str, Any]]:
        readings: dict[str, Mapping[str, Any]] = {}
        for index, plan in list(built.plans.items()):
            method = self.methods[index]
            try:
                readings[str(index)] = dict(method.read(seen, plan))
            except Exception as error:  # a method that fails must not take the others with it
                if self._backend.IS_TRACED:  # it is read only now, and never again
                    built.faults.append(Fault(method.name, error))
                    del built.plans[index]
                else:
                    self._failed.append(Fault(method.name, error))
        return readings
