"""The page on the command line says what the parsers say, of whatever command there is."""

import importlib.util
import re
from pathlib import Path

import pytest

from keras_explain import cli
from keras_explain.commands import COMMANDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "command_line.md").read_text()


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_it", DOCS / "make_command_line.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_section_is_what_its_parser_says(make, name):
    assert make.section(name) in PAGE, "run `python docs/make_command_line.py`"


def test_the_page_has_the_commands_that_there_are():
    assert re.findall(r"^## keras-explain (\S+)$", PAGE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_option_that_the_page_names(make, capsys, name):
    with pytest.raises(SystemExit) as stopped:
        cli.main([name, "--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    options = re.findall(
        r"--[a-z-]+", " ".join(make.said(a) for a in make.parser_of(name)._actions)
    )
    assert options
    assert all(option in shown for option in options)


@pytest.mark.parametrize(
    "line", re.findall(r"^keras-explain (.+?)(?:  +#.*)?$", PAGE, re.MULTILINE)
)
def test_an_example_of_the_page_is_understood(line):
    cli.parser().parse_args(line.split())
