"""Two runs of the same examples, written without a training."""

import pytest

from keras_explain import cli
from tests.fixtures.make_run import make_run


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    place = tmp_path_factory.mktemp("logs")
    make_run(place / "a", steps=5)
    make_run(place / "b", steps=5, seed=1)
    make_run(place / "others", steps=2, scenes=2)
    return place


@pytest.fixture
def ran(capsys):
    """Runs a command: its exit code, output and complaints."""

    def run(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            code = stopped.code
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run
