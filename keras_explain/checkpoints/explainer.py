"""From one checkpoint to the file of one step, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ..inputs import InputNames
from ..methods import Method
from ..outcome import Outcome
from ..passes import Pass
from ..probes import Probes
from ..probes.names import ClassNames
from ..records import numpy_of, records_of, score_kind
from ..store import Failure, ProbeSet, StepInfo
from ..store.folder import publish, step_file
from ..store.layout import step_bytes
from ..store.place import Place
from ..store.prepare import prepare
from .models import Build, Models, Unreadable
from .names import Checkpoint
from .worker import Done


@dataclass(frozen=True)
class Job:
    """All that the explanations depend on.

    Attributes:
        checkpoints: What is explained, in the order of the steps.
        folder: Where the records go.
        probes: The examples.
        methods: Ways to explain.
        optional: Whether methods that do not apply to the model are left out.
        target: As in `Explain`.
        output: As in `Explain`.
        class_names: As in `Explain`.
        inputs: As in `Explain`.
        task: As in `Explain`.
        build: As in `Models`.
        safe_mode: As in `Models`.
    """

    checkpoints: Sequence[Checkpoint]
    folder: Place
    probes: Probes
    methods: Sequence[Method]
    optional: bool
    target: Any
    output: str | int | None
    class_names: ClassNames | None
    inputs: InputNames | Mapping[str, InputNames] | None
    task: Any
    build: Build
    safe_mode: bool


class Explainer:
    """Explains checkpoints. What it has compiled for one serves the next; nothing else is kept.

    Args:
        job: What is asked.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._models = Models(job.build, job.safe_mode)
        self._model: keras.Model | None = None
        self._pass: Pass | None = None
        self._probes: ProbeSet | None = None
        self._past: list[Checkpoint] = []
        """What the methods have seen, oldest first."""
        self._unreadable: set[Checkpoint] = set()

    def probes_at(self, checkpoint: Checkpoint) -> ProbeSet:
        """The probes as they are kept in the run, after a check that everything fits the model.

        Raises:
            Unreadable: If the checkpoint gives no model.
            ValueError: For a method, layer, target or probes that do not fit it.
        """
        self._made(checkpoint).trace()
        return self._described()

    def done(self, place: int) -> Done:
        """Explain a checkpoint. One that cannot be read costs only itself."""
        step = self.job.checkpoints[place].step
        try:
            self.explain(place)
        except Unreadable as error:
            return step, str(error)
        return step, None

    def explain(self, place: int) -> None:
        """Write the file of a checkpoint's step.

        Args:
            place: Which of the job's checkpoints.

        Raises:
            Unreadable: If it gives no model.
            OSError: If the file system refuses.
        """
        checkpoint = self.job.checkpoints[place]
        made = self._made(checkpoint)
        if self._looked_back(made, place):
            made = self._made(checkpoint)
        outcome = made.run()
        records, faults = records_of(made, outcome)
        step = checkpoint.step
        info = StepInfo(
            step=step,
            epoch=step,
            # Of the checkpoint: whoever explains it whenever, the file is the same.
            wall_time=checkpoint.written / 1e9,
            targets=tuple(int(index) for index in numpy_of(outcome.targets)),
            logs=_logs(outcome),
            score=score_kind(made),
            target=made.built.target,
            failures=[Failure(step, fault.source, str(fault)) for fault in faults],
            totals={"failures": len(faults), "dropped": 0},
        )
        probes = self._described()
        prepared = prepare(records, probes.count, {})
        publish(self.job.folder / step_file(0, step), step_bytes(info, 0, probes.hash, prepared))
        self._past.append(checkpoint)

    def _looked_back(self, made: Pass, place: int) -> bool:
        """Let the methods that look back see what they would have seen in the training.

        Whoever has explained the earlier steps, and in which order. Returns whether the model was
        needed for it.
        """
        follows = {made.methods[index].follows for index in made.built.plans}
        earlier = [c for c in self.job.checkpoints[:place] if c not in self._unreadable]
        if "all" in follows:
            if self._past == earlier:
                return False
        elif "last" in follows and earlier:
            if self._past[-1:] == earlier[-1:]:
                return False
            earlier = earlier[-1:]
        else:
            earlier = []
        made.forget()
        self._past = []
        for checkpoint in earlier:
            try:
                made = self._made(checkpoint)
            except Unreadable:
                self._unreadable.add(checkpoint)
                return self._looked_back(made, place) or True
            records_of(made, made.run(only=lambda method: bool(method.follows)))
            self._past.append(checkpoint)
        return bool(earlier)

    def _made(self, checkpoint: Checkpoint) -> Pass:
        """The pass at the checkpoint's weights."""
        job, model = self.job, self._models.at(checkpoint)
        if self._pass is None or model is not self._model:
            self._model, self._past, self._probes = model, [], None
            self._pass = Pass(
                model,
                job.probes,
                job.methods,
                job.target,
                job.output,
                job.optional,
                job.task,
                job.inputs,
            )
        return self._pass

    def _described(self) -> ProbeSet:
        if self._probes is None:
            if self._pass is None:
                raise RuntimeError("no checkpoint has been read")
            self._probes = self._pass.described(self.job.class_names, self.job.inputs)
        return self._probes


def _logs(outcome: Outcome) -> dict[str, float]:
    return {} if outcome.loss is None else {"probe_loss": float(numpy_of(outcome.loss))}
