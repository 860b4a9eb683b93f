"""After the README's first command Python works in the checkout, where folders hide packages."""

import json
import re
import shlex
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import pytest

from tests.fixtures.checkout import ROOT, check_out

NO_NETWORK = ["--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed", "-q"]


def first_command():
    """What the README has pip install first, as arguments of pip."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    _, install, _ = blocks[0].split(" && ")
    return shlex.split(install)[1:]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Run Python in a checkout where the README's first command has installed the package.

    Its dependencies are those of this environment: `python(*arguments)` gives the process.
    """
    place = tmp_path_factory.mktemp("checkout")
    checkout = check_out(place / "source")
    venv.create(place / "venv", symlinks=True)
    (packages,) = (place / "venv").rglob("site-packages")
    here = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(here))

    def run(*arguments, **options):
        return subprocess.Popen(
            [place / "venv" / "bin" / "python", *arguments],
            cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options,
        )  # fmt: skip

    installing = run("-m", "pip", *first_command(), *NO_NETWORK)
    said, _ = installing.communicate()
    assert installing.returncode == 0, said
    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "from keras_explain.callbacks import Explain"],
        ["-c", "import keras_explain.tensorboard_plugin.plugin"],
        ["-m", "keras_explain", "demo", "--no-serve", "--epochs", "2", "--log-dir", "logs"],
    ],
    ids=["callbacks", "plugin", "demo"],
)
def test_what_is_installed_is_found_in_the_checkout(python, arguments):
    process = python(*arguments)
    said, _ = process.communicate()
    assert process.returncode == 0, said


def test_tensorboard_has_the_tab_in_the_checkout(python, tmp_path):
    process = python("-m", "tensorboard.main", "--logdir", str(tmp_path), "--port", "0")
    try:
        said = ""
        for line in process.stdout:
            said += line
            if " at http://" in line:
                break
        else:
            pytest.fail(said)
        address = re.search(r"http://\S+", said)[0]
        with urllib.request.urlopen(f"{address}data/plugins_listing", timeout=60) as reply:
            assert json.load(reply)["keras_explain"]["tab_name"] == "Explain"
    finally:
        process.kill()
        process.communicate()
