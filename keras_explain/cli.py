"""The command `keras-explain`: finds the command that is asked for and runs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from keras_explain import __version__
from keras_explain.commands import COMMANDS
from keras_explain.commands.arguments import Misuse, NothingFound


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, those of the process if None; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        code: int = COMMANDS[options.command].run(options)
        return code
    except Misuse as error:
        print(f"keras-explain {options.command}: {error}", file=sys.stderr)
        return 2
    except NothingFound as error:
        print(f"keras-explain {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    top = argparse.ArgumentParser(
        prog="keras-explain", description="See what a Keras network looks at while it learns."
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.HELP, description=command.DESCRIPTION)
        command.arguments(one)
    return top
