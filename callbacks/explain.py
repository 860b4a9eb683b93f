"""The callback: explain a few fixed examples at every epoch of `fit`, or of one's own loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from keras_explain.inputs import InputNames
from keras_explain.methods import DEFAULT, Method, method_of
from keras_explain.network.sub_models import Choice, check_choice, chosen_of
from keras_explain.passes import Pass
from keras_explain.probes import Probes, check_said
from keras_explain.probes.keeping import DEFAULT_MB, check_megabytes
from keras_explain.probes.names import ClassNames, check_names
from keras_explain.records import numpy_of
from keras_explain.store.place import Place, place_of

from .budget import Budget, share_of
from .chief import is_chief
from .log_dir import refuse_unwritable, started, tell_of_hidden
from .neighbours import join, refuse_shared_folder
from .recorder import Moment, Recorder, Start

UNITS = ("epoch", "batch")


@dataclass
class _Fit:
    """What belongs to one training, and starts anew with the next."""

    made: Pass | None = None
    recorder: Recorder | None = None
    budget: Budget = field(default_factory=Budget)
    awaits_batch: bool = False
    epoch: int | None = None
    batches: int = 0
    last: Moment | None = None
    start: Start | None = None
    earlier: Start | None = None
    """Where the training before has stopped, as this one may go on from there."""
    closed: bool = False


class Explain(keras.callbacks.Callback):
    """Explain fixed examples while a model learns, for the Explain tab of TensorBoard.

    At every logged step one compiled pass computes what all methods need. Records and pictures are
    written off the training thread to `<log_dir>/explain/`. Weights, optimizer, metrics and random
    numbers are bit-identical with and without it, and a failure of its own never stops training.

    ```python
    model.fit(x, y, epochs=30, callbacks=[Explain("logs/run1", probes=(x_val[:16], y_val[:16]))])
    ```

    In a training loop of your own:

    ```python
    with Explain("logs/run1", probes=(x_val[:16], y_val[:16])) as explainer:
        for epoch in range(30):
            loss = train_one_epoch(model)
            explainer.log(model, epoch, logs={"loss": loss})
    ```

    Args:
        log_dir: Folder of this training's run, the one that `keras.callbacks.TensorBoard` has too;
            or a URL on an object store, such as `s3://bucket/run`. With `{n}` in it, such as
            `"logs/run-{n}"`, each training gets the first number that is free: for tuners and
            cross-validation, which begin many trainings with copies of one callback.
        probes: 1 to 256 examples, in any form that `fit` takes for `validation_data`.
        methods: Methods, or their names. By default `Saliency`, `GradCAM`, `Activations` and
            `WeightGradients`, less those that do not apply to the model.
        target: Which output of the model is explained: `"true"` for the label's (the sum of all,
            where a probe has several), `"predicted"` for the highest at each step, an index, one
            index a probe; or a `keras_explain.Contrast`, `NextToken`, `TopK` or
            `Region`.
        every: Explain every so many epochs (or batches), and once more at the end.
        unit: `"epoch"` or `"batch"`. Steps are numbered as Keras does, from 0; the network before
            training is step -1.
        output: Name or index of the explained one, for a model with several outputs.
        task: What the explained output is, where its loss, head and labels do not say so:
            "classes" (one of several), "binary" (one output for two classes), "labels" (any number
            of several) or "numbers"; or a pair of that and what the outputs are, "probabilities" or
            "logits".
        model: The part that is explained of a model that has no `call` or more than one: the name
            of its attribute, as `"discriminator"`, or a function of the model.
        class_names: Names of the classes (labels, numbers) of the explained output, for people: a
            list, a mapping from class to name, or from output to one of these.
        inputs: What people know of an input: `keras_explain.Features` of a table,
            `keras_explain.Tokens` of a text, `keras_explain.Picture` for how one looks before its
            preprocessing; by the input's name for a model of several.
        before_training: Whether the network is also explained before its first batch.
        summaries: Whether pictures, histograms and scalars are also written for TensorBoard's own
            tabs.
        predictions_mb: Most megabytes that the predictions of a step take, where the model predicts
            at positions, as a segmentation or a language model. Where all outputs are more, the
            class of each position and its probability are kept; where that is more too, those of
            every second position, and so on.
        budget: Most of the training's time that may go into explaining, such as 0.05. Steps are
            left out, rather than the training slowed down, where it would be more or where the
            disk does not keep up; never the first or the last one. None explains every step.
        fsync: Whether each step waits, off the training thread, until the disk has it, so that
            a power cut cannot take it back.
        strict: Whether a failure raises, where it would be recorded and warned of once.

    Raises:
        ValueError: For a method, layer, target or probes that do not fit, before the first batch;
            for a model that its first batch builds, right after it. For a `log_dir` that cannot be
            written, before the first batch.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        probes: Any,
        methods: Sequence[str | Method | type[Method]] | str | Method | None = None,
        *,
        target: Any = "true",
        every: int = 1,
        unit: str = "epoch",
        output: str | int | None = None,
        task: Any = None,
        model: Choice = None,
        class_names: ClassNames | None = None,
        inputs: InputNames | Mapping[str, InputNames] | None = None,
        before_training: bool = True,
        summaries: bool = True,
        predictions_mb: float = DEFAULT_MB,
        budget: float | None = None,
        fsync: bool = False,
        strict: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(every, int | np.integer) or every < 1:
            raise ValueError(f"`every` must be a whole number from 1 on. Received: {every!r}")
        if unit not in UNITS:
            raise ValueError(f"`unit` must be one of {', '.join(UNITS)}. Received: {unit!r}")
        self.log_dir = place_of(log_dir)
        self.probes = Probes.of(probes)
        self.methods = _methods(methods)
        self.target = target
        self.every = int(every)
        self.unit = unit
        self.output = output
        self.task = check_said(task)
        check_choice(model)
        self.chosen_model = model
        check_names(class_names)
        self.class_names = class_names
        self.inputs = inputs
        self.before_training = before_training
        self.summaries = summaries
        self.predictions_mb = check_megabytes(predictions_mb)
        self.budget = share_of(budget)
        self.fsync = bool(fsync)
        self.strict = strict
        self._optional = methods is None
        self._fit = _Fit()

    @property
    def failures(self) -> list[str]:
        """What has gone wrong in the current or last `fit`, one sentence each."""
        return [] if self._fit.recorder is None else self._fit.recorder.failure_texts()

    @property
    def run_dir(self) -> Place:
        """Folder of the current or last training's run: `log_dir`, with its number for `{n}`."""
        return self.log_dir if self._fit.start is None else self._fit.start.log_dir

    @property
    def traces(self) -> int:
        """How often the pass was traced in the current or last `fit`."""
        return 0 if self._fit.made is None else self._fit.made.traces

    def set_params(self, params: Any) -> None:
        """Keras tells what is trained, and how long."""
        super().set_params(params)
        join(self)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Check everything against the model and trace the pass."""
        refuse_shared_folder(self)
        self._begin()
        self._fit.awaits_batch = self._fit.made is None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Explain the network that no batch has changed yet."""
        if self._fit.epoch is None:
            self._fit.batches = _updates_of(self.model)
            before = epoch - 1 if self.unit == "epoch" else self._fit.batches - 1
            self._start(before)
            if self.before_training:
                self._explain(Moment(before, epoch - 1, self._fit.batches, {}, is_start=True))
        self._fit.epoch = epoch

    @property
    def on_train_batch_end(self) -> Callable[..., None]:
        """The hook after each batch, only where it is needed: with any, Keras waits for each batch.

        That is where the unit is the batch, and until the first batch has built the model.
        """
        waits = self.unit == "batch" or self._fit.awaits_batch
        return self._after_batch if waits else super().on_train_batch_end

    def _after_batch(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._fit.awaits_batch:
            self._fit.awaits_batch = False
            self._prepare()
        if self.unit == "batch":
            before, now = self._fit.batches, _updates_of(self.model)
            self._fit.batches = now
            # With `steps_per_execution` several batches have passed at once.
            if now // self.every > before // self.every:
                self._explain(Moment(now - 1, self._fit.epoch or 0, now, _figures(logs)))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Explain, where the unit is the epoch."""
        if self.unit == "epoch" and (epoch + 1) % self.every == 0:
            is_last = self.model.stop_training or epoch + 1 == (self.params or {}).get("epochs")
            moment = Moment(epoch, epoch, _updates_of(self.model), _figures(logs))
            self._explain(moment, must=is_last)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Explain the finished network, if its last step was skipped, and finish the files."""
        epoch, updates = self._fit.epoch, _updates_of(self.model)
        if epoch is not None:
            step = epoch if self.unit == "epoch" else updates - 1
            if self._fit.last is None or step != self._fit.last.step:
                self._explain(Moment(step, epoch, updates, _figures(logs)), must=True)
        self.close()

    def log(
        self,
        model: keras.Model,
        step: int,
        *,
        epoch: int | None = None,
        logs: Mapping[str, Any] | None = None,
    ) -> None:
        """Explain the model as it is now, in a training loop of your own.

        The first call checks everything against the model and traces the pass, and so does the
        first of another model. Call `close` at the end, or use the callback as a context manager.
        When is yours to say: `every`, `unit` and `before_training` are not looked at. With a
        `budget` a step may still be left out.

        Args:
            model: The model, built. Where weight gradients are wanted, compiled with a loss.
            step: Number of the step; -1 is the network before training.
            epoch: Number of the epoch, if it is another than the step.
            logs: Figures of the training at this step by name, such as the loss.

        Raises:
            ValueError: For a step below -1 or a model that is not built; and as `fit` does, for
                what does not fit the model.
        """
        if not isinstance(step, int | np.integer) or step < -1:
            raise ValueError(f"`step` must be a whole number from -1 on. Received: {step!r}")
        if self._fit.made is None or self._fit.closed or self._model is not model:
            self.set_model(model)
            self._begin()
            if not self.model.built:
                raise ValueError(f"`model` must be built: call it once. Received: {model.name!r}")
        epoch = int(step if epoch is None else epoch)
        self._explain(Moment(int(step), epoch, _updates_of(self.model), _figures(logs)))

    def close(self) -> None:
        """Write what is still to be written; `fit` does this at its end."""
        self._fit.closed = True
        if self._fit.recorder is not None:
            self._fit.recorder.close()

    def __enter__(self) -> Explain:
        """Nothing happens before the first `log`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close, whatever has ended the loop."""
        self.close()

    def _begin(self) -> None:
        """A new training, prepared as far as the model is built."""
        self.close()
        start, last, earlier = self._fit.start, self._fit.last, None
        if start is not None and last is not None:
            earlier = Start(start.log_dir, last.step)
        self._fit = _Fit(budget=Budget(self.budget), earlier=earlier)
        explained = chosen_of(self.model, self.chosen_model)
        if not explained.built:
            self.probes.build(explained)
        if explained.built:
            self._prepare()
        if is_chief(self.model):
            refuse_unwritable(self.log_dir)

    def _start(self, step: int) -> None:
        """Take the folder, before the first batch where there is one, and tell of what it hides."""
        if self._fit.start is not None or not is_chief(self.model):
            return
        self._fit.start = started(self.log_dir, step, self._fit.earlier)
        recorder = self._fit.recorder
        probes = None if recorder is None else recorder.probes_hash
        tell_of_hidden(self._fit.start, probes, self.unit == "epoch")
        if recorder is not None:
            recorder.begin(self._fit.start)

    def _prepare(self) -> None:
        made = Pass(
            chosen_of(self.model, self.chosen_model),
            self.probes,
            self.methods,
            self.target,
            self.output,
            self._optional,
            self.task,
            self.inputs,
            self.predictions_mb,
        )
        made.trace()
        self._fit.made = made
        # All processes check, so that what does not fit stops all; then only one of them goes on.
        probes = made.described(self.class_names, self.inputs)
        if not is_chief(self.model):
            return
        self._fit.recorder = Recorder(
            self.log_dir,
            made,
            probes=probes,
            summaries=self.summaries,
            fsync=self.fsync,
            strict=self.strict,
        )
        if self._fit.start is not None:
            self._fit.recorder.begin(self._fit.start)

    def _explain(self, moment: Moment, must: bool = False) -> None:
        made, recorder = self._fit.made, self._fit.recorder
        if made is None or recorder is None:  # its first batch has yet to build it; or not chief
            return
        self._start(max(moment.step - 1, -1))  # in a loop that tells no beginning of an epoch
        budget = self._fit.budget
        if not must and not budget.allows():
            recorder.left_out()
            return
        if not must and budget.is_set and not recorder.has_room():
            recorder.drop(moment)
            return
        self._fit.last = moment
        with budget.spending():
            try:
                outcome = made.run()
            except Exception as error:  # an explanation never stops a training
                recorder.missed(moment, error)
            else:
                recorder.keep(moment, outcome, budget.seconds())

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what belongs to a running `fit`."""
        return {**self.__dict__, "_fit": _Fit(), "_model": None}


def _methods(given: Any) -> list[Method]:
    if given is None:
        return list(DEFAULT)
    several = given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    if not several:
        raise ValueError("`methods` must name at least one method. Received: []")
    return [method_of(spec) for spec in several]


def _updates_of(model: keras.Model) -> int:
    """How many batches the optimizer has learned from, over all `fit` calls.

    Where it gathers gradients of several before it learns, those of a round that is not full yet
    do not count.
    """
    optimizer: Any = getattr(model, "optimizer", None)
    rounds = getattr(optimizer, "iterations", None)
    if rounds is None:
        return 0
    each = getattr(optimizer, "inner_optimizer", optimizer).gradient_accumulation_steps or 1
    if isinstance(rounds, keras.Variable):
        rounds = rounds.value
    return int(numpy_of(rounds)) * each


def _figures(logs: Mapping[str, Any] | None) -> dict[str, float]:
    """The logs that are single numbers."""
    figures = {}
    for name, value in (logs or {}).items():
        try:
            if keras.ops.is_tensor(value):  # PyTorch's, where gradients flow through, is no array
                value = numpy_of(value)
            array = np.asarray(value)
        except (TypeError, ValueError):  # a `train_step` may return anything
            continue
        if array.size == 1 and array.dtype.kind in "biuf":
            figures[str(name)] = float(array.reshape(()))
    return figures
