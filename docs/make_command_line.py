"""Write what the commands take into `command_line.md`: `python docs/make_command_line.py`."""

from __future__ import annotations

import argparse
from pathlib import Path

from keras_explain import cli
from keras_explain.commands import COMMANDS

PAGE = Path(__file__).with_name("command_line.md")
BEGIN = "<!-- from here on made by make_command_line.py -->\n"


def section(name: str) -> str:
    """The part of the page on one command, in the words of its parser."""
    command, parser = COMMANDS[name], parser_of(name)
    lines = [f"## keras-explain {name}", "", command.DESCRIPTION, "", "| | |", "| --- | --- |"]
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            lines.append(f"| `{said(action)}` | {meaning(action)} |")
    return "\n".join(lines) + "\n"


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of one command."""
    (commands,) = (a for a in cli.parser()._actions if isinstance(a, argparse._SubParsersAction))
    return commands.choices[name]


def said(action: argparse.Action) -> str:
    """The argument as it is typed."""
    value = action.metavar or action.dest.upper()
    several = f"{value} ..." if action.nargs == "+" else value
    if not action.option_strings:
        return several
    return " ".join([", ".join(action.option_strings), *([] if action.nargs == 0 else [several])])


def meaning(action: argparse.Action) -> str:
    """Its help, and whether it must be given."""
    text = (action.help or "").replace("|", "\\|").replace("<", "\\<")
    return f"{text} (needed)" if action.required and action.option_strings else text


def main() -> None:
    """Write the page anew below its own words."""
    head = PAGE.read_text().partition(BEGIN)[0]
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(map(section, COMMANDS)))


if __name__ == "__main__":
    main()
