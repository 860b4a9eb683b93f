"""`keras-explain demo`: train a small network on the spot, and open TensorBoard on it."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_explain.demo.serve import free_port, link, open_browser, tensorboard
from keras_explain.demo.story import EPOCHS, best_view, introduction, verdict

from .arguments import whole

HELP = "train a small network on the spot and open TensorBoard on it (one to two minutes)"
DESCRIPTION = (
    "Train a network that starts to cheat partway, and open TensorBoard's "
    "Explain tab on the moment it does. Needs no network and no data of yours."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--epochs", type=whole(2), default=EPOCHS, metavar="N", help=f"(default: {EPOCHS})"
    )
    parser.add_argument(
        "--log-dir",
        type=Path,
        metavar="DIR",
        help="folder for the logs, which TensorBoard is opened on (default: "
        "logs/demo-<time>). With one that has a demo already, the two can be compared",
    )
    parser.add_argument(
        "--seed", type=whole(0, 2**32 - 1), default=0, metavar="N", help="(default: 0)"
    )
    parser.add_argument(
        "--port",
        type=whole(1, 65535),
        default=6006,
        help="port of TensorBoard (default: 6006, or the next that is free)",
    )
    parser.add_argument(
        "--no-serve", action="store_true", help="only train; print the command for TensorBoard"
    )


def run(options: argparse.Namespace) -> int:
    """Train, then show."""
    # Before TensorFlow is imported: its oneDNN kernels crash on some models (see the README).
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    log_dir = options.log_dir or Path("logs", time.strftime("demo-%Y%m%d-%H%M%S"))
    print("Loading Keras ...", flush=True)
    try:
        with native_messages_hidden():
            from keras_explain.demo.train import train, warm_up

            warm_up()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "keras_explain"):
            raise
        print(
            f"The demo needs {missing}, which is not installed. Install it with\n"
            '    pip install "keras_explain[demo]"',
            file=sys.stderr,
        )
        return 1
    print(introduction(options.epochs), end="\n\n")
    run_dir = log_dir / f"seed-{options.seed}"
    trained = train(run_dir, options.epochs, options.seed)
    print(f"\n{verdict(trained.certainty, options.epochs)}")
    if options.no_serve:
        print(f"\nLook at it with\n    tensorboard --logdir {shlex.quote(str(log_dir))}")
        return 0
    return show(log_dir, options.port, best_view(run_dir.name, options.epochs))


@contextmanager
def native_messages_hidden() -> Iterator[None]:
    """Drop what is written to stderr, where TensorFlow says at length that there is no GPU.

    Exceptions are raised as ever.
    """
    sys.stderr.flush()
    original = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(original, 2)
        os.close(original)


def show(log_dir: Path, wanted: int, view: dict[str, str | int]) -> int:
    """Serve `log_dir` until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends TensorBoard as Ctrl-C does
    try:
        port = free_port(wanted)
        if port != wanted:
            print(f"\nPort {wanted} is taken; TensorBoard gets {port}.")
        print("\nStarting TensorBoard ...", flush=True)
        with tensorboard(log_dir, port) as process:
            address = link(port, **view)
            print(f"\n    {address}\n\nCtrl-C ends it.", flush=True)
            open_browser(address)
            return process.wait()
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\nTensorBoard has ended. To look again:\n"
            f"    tensorboard --logdir {shlex.quote(str(log_dir))}"
        )
        return 0
