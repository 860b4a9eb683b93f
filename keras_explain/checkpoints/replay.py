"""Explain the checkpoints of a training, in this process or in many."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ..inputs import InputNames
from ..methods import DEFAULT, Method, method_of
from ..probes import Probes, check_said
from ..probes.names import ClassNames
from ..run import Run
from ..store import RECORDS, Reader
from ..store.folder import probes_file, publish
from ..store.place import Remote, on_disk, place_of
from ..store.probe_file import probe_bytes
from ..store.probes import ProbeSet
from .explainer import Explainer, Job
from .finish import event_files, finish
from .ledger import Ledger
from .models import Build, Unreadable
from .names import Checkpoint, checkpoints_in
from .worker import Done, settings, work

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARES = 4
"""Shares a worker: few enough to look back seldom, enough that no worker waits long for another."""


class WorkerDied(RuntimeError):
    """A worker was killed. What was done stays done: the same call goes on from there."""


@dataclass(frozen=True)
class Replayed:
    """What a replay did.

    Attributes:
        run: The run that it wrote.
        numbered: Where the steps are from, in words.
        explained: The steps explained by this call.
        kept: The steps that were there already.
        failed: By step, why its checkpoint could not be explained.
    """

    run: Run
    numbered: str
    explained: tuple[int, ...]
    kept: tuple[int, ...]
    failed: Mapping[int, str] = field(default_factory=dict)


def replay(
    checkpoints: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    log_dir: str | os.PathLike[str],
    probes: Any,
    methods: Sequence[str | Method | type[Method]] | str | Method | None = None,
    *,
    build: Build = None,
    jobs: int = 1,
    threads: int = 1,
    first_epoch: int = 1,
    target: Any = "true",
    output: str | int | None = None,
    class_names: ClassNames | None = None,
    inputs: InputNames | Mapping[str, InputNames] | None = None,
    task: Any = None,
    summaries: bool = True,
    safe_mode: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Replayed:
    """Explain saved checkpoints as if `Explain` had been there, for the Explain tab.

    Each checkpoint becomes one file, a pure function of it and of what is asked: the same to the
    last bit whatever the number of workers. Files that are there are kept, so a call that was
    interrupted goes on where it stopped.

    ```python
    keras_explain.replay("checkpoints", "logs/replay", probes=(x_val[:16], y_val[:16]), jobs=4)
    ```

    Workers are joblib's: processes of this machine, or those of a Dask cluster that sees the same
    files, inside `with joblib.parallel_config(backend="dask"):`.

    Args:
        checkpoints: A folder of `.keras` or `.weights.h5` files or of
            `keras.callbacks.OrbaxCheckpoint`, one of these files, a pattern, or a list of files.
            Files may be on an object store, `s3://bucket/checkpoints`: each is fetched when it is
            explained, and removed.
        log_dir: Folder of the run, which no training has written; also on an object store.
        probes: As in `Explain`, or the path of an `.npz` with `x` (or `x_<input>`), and perhaps
            `y` and `names` (those of the classes).
        methods: As in `Explain`.
        build: A function, or `"module:function"`, that makes the model; `.weights.h5` need it,
            and so do classes that Keras does not know. Compiled, where weight gradients are wanted;
            with named layers, as Keras numbers those without a name anew each time.
        jobs: Number of workers; -1 for all there are. With 1 all is done in this process.
        threads: Threads of each worker. Results of other numbers may differ in the last bit.
        first_epoch: What the names of files call the first epoch, which is step 0; Keras says 1.
        target: As in `Explain`.
        output: As in `Explain`.
        class_names: As in `Explain`.
        inputs: As in `Explain`.
        task: As in `Explain`.
        summaries: As in `Explain`.
        safe_mode: Whether a `.keras` file that carries Python code of its own is refused.
        progress: Told, as the work goes on, how many checkpoints are done and of how many.

    Returns:
        The run, and what became of each step. A checkpoint that cannot be read costs its own step.

    Raises:
        ValueError: If what is asked does not fit, before any checkpoint is explained; or if no
            checkpoint can be read.
        OSError: If the disk or the object store that is written to refuses.
        WorkerDied: If a worker was killed and its engine gave up.

    Costs, a checkpoint, what a step of `Explain` costs and the loading; and a worker's start, the
    import of the backend and one trace.
    """
    if not isinstance(jobs, int | np.integer) or (jobs < 1 and jobs != -1):
        raise ValueError(f"`jobs` must be a whole number from 1 on, or -1. Received: {jobs!r}")
    found, numbered = checkpoints_in(checkpoints, first_epoch)
    if isinstance(probes, str | os.PathLike):
        probes, names = read_probes(probes)
        class_names = names if class_names is None else class_names
    chosen = DEFAULT if methods is None else methods
    several = [chosen] if isinstance(chosen, str | Method | type) else chosen
    place = place_of(log_dir)
    run = (place if isinstance(place, Remote) else place.absolute()) / "explain"
    folder = run / RECORDS
    job = Job(
        checkpoints=found,
        folder=folder,
        probes=Probes.of(probes),
        methods=[method_of(each) for each in several],
        optional=methods is None,
        target=target,
        output=output,
        class_names=class_names,
        inputs=inputs,
        task=check_said(task),
        build=build,
        safe_mode=safe_mode,
    )
    explainer = Explainer(job)
    described = _checked(explainer, found)
    ledger = Ledger.of(folder, _asked(job, described), found)
    ledger.open()
    publish(folder / probes_file(described.hash), probe_bytes(described))
    kept = _kept(ledger)
    missing = [place for place, checkpoint in enumerate(found) if checkpoint.step not in kept]
    if not missing and event_files(run):
        return Replayed(Run(folder), numbered, (), kept)
    failed: dict[int, str] = {}
    explained: list[int] = []
    try:
        for step, error in _done(explainer, missing, int(jobs), threads):
            if error is None:
                explained.append(step)
            else:
                failed[step] = error
            if progress is not None:
                progress(len(explained) + len(failed), len(missing))
    finally:
        finish(run, described, summaries)
    return Replayed(Run(folder), numbered, tuple(sorted(explained)), kept, failed)


def read_probes(path: str | os.PathLike[str]) -> tuple[Any, list[str] | None]:
    """Probes and class names from an `.npz`: `x`, or `x_<input>` for each of several; `y`; `names`.

    Raises:
        ValueError: If it is no such file.
    """
    rule = "`probes` must be an .npz of numbers with x (or x_<input>), and perhaps y and names."
    try:
        with on_disk(place_of(path)) as local, np.load(local, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise ValueError(f"{rule} {error} Received: {os.fspath(path)!r}") from error
    names = arrays.pop("names", None)
    y = arrays.pop("y", None)
    several = {name[2:]: array for name, array in arrays.items() if name.startswith("x_")}
    if set(arrays) != ({"x"} if not several else {f"x_{name}" for name in several}):
        raise ValueError(f"{rule} Received: {os.fspath(path)!r} with {', '.join(arrays) or 'none'}")
    x = several or arrays["x"]
    return (x, y), None if names is None else [str(name) for name in names]


def _checked(explainer: Explainer, found: Sequence[Checkpoint]) -> ProbeSet:
    """The probes, as the first checkpoint's model that can be read takes them."""
    for place, checkpoint in enumerate(found):
        try:
            return explainer.probes_at(checkpoint)
        except Unreadable as error:
            if place == len(found) - 1:
                raise ValueError(f"No checkpoint can be read. {error}") from error
    raise ValueError("there are no checkpoints")


def _asked(job: Job, probes: ProbeSet) -> dict[str, Any]:
    return {
        "methods": [method.identity for method in job.methods],
        "probes": probes.hash,
        "target": repr(job.target),
        "output": job.output,
        "backend": keras.backend.backend(),
    }


def _kept(ledger: Ledger) -> tuple[int, ...]:
    """The steps that are there, whole."""
    reader, kept = Reader(ledger.folder), []
    for step in reader.index().steps:
        if reader.written(step) is None:
            ledger.remove(step.info.step)
        else:
            kept.append(step.info.step)
    return tuple(kept)


def _done(explainer: Explainer, missing: Sequence[int], jobs: int, threads: int) -> Iterator[Done]:
    if jobs == 1:
        yield from map(explainer.done, missing)
        return
    try:
        import joblib
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`jobs` above 1 needs joblib: pip install 'keras_explain[replay]'", name="joblib"
        ) from error
    workers = joblib.effective_n_jobs(jobs)
    size = max(1, -(-len(missing) // (SHARES * workers)))
    shares = [missing[begin : begin + size] for begin in range(0, len(missing), size)]
    given = settings(threads), keras.backend.backend(), uuid.uuid4().hex, _packed(explainer.job)
    try:
        run = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    except ValueError:  # Ray's engine hands all back at the end
        run = joblib.Parallel(n_jobs=jobs, batch_size=1)
    try:
        for done in run(joblib.delayed(work)(*given, share) for share in shares):
            yield from done
    except Exception as error:
        if "Terminated" in type(error).__name__ or "KilledWorker" in type(error).__name__:
            raise WorkerDied(
                "A worker was killed, perhaps for want of memory. The steps that are done are "
                "kept: the same call goes on from there."
            ) from error
        raise


def _packed(job: Job) -> NDArray[np.uint8]:
    """The job as bytes that joblib hands to local workers without copies."""
    import cloudpickle

    return np.frombuffer(cloudpickle.dumps(job), np.uint8)
