"""The command line: what it understands, says and refuses."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_explain import cli
from keras_explain.commands.demo import native_messages_hidden


def error_of(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_the_defaults():
    options = cli.parser().parse_args(["demo"])
    assert (options.epochs, options.seed, options.port) == (16, 0, 6006)
    assert options.log_dir is None
    assert options.no_serve is False


@pytest.mark.parametrize("text", ["1", "0", "-3", "many", "2.5"])
def test_epochs_must_be_two_or_more(capsys, text):
    message = error_of(capsys, "demo", f"--epochs={text}")
    assert f"must be a whole number from 2 on. Received: '{text}'" in message


@pytest.mark.parametrize("text", ["0", "65536", "http"])
def test_ports_must_exist(capsys, text):
    message = error_of(capsys, "demo", "--port", text)
    assert f"must be a whole number from 1 to 65535. Received: '{text}'" in message


def test_seeds_must_suit_keras(capsys):
    assert "from 0 to 4294967295" in error_of(capsys, "demo", "--seed=-1")


def test_a_command_is_needed(capsys):
    assert "COMMAND" in error_of(capsys)


def test_the_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert re.fullmatch(r"keras-explain \d+\.\d+\.\d+\s*", capsys.readouterr().out)


def test_the_module_is_the_command():
    shown = subprocess.run(
        [sys.executable, "-m", "keras_explain", "demo", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--no-serve" in shown.stdout
    assert shown.stderr == ""


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from keras_explain import cli; cli.parser(); "
        "heavy = {'keras', 'tensorflow', 'tensorboard.program', 'matplotlib', 'joblib', 'fsspec'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", ["tensorflow", "keras", "tqdm"])
def test_a_missing_package_is_named_with_its_cure(tmp_path, missing):
    # `None` in `sys.modules` is how Python marks a module that cannot be imported.
    code = (
        f"import sys; sys.modules[{missing!r}] = None; from keras_explain import cli; "
        "sys.exit(cli.main(['demo', '--no-serve']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )
    assert ran.returncode == 1
    assert ran.stderr == (
        f"The demo needs {missing}, which is not installed. Install it with\n"
        '    pip install "keras_explain[demo]"\n'
    )
    assert list(Path(tmp_path).iterdir()) == []


def test_native_messages_are_dropped_and_stderr_comes_back(capfd):
    with native_messages_hidden():
        os.write(2, b"noise from a library\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_stderr_comes_back_after_an_error(capfd):
    with pytest.raises(RuntimeError, match="real"), native_messages_hidden():
        raise RuntimeError("real")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
