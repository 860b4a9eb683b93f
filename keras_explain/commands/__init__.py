"""The commands of `keras-explain`, one a module.

Each has `HELP` (a line), `DESCRIPTION`, `arguments(parser)` which adds what it takes, and
`run(options)` which does it and returns the exit code. They are imported at every start of the
command: what is heavy is imported in `run`.
"""

from types import ModuleType

from . import check, demo, diff, export, replay

COMMANDS: dict[str, ModuleType] = {
    "demo": demo,
    "replay": replay,
    "diff": diff,
    "export": export,
    "check": check,
}
"""By name, in the order in which the help shows them."""
