"""`keras-explain replay`: explain the checkpoints of a training after the fact."""

from __future__ import annotations

import argparse
import os
import sys

from .arguments import Misuse, whole
from .progress import Progress

HELP = "explain saved checkpoints after the fact, in as many processes as wanted"
DESCRIPTION = (
    "Explain the checkpoints of a training that ran without the callback, or with other methods, "
    "into a run for the Explain tab. The same call goes on where an earlier one stopped."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "checkpoints",
        metavar="CHECKPOINTS",
        nargs="+",
        help="folder of .keras or .weights.h5 files or of keras.callbacks.OrbaxCheckpoint; or "
        "the files; also s3://BUCKET/FOLDER",
    )
    parser.add_argument(
        "--log-dir",
        required=True,
        metavar="DIR",
        help="folder of the run that is written; also on an object store",
    )
    parser.add_argument(
        "--probes",
        required=True,
        metavar="FILE",
        help=".npz with x (or x_<input> for each of several), and perhaps y, the labels, and "
        "names, those of the classes",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="names of methods (default: those of the callback)",
    )
    parser.add_argument(
        "--build",
        metavar="MODULE:FUNCTION",
        help="function that makes the model, compiled where weight gradients are wanted; needed "
        "for .weights.h5, and for classes that Keras does not know",
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="workers; -1 for all cores (default: 1)"
    )
    parser.add_argument(
        "--threads", type=whole(1), default=1, metavar="N", help="threads a worker (default: 1)"
    )
    parser.add_argument(
        "--first-epoch",
        type=whole(0),
        default=1,
        metavar="N",
        help="what the names of the files call the first epoch (default: 1, as Keras does)",
    )
    parser.add_argument(
        "--target",
        default="true",
        metavar="TARGET",
        help="output explained: true, predicted or an index (default: true)",
    )
    parser.add_argument(
        "--output", metavar="NAME", help="which output is explained, of a model with several"
    )
    parser.add_argument(
        "--no-summaries", action="store_true", help="write nothing for TensorBoard's own tabs"
    )
    parser.add_argument(
        "--allow-code",
        action="store_true",
        help="load .keras files that carry Python code of their own, and run it",
    )


def run(options: argparse.Namespace) -> int:
    """Explain, and tell which checkpoint became which step."""
    from keras_explain.checkpoints.worker import settings

    os.environ.update(settings(options.threads))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.path.insert(0, os.getcwd())  # where `--build` is looked for, as with `python -m`
    from keras_explain.checkpoints.replay import WorkerDied, replay

    given = options.checkpoints
    target = options.target
    try:
        with Progress("checkpoints") as progress:
            done = replay(
                given[0] if len(given) == 1 else given,
                options.log_dir,
                options.probes,
                options.methods,
                build=options.build,
                jobs=options.jobs,
                threads=options.threads,
                first_epoch=options.first_epoch,
                target=int(target) if target.lstrip("-").isdecimal() else target,
                output=options.output,
                summaries=not options.no_summaries,
                safe_mode=not options.allow_code,
                progress=progress,
            )
    except ValueError as error:
        raise Misuse(str(error)) from error
    except (OSError, WorkerDied) as error:  # a full disk, a store that does not answer
        print(error, file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if error.name != "joblib":
            raise
        print(error, file=sys.stderr)
        return 1
    print(f"Steps are {done.numbered}.")
    kept = f"; {len(done.kept)} were there already" if done.kept else ""
    print(f"Explained: {_steps(done.explained)}{kept}.")
    for step, why in sorted(done.failed.items()):
        print(f"step {step}: {why}", file=sys.stderr)
    print(f"\nLook at it with\n    tensorboard --logdir {options.log_dir}")
    return 1 if done.failed else 0


def _steps(steps: tuple[int, ...]) -> str:
    if len(steps) > 1:
        return f"{len(steps)} steps, {steps[0]} to {steps[-1]}"
    return f"step {steps[0]}" if steps else "no step"
